//! What is said at the login, and what the hub answers.
//!
//! Promise: an answer is a session, the hub's own no, or not understood; whatever was sent, within [`MAX_ANSWER`].
//!
//! It deliberately knows no other answer of the hub.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

use super::LoginError;
use crate::hub::fault::{Fault, FaultCode};
use crate::hub::session::Session;

/// `sslLogin(proxyuser=None)`, as Koji's own client writes it.
pub(super) const LOG_IN: &str = "<?xml version='1.0'?>
<methodCall>
<methodName>sslLogin</methodName>
<params>
<param>
<value><struct>
<member>
<name>proxyuser</name>
<value><nil/></value></member>
<member>
<name>__starstar</name>
<value><boolean>1</boolean></value>
</member>
</struct></value>
</param>
</params>
</methodCall>
";

/// `sslLogin(proxyuser=None, renew=True)`: the session that the call carries gets a new key and a new term.
pub(super) const RENEW: &str = "<?xml version='1.0'?>
<methodCall>
<methodName>sslLogin</methodName>
<params>
<param>
<value><struct>
<member>
<name>proxyuser</name>
<value><nil/></value></member>
<member>
<name>renew</name>
<value><boolean>1</boolean></value>
</member>
<member>
<name>__starstar</name>
<value><boolean>1</boolean></value>
</member>
</struct></value>
</param>
</params>
</methodCall>
";

/// `logout(session_id=None)`: ends the session that the call carries. For our own HTTP, at the hub's address itself.
pub const LOG_OUT: &str = "<?xml version='1.0'?>
<methodCall>
<methodName>logout</methodName>
<params>
<param>
<value><struct>
<member>
<name>session_id</name>
<value><nil/></value></member>
<member>
<name>__starstar</name>
<value><boolean>1</boolean></value>
</member>
</struct></value>
</param>
</params>
</methodCall>
";

/// The largest answer that is read, in bytes. A session has four hundred; a fault may quote a whole traceback.
pub(super) const MAX_ANSWER: usize = 256 * 1024;

/// Returns the session that the hub has answered with.
pub(super) fn session(body: &[u8]) -> Result<Session, LoginError> {
    let unclear = |why: &str| LoginError::NotUnderstood(why.to_owned());
    let members = read(body)?;
    let text = |name: &str| members.iter().find(|it| it.0 == name).map(|it| it.1.as_str());
    if let (Some(code), Some(said)) = (text("faultCode"), text("faultString")) {
        let number = code.parse().map_err(|_| unclear("a fault without a number"))?;
        return Err(LoginError::Fault(Fault {
            code: FaultCode::from_number(number),
            text: said.to_owned(),
        }));
    }
    let (Some(id), Some(key)) = (text("session-id"), text("session-key")) else {
        return Err(unclear("there is no session in the answer"));
    };
    let id = id.parse().map_err(|_| unclear("the session's number is none"))?;
    let header_auth = text("header-auth") == Some("1");
    Session::new(id, key.to_owned(), header_auth).ok_or_else(|| unclear("the session's key is none"))
}

/// Returns the members of the one struct that the answer consists of, with their values as text without the space
/// around it.
fn read(body: &[u8]) -> Result<Vec<(String, String)>, LoginError> {
    let unclear = |why: &str| LoginError::NotUnderstood(why.to_owned());
    let body = str::from_utf8(body).map_err(|_| unclear("not UTF-8"))?;
    let mut reader = Reader::from_str(body);
    let mut members = Vec::new();
    let mut name = String::new();
    let mut text = String::new();
    let mut is_answer = false;
    loop {
        match reader.read_event().map_err(|error| unclear(&error.to_string()))? {
            Event::Eof => break,
            Event::DocType(_) => return Err(unclear("a document type")),
            Event::Start(it) => {
                is_answer |= it.name().as_ref() == "methodResponse";
                text.clear();
            }
            Event::Text(it) => text.push_str(&it.xml10_content()),
            Event::CData(it) => text.push_str(&it.xml10_content()),
            Event::GeneralRef(it) => {
                let char = it.resolve_char_ref().map_err(|error| unclear(&error.to_string()))?;
                match (char, resolve_xml_entity(&it)) {
                    (Some(char), _) => text.push(char),
                    (None, Some(known)) => text.push_str(known),
                    (None, None) => return Err(unclear("an entity")),
                }
            }
            Event::End(it) => match it.name().as_ref() {
                "name" => name = std::mem::take(&mut text),
                "member" => members.push((std::mem::take(&mut name), text.trim().to_owned())),
                _ => {}
            },
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if is_answer {
        Ok(members)
    } else {
        Err(unclear("not an answer of a hub"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let body = answer(
            "<member><name>faultCode</name><value><int>1002</int></value></member>
             <member><name>faultString</name><value><string>a &lt;b&gt; &#x26; <![CDATA[<c>]]>
             </string></value></member>",
        );
        let Err(LoginError::Fault(fault)) = session(body.as_bytes()) else {
            panic!();
        };
        assert_eq!((fault.code, fault.text.as_str()), (FaultCode::Auth, "a <b> & <c>"));
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
            &key(""),
            &key("a b"),
            &key("a&#13;&#10;Host: b"),
            &key("&bomb;"),
            &key("k").replace("<int>1<", "<int>one<"),
            &key("k").replace("methodResponse", "answer"),
            &format!("<!DOCTYPE x [<!ENTITY bomb \"b\">]>{}", key("k")),
        ] {
            let error = session(body.as_bytes()).unwrap_err();
            assert!(matches!(error, LoginError::NotUnderstood(_)), "{body}: {error}");
        }
        assert!(matches!(session(b"\xff"), Err(LoginError::NotUnderstood(_))));
    }

    fn answer(members: &str) -> String {
        let value = format!("<value><struct>\n{members}\n</struct></value>");
        format!(
            "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n{value}\n</param>\n</params>\n</methodResponse>\n"
        )
    }
}
