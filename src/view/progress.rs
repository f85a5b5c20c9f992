//! How far something is that runs, in a few words.
//!
//! A time in it is true at the moment that is handed in. Who draws does so when something has happened, not by a
//! clock, so a time is as old as what was heard last: while something of mine runs its hub is asked about once a
//! minute, every three minutes for what has run for an hour, and half as often on battery. While the hub does not
//! answer no time is told.

use jiff::{SignedDuration, Timestamp};

use super::{cause, story, text};
use crate::i18n::{fill, tr, tr_n};
use crate::koji::{Child, TaskState};
use crate::watch::Story;

/// What is late by less than this, or by less than a tenth of the usual time, is not late.
const LATE: SignedDuration = SignedDuration::from_mins(2);

/// Returns what a build or task that runs is called, and how far it is. `has_word` says that its hub answers, so that
/// what is known of it is of now.
pub(super) fn label(story: &Story, now: Timestamp, has_word: bool) -> String {
    let Some(what) = story::name(story) else {
        return story::standing(story);
    };
    let progress = progress(story, now, has_word);
    let target = story.target.as_deref().map(text::name);
    if progress.is_empty() {
        return match target {
            // Translators: a build that is running: "bash-5.3-1.fc43 is being built for rawhide".
            Some(target) => fill(
                &tr("{what} is being built for {target}"),
                &[("what", &what), ("target", &target)],
            ),
            None => story::standing(story),
        };
    }
    let what = match target {
        // A release mostly tells what it is for; a package's name does not.
        Some(target) if story.nvr.is_none() => {
            // Translators: begins a line such as "bash for rawhide, 3 of 5 arches, about 14 min left".
            fill(&tr("{what} for {target}"), &[("what", &what), ("target", &target)])
        }
        Some(_) | None => what,
    };
    let mut parts = vec![what];
    parts.extend(progress);
    text::parts(&parts)
}

/// Returns how far something is, in the parts of a line; its hub is taken to answer.
pub(super) fn parts(story: &Story, now: Timestamp) -> Vec<String> {
    progress(story, now, true)
}

fn progress(story: &Story, now: Timestamp, has_word: bool) -> Vec<String> {
    if story.is_doomed() {
        return vec![doomed(story)];
    }
    if story::is_being_tagged(story) {
        // Translators: a part of a line such as "bash-5.3-1.fc43, being tagged".
        return vec![tr("being tagged")];
    }
    let mut parts = Vec::new();
    let (done, all) = story.arches_done();
    let makes_source = |it: &Child| it.is_source_rpm() && it.state == Some(TaskState::Open);
    if all > 1 {
        // Translators: how many builds for an architecture are done: "3 of 5 arches". The plural is that of {all}, which
        // is never 1.
        let sentence = tr_n("{done} of {all} arch", "{done} of {all} arches", all as u64);
        let values = [("done", &*done.to_string()), ("all", &all.to_string())];
        parts.push(fill(&sentence, &values));
    } else if all == 0 && story.children.iter().any(makes_source) {
        // Translators: a part of a line such as "bash, making the source RPM, about 14 min left".
        parts.push(tr("making the source RPM"));
    }
    if story.waits_for_builder() {
        // How long it waits nobody knows.
        // Translators: a part of a line such as "bash-5.3-1.fc43, 3 of 5 arches, waiting for a builder".
        parts.push(tr("waiting for a builder"));
    } else if has_word {
        parts.extend(time_left(story, now));
    }
    parts
}

/// Returns what has failed while others still run.
fn doomed(story: &Story) -> String {
    let failed = story::arches(story.failed_arches());
    if failed.is_empty() {
        // Translators: a part of a line such as "bash-5.3-1.fc43, the source RPM could not be built".
        return tr("the source RPM could not be built");
    }
    let failed = text::some(&failed, cause::MAX_ARCHES);
    let running = story::running_arches(story).count();
    if running == 0 {
        return fill(&tr("{arches} failed"), &[("arches", &failed)]);
    }
    // Translators: {arches} is one architecture or a list, {n} how many others run: "aarch64 failed, 2 still run".
    let sentence = tr_n(
        "{arches} failed, {n} still runs",
        "{arches} failed, {n} still run",
        running as u64,
    );
    fill(&sentence, &[("arches", &failed), ("n", &running.to_string())])
}

/// Returns when it should be done, going by how long builds of the package take.
fn time_left(story: &Story, now: Timestamp) -> Option<String> {
    let left = story.expected_end()?.duration_since(now);
    if left >= SignedDuration::from_mins(1) {
        // Half a minute is no difference to whoever reads "about".
        let left = left.saturating_add(SignedDuration::from_secs(30));
        let values = [("duration", &*text::duration(left))];
        // Translators: a part of a line such as "bash-5.3-1.fc43, 3 of 5 arches, about 14 min left".
        return Some(fill(&tr("about {duration} left"), &values));
    }
    let late = left.abs();
    let tenth = story.usual?.checked_div(10).unwrap_or_default();
    if left.is_negative() && late >= LATE && late >= tenth {
        // Translators: a part of a line such as "bash-5.3-1.fc43, 4 of 5 arches, late by 20 min". It takes longer than
        // builds of the package usually do.
        return Some(fill(&tr("late by {duration}"), &[("duration", &text::duration(late))]));
    }
    // Translators: a part of a line such as "bash-5.3-1.fc43, 4 of 5 arches, done any minute".
    Some(tr("done any minute"))
}
