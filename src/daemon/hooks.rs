//! Which program is run when.

use std::collections::BTreeMap;

use tracing::warn;

use crate::config::Program;
use crate::desktop::hooks::Job;
use crate::koji::{InstanceName, Site};
use crate::view::facts;
use crate::watch::{Hook, Occasion};

/// Returns what is to be run for a hook, if there is a program for it.
pub(super) fn job(
    hook: &Hook,
    programs: &BTreeMap<Occasion, Program>,
    sites: &BTreeMap<InstanceName, Site>,
) -> Option<Job> {
    let program = programs.get(&hook.occasion)?;
    let facts = facts::of_hook(hook, sites.get(&hook.story.instance));
    match serde_json::to_string(&facts) {
        Ok(json) => Some(Job {
            occasion: hook.occasion.key(),
            command: (program.path.clone().into_os_string(), program.arguments.clone()),
            input: json + "\n",
        }),
        Err(error) => {
            warn!(%error, "what is known of a build cannot be written as JSON");
            None
        }
    }
}
