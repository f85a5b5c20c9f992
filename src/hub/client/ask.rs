//! Calls in our words, to the hub and back.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Client;
use crate::hub::call::{Answer, Call, answers, request};
use crate::hub::fault::{Fault, Meaning};
use crate::hub::trouble::HubError;

impl Client {
    /// Makes calls in one round trip, and returns what became of each, in order. With one among them that may change
    /// something, none is sent twice, and all are made in the session.
    ///
    /// A call of any other method counts as one that reads only if its name says so (`get…`, `list…`).
    ///
    /// # Errors
    ///
    /// As [`Client::read`] and [`Client::change`]. A fault of all calls alike, as in an outage, is one of them.
    pub fn ask(&self, calls: Vec<Call>) -> BoxFuture<'_, Result<Vec<Result<Answer, Fault>>, HubError>> {
        async move {
            if calls.is_empty() {
                return Ok(Vec::new());
            }
            let is_change = calls.iter().any(may_change);
            let body = request(&calls);
            let calls: Arc<[Call]> = calls.into();
            let decode = move |body: &mut dyn std::io::BufRead| answers(&calls, body).map(whole);
            if is_change {
                self.change(body, decode).await
            } else {
                let had_session = self.is_logged_in();
                match self.read(body.clone(), decode.clone()).await {
                    // Who reads needs no session.
                    Err(error) if error.needs_login() && had_session && !self.is_logged_in() => {
                        self.read(body, decode).await
                    }
                    done => done,
                }
            }
        }
        .boxed()
    }

    /// Makes one call, as [`Client::ask`] does.
    ///
    /// # Errors
    ///
    /// The same, and the call's own fault.
    pub async fn ask_one(&self, call: Call) -> Result<Answer, HubError> {
        match self.ask(vec![call]).await?.into_iter().next() {
            Some(answer) => answer.map_err(HubError::Fault),
            None => Err(HubError::Garbled("no answer in the answer".into())),
        }
    }
}

fn may_change(call: &Call) -> bool {
    match call {
        Call::Resubmit(_) | Call::Cancel(_) => true,
        Call::Raw { method, .. } => !(method.starts_with("get") || method.starts_with("list")),
        Call::Version
        | Call::LoggedInUser
        | Call::User(_)
        | Call::UserById(_)
        | Call::Package(_)
        | Call::OpenTasks { .. }
        | Call::EndedTasks { .. }
        | Call::EndedTaskCount { .. }
        | Call::Mails { .. }
        | Call::BuildsSince { .. }
        | Call::BuildsOfPackage { .. }
        | Call::Building { .. }
        | Call::BuildsOfTask(_)
        | Call::Build(_)
        | Call::Task(_)
        | Call::Descendents(_)
        | Call::Children(_)
        | Call::TaskResult(_)
        | Call::Output(_)
        | Call::Download { .. }
        | Call::Average { .. }
        | Call::LastBuilds { .. }
        | Call::Tags(_)
        | Call::Tag(_)
        | Call::Target(_)
        | Call::Repo { .. }
        | Call::TaggedAt { .. } => false,
    }
}

/// Finds the fault that is not about any of the calls.
fn whole(parts: Vec<Result<Answer, Fault>>) -> Result<Vec<Result<Answer, Fault>>, Fault> {
    let Some(Err(fault)) = parts.first() else {
        return Ok(parts);
    };
    let is_of_all = parts.iter().all(|it| it.as_ref() == Err(fault));
    match fault.code.meaning() {
        Meaning::Passing | Meaning::Outage | Meaning::LoginNeeded | Meaning::LoginRefused if is_of_all => {
            Err(fault.clone())
        }
        Meaning::Passing
        | Meaning::Outage
        | Meaning::LoginNeeded
        | Meaning::LoginRefused
        | Meaning::No
        | Meaning::Ours => Ok(parts),
    }
}
