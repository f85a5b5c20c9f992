//! The other end of our D-Bus interface: how `koji-notify status`, `pause`, `wait` and their like talk to the running
//! daemon.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use futures_util::stream::SelectAll;
use zbus::names::{BusName, InterfaceName};
use zbus::proxy::{CacheProperties, OwnerChangedStream};
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, MatchRule, MessageStream, fdo, proxy};

use super::service::{INTERFACE, NAME, PATH, Refused, ServiceError};
use crate::view::facts::{Build, Fact};
use crate::view::{InstanceStatus, MuteStatus, Status};

/// The running daemon. What the methods do is written at the interface, and in its XML.
#[proxy(
    interface = "org.fedoraproject.KojiNotify1",
    default_service = "org.fedoraproject.KojiNotify",
    default_path = "/org/fedoraproject/KojiNotify",
    gen_blocking = false
)]
pub trait KojiNotify {
    fn pause(&self, minutes: u32) -> zbus::Result<()>;
    fn pause_until_tomorrow(&self) -> zbus::Result<()>;
    fn resume(&self) -> zbus::Result<()>;
    fn mute(&self, package: &str, minutes: u32) -> zbus::Result<()>;
    fn unmute(&self, package: &str) -> zbus::Result<()>;
    fn mute_until(&self, kind: &str, what: &str, until: &str, time: i64) -> zbus::Result<()>;
    fn unmute_what(&self, kind: &str, what: &str) -> zbus::Result<()>;
    fn switch(&self, toggle: &str, on: bool) -> zbus::Result<()>;
    #[zbus(no_autostart)]
    fn follow(&self, what: &str) -> Result<(String, u64, u64, String, String), Refused>;
    #[zbus(no_autostart)]
    fn unfollow(&self, what: &str) -> Result<(), Refused>;
    fn list_running(&self) -> zbus::Result<Vec<HashMap<String, OwnedValue>>>;
    fn list_recent(&self, count: u32) -> zbus::Result<Vec<HashMap<String, OwnedValue>>>;
    fn list_followed(&self) -> zbus::Result<Vec<HashMap<String, OwnedValue>>>;
    fn reload(&self) -> zbus::Result<()>;
    fn quit(&self) -> zbus::Result<()>;

    #[zbus(signal)]
    fn build_changed(&self, instance: &str, build: u64, nvr: &str, state: &str, owner: &str) -> zbus::Result<()>;
    #[zbus(signal)]
    fn task_changed(
        &self,
        instance: &str,
        task: u64,
        method: &str,
        what: &str,
        state: &str,
        owner: &str,
    ) -> zbus::Result<()>;
    #[zbus(signal)]
    fn changed(
        &self,
        instance: &str,
        build: u64,
        task: u64,
        nvr: &str,
        state: &str,
        details: HashMap<String, OwnedValue>,
    ) -> zbus::Result<()>;
    #[zbus(signal)]
    fn message_received(&self, topic: &str, json: &str) -> zbus::Result<()>;
}

/// A build or task, and how it stands, in the daemon's words. What these are is written at the interface.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub instance: String,
    pub build: Option<u64>,
    pub task: Option<u64>,
    pub nvr: Option<String>,
    pub state: String,
    /// What else is known; nothing in the answer to a request.
    pub details: HashMap<String, OwnedValue>,
}

/// The changes of builds and tasks that the daemon tells of, from when this was made until it goes away.
pub struct Changes {
    heard: ChangedStream,
    owners: OwnerChangedStream<'static>,
}

impl Changes {
    /// Listens from now on.
    pub async fn of(daemon: &KojiNotifyProxy<'static>) -> Result<Self, ServiceError> {
        let owners = daemon.inner().receive_owner_changed().await;
        Ok(Self {
            owners: owners.map_err(ServiceError::Call)?,
            heard: daemon.receive_changed().await.map_err(ServiceError::Call)?,
        })
    }

    /// Returns the next change, or `None` if the daemon, or the session, has gone away. May be dropped and called anew.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            let heard = tokio::select! {
                // What the daemon said before it went away comes first.
                biased;
                heard = self.heard.next() => heard?,
                _ = self.owners.next() => return None,
            };
            // One that cannot be read is of another version, and not about what this one could have told.
            if let Ok(args) = heard.args() {
                return Some(Told {
                    instance: args.instance.to_owned(),
                    build: known(args.build),
                    task: known(args.task),
                    nvr: Some(args.nvr.to_owned()).filter(|it| !it.is_empty()),
                    state: args.state.to_owned(),
                    details: args.details,
                });
            }
        }
    }
}

/// Has the daemon follow what a text means, and returns what that is.
pub async fn follow(daemon: &KojiNotifyProxy<'_>, what: &str) -> Result<Told, Refused> {
    let (instance, build, task, nvr, state) = daemon.follow(what).await?;
    Ok(Told {
        instance,
        build: known(build),
        task: known(task),
        nvr: Some(nvr).filter(|it| !it.is_empty()),
        state,
        details: HashMap::new(),
    })
}

fn known(number: u64) -> Option<u64> {
    (number != 0).then_some(number)
}

/// Returns the running daemon, or `None` if none runs: to ask how one is must not start one.
pub async fn client(connection: &Connection) -> Result<Option<KojiNotifyProxy<'static>>, ServiceError> {
    let bus = fdo::DBusProxy::new(connection).await.map_err(ServiceError::Call)?;
    let name = BusName::from_static_str(NAME).map_err(|it| ServiceError::Call(it.into()))?;
    let runs = bus.name_has_owner(name).await;
    if !runs.map_err(|it| ServiceError::Call(it.into()))? {
        return Ok(None);
    }
    let daemon = KojiNotifyProxy::builder(connection)
        .cache_properties(CacheProperties::No)
        .build()
        .await;
    daemon.map(Some).map_err(ServiceError::Call)
}

/// Asks the running daemon how things stand: all of it, in one call.
pub async fn status(daemon: &KojiNotifyProxy<'_>) -> Result<Status, ServiceError> {
    let properties = fdo::PropertiesProxy::builder(daemon.inner().connection())
        .destination(NAME)
        .and_then(|it| it.path(PATH))
        .map_err(ServiceError::Call)?
        .cache_properties(CacheProperties::No)
        .build()
        .await
        .map_err(ServiceError::Call)?;
    let interface = InterfaceName::from_static_str(INTERFACE).map_err(|it| ServiceError::Call(it.into()))?;
    let all = properties.get_all(interface).await;
    read(all.map_err(|it| ServiceError::Call(it.into()))?)
}

/// How things stand, and which builds and tasks there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub status: Status,
    pub running: Vec<Build>,
    pub recent: Vec<Build>,
    pub followed: Vec<Build>,
}

/// Asks the running daemon for all there is to see, and for at most so many builds that have ended.
pub async fn picture(daemon: &KojiNotifyProxy<'_>, recent: u32) -> Result<Picture, ServiceError> {
    let builds = |told: Vec<HashMap<String, OwnedValue>>| told.into_iter().map(build).collect();
    Ok(Picture {
        running: daemon.list_running().await.map(builds).map_err(ServiceError::Call)?,
        recent: daemon
            .list_recent(recent)
            .await
            .map(builds)
            .map_err(ServiceError::Call)?,
        followed: daemon.list_followed().await.map(builds).map_err(ServiceError::Call)?,
        status: status(daemon).await?,
    })
}

/// Whatever may look otherwise afterwards: the daemon has come or gone, a build or a property has changed.
pub struct Stirs {
    stirs: SelectAll<MessageStream>,
}

impl Stirs {
    /// Listens from now on.
    pub async fn of(connection: &Connection) -> Result<Self, ServiceError> {
        let rules = [
            format!("type='signal',member='NameOwnerChanged',arg0='{NAME}'"),
            format!("type='signal',interface='{INTERFACE}',path='{PATH}',member='Changed'"),
            format!("type='signal',member='PropertiesChanged',path='{PATH}'"),
        ];
        let mut stirs = SelectAll::new();
        for rule in &rules {
            let rule = MatchRule::try_from(&**rule).map_err(ServiceError::Call)?;
            let stream = MessageStream::for_match_rule(rule, connection, None).await;
            stirs.push(stream.map_err(ServiceError::Call)?);
        }
        Ok(Self { stirs })
    }

    /// Returns when something may look otherwise; `false` when the bus has gone. May be dropped and called anew.
    pub async fn next(&mut self) -> bool {
        matches!(self.stirs.next().await, Some(Ok(_)))
    }
}

/// Takes what was told of a build; what is of a kind that we do not know was added since.
fn build(told: HashMap<String, OwnedValue>) -> Build {
    let facts = told.into_iter().filter_map(|(name, it)| Some((name, fact(&it)?)));
    facts.collect()
}

fn fact(value: &Value<'_>) -> Option<Fact> {
    Some(if let Value::Str(it) = value {
        Fact::Text(it.to_string())
    } else if let Value::Bool(it) = value {
        Fact::Truth(*it)
    } else if let Value::U64(it) = value {
        Fact::Number(*it)
    } else if let Value::I64(it) = value {
        Fact::Time(*it)
    } else {
        Fact::Texts(value.try_clone().ok()?.try_into().ok()?)
    })
}

fn read(mut all: HashMap<String, OwnedValue>) -> Result<Status, ServiceError> {
    let instances: Vec<HashMap<String, OwnedValue>> = take(&mut all, "Instances")?;
    let mutes: Vec<HashMap<String, OwnedValue>> = take(&mut all, "Mutes")?;
    let configuration: String = take(&mut all, "Configuration")?;
    let journal: String = take(&mut all, "Journal")?;
    Ok(Status {
        version: take(&mut all, "Version")?,
        state: take(&mut all, "State")?,
        summary: take(&mut all, "Summary")?,
        running: take(&mut all, "Running")?,
        finished: take(&mut all, "Finished")?,
        failed: take(&mut all, "Failed")?,
        canceled: take(&mut all, "Canceled")?,
        paused: take(&mut all, "Paused")?,
        paused_until: take(&mut all, "PausedUntil")?,
        quiet: take(&mut all, "Quiet")?,
        quiet_text: take(&mut all, "QuietText")?,
        held: take(&mut all, "Held")?,
        muted: take(&mut all, "Muted")?,
        mutes: mutes.into_iter().map(mute).collect::<Result<_, _>>()?,
        notifications: take(&mut all, "Notifications")?,
        waiting: take(&mut all, "Waiting")?,
        tray: take(&mut all, "Tray")?,
        instances: instances.into_iter().map(instance).collect::<Result<_, _>>()?,
        configuration: (!configuration.is_empty()).then_some(configuration),
        journal: (!journal.is_empty()).then_some(journal),
    })
}

fn mute(mut all: HashMap<String, OwnedValue>) -> Result<MuteStatus, ServiceError> {
    Ok(MuteStatus {
        kind: take(&mut all, "kind")?,
        what: take(&mut all, "what")?,
        instance: take(&mut all, "instance")?,
        until: take(&mut all, "until")?,
        time: take(&mut all, "time")?,
    })
}

fn instance(mut all: HashMap<String, OwnedValue>) -> Result<InstanceStatus, ServiceError> {
    Ok(InstanceStatus {
        name: take(&mut all, "name")?,
        link: take(&mut all, "link")?,
        text: take(&mut all, "text")?,
        heard: take(&mut all, "heard")?,
        spoiled: take(&mut all, "spoiled")?,
        last_heard: take(&mut all, "last-heard")?,
        last_message: take(&mut all, "last-message")?,
        last_sign: take(&mut all, "last-sign")?,
        unheard: take(&mut all, "unheard")?,
        broker: take(&mut all, "broker")?,
        hub: take(&mut all, "hub")?,
        hub_text: take(&mut all, "hub-text")?,
        last_answer: take(&mut all, "last-answer")?,
    })
}

fn take<T: TryFrom<OwnedValue>>(all: &mut HashMap<String, OwnedValue>, name: &'static str) -> Result<T, ServiceError> {
    let value = all.remove(name).ok_or(ServiceError::Property(name))?;
    T::try_from(value).map_err(|_| ServiceError::Property(name))
}
