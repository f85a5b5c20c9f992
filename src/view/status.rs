//! How things stand, for D-Bus, `koji-notify status` and programs.

use serde::{Deserialize, Serialize};

/// How the running program stands. Also the JSON of `koji-notify status --json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Status {
    pub version: String,
    /// `idle`, `building`, `failed`, `paused` or `offline`, as [`super::Icon::state`].
    pub state: String,
    /// One sentence, in the person's language.
    pub summary: String,
    /// Builds and tasks of mine that are running.
    pub running: u32,
    /// What ended since the program started, by how it ended.
    pub finished: u32,
    pub failed: u32,
    pub canceled: u32,
    pub paused: bool,
    /// The end of the pause in seconds since the epoch; 0: not paused, or until resumed.
    pub paused_until: i64,
    /// Muted packages.
    pub muted: Vec<String>,
    /// A notification server is there.
    pub notifications: bool,
    /// Notices that wait for a notification server.
    pub waiting: u32,
    /// A tray host is there.
    pub tray: bool,
    pub instances: Vec<InstanceStatus>,
    /// What is wrong with the configuration, if anything.
    pub configuration: Option<String>,
}

/// How the line to one instance stands.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct InstanceStatus {
    pub name: String,
    /// `connecting`, `up`, `down` or `ended`.
    pub link: String,
    /// One sentence, in the person's language.
    pub text: String,
    /// Messages of mine that were heard.
    pub heard: u64,
    /// Messages that could not be read.
    pub spoiled: u64,
    /// When the last message of mine was heard, in seconds since the epoch; 0: none.
    pub last_heard: i64,
}
