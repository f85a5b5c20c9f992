//! What is said at the login, and what the hub answers.
//!
//! It deliberately knows no other call of the hub.

use serde::Deserialize;

use super::LoginError;
use crate::hub::session::Session;
use crate::hub::xmlrpc::Value;
use crate::hub::xmlrpc::read::read;
use crate::hub::xmlrpc::write::method_call;

/// The largest answer that is read, in bytes. A session has four hundred; a fault may quote a whole traceback.
pub(super) const MAX_ANSWER: usize = 256 * 1024;

/// `sslLogin(proxyuser=None)`.
pub(super) fn log_in() -> Vec<u8> {
    method_call("sslLogin", &[Value::named([("proxyuser", Value::Nil)])])
}

/// `sslLogin(proxyuser=None, renew=True)`: the session that the call carries gets a new key and a new term.
pub(super) fn renew() -> Vec<u8> {
    let arguments = [("proxyuser", Value::Nil), ("renew", Value::Bool(true))];
    method_call("sslLogin", &[Value::named(arguments)])
}

/// `logout(session_id=None)`: ends the session that the call carries. It goes to the hub's own address.
pub fn log_out() -> Vec<u8> {
    method_call("logout", &[Value::named([("session_id", Value::Nil)])])
}

/// Returns the session that the hub has answered with.
pub(super) fn session(body: &[u8]) -> Result<Session, LoginError> {
    let unclear = |why: &str| LoginError::NotUnderstood(why.to_owned());
    let answer = read::<Answer>(body).map_err(|error| unclear(&error.to_string()))?;
    let Answer { id, key, header_auth } = answer.map_err(LoginError::Fault)?;
    Session::new(id, key, header_auth).ok_or_else(|| unclear("the session's key is none"))
}

/// It has a secret in it, so it cannot be shown.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "session-id")]
    id: i64,
    #[serde(rename = "session-key")]
    key: String,
    /// Since Koji 1.31.
    #[serde(rename = "header-auth", default)]
    header_auth: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::fault::FaultCode;

    #[test]
    fn a_session_is_read() {
        let body = answer(
            "<member><name>session-id</name><value><i8>99000000000</i8></value></member>
             <member><name>session-key</name><value>2-a_b</value></member>
             <member><name>news</name><value><nil/></value></member>",
        );
        let read = session(body.as_bytes()).unwrap();
        assert_eq!(read, Session::new(99_000_000_000, "2-a_b".to_owned(), false).unwrap());
        let with_headers = body.replace(
            "news</name><value><nil/>",
            "header-auth</name><value><boolean>1</boolean>",
        );
        assert!(session(with_headers.as_bytes()).unwrap().header_auth);
    }

    #[test]
    fn a_fault_is_the_hub_s_no() {
        let body = "<?xml version='1.0'?><methodResponse><fault><value><struct>
            <member><name>faultCode</name><value><int>1002</int></value></member>
            <member><name>faultString</name><value><string>a &lt;b&gt;</string></value></member>
            </struct></value></fault></methodResponse>";
        let Err(LoginError::Fault(fault)) = session(body.as_bytes()) else {
            panic!();
        };
        assert_eq!((fault.code, fault.text.as_str()), (FaultCode::Auth, "a <b>"));
    }

    #[test]
    fn anything_else_is_not_understood() {
        let key = |key: &str| {
            answer(&format!(
                "<member><name>session-id</name><value><int>1</int></value></member>
                 <member><name>session-key</name><value><string>{key}</string></value></member>"
            ))
        };
        assert!(session(key("1-k").as_bytes()).is_ok());
        for body in [
            "",
            "OK",
            "<html><p>Log in here</html>",
            "<methodResponse><params></params></methodResponse>",
            &answer(""),
            &key(""),
            &key("geheim b"),
            &key("geheim&#13;&#10;Host: b"),
            &key("&geheim;"),
            &key("k").replace("<int>1<", "<int>geheim<"),
            &key("k").replace("methodResponse", "answer"),
        ] {
            let error = session(body.as_bytes()).unwrap_err();
            assert!(matches!(error, LoginError::NotUnderstood(_)), "{body}: {error}");
            assert!(!error.to_string().contains("geheim"), "{body}: {error}");
        }
    }

    fn answer(members: &str) -> String {
        let value = format!("<value><struct>\n{members}\n</struct></value>");
        format!(
            "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n{value}\n</param>\n</params>\n</methodResponse>\n"
        )
    }
}
