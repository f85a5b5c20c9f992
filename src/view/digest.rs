//! Many pieces of news in one card.

use std::collections::{BTreeMap, BTreeSet};

use super::card::{self, Action, Card};
use super::{story, text};
use crate::i18n::{fill, tr, tr_n};
use crate::koji::{InstanceName, Site};
use crate::watch::pace::STRETCH;
use crate::watch::{Digest, Fate, Notice, Request, Tale};

/// How many names are listed of one kind.
const MAX_LISTED: usize = 5;

/// Of more than these, what needs nobody is only counted: a few names of so many say nothing.
const MANY: usize = 20;

/// What has become of builds that are told in one line, in the order of the lines: what calls for somebody comes first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    Failed,
    Doomed,
    NotTagged,
    FailedAgain,
    Fixed,
    Finished,
    Canceled,
    Started,
    Tagged,
    Untagged,
    InRepo,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Failed,
        Self::Doomed,
        Self::NotTagged,
        Self::FailedAgain,
        Self::Fixed,
        Self::Finished,
        Self::Canceled,
        Self::Started,
        Self::Tagged,
        Self::Untagged,
        Self::InRepo,
    ];

    /// Returns what a tale tells.
    pub(super) fn of(tale: &Tale) -> Self {
        match &tale.fate {
            Fate::Failed if story::has_failed_again(&tale.story) => Self::FailedAgain,
            Fate::Failed => Self::Failed,
            Fate::Doomed => Self::Doomed,
            Fate::NotTagged => Self::NotTagged,
            Fate::Finished if story::is_fixed(&tale.story) => Self::Fixed,
            Fate::Finished => Self::Finished,
            Fate::Canceled => Self::Canceled,
            Fate::Started => Self::Started,
            Fate::Tagged(_) => Self::Tagged,
            Fate::Untagged(_) => Self::Untagged,
            Fate::InRepo(_) => Self::InRepo,
        }
    }

    /// Returns what has become of those that are named after it.
    pub(super) fn headed(self) -> String {
        // Translators: {names} is the name of a package with version and release, or a list of them: "Failed:
        // bash-5.3-1.fc43 and kernel-6.12-1.fc43". Of many it is their number: "Built: 40".
        match self {
            Self::Failed => tr("Failed: {names}"),
            Self::Doomed => tr("Failing: {names}"),
            Self::NotTagged => tr("Built, but not tagged: {names}"),
            Self::FailedAgain => tr("Failed again: {names}"),
            Self::Fixed => tr("Fixed: {names}"),
            Self::Finished => tr("Built: {names}"),
            Self::Canceled => tr("Canceled: {names}"),
            Self::Started => tr("Started: {names}"),
            Self::Tagged => tr("Tagged: {names}"),
            Self::Untagged => tr("Untagged: {names}"),
            Self::InRepo => tr("In the repository: {names}"),
        }
    }

    /// Returns whether it failed, or is about to.
    fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::FailedAgain | Self::Doomed)
    }

    /// Returns whether the names count, however many there are.
    fn is_worth_names(self) -> bool {
        self <= Self::Fixed
    }
}

/// Returns the card of a digest.
pub(super) fn many(notice: &Notice, digest: &Digest, sites: &BTreeMap<InstanceName, Site>) -> Card {
    // Who was tagged twice is one build, and is named once; who failed and was then built is built.
    let tales = digest.tales.iter().enumerate();
    let newest = tales.filter(|(n, it)| !is_overtaken(it, digest.tales.get(n + 1..).unwrap_or_default()));
    let newest: Vec<_> = newest.map(|(_, it)| (Kind::of(it), it)).collect();
    let stories = |wanted: &dyn Fn(Kind) -> bool| {
        let mut seen = BTreeSet::new();
        let stories = newest.iter().filter(|(kind, _)| wanted(*kind)).map(|(_, it)| &it.story);
        let firsts = stories.filter(|it| seen.insert((&it.instance, &it.subject)));
        firsts.collect::<Vec<_>>()
    };
    let mut lines = Vec::new();
    for kind in Kind::ALL {
        let stories = stories(&|it| it == kind);
        let names = if kind.is_worth_names() || stories.len() <= MANY {
            let names: Vec<String> = stories.iter().map(|it| story::listed(it, sites)).collect();
            text::some(&names, MAX_LISTED)
        } else {
            stories.len().to_string()
        };
        if !stories.is_empty() {
            lines.push(fill(&kind.headed(), &[("names", &names)]));
        }
    }
    let failed = stories(&Kind::is_failure).len();
    let finished = stories(&|it| matches!(it, Kind::Finished | Kind::Fixed)).len();
    let listed = stories(&|_| true).len();
    let left_out = digest.left_out as usize;
    if listed > 0 && left_out > 0 {
        // Translators: the last line of a list of builds: "And 120 more". How they ended is not known.
        let sentence = tr_n("And {n} more", "And {n} more", left_out as u64);
        lines.push(fill(&sentence, &[("n", &left_out.to_string())]));
    }
    if digest.mass {
        lines.push(many_at_once());
    }
    let total = if listed > 0 { listed } else { left_out };
    let title = if digest.away {
        away(failed, finished, total)
    } else {
        headline(failed, finished, total)
    };
    let is_good = !newest.iter().any(|(_, it)| it.fate.is_bad());
    let (urgency, category, sound) = card::manner(if is_good { &Fate::Finished } else { &Fate::Failed });
    let site = digest.tales.first().and_then(|it| sites.get(&it.story.instance));
    let home = site.and_then(|it| it.weburl.clone());
    let open = |link| Action {
        key: "default",
        label: tr("Open Koji"),
        request: Request::Open {
            link,
            token: None,
            about: None,
        },
    };
    let list = Action {
        key: "list",
        // Translators: a button that opens a window with a list of builds.
        label: tr("Show list"),
        request: Request::ShowHistory { token: None },
    };
    Card {
        notice: notice.id,
        replaces: notice.replaces,
        title,
        body: lines.join("\n"),
        quoted: 0..0,
        urgency,
        category,
        sound: notice.sound.then_some(sound),
        expires: is_good || !notice.stays,
        actions: home.map(open).into_iter().chain([list]).collect(),
    }
}

/// Returns that so much comes that it is summed up a few times in an hour.
pub(super) fn many_at_once() -> String {
    // Translators: as in a mass rebuild: "Many builds at once: a summary every 15 min". It stands below a list of builds,
    // and says how things stand in a menu.
    let sentence = tr("Many builds at once: a summary every {duration}");
    fill(&sentence, &[("duration", &text::duration(STRETCH))])
}

/// Returns whether a later tale tells of another standing of the same build or task.
fn is_overtaken(tale: &Tale, later: &[Tale]) -> bool {
    let is_place = |it: &Tale| matches!(it.fate, Fate::Tagged(_) | Fate::Untagged(_) | Fate::InRepo(_));
    let is_same = |it: &Tale| it.story.instance == tale.story.instance && it.story.subject == tale.story.subject;
    !is_place(tale) && later.iter().any(|it| is_same(it) && !is_place(it) && !it.late)
}

/// Returns how it went with many builds, in one line.
fn headline(failed: usize, finished: usize, total: usize) -> String {
    let number = |it: usize| it.to_string();
    if failed == total {
        let sentence = tr_n("{n} build failed", "{n} builds failed", total as u64);
        return fill(&sentence, &[("n", &number(total))]);
    }
    if failed > 0 {
        // Translators: the plural is that of {failed}: "1 of 9 builds failed".
        let sentence = tr_n(
            "{failed} of {total} builds failed",
            "{failed} of {total} builds failed",
            failed as u64,
        );
        return fill(&sentence, &[("failed", &number(failed)), ("total", &number(total))]);
    }
    let sentence = if finished == total {
        tr_n("{n} build finished", "{n} builds finished", total as u64)
    } else {
        tr_n("News about {n} build", "News about {n} builds", total as u64)
    };
    fill(&sentence, &[("n", &number(total))])
}

/// The same, of what happened while nobody listened.
fn away(failed: usize, finished: usize, total: usize) -> String {
    let number = |it: usize| it.to_string();
    if failed > 0 && finished > 0 {
        // Translators: the computer slept, or koji-notify did not run: "While you were away: 2 builds failed, 4
        // finished". The plural is that of {failed}.
        let sentence = tr_n(
            "While you were away: {failed} build failed, {finished} finished",
            "While you were away: {failed} builds failed, {finished} finished",
            failed as u64,
        );
        let values = [("failed", &*number(failed)), ("finished", &number(finished))];
        return fill(&sentence, &values);
    }
    let (sentence, n) = if failed > 0 {
        let sentence = tr_n(
            "While you were away: {n} build failed",
            "While you were away: {n} builds failed",
            failed as u64,
        );
        (sentence, failed)
    } else if finished > 0 {
        let sentence = tr_n(
            "While you were away: {n} build finished",
            "While you were away: {n} builds finished",
            finished as u64,
        );
        (sentence, finished)
    } else {
        let sentence = tr_n(
            "While you were away: news about {n} build",
            "While you were away: news about {n} builds",
            total as u64,
        );
        (sentence, total)
    };
    fill(&sentence, &[("n", &number(n))])
}
