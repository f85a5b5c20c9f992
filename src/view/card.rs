//! A notification in words.

use std::collections::BTreeMap;
use std::iter;
use std::ops::Range;

use jiff::SignedDuration;

use super::{cause, deed, digest, followed, story, text};
use crate::i18n::{fill, tr, tr_n};
use crate::koji::{InstanceName, Site, Subject};
use crate::watch::{Act, Fate, MuteFor, Muting, Notice, NoticeId, PauseFor, Request, Row, Story, Tale, Telling, Trend};

/// A notification as a person reads it. Plain text: whoever shows it escapes it where markup is understood.
/// Control and bidirectional formatting characters are gone and lengths are capped.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub notice: NoticeId,
    /// A card of this notice was shown before.
    pub replaces: bool,
    /// One line.
    pub title: String,
    /// Lines separated by `\n`; may be empty.
    pub body: String,
    /// Which lines of the body are quoted: of a log, or of what the hub said.
    pub quoted: Range<usize>,
    pub urgency: Urgency,
    /// The category of Desktop Notifications 1.2, such as `transfer.complete`.
    pub category: &'static str,
    /// The name of a sound in the freedesktop sound theme, if it is to be heard.
    pub sound: Option<&'static str>,
    /// The card goes away by itself.
    pub expires: bool,
    /// What the person may do, the most useful first. The one with the key `default` is a click on the card.
    pub actions: Vec<Action>,
}

/// Something that a person may do about a card.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// The key of Desktop Notifications 1.2: `default`, `open`, `log`, `retry`, `list`, `mute`, `confirm`.
    pub key: &'static str,
    pub label: String,
    pub request: Request,
}

/// The urgency levels of Desktop Notifications 1.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Urgency {
    Low,
    Normal,
    Critical,
}

/// Some servers cut a title after so many characters.
const MAX_TITLE: usize = 40;

/// A longer name than this stands behind what has become of it: that fits in the rest of a title, mostly in few words.
const MAX_NAMED_FIRST: usize = 32;

/// A build that took this much longer or shorter than usual, and at least a quarter of the usual time, is one to
/// wonder about. What is usual is counted from the record, which is made a few minutes after the start.
const WORTH_A_WORD: SignedDuration = SignedDuration::from_mins(3);

/// Returns the notice in words, with links to the configured sites.
pub fn card(notice: &Notice, sites: &BTreeMap<InstanceName, Site>) -> Card {
    match &notice.telling {
        Telling::One(tale) => one(notice, tale, sites),
        Telling::Many(digest) => digest::many(notice, digest, sites),
        Telling::Confirm(act, story) => deed::question(notice, *act, story),
        Telling::Acted(deed) => deed::answer(notice, deed, sites.get(&deed.story.instance)),
        Telling::Following(reply) => followed::answer(notice, reply.as_ref(), sites),
    }
}

fn one(notice: &Notice, tale: &Tale, sites: &BTreeMap<InstanceName, Site>) -> Card {
    let story = &tale.story;
    let (urgency, category, sound) = manner(&tale.fate);
    let (body, quoted) = body(tale, sites);
    Card {
        notice: notice.id,
        replaces: notice.replaces,
        title: text::clean(&title(tale), text::MAX_LINE),
        body,
        quoted,
        urgency,
        category,
        sound: notice.sound.then_some(sound),
        expires: !(tale.fate.is_bad() && notice.stays),
        actions: actions(story, &tale.fate, sites.get(&story.instance), notice.retry),
    }
}

/// Returns urgency, category and sound.
pub(super) fn manner(fate: &Fate) -> (Urgency, &'static str, &'static str) {
    match fate {
        Fate::Started => (Urgency::Low, "transfer", "dialog-information"),
        Fate::Finished => (Urgency::Normal, "transfer.complete", "complete"),
        Fate::Doomed | Fate::Failed | Fate::NotTagged => (Urgency::Normal, "transfer.error", "dialog-error"),
        Fate::Canceled => (Urgency::Normal, "transfer.error", "dialog-warning"),
        Fate::Tagged(_) | Fate::Untagged(_) | Fate::InRepo(_) => {
            (Urgency::Low, "transfer.complete", "dialog-information")
        }
    }
}

/// Returns what has become of a build or task, in one line.
fn title(tale: &Tale) -> String {
    let what = story::what(&tale.story);
    let filled = |sentence: String| fill(&sentence, &[("what", &what)]);
    let fits = |title: &String| title.chars().count() <= MAX_TITLE;
    let title = match &tale.fate {
        // Translators: {what} is a package, mostly with version and release. It is built, and those before it failed.
        Fate::Finished if story::is_fixed(&tale.story) => Some(filled(tr("{what} is fixed"))),
        // Translators: {what} is a package, mostly with version and release. The one before it failed, too.
        Fate::Failed if story::has_failed_again(&tale.story) => Some(filled(tr("{what} failed again"))),
        Fate::Started | Fate::Finished | Fate::Failed | Fate::Canceled => Some(story::standing(&tale.story)),
        Fate::Tagged(_) => Some(filled(tr("{what} was tagged"))),
        Fate::Untagged(_) => Some(filled(tr("{what} was untagged"))),
        Fate::Doomed => Some(filled(tr("{what} is failing"))),
        // What is cut off these would be what they tell: they read as if it were only built.
        Fate::NotTagged => Some(filled(tr("{what} is built, but not tagged"))).filter(fits),
        Fate::InRepo(_) => Some(filled(tr("{what} is in the repository"))).filter(fits),
    };
    let title = title.filter(|_| what.chars().count() <= MAX_NAMED_FIRST);
    title.unwrap_or_else(|| fill(&digest::Kind::of(tale).headed(), &[("names", &what)]))
}

/// Returns the lines below the title, and which of them stand in a log.
fn body(tale: &Tale, sites: &BTreeMap<InstanceName, Site>) -> (String, Range<usize>) {
    let story = &tale.story;
    let mut lines = Vec::new();
    let mut quoted = 0..0;
    // Translators: ends a line such as "rawhide, 12 min, on fedora", where builds on several Koji instances are told.
    let on = story::instance(story, sites).map(|it| fill(&tr("on {instance}"), &[("instance", &it)]));
    let moved = |sentence: String, tag: &str| {
        let sentence = fill(&sentence, &[("tag", &text::name(tag))]);
        text::parts(&iter::once(sentence).chain(on.clone()).collect::<Vec<_>>())
    };
    match &tale.fate {
        Fate::Failed | Fate::Doomed => {
            lines.extend(cause::sentence(story));
            quoted = quote(&mut lines, story);
        }
        Fate::NotTagged => {
            lines.extend(cause::of_tagging(story));
            quoted = quote(&mut lines, story);
        }
        // Where it was built for says nothing here, and looks like a tag.
        Fate::InRepo(tag) | Fate::Tagged(tag) => return (moved(tr("Now in {tag}"), tag), 0..0),
        Fate::Untagged(tag) => return (moved(tr("No longer in {tag}"), tag), 0..0),
        Fate::Canceled => lines.extend(cause::canceler(story)),
        Fate::Started | Fate::Finished => {}
    }
    let circumstances = circumstances(tale, on);
    if !circumstances.is_empty() {
        lines.push(circumstances);
    }
    if matches!(tale.fate, Fate::Failed | Fate::Finished) {
        lines.extend(trend(story));
    }
    (lines.join("\n"), quoted)
}

/// Adds the lines that decide, and returns which ones they are.
fn quote(lines: &mut Vec<String>, story: &Story) -> Range<usize> {
    let first = lines.len();
    lines.extend(cause::evidence(story));
    first..lines.len()
}

/// Returns how the package has been doing, if there is something to say of that.
fn trend(story: &Story) -> Option<String> {
    let lasted = |it: &Row| {
        let end = story.ended.unwrap_or(story.changed);
        text::duration(end.duration_since(it.since))
    };
    let row = |sentence: String, it: &Row| {
        let values = [("n", &*it.failures.to_string()), ("duration", &lasted(it))];
        fill(&sentence, &values)
    };
    Some(match &story.trend? {
        Trend::First => {
            let package = text::name(story.package.as_deref()?);
            // Translators: no build of the package has ever finished before: "This is the first build of bash".
            fill(&tr("This is the first build of {package}"), &[("package", &package)])
        }
        // Translators: stands below a build that failed: it worked the time before.
        Trend::Broken => tr("The previous build succeeded"),
        Trend::StillBroken(it) => {
            // Translators: stands below a build that failed like those before it: "3 failures in a row, the first 2 d 3 h
            // earlier". {n} is never 1.
            let sentence = tr_n(
                "{n} failure in a row, the first {duration} earlier",
                "{n} failures in a row, the first {duration} earlier",
                it.failures.into(),
            );
            row(sentence, it)
        }
        Trend::Fixed(it) => {
            // Translators: stands below a build that succeeded after others failed; {duration} is how long ago the first
            // of them did: "After 3 failures in 2 d 3 h".
            let sentence = tr_n(
                "After {n} failure, {duration} earlier",
                "After {n} failures in {duration}",
                it.failures.into(),
            );
            row(sentence, it)
        }
    })
}

/// Returns kind, target, duration, how the others are doing, for somebody else's build the owner, and where it is, as far
/// as they are known.
fn circumstances(tale: &Tale, on: Option<String>) -> String {
    let story = &tale.story;
    let mut parts = story::kind(story);
    match &tale.fate {
        Fate::Finished => parts.extend(story.duration().map(|it| took(it, story.usual))),
        Fate::Failed => {
            parts.extend(story.duration().map(text::duration));
            parts.extend(cause::others(story));
        }
        Fate::Canceled => parts.extend(story.duration().map(text::duration)),
        Fate::Doomed => parts.extend(cause::others(story)),
        Fate::Started | Fate::NotTagged | Fate::InRepo(_) | Fate::Tagged(_) | Fate::Untagged(_) => {}
    }
    parts.extend(story::owner(story));
    parts.extend(on);
    text::parts(&parts)
}

/// Returns how long a build took, and how long such builds take where that is far from it.
fn took(duration: SignedDuration, usual: Option<SignedDuration>) -> String {
    let took = text::duration(duration);
    let is_odd = |usual: &SignedDuration| {
        let difference = duration.saturating_sub(*usual).abs();
        let quarter = usual.checked_div(4).unwrap_or_default();
        usual.is_positive() && difference >= WORTH_A_WORD && difference >= quarter
    };
    match usual.filter(is_odd) {
        Some(usual) => {
            let values = [("duration", &*took), ("usual", &text::duration(usual))];
            // Translators: how long a build took, and how long others of the package took: "12 min (usually 9 min)".
            fill(&tr("{duration} (usually {usual})"), &values)
        }
        None => took,
    }
}

/// Returns what may be done. Some servers show no more than three buttons.
fn actions(story: &Story, fate: &Fate, site: Option<&Site>, retry: bool) -> Vec<Action> {
    let open = |link| Request::Open {
        link,
        token: None,
        about: Some((story.instance.clone(), story.subject.clone())),
    };
    let page = story::page(story, site);
    let page = |key| {
        page.clone().map(|page| Action {
            key,
            label: open_label(story),
            request: open(page),
        })
    };
    let log = story::log(story, site).filter(|_| fate.is_bad()).map(|log| Action {
        key: "log",
        label: tr("Open log"),
        request: open(log),
    });
    let again = retry.then(|| Action {
        key: "retry",
        label: deed::label(Act::Resubmit, story),
        request: Request::Act {
            act: Act::Resubmit,
            about: (story.instance.clone(), story.subject.clone()),
        },
    });
    let mut actions: Vec<_> = [page("default"), log, page("open"), again]
        .into_iter()
        .flatten()
        .collect();
    if let Some(package) = &story.package {
        actions.push(Action {
            key: "mute",
            label: tr("Mute package"),
            request: Request::Mute {
                muting: Muting::Package(package.clone()),
                until: MuteFor::Lasting(PauseFor::UntilTomorrow),
            },
        });
    }
    actions
}

/// Returns what a button says that opens the page about a build or task.
pub(super) fn open_label(story: &Story) -> String {
    match story.subject {
        Subject::Task(_) => tr("Open task"),
        Subject::Build(_) | Subject::NamedBuild(_) => tr("Open build"),
    }
}

impl Urgency {
    /// Returns the name as programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::Critical => "critical",
        }
    }
}
