//! How long something usually takes: by what we have seen of the package ourselves, where that is enough, else by the
//! hub's average.
//!
//! The hub's average is over all targets and architectures. What we have seen is of the same target, of the same kind,
//! and of the same architectures once those are known.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{Standing, Story, Watch};
use crate::koji::{BuildState, TaskState};

/// So many of our own say more than the hub's average.
const ENOUGH: usize = 3;

/// No more than the newest count: packages grow, and builders change.
const NEWEST: usize = 5;

impl Watch {
    /// Returns how long what a story tells of usually takes, if that is known.
    pub(super) fn usual_for(&self, story: &Story) -> Option<SignedDuration> {
        self.seen_usual(story).or_else(|| {
            let hub = self.hubs.get(&story.instance)?;
            hub.usual(story.package.as_ref()?)
        })
    }

    /// Returns the median of the newest that we have seen.
    fn seen_usual(&self, story: &Story) -> Option<SignedDuration> {
        story.package.as_ref()?;
        let arches = arches(story);
        let is_like = |it: &Story| {
            let is_same = it.instance == story.instance && it.package == story.package && it.target == story.target;
            let is_kind = it.scratch == story.scratch && has_finished_like(it.standing, story.standing);
            is_same && is_kind && it.subject != story.subject && (arches.is_empty() || self::arches(it) == arches)
        };
        let seen = self.newest_first(is_like);
        let mut durations: Vec<_> = seen.iter().filter_map(|it| it.duration()).take(NEWEST).collect();
        if durations.len() < ENOUGH {
            return None;
        }
        durations.sort();
        durations.get(durations.len() / 2).copied()
    }
}

/// Returns whether the one has come to its good end, and is of the kind of the other.
fn has_finished_like(one: Standing, other: Standing) -> bool {
    match other {
        Standing::Build(_) => one == Standing::Build(BuildState::Complete),
        Standing::Task(_) => one == Standing::Task(TaskState::Closed),
    }
}

fn arches(story: &Story) -> BTreeSet<&str> {
    let builds = story.children.iter().filter(|it| it.is_arch_build());
    builds.map(|it| it.arch.as_str()).collect()
}
