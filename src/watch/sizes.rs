//! How much is remembered, and how much that may be at most: what a proof of bounded memory holds against each other.

use super::Watch;
use super::ask::MAX_WATCHED;
use super::asking::MAX_USUAL;
use super::below::MAX_ORPHANS;
use super::owners::{MAX_NAMELESS, MAX_OWNERS};
use super::pace::{MAX_BESIDES, MAX_HELD, MAX_NEWS};
use super::seen::MAX_SEEN;
use super::state::{
    Entry, MAX_EXPLAINED, MAX_LOOKUPS, MAX_MUTED, MAX_POSTED, MAX_QUESTIONS, MAX_STORIES, MAX_TOLD, MAX_TOLD_BEFORE,
    MAX_WAITING,
};
use crate::koji::task::MAX_CHILDREN;

/// A collection, how many things are in it, and how many may be.
pub type Size = (&'static str, usize, usize);

impl Watch {
    /// Returns the size of each collection that grows with what is heard, shown, or asked for.
    ///
    /// Not in it: what a source has sent ahead, which is bounded there, and what there is one of for each instance.
    pub fn sizes(&self) -> Vec<Size> {
        let longest = |of: fn(&Entry) -> usize| self.stories.values().map(of).max().unwrap_or(0);
        let asking = |of: fn(&super::asking::Asking) -> usize| self.hubs.values().map(of).max().unwrap_or(0);
        let held = [self.pace.held(), &self.missed, &self.away];
        let tales = held.iter().map(|it| it.tales.len()).max().unwrap_or(0);
        let besides = held.iter().map(|it| it.besides.len()).max().unwrap_or(0);
        // Whatever is due is held in one of the three, waits, or is on its way.
        let due = held.len() * (MAX_HELD + MAX_BESIDES);
        vec![
            ("stories", self.stories.len(), MAX_STORIES),
            ("endings of a story", longest(|it| it.told.len()), MAX_TOLD),
            ("attempts of a story", longest(|it| it.earlier.len()), MAX_TOLD),
            ("endings of other stories", self.told_before.len(), MAX_TOLD_BEFORE),
            ("messages", self.seen.len(), MAX_SEEN),
            ("times of news", self.pace.remembered(), MAX_NEWS),
            ("held", tales, MAX_HELD),
            ("held by their number", besides, MAX_BESIDES),
            ("due", self.due.len(), due),
            ("muted", self.muted.len(), MAX_MUTED),
            ("waiting for a server", self.waiting.len(), MAX_WAITING),
            ("under way to a server", self.under_way.len(), MAX_POSTED),
            ("given up", self.given_up.len(), MAX_POSTED),
            ("on screen", self.posted.len(), MAX_POSTED),
            ("being explained", self.explaining.len(), MAX_EXPLAINED),
            ("not explained", self.unexplained.len(), MAX_EXPLAINED),
            ("looked up", self.lookups.len(), MAX_LOOKUPS),
            ("questions", self.questions.len(), MAX_QUESTIONS),
            ("known owners", self.owners.known(), MAX_OWNERS),
            ("waiting for their owner", self.owners.waiting(), MAX_NAMELESS),
            ("tasks of nobody", self.orphans.len(), MAX_ORPHANS),
            (
                "tasks below a story",
                longest(|it| it.story.children.len()),
                MAX_CHILDREN,
            ),
            ("steps below a story", longest(|it| it.steps.len()), MAX_CHILDREN),
            ("doomed", self.dooming.len(), MAX_STORIES),
            ("watched tasks", asking(|it| it.asked_about.len()), MAX_WATCHED),
            ("usual durations", asking(|it| it.usual.len()), MAX_USUAL),
        ]
    }
}
