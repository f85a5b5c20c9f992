//! Why something failed, in words: what kind of trouble it is, and the lines that say so. Or who canceled it.
//!
//! Only the kind of trouble is ours to word. The lines are those of a log or of the hub, as they are; what they mean
//! is for the reader.

use super::{story, text};
use crate::i18n::{fill, tr, tr_n};
use crate::koji::cause::MAX_CAUSE_LINES;
use crate::koji::{Cause, CauseClass, Child, TaskState};
use crate::watch::Story;

/// How many architectures are named.
pub(super) const MAX_ARCHES: usize = 5;

/// The most characters of a line of a log. A compiler's complaint with its path just fits.
const MAX_EVIDENCE: usize = 160;

/// Returns what kind of trouble it is, in one sentence; before that is known, which part of it failed.
pub(super) fn sentence(story: &Story) -> Option<String> {
    match &story.cause {
        Some(cause) => Some(known(cause)),
        None => part(story),
    }
}

/// Returns why a build that is there could not be put into its tag, if there is more to say than that.
pub(super) fn of_tagging(story: &Story) -> Option<String> {
    let cause = story.cause.as_ref()?;
    match cause.class {
        CauseClass::Tagging | CauseClass::Unknown => None,
        CauseClass::Policy => Some(tr("Koji does not allow it in this tag")),
        CauseClass::Package
        | CauseClass::SourceRpm
        | CauseClass::Dependencies
        | CauseClass::Buildroot
        | CauseClass::Canceled => Some(known(cause)),
    }
}

/// Returns who canceled it, where that was somebody else.
pub(super) fn canceler(story: &Story) -> Option<String> {
    story.cause.as_ref().and_then(by)
}

/// Returns the lines that decide, else what the hub said, each on one line and cut to what can be read at a glance.
pub(super) fn evidence(story: &Story) -> Vec<String> {
    let Some(cause) = &story.cause else {
        return Vec::new();
    };
    let shown = |it: &String| {
        let line = it.replace('\t', " ");
        text::clean(line.trim(), MAX_EVIDENCE)
    };
    let lines = cause.lines.iter().map(shown).filter(|it| !it.is_empty());
    let lines: Vec<_> = lines.take(MAX_CAUSE_LINES).collect();
    if lines.is_empty() {
        let fault = shown(&cause.fault);
        return if fault.is_empty() { Vec::new() } else { vec![fault] };
    }
    lines
}

/// Returns how the other architectures are doing, to follow a sentence that names only the one that failed first.
pub(super) fn others(story: &Story) -> Option<String> {
    story.cause.as_ref()?;
    let is_over = story.standing.is_settled();
    let others = if is_over {
        story::arches(story.built_arches())
    } else {
        story::arches(story::running_arches(story))
    };
    if others.is_empty() {
        return None;
    }
    let sentence = if is_over {
        // Translators: a part of a line such as "rawhide, 12 min, built on s390x and x86_64".
        tr("built on {arches}")
    } else {
        // Translators: a part of a line such as "rawhide, still running on s390x and x86_64".
        tr("still running on {arches}")
    };
    Some(fill(&sentence, &[("arches", &text::some(&others, MAX_ARCHES))]))
}

fn by(cause: &Cause) -> Option<String> {
    // Translators: {user} is the name of whoever canceled a build: "Canceled by bob".
    let sentence = tr("Canceled by {user}");
    Some(fill(&sentence, &[("user", &text::name(cause.by.as_deref()?))]))
}

fn known(cause: &Cause) -> String {
    if let Some(sentence) = by(cause) {
        return sentence;
    }
    let arch = cause.arch.as_deref().map(text::name);
    // Translators: {arch} is an architecture such as "aarch64". The sentence says what kind of trouble it is.
    let sentence = match (cause.class, &arch) {
        (CauseClass::Package, Some(_)) => tr("{arch} failed: the package does not build"),
        (CauseClass::Package, None) => tr("The package does not build"),
        (CauseClass::SourceRpm, _) => tr("The source RPM could not be built: check the spec file and the sources"),
        (CauseClass::Dependencies, Some(_)) => tr("{arch} failed: a build requirement cannot be installed"),
        (CauseClass::Dependencies, None) => tr("A build requirement cannot be installed"),
        (CauseClass::Buildroot, Some(_)) => tr("The build system failed on {arch}, not the package"),
        (CauseClass::Buildroot, None) => tr("The build system failed, not the package"),
        (CauseClass::Policy, _) => tr("Koji does not allow this build"),
        (CauseClass::Tagging, _) => tr("It is built, but could not be tagged"),
        (CauseClass::Canceled, Some(_)) => tr("The build for {arch} was canceled"),
        (CauseClass::Canceled, None) => tr("It was canceled"),
        (CauseClass::Unknown, Some(_)) => tr("{arch} failed for a reason that koji-notify does not know"),
        (CauseClass::Unknown, None) => tr("It failed for a reason that koji-notify does not know"),
    };
    fill(&sentence, &[("arch", arch.as_deref().unwrap_or_default())])
}

/// Returns which architectures failed and how the others are doing, or that it never came to that.
fn part(story: &Story) -> Option<String> {
    let failed = story::arches(story.failed_arches());
    if failed.is_empty() {
        let is_failed = |it: &&Child| it.state == Some(TaskState::Failed);
        let child = story.children.iter().find(is_failed)?;
        if child.is_source_rpm() {
            return Some(tr("The source RPM could not be built"));
        }
        // Translators: a task of Koji: "The tagBuild task failed".
        return Some(fill(
            &tr("The {method} task failed"),
            &[("method", &text::name(&child.method))],
        ));
    }
    let failed = text::some(&failed, MAX_ARCHES);
    let running = story::arches(story::running_arches(story));
    if !story.standing.is_settled() && !running.is_empty() {
        // Translators: each is one architecture or a list: "aarch64 failed; s390x and x86_64 still run". The plural is
        // that of {running}.
        let sentence = tr_n(
            "{failed} failed; {running} still runs",
            "{failed} failed; {running} still run",
            running.len() as u64,
        );
        let running = text::some(&running, MAX_ARCHES);
        return Some(fill(&sentence, &[("failed", &failed), ("running", &running)]));
    }
    let built = story::arches(story.built_arches());
    if built.is_empty() {
        // Translators: {arches} is one architecture or a list such as "aarch64 and s390x".
        return Some(fill(&tr("{arches} failed"), &[("arches", &failed)]));
    }
    let values = [("failed", &*failed), ("built", &text::some(&built, MAX_ARCHES))];
    // Translators: each is one architecture or a list: "aarch64 failed; s390x and x86_64 built".
    Some(fill(&tr("{failed} failed; {built} built"), &values))
}
