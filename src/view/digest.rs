//! Many pieces of news in one card.

use std::collections::{BTreeMap, BTreeSet};

use super::card::{self, Action, Card};
use super::{story, text};
use crate::i18n::{fill, tr, tr_n};
use crate::koji::{InstanceName, Site};
use crate::watch::{Digest, Fate, Notice, Request, Tale};

/// How many names are listed of one kind.
const MAX_LISTED: usize = 5;

/// Returns the card of a digest.
pub(super) fn many(notice: &Notice, digest: &Digest, sites: &BTreeMap<InstanceName, Site>) -> Card {
    // Who was tagged twice is one build, and is named once; who failed and was then built is built.
    let stories = |wanted: fn(&Fate) -> bool| {
        let mut seen = BTreeSet::new();
        let tales = digest.tales.iter().enumerate();
        let newest = tales.filter(|(n, it)| !is_overtaken(it, digest.tales.get(n + 1..).unwrap_or_default()));
        let stories = newest.filter(|(_, it)| wanted(&it.fate)).map(|(_, it)| &it.story);
        let firsts = stories.filter(|it| seen.insert((&it.instance, &it.subject)));
        firsts.collect::<Vec<_>>()
    };
    let kinds: [fn(&Fate) -> bool; 9] = [
        |it| *it == Fate::Failed,
        |it| *it == Fate::Doomed,
        |it| *it == Fate::NotTagged,
        |it| *it == Fate::Finished,
        |it| *it == Fate::Canceled,
        |it| *it == Fate::Started,
        |it| matches!(it, Fate::Tagged(_)),
        |it| matches!(it, Fate::Untagged(_)),
        |it| matches!(it, Fate::InRepo(_)),
    ];
    let mut lines = Vec::new();
    for kind in kinds {
        let names: Vec<String> = stories(kind).into_iter().map(|it| story::listed(it, sites)).collect();
        if let Some(tale) = digest.tales.iter().find(|it| kind(&it.fate))
            && !names.is_empty()
        {
            let names = text::some(&names, MAX_LISTED);
            lines.push(fill(&headed(&tale.fate), &[("names", &names)]));
        }
    }
    let failed = stories(|it| matches!(it, Fate::Failed | Fate::Doomed)).len();
    let finished = stories(|it| *it == Fate::Finished).len();
    let listed = stories(|_| true).len();
    let left_out = digest.left_out as usize;
    if listed > 0 && left_out > 0 {
        // Translators: the last line of a list of builds: "And 120 more". How they ended is not known.
        let sentence = tr_n("And {n} more", "And {n} more", left_out as u64);
        lines.push(fill(&sentence, &[("n", &left_out.to_string())]));
    }
    let total = if listed > 0 { listed } else { left_out };
    let title = if digest.away {
        away(failed, finished, total)
    } else {
        headline(failed, finished, total)
    };
    let is_good = stories(Fate::is_bad).is_empty();
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
        urgency,
        category,
        sound: notice.sound.then_some(sound),
        expires: is_good,
        actions: home.map(open).into_iter().chain([list]).collect(),
    }
}

/// Returns what has become of those that are named after it.
pub(super) fn headed(fate: &Fate) -> String {
    // Translators: {names} is the name of a package with version and release, or a list of them: "Failed: bash-5.3-1.fc43
    // and kernel-6.12-1.fc43".
    match fate {
        Fate::Failed => tr("Failed: {names}"),
        Fate::Doomed => tr("Failing: {names}"),
        Fate::NotTagged => tr("Built, but not tagged: {names}"),
        Fate::Finished => tr("Built: {names}"),
        Fate::Canceled => tr("Canceled: {names}"),
        Fate::Started => tr("Started: {names}"),
        Fate::Tagged(_) => tr("Tagged: {names}"),
        Fate::Untagged(_) => tr("Untagged: {names}"),
        Fate::InRepo(_) => tr("In the repository: {names}"),
    }
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
