//! What callers see: the methods, the signals and the properties.
//!
//! Each call is answered from what was shown last, or goes into the inbox. What stands here as documentation is also what
//! the interface's XML says.

use std::collections::HashMap;
use std::num::NonZeroU32;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;
use zbus::{fdo, interface};

use super::mutes;
use super::replies::{self, Answer, Replies};
use super::told::{dictionary, five};
use super::{ANSWER_WITHIN, MAX_MINUTES, MAX_PACKAGE, Refused, Shown};
use crate::clock;
use crate::koji::InstanceName;
use crate::view::{Status, facts};
use crate::watch::{Asker, Event, Listing, MuteFor, Muting, PauseFor, Reply, Request, Ticket, Toggle};

/// What callers see.
pub(super) struct Door {
    pub(super) shown: Shown,
    pub(super) replies: Replies,
    pub(super) inbox: mpsc::Sender<Event>,
}

impl Door {
    fn ask(&self, request: Request) -> fdo::Result<()> {
        self.inbox
            .try_send(Event::Asked(request))
            .map_err(|problem| match problem {
                TrySendError::Full(_) => fdo::Error::LimitsExceeded("koji-notify is busy; ask again later".to_owned()),
                TrySendError::Closed(_) => fdo::Error::Failed("koji-notify is ending".to_owned()),
            })
    }

    /// Asks for something and waits for the reply.
    async fn ask_and_wait(&self, request: impl FnOnce(Asker) -> Request) -> Result<Reply, Refused> {
        let answer = self.answer(|it| request(Asker::Caller(it))).await?;
        match answer {
            Answer::Reply(reply) => Ok(reply),
            Answer::List(_) => Err(replies::ending()),
        }
    }

    /// Asks for a list and waits for it.
    async fn list(&self, listing: Listing) -> Result<Vec<HashMap<&'static str, Value<'static>>>, Refused> {
        match self.answer(|it| Request::List(listing, it)).await? {
            Answer::List(list) => Ok(list.into_iter().map(dictionary).collect()),
            Answer::Reply(_) => Err(replies::ending()),
        }
    }

    async fn answer(&self, request: impl FnOnce(Ticket) -> Request) -> Result<Answer, Refused> {
        let caller = self.replies.wait()?;
        let request = request(caller.ticket);
        self.inbox
            .try_send(Event::Asked(request))
            .map_err(|problem| match problem {
                TrySendError::Full(_) => replies::busy(),
                TrySendError::Closed(_) => replies::ending(),
            })?;
        caller.answer(ANSWER_WITHIN).await
    }

    fn with<T>(&self, read: impl FnOnce(&Status) -> T) -> T {
        read(&self.shown.status.borrow())
    }
}

#[interface(name = "org.fedoraproject.KojiNotify1")]
impl Door {
    /// Shows no notifications for so many minutes, at most a year; 0: until resumed.
    fn pause(&self, minutes: u32) -> fdo::Result<()> {
        self.ask(Request::Pause(lasting(minutes)?))
    }

    /// Shows no notifications until the next midnight by the local clock.
    fn pause_until_tomorrow(&self) -> fdo::Result<()> {
        self.ask(Request::Pause(PauseFor::UntilTomorrow))
    }

    /// Shows notifications again.
    fn resume(&self) -> fdo::Result<()> {
        self.ask(Request::Resume)
    }

    /// Tells nothing of a package for so many minutes, at most a year; 0: until unmuted.
    fn mute(&self, package: String, minutes: u32) -> fdo::Result<()> {
        let until = lasting(minutes)?;
        let package = package_name(package)?;
        self.ask(Request::Mute {
            muting: Muting::Package(package),
            until: MuteFor::Lasting(until),
        })
    }

    /// Tells of a package again.
    fn unmute(&self, package: String) -> fdo::Result<()> {
        let package = package_name(package)?;
        self.ask(Request::Unmute(Muting::Package(package)))
    }

    /// Tells nothing of something for a while. The kind says what that is: package, tag (that builds are moved into it
    /// or out of it), build (a build or task, said as for Follow), or but-failures (all that is no failure; what it is
    /// about is empty). It is over by one of: time (in seconds since the epoch, at most a year away; else the time is
    /// 0), fixed (a build of the package has finished, which is told), ends (the build or task has ended, which is not
    /// told), undone.
    fn mute_until(&self, kind: String, what: String, until: String, time: i64) -> fdo::Result<()> {
        let muting = mutes::muting(&kind, what, &self.shown.known.borrow())?;
        let until = mutes::until(&muting, &until, time, clock::now())?;
        self.ask(Request::Mute { muting, until })
    }

    /// Tells of something again that was muted; it is said as for MuteUntil.
    fn unmute_what(&self, kind: String, what: String) -> fdo::Result<()> {
        let muting = mutes::muting(&kind, what, &self.shown.known.borrow())?;
        self.ask(Request::Unmute(muting))
    }

    /// Switches one of the toggles: started, finished, failed, canceled, scratch, tagged, in-repo, followed,
    /// keep-failures, sound.
    fn switch(&self, toggle: String, on: bool) -> fdo::Result<()> {
        let Some(toggle) = Toggle::ALL.into_iter().find(|it| toggle_name(*it) == toggle) else {
            let names = Toggle::ALL.map(toggle_name).join(", ");
            return Err(fdo::Error::InvalidArgs(format!("a toggle is one of: {names}")));
        };
        self.ask(Request::Switch(toggle, on))
    }

    /// Tells how a build or task ends, whoever's it is. What is meant is the number of a task, the
    /// name-version-release of a build, or the address of the page of either; INSTANCE: stands before a number or name
    /// if there are several instances. Answers, when the hub has said what it is, with the heading in the
    /// configuration, the build's number, its task's number, its name and its state, as in Changed; what has ended
    /// needs no following. There are errors of our own, org.fedoraproject.KojiNotify1.Error.*: NotUnderstood, Unknown
    /// (the hub knows nothing of the kind), NoHub (there is none that could be asked), NoAnswer (it did not answer, or
    /// not within 20 seconds), Busy.
    #[zbus(out_args("instance", "build", "task", "nvr", "state"))]
    async fn follow(&self, what: String) -> Result<(String, u64, u64, String, String), Refused> {
        let (instance, lookup) = self.shown.known.borrow().meant(&what)?;
        let name = instance.clone();
        let request = |asker| Request::Follow {
            instance,
            lookup,
            asker,
        };
        match self.ask_and_wait(request).await? {
            Reply::Is(story) => Ok(five(&story)),
            Reply::Unknown => Err(Refused::Unknown(format!("the hub of {name} knows nothing of the kind"))),
            Reply::NoHub => Err(no_hub(&name)),
            Reply::NoAnswer(why) => Err(Refused::NoAnswer(facts::text(&why))),
        }
    }

    /// Tells no more of a build or task that is followed; it is said as for Follow. There are the same errors; Unknown:
    /// it is not followed.
    async fn unfollow(&self, what: String) -> Result<(), Refused> {
        let (instance, lookup) = self.shown.known.borrow().meant(&what)?;
        let name = instance.clone();
        let request = |asker| Request::Unfollow {
            instance,
            lookup,
            asker,
        };
        match self.ask_and_wait(request).await? {
            Reply::Is(_) => Ok(()),
            Reply::Unknown => Err(Refused::Unknown("it is not followed".to_owned())),
            Reply::NoHub => Err(no_hub(&name)),
            Reply::NoAnswer(why) => Err(Refused::NoAnswer(facts::text(&why))),
        }
    }

    /// Builds and tasks of mine, and those that I follow, as long as they run; the newest first. Each one is a
    /// dictionary with the details of Changed, and with
    /// instance, nvr, state (s) and build, task (t), as in Changed, where they are known;
    /// unseen (b), it failed and nobody has looked at it yet;
    /// progress (s), how far it is that runs, in a few words in the person's language, as of now.
    /// What Changed told before the answer is in it, and nothing that it tells afterwards.
    /// There are the errors NoAnswer and Busy.
    #[zbus(out_args("builds"))]
    async fn list_running(&self) -> Result<Vec<HashMap<&'static str, Value<'static>>>, Refused> {
        self.list(Listing::Running).await
    }

    /// Builds and tasks that have ended, as for ListRunning: the newest first, at most so many; 0: all that are
    /// remembered, which is at most 1000.
    #[zbus(out_args("builds"))]
    async fn list_recent(&self, count: u32) -> Result<Vec<HashMap<&'static str, Value<'static>>>, Refused> {
        self.list(Listing::Recent(count)).await
    }

    /// Builds and tasks that are followed one by one (Follow), whoever's they are, as long as they run; as for
    /// ListRunning.
    #[zbus(out_args("builds"))]
    async fn list_followed(&self) -> Result<Vec<HashMap<&'static str, Value<'static>>>, Refused> {
        self.list(Listing::Followed).await
    }

    /// A person has seen how a build or task has ended: it does not call for attention any more. It is said as for
    /// Follow, and the hub is not asked. There are the errors NotUnderstood, Unknown (nothing was told of it), NoAnswer
    /// and Busy.
    async fn acknowledge(&self, what: String) -> Result<(), Refused> {
        let (instance, lookup) = self.shown.known.borrow().meant(&what)?;
        let request = |asker| Request::Acknowledge {
            instance,
            lookup,
            asker,
        };
        match self.ask_and_wait(request).await? {
            Reply::Is(_) => Ok(()),
            Reply::Unknown | Reply::NoHub => Err(Refused::Unknown("nothing was told of it".to_owned())),
            Reply::NoAnswer(why) => Err(Refused::NoAnswer(facts::text(&why))),
        }
    }

    /// A person has seen all that has failed: nothing calls for attention any more.
    fn acknowledge_all(&self) -> fdo::Result<()> {
        self.ask(Request::MarkSeen)
    }

    /// Reads the configuration again.
    fn reload(&self) -> fdo::Result<()> {
        self.ask(Request::Reload)
    }

    /// Ends the program.
    fn quit(&self) -> fdo::Result<()> {
        self.ask(Request::Quit)
    }

    /// A build has changed. The build's number is 0 where the hub did not tell it. The state is as the hub spells it:
    /// BUILDING, COMPLETE, DELETED, FAILED, CANCELED. What is not known is empty.
    #[zbus(signal)]
    pub(super) async fn build_changed(
        emitter: &SignalEmitter<'_>,
        instance: &str,
        build: u64,
        nvr: &str,
        state: &str,
        owner: &str,
    ) -> zbus::Result<()>;

    /// A top-level task has changed, such as a scratch build. What it builds is a name, version and release, or the
    /// name of a package. The state is as the hub spells it: FREE, OPEN, CLOSED, CANCELED, ASSIGNED, FAILED. What is
    /// not known is empty.
    #[zbus(signal)]
    pub(super) async fn task_changed(
        emitter: &SignalEmitter<'_>,
        instance: &str,
        task: u64,
        method: &str,
        what: &str,
        state: &str,
        owner: &str,
    ) -> zbus::Result<()>;

    /// A build or task has changed, with all that is known of it; BuildChanged and TaskChanged tell the same in short.
    /// The build's number is 0 for a task that has no build, or none yet; the task's number is 0 where it is not
    /// known. The name is empty where it is not known. The details are a dictionary, to which more may be added, and
    /// which lacks what is not known:
    /// kind (s), what the state is one of: build, task;
    /// text (s), how it stands, in a sentence in the person's language;
    /// package, method, owner, target (s);
    /// mine, scratch (b);
    /// followed (b), its end is told of, whoever's it is (Follow);
    /// settled (b), it will not change by itself any more;
    /// doomed (b), a part of it has failed, so it will fail;
    /// started, ended, expected (x), when it began, ended, and should be done, in seconds since the epoch;
    /// place (s), how far a finished build has come: tagged, not-tagged (its task could not), in-repo;
    /// repo (s), the tag of the repository that holds it;
    /// page (s), the address of its page;
    /// class (s), why it failed: package, source-rpm, dependencies, buildroot, policy, tagging, canceled, ours-unknown;
    /// reason (s), the same, or who canceled it, in a sentence in the person's language;
    /// arch, fault (s), where it failed, and in the words of the hub how;
    /// log (s), the address of the log that says why; lines (as), the lines of it that decide;
    /// by (s), the user who canceled it, if that was neither I nor its owner.
    /// Why it failed, or who canceled it, comes a while after it has ended, with the state unchanged.
    #[zbus(signal)]
    pub(super) async fn changed(
        emitter: &SignalEmitter<'_>,
        instance: &str,
        build: u64,
        task: u64,
        nvr: &str,
        state: &str,
        details: HashMap<&'static str, Value<'static>>,
    ) -> zbus::Result<()>;

    /// The line to an instance has come up or gone down, or there is something else to say of it: link and text are as in
    /// Instances, which is told before; link is gone when the instance is not configured any more.
    #[zbus(signal)]
    pub(super) async fn connection_changed(
        emitter: &SignalEmitter<'_>,
        instance: &str,
        link: &str,
        text: &str,
    ) -> zbus::Result<()>;

    /// A broker has sent us a message, whosever it is about. Only where the configuration says so
    /// ([dbus] messages = true). The JSON is the line that koji-notify tail prints as JSON. What is larger than 256 KiB,
    /// or comes faster than the bus takes it, is left out.
    #[zbus(signal)]
    pub(super) async fn message_received(emitter: &SignalEmitter<'_>, topic: &str, json: &str) -> zbus::Result<()>;

    /// The program's version.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> String {
        self.with(|it| it.version.clone())
    }

    /// How things stand, as the icon shows it: idle, building, failed, paused, offline.
    #[zbus(property)]
    fn state(&self) -> String {
        self.with(|it| it.state.clone())
    }

    /// How things stand, in a sentence in the person's language.
    #[zbus(property)]
    fn summary(&self) -> String {
        self.with(|it| it.summary.clone())
    }

    /// Builds and tasks of mine that are running.
    #[zbus(property)]
    fn running(&self) -> u32 {
        self.with(|it| it.running)
    }

    /// Builds and tasks of mine that finished since the program started.
    #[zbus(property)]
    fn finished(&self) -> u32 {
        self.with(|it| it.finished)
    }

    /// Builds and tasks of mine that failed since the program started.
    #[zbus(property)]
    fn failed(&self) -> u32 {
        self.with(|it| it.failed)
    }

    /// Builds and tasks of mine that were canceled since the program started.
    #[zbus(property)]
    fn canceled(&self) -> u32 {
        self.with(|it| it.canceled)
    }

    /// Notifications are paused.
    #[zbus(property)]
    fn paused(&self) -> bool {
        self.with(|it| it.paused)
    }

    /// The end of the pause in seconds since the epoch; 0: not paused, or until resumed.
    #[zbus(property)]
    fn paused_until(&self) -> i64 {
        self.with(|it| it.paused_until)
    }

    /// Why no notification pops up: paused, do-not-disturb, presentation, locked, idle, hours; empty: they do.
    #[zbus(property)]
    fn quiet(&self) -> Vec<String> {
        self.with(|it| it.quiet.clone())
    }

    /// The same in a sentence in the person's language; empty also for a pause, which the summary tells.
    #[zbus(property)]
    fn quiet_text(&self) -> String {
        self.with(|it| it.quiet_text.clone())
    }

    /// What is held until notifications pop up again.
    #[zbus(property)]
    fn held(&self) -> u32 {
        self.with(|it| it.held)
    }

    /// The packages that are muted.
    #[zbus(property)]
    fn muted(&self) -> Vec<String> {
        self.with(|it| it.muted.clone())
    }

    /// All that is muted. Each one is a dictionary, to which more may be added:
    /// kind (s), what it is: package, build (also a task), tag, but-failures;
    /// what (s), the name of the package or tag, the name of the build or the number of the task, or empty;
    /// instance (s), the heading in the configuration for a build or task, or empty;
    /// until (s), when it is over: time, fixed, ends, undone, as for MuteUntil;
    /// time (x), that time in seconds since the epoch, or 0.
    #[zbus(property)]
    fn mutes(&self) -> Vec<HashMap<&'static str, Value<'static>>> {
        self.with(|it| it.mutes.iter().map(mutes::told).collect())
    }

    /// A notification server is there.
    #[zbus(property)]
    fn notifications(&self) -> bool {
        self.with(|it| it.notifications)
    }

    /// Notifications that wait for a notification server.
    #[zbus(property)]
    fn waiting(&self) -> u32 {
        self.with(|it| it.waiting)
    }

    /// A tray host is there.
    #[zbus(property)]
    fn tray(&self) -> bool {
        self.with(|it| it.tray)
    }

    /// The Koji instances that are listened to. Each one is a dictionary, to which more may be added:
    /// name (s), the heading in the configuration;
    /// link (s), how the line to it is: connecting, up, down, ended;
    /// text (s), the same in a sentence in the person's language;
    /// heard (t), messages of mine that were heard;
    /// spoiled (t), messages that could not be read;
    /// last-heard (x), when the last message of mine was heard, in seconds since the epoch, or 0;
    /// last-message (x), when the broker last sent a message, whosever it was, in seconds since the epoch, or 0;
    /// last-sign (x), when anything came from the broker, a heartbeat too, in seconds since the epoch, or 0;
    /// unheard (s), a build that the hub told of and the broker should have told of, and has not; or empty;
    /// broker (b), whether there is a broker that tells of changes; without one the line is the hub;
    /// hub (s), how the hub is: none, waiting, answers, unreachable, closed, slow, login-refused, no-such-user, refused;
    /// hub-text (s), the same in a sentence in the person's language, or empty;
    /// last-answer (x), when the hub last answered, in seconds since the epoch, or 0.
    #[zbus(property)]
    fn instances(&self) -> Vec<HashMap<&'static str, Value<'static>>> {
        self.with(|it| it.instances.iter().map(|it| self.shown.instance(it)).collect())
    }

    /// What is wrong with the configuration, in the person's language; empty: nothing.
    #[zbus(property)]
    fn configuration(&self) -> String {
        self.with(|it| it.configuration.clone().unwrap_or_default())
    }

    /// What is wrong with what is kept on disk, in the person's language; empty: nothing.
    #[zbus(property)]
    fn journal(&self) -> String {
        self.with(|it| it.journal.clone().unwrap_or_default())
    }
}

/// Returns a toggle's name on the bus.
fn toggle_name(toggle: Toggle) -> &'static str {
    match toggle {
        Toggle::Started => "started",
        Toggle::Finished => "finished",
        Toggle::Failed => "failed",
        Toggle::Canceled => "canceled",
        Toggle::Scratch => "scratch",
        Toggle::Tagged => "tagged",
        Toggle::InRepo => "in-repo",
        Toggle::Followed => "followed",
        Toggle::KeepFailures => "keep-failures",
        Toggle::Sound => "sound",
    }
}

fn no_hub(instance: &InstanceName) -> Refused {
    Refused::NoHub(format!("{instance} has no hub that could be asked"))
}

fn lasting(minutes: u32) -> fdo::Result<PauseFor> {
    if minutes > MAX_MINUTES {
        let problem = format!("at most {MAX_MINUTES} minutes, or 0 for no end");
        return Err(fdo::Error::InvalidArgs(problem));
    }
    Ok(NonZeroU32::new(minutes).map_or(PauseFor::UntilResumed, PauseFor::Minutes))
}

pub(super) fn package_name(name: String) -> fdo::Result<String> {
    let in_range = (1..=MAX_PACKAGE).contains(&name.len());
    let is_word = name.chars().all(|it| !it.is_whitespace() && !it.is_control());
    if !in_range || !is_word {
        let problem = format!("a package's name is one word of at most {MAX_PACKAGE} bytes");
        return Err(fdo::Error::InvalidArgs(problem));
    }
    Ok(name)
}
