//! Settings that have been checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::bus::broker::Broker;
use crate::bus::one;
use crate::hub::access::{FileServer, Hub, Login};
use crate::hub::profile::Profile;
use crate::koji::{InstanceName, Site};
use crate::watch::rules::Whose;
use crate::watch::{Occasion, QuietRules, Rules, Wanted};

use super::{Preset, Program};

/// Everything that a person can set, whole and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub wanted: Wanted,
    /// When nothing is to pop up.
    pub quiet: QuietRules,
    /// What is run when; each is there.
    pub hooks: BTreeMap<Occasion, Program>,
    /// Programs on D-Bus are told of each message.
    pub messages: bool,
    /// At least one.
    pub instances: BTreeMap<InstanceName, Instance>,
}

/// One Koji instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    pub site: Site,
    /// The user names that are "me", at least one, and how they were found.
    pub users: BTreeSet<String>,
    pub users_from: Identity,
    /// Packages that are followed whoever builds them.
    pub packages: BTreeSet<String>,
    pub preset: Option<Preset>,
    /// A broker that speaks AMQP 0-9-1. `None`: there is none of this kind.
    pub broker: Option<Broker>,
    /// A broker that speaks AMQP 1.0. An instance has one of either kind; without any, the hub is all there is.
    pub one: Option<one::Broker>,
    /// The archive of the broker's messages; `None`: there is none, or it is not read.
    pub archive: Option<FileServer>,
    /// The hub that is asked; `None`: none is.
    pub hub: Option<Hub>,
    /// The profile of the `koji` client that knows the hub, if one was asked for.
    pub profile: Option<Profile>,
    /// The file that says where the broker is, or that there is none.
    pub broker_file: PathBuf,
}

/// Where a user name was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Identity {
    Configuration,
    KerberosPrincipal,
    Certificate,
    /// `~/.fedora.upn`
    FedoraUpn,
}

impl Settings {
    /// Returns what these settings want told.
    pub fn rules(&self, zone: TimeZone) -> Rules {
        let whose = |it: &Instance| Whose {
            users: it.users.clone(),
            guessed: it.users_from != Identity::Configuration,
            packages: it.packages.clone(),
            bus: it.broker.is_some() || it.one.is_some(),
            every_task: it.one.is_some() || it.broker.as_ref().is_some_and(|it| it.dialect.tells_of_every_task()),
            deaf_to_builds: it.broker.as_ref().is_some_and(|it| !it.tells_of_builds()),
            archive: it.broker.is_some() && it.archive.is_some(),
            hub: it.hub.is_some(),
            logs_in: it.hub.as_ref().is_some_and(|it| it.access.login != Login::Nothing),
        };
        Rules {
            wanted: self.wanted,
            instances: self
                .instances
                .iter()
                .map(|(name, it)| (name.clone(), whose(it)))
                .collect(),
            quiet: self.quiet.clone(),
            zone,
            live: true,
        }
    }

    /// Returns the addresses that links are built from.
    pub fn sites(&self) -> BTreeMap<InstanceName, Site> {
        self.instances
            .iter()
            .map(|(name, it)| (name.clone(), it.site.clone()))
            .collect()
    }
}
