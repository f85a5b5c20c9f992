//! Calls and answers over the client: typed on both sides, one HTTP round trip for each.

use std::io::BufRead;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::call::{self, Answer, Call};
use super::client::Client;
use super::fault::{Fault, Meaning};
use super::trouble::HubError;
use super::xmlrpc::XmlError;

/// The answers to calls, one for each.
pub(super) type Answers = Vec<Result<Answer, Fault>>;

/// Makes calls that change nothing, in one round trip.
///
/// # Errors
///
/// If the hub did not answer, or closed for everybody. A part that fails fails alone.
pub(super) fn ask(client: &Client, calls: Vec<Call>) -> BoxFuture<'_, Result<Answers, HubError>> {
    async move {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        client.read(call::request(&calls), reader(calls)).await
    }
    .boxed()
}

/// Makes one call that changes nothing.
pub(super) async fn ask_one(client: &Client, call: Call) -> Result<Answer, HubError> {
    let answers = ask(client, vec![call]).await?;
    first(answers)
}

/// Makes one call that changes something, in the session.
pub(super) fn change(client: &Client, call: Call) -> BoxFuture<'_, Result<Answer, HubError>> {
    async move {
        let calls = vec![call];
        let body = call::request(&calls);
        first(client.change(body, reader(calls)).await?)
    }
    .boxed()
}

/// Returns what reads the answers to these calls.
fn reader(
    calls: Vec<Call>,
) -> impl FnOnce(&mut dyn BufRead) -> Result<Result<Answers, Fault>, XmlError> + Clone + Send {
    move |answer| read(&calls, answer)
}

fn first(answers: Answers) -> Result<Answer, HubError> {
    match answers.into_iter().next() {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(fault)) => Err(HubError::Fault(fault)),
        None => Err(HubError::Garbled("no answer in the answer".into())),
    }
}

/// Reads the answers. What the hub says of all of them at once (an outage, a session that is over) is its answer as a
/// whole.
fn read(calls: &[Call], body: &mut dyn BufRead) -> Result<Result<Answers, Fault>, XmlError> {
    let answers = call::answers(calls, body)?;
    let whole = match answers.first() {
        Some(Err(fault)) if answers.iter().all(|it| it.as_ref().err() == Some(fault)) => Some(fault),
        _ => None,
    };
    let is_of_all = |it: &&Fault| match it.code.meaning() {
        Meaning::Passing | Meaning::Outage | Meaning::LoginNeeded | Meaning::LoginRefused => true,
        Meaning::No | Meaning::Ours => false,
    };
    if let Some(fault) = whole.filter(is_of_all) {
        return Ok(Err(fault.clone()));
    }
    Ok(Ok(answers))
}
