//! One hub at work: takes what is to be asked, asks it, and reports each answer.
//!
//! Promise: every [`Ask`] is answered by one [`Learned`], whatever happens. A look is one round trip once the numbers
//! of those who are me are known. One failure is explained at a time, so however many there are and however slow, they
//! hold up no look and no deed for longer than one call.
//!
//! It deliberately does not know when to ask, nor what follows from an answer.

mod owners;
mod tagging;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tracing::{debug, info};

use super::access::Hub;
use super::account::{Account, AccountError};
use super::call::{Answer, BuildKey, Call, PackageKey, TaskRow};
use super::client::Client;
use super::explain::explain;
use super::fault::{Fault, Meaning};
use super::files::Files;
use super::login::Tools;
use super::look::{Known, plan};
use super::names::Names;
use super::trouble::HubError;
use crate::clock;
use crate::koji::{Change, InstanceName, UserId};
use crate::watch::{Act, Ask, Event, HubTrouble, Learned, Look, Lookup, NotDone, Unanswered};

/// How long after a login that did not do the next one is tried by itself.
const LOG_IN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// The longest reason that is handed on, in characters.
const MAX_REASON: usize = 200;

/// A hub at work.
struct Asker {
    instance: InstanceName,
    account: Account,
    login: Mutex<Login>,
    files: Option<Files>,
    known: Mutex<Known>,
    names: Mutex<Names>,
    /// The turn to explain. What explains takes several calls; all at once they would stand before the next look.
    explaining: Semaphore,
    /// Names of mine that the hub does not know, and that it was said of.
    strangers: Mutex<BTreeSet<String>>,
}

/// How far it has come with hearing who we are.
#[derive(Clone, Copy, Debug, Default)]
enum Login {
    #[default]
    Untried,
    Trying,
    Failed(Timestamp),
    Done,
}

impl Login {
    /// Returns whether it is to be tried: again, too, as soon as somebody `is_in` because something was to be done. A
    /// clock that was set back holds nothing up.
    fn is_due(self, now: Timestamp, is_in: bool) -> bool {
        match self {
            Self::Untried => true,
            Self::Failed(last) => {
                let age = now.duration_since(last);
                is_in || age.is_negative() || age >= LOG_IN_AFTER
            }
            Self::Trying | Self::Done => false,
        }
    }
}

/// Answers what is asked until nobody asks any more.
pub async fn run(
    instance: InstanceName,
    hub: Hub,
    mut asked: mpsc::UnboundedReceiver<Ask>,
    inbox: mpsc::Sender<Event>,
) {
    let asker = Arc::new(Asker {
        instance,
        account: Account::new(hub.access, Tools::of_this_session()),
        login: Mutex::default(),
        files: hub.files.map(Files::new),
        known: Mutex::default(),
        names: Mutex::new(Names::open(&hub.cache)),
        explaining: Semaphore::new(1),
        strangers: Mutex::default(),
    });
    let mut at_work = JoinSet::new();
    loop {
        tokio::select! {
            ask = asked.recv() => {
                let Some(ask) = ask else { break };
                let (asker, inbox) = (asker.clone(), inbox.clone());
                at_work.spawn(async move {
                    let learned = asker.answer(ask).boxed().await;
                    // A loop that is gone needs no answer.
                    _ = inbox.send(Event::Learned(asker.instance.clone(), learned)).await;
                    if let Some(learned) = asker.identify().boxed().await {
                        _ = inbox.send(Event::Learned(asker.instance.clone(), learned)).await;
                    }
                });
            }
            Some(_) = at_work.join_next() => {}
        }
    }
    // What was asked is answered, also by a hub that gives way to another, unless nobody is left to hear it.
    tokio::select! {
        () = async { while at_work.join_next().await.is_some() {} } => {}
        () = inbox.closed() => at_work.shutdown().await,
    }
    asker.account.leave().boxed().await;
}

impl Asker {
    fn client(&self) -> &Client {
        self.account.client()
    }

    /// Logs in to hear who we are, where a login is configured; once, and again after a while if it did not do.
    async fn identify(&self) -> Option<Learned> {
        if !self.account.can_log_in() {
            return None;
        }
        let now = clock::now();
        {
            let mut login = lock(&self.login);
            if !login.is_due(now, self.client().is_logged_in()) {
                return None;
            }
            *login = Login::Trying;
        }
        match self.account.who().await {
            Ok(user) => {
                *lock(&self.login) = Login::Done;
                lock(&self.names).users.learn(&user.name, user.id.0, now);
                Some(Learned::Login(Ok(user.name)))
            }
            Err(error) => {
                *lock(&self.login) = Login::Failed(now);
                let why = Failed::from(error).unanswered();
                info!(instance = %self.instance, why = why.text, "not logged in");
                Some(Learned::Login(Err(why)))
            }
        }
    }

    async fn answer(&self, ask: Ask) -> Learned {
        let done = match ask.clone() {
            Ask::Look(look) => self.look(&look).boxed().await,
            Ask::Explain { about, task } => {
                // It is never closed.
                let _turn = self.explaining.acquire().await;
                match explain(self.client(), self.files.as_ref(), &about, task).boxed().await {
                    Ok(Some(cause)) => Ok(Learned::Explained { about, cause }),
                    Ok(None) => Err(Failed::Told("nobody knows its task".to_owned(), HubTrouble::Refused)),
                    Err(error) => Err(error.into()),
                }
            }
            Ask::Find(lookup) => self.find(lookup).boxed().await,
            Ask::Owners(numbers) => self.name_owners(&numbers, clock::now()).boxed().await,
            Ask::Act { act, about, task } => {
                let call = match act {
                    Act::Resubmit => Call::Resubmit(task),
                    Act::Cancel => Call::Cancel(task),
                };
                let done = match self.account.change(call).await {
                    Ok(Answer::Resubmitted(new)) => Ok(Some(new)),
                    Ok(_) => Ok(None),
                    Err(error) => Err(NotDone {
                        perhaps: matches!(error, AccountError::Hub(HubError::Uncertain(_))),
                        why: error.detail().chars().take(MAX_REASON).collect(),
                    }),
                };
                Ok(Learned::Acted { act, about, task, done })
            }
        };
        done.unwrap_or_else(|failed| {
            let why = failed.unanswered();
            debug!(instance = %self.instance, why = why.text, "the hub has not answered");
            Learned::Unanswered { ask, why }
        })
    }

    async fn look(&self, look: &Look) -> Result<Learned, Failed> {
        let asked_at = clock::now();
        let has_all = self.learn_users(look, asked_at).await?;
        let look = self.with_packages(look, asked_at);
        let mut plan = plan(&look, &lock(&self.known));
        plan.has_all = has_all;
        let mut answers = self.client().ask(plan.calls.clone()).await?;
        if let Err(error) = self.ask_by_number(&plan.calls, &mut answers, asked_at).await {
            debug!(instance = %self.instance, error = error.detail(), "the numbers of packages cannot be had");
        }
        self.name_tagged(at_the_top(&mut answers).collect(), asked_at).await;
        let asked_at = self.client().by_hub_clock(asked_at);
        let (mut looked, faults) = plan.looked(answers, Some(asked_at), &mut lock(&self.known));
        let known = lock(&self.known).users.clone();
        looked.users = known.into_iter().filter(|(it, _)| look.users.contains(it)).collect();
        for (call, fault) in faults {
            debug!(instance = %self.instance, ?call, %fault, "one of the hub's answers is a fault");
        }
        Ok(Learned::Looked(looked))
    }

    /// Recalls the numbers of packages whose names the hub does not take, and leaves out the packages that it does not
    /// have.
    fn with_packages(&self, look: &Look, now: Timestamp) -> Look {
        let mut look = look.clone();
        let names = lock(&self.names);
        look.packages.retain(|it| !names.packages.is_absent(it, now));
        let wanted = look.packages.iter().chain(&look.averages);
        let numbers = wanted.filter_map(|it| Some((it.clone(), names.packages.id(it, now)?)));
        lock(&self.known).packages = numbers.collect();
        look
    }

    /// Asks once more, by number, for builds of packages where the hub refuses the name: older ones want the number, and
    /// all of them refuse what they do not have, which has no builds. What is learned is kept for the next looks.
    async fn ask_by_number(
        &self,
        calls: &[Call],
        answers: &mut [Result<Answer, Fault>],
        now: Timestamp,
    ) -> Result<(), HubError> {
        let mut refused: Vec<_> = calls
            .iter()
            .zip(answers)
            .filter_map(|(call, answer)| {
                let is_refusal = answer.as_ref().is_err_and(is_refusal);
                let name = package_name(call).filter(|_| is_refusal)?;
                Some((name, call, answer))
            })
            .collect();
        if refused.is_empty() {
            return Ok(());
        }
        self.learn_packages(refused.iter().map(|(name, ..)| *name), now).await?;
        let mut again = Vec::new();
        for (name, call, answer) in &mut refused {
            let names = lock(&self.names);
            if let Some(id) = names.packages.id(name, now) {
                again.push((by_number(call, id), answer));
            } else if names.packages.is_absent(name, now) {
                **answer = Ok(Answer::Builds(Vec::new()));
            }
        }
        let calls = again.iter().map(|(call, _)| call.clone()).collect();
        for ((_, answer), said) in again.into_iter().zip(self.client().ask(calls).await?) {
            **answer = said;
        }
        Ok(())
    }

    async fn learn_packages(&self, wanted: impl Iterator<Item = &str>, now: Timestamp) -> Result<(), HubError> {
        let unknown: BTreeSet<&str> = {
            let names = lock(&self.names);
            wanted.filter(|it| !names.packages.is_absent(it, now)).collect()
        };
        let calls = unknown.iter().map(|it| Call::Package((*it).to_owned())).collect();
        let answers = self.client().ask(calls).await?;
        let mut names = lock(&self.names);
        for (name, answer) in unknown.into_iter().zip(answers) {
            match answer {
                Ok(Answer::Package(Some(id))) => names.packages.learn(name, id, now),
                Ok(_) => names.packages.learn_absent(name, now),
                Err(fault) => debug!(instance = %self.instance, package = name, %fault, "the hub does not tell"),
            }
        }
        if let Err(error) = names.save(now) {
            debug!(%error, "the names that were learned are not kept");
        }
        Ok(())
    }

    /// Finds the numbers of those who are me, where they are not known. Returns whether the hub said it of all that it
    /// knows.
    async fn learn_users(&self, look: &Look, now: Timestamp) -> Result<bool, Failed> {
        let untold = self.ask_for_users(look, now).await?;
        let is_anybody_known = {
            let known = lock(&self.known);
            look.users.iter().any(|it| known.users.contains_key(it))
        };
        match untold {
            Some(fault) if !is_anybody_known => Err(HubError::Fault(fault).into()),
            None if !is_anybody_known && !look.users.is_empty() => {
                let names: Vec<_> = look.users.iter().map(String::as_str).collect();
                Err(Failed::Told(names.join(", "), HubTrouble::NoSuchUser))
            }
            untold => Ok(untold.is_none()),
        }
    }

    /// Asks for those whose number is not known, but for whom the hub has lately said that it does not know them. Returns
    /// why it would not say it of somebody.
    async fn ask_for_users(&self, look: &Look, now: Timestamp) -> Result<Option<Fault>, HubError> {
        let mut unknown = Vec::new();
        for name in &look.users {
            if lock(&self.known).users.contains_key(name) {
                continue;
            }
            let names = lock(&self.names);
            match names.users.id(name, now) {
                Some(id) => _ = lock(&self.known).users.insert(name.clone(), UserId(id)),
                None if names.users.is_absent(name, now) => {}
                None => unknown.push(name.clone()),
            }
        }
        if unknown.is_empty() {
            return Ok(None);
        }
        let mut untold = None;
        let calls = unknown.iter().cloned().map(Call::User).collect();
        let answers = self.client().ask(calls).await?;
        for (name, answer) in unknown.into_iter().zip(answers) {
            match answer {
                Ok(Answer::User(Some(user))) => {
                    lock(&self.names).users.learn(&name, user.id.0, now);
                    lock(&self.strangers).remove(&name);
                    lock(&self.known).users.insert(name, user.id);
                }
                Ok(_) => {
                    lock(&self.names).users.learn_absent(&name, now);
                    if lock(&self.strangers).insert(name.clone()) {
                        info!(instance = %self.instance, user = name, "the hub knows no such user");
                    }
                }
                Err(fault) => {
                    debug!(instance = %self.instance, user = name, %fault, "the hub does not tell");
                    untold = Some(fault);
                }
            }
        }
        if let Err(error) = lock(&self.names).save(now) {
            debug!(%error, "the names that were learned are not kept");
        }
        Ok(untold)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "an answer to another question is none")]
    async fn find(&self, lookup: Lookup) -> Result<Learned, Failed> {
        let change = match &lookup {
            Lookup::Task(task) => match self.client().ask_one(Call::Task(*task)).await? {
                Answer::Task(Some(mut row)) => {
                    self.name_tagged(vec![&mut row], clock::now()).await;
                    let owner = self.owner(row.owner).await;
                    row.change(owner.as_deref(), Vec::new()).map(Change::Task)
                }
                _ => None,
            },
            Lookup::Build(build) => self.build(BuildKey::Id(*build)).await?,
            Lookup::Nvr(nvr) => self.build(BuildKey::Nvr(nvr.to_string())).await?,
        };
        Ok(Learned::Found { lookup, change })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "an answer to another question is none")]
    async fn build(&self, key: BuildKey) -> Result<Option<Change>, HubError> {
        match self.client().ask_one(Call::Build(key)).await? {
            Answer::Build(Some(row)) => Ok(row.change(None, Vec::new()).map(Change::Build)),
            _ => Ok(None),
        }
    }

    /// Returns the name of a user, if it can be had.
    async fn owner(&self, owner: Option<UserId>) -> Option<String> {
        let owner = owner?;
        let now = clock::now();
        if let Some(name) = lock(&self.names).users.name(owner.0, now) {
            return Some(name.to_owned());
        }
        match self.client().ask_one(Call::UserById(owner)).await {
            Ok(Answer::User(Some(user))) => {
                lock(&self.names).users.learn(&user.name, owner.0, now);
                Some(user.name)
            }
            Ok(_) | Err(_) => None,
        }
    }
}

/// Returns the tasks that stories are made of.
fn at_the_top(answers: &mut [Result<Answer, Fault>]) -> impl Iterator<Item = &mut TaskRow> {
    let rows = answers.iter_mut().flatten().flat_map(|it| {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others hold no tasks")]
        match it {
            Answer::Tasks(rows) => rows.iter_mut().collect(),
            Answer::Task(row) => row.iter_mut().collect(),
            _ => Vec::new(),
        }
    });
    rows.filter(|it| it.parent.is_none())
}

/// Returns the name of the package that is asked about by name where a hub may want the number.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all other calls take the name on every hub"
)]
fn package_name(call: &Call) -> Option<&str> {
    match call {
        Call::BuildsOfPackage { package, .. } | Call::LastBuilds { package, .. } => match package {
            PackageKey::Name(name) => Some(name),
            PackageKey::Id(_) => None,
        },
        _ => None,
    }
}

fn by_number(call: &Call, id: u64) -> Call {
    let mut call = call.clone();
    if let Call::BuildsOfPackage { package, .. } | Call::LastBuilds { package, .. } = &mut call {
        *package = PackageKey::Id(id);
    }
    call
}

/// Returns whether the hub will say the same the next time.
fn is_refusal(fault: &Fault) -> bool {
    match fault.code.meaning() {
        Meaning::No | Meaning::Ours => true,
        Meaning::Passing | Meaning::Outage | Meaning::LoginNeeded | Meaning::LoginRefused => false,
    }
}

/// Why there is no answer.
enum Failed {
    Hub(HubError),
    Account(AccountError),
    Told(String, HubTrouble),
}

impl From<HubError> for Failed {
    fn from(error: HubError) -> Self {
        Self::Hub(error)
    }
}

impl From<AccountError> for Failed {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

impl Failed {
    fn unanswered(&self) -> Unanswered {
        let (text, kind) = match self {
            Self::Told(text, kind) => (text.clone(), *kind),
            Self::Hub(error) => (error.detail(), kind(error)),
            Self::Account(error) => {
                let kind = match error {
                    AccountError::Login(_) => HubTrouble::LoginRefused,
                    AccountError::Hub(error) => kind(error),
                };
                (error.detail(), kind)
            }
        };
        let text = text.chars().take(MAX_REASON).collect();
        Unanswered { text, kind }
    }
}

fn kind(error: &HubError) -> HubTrouble {
    if error.is_outage() {
        return HubTrouble::Closed;
    }
    if error.needs_login() {
        return HubTrouble::LoginRefused;
    }
    match error {
        HubError::Silent(_) => HubTrouble::Slow,
        HubError::Net(_) | HubError::Broken(_) => HubTrouble::Unreachable,
        HubError::Unprotected
        | HubError::NotHttp(_)
        | HubError::Status { .. }
        | HubError::Moved { .. }
        | HubError::NotXml(_)
        | HubError::TooLarge(_)
        | HubError::Garbled(_)
        | HubError::Fault(_)
        | HubError::NotLoggedIn
        | HubError::Uncertain(_)
        | HubError::NoParts(_)
        | HubError::BadPath(_) => HubTrouble::Refused,
    }
}

fn lock<T>(it: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_holds_no_login_up() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        assert!(Login::Untried.is_due(now, false));
        assert!(!Login::Done.is_due(Timestamp::MAX, false));
        let failed = |ago: i64| Login::Failed(now - SignedDuration::from_secs(ago)).is_due(now, false);
        assert_eq!([0, 899, 900, -1].map(failed), [false, false, true, true]);
    }

    #[test]
    fn who_is_in_is_asked_who_that_is_and_once() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        assert!(Login::Failed(now).is_due(now, true));
        assert!(!Login::Trying.is_due(Timestamp::MAX, true));
        assert!(!Login::Done.is_due(Timestamp::MAX, true));
    }
}
