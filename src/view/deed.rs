//! What a person wants done on a hub, in words: the question before it, and what became of it.

use super::card::{Action, Card, Urgency};
use super::{story, text};
use crate::i18n::{fill, tr};
use crate::koji::Site;
use crate::watch::{Act, Deed, Notice, Request, Story};

/// Asks whether something shall be done. Not doing it needs no button, and a click on the card does nothing.
pub(super) fn question(notice: &Notice, act: Act, story: &Story) -> Card {
    let about = (story.instance.clone(), story.subject.clone());
    let (title, body) = match act {
        Act::Resubmit => (
            tr("Submit {what} again?"),
            tr("A new task will be started on {instance}"),
        ),
        Act::Cancel => (
            tr("Cancel {what}?"),
            tr("Everything that still runs for it on {instance} will be stopped"),
        ),
    };
    let instance = text::name(story.instance.as_str());
    Card {
        notice: notice.id,
        replaces: notice.replaces,
        title: about_it(&title, story),
        body: fill(&body, &[("instance", &instance)]),
        quoted: 0..0,
        urgency: Urgency::Normal,
        category: "transfer",
        sound: None,
        expires: false,
        actions: vec![Action {
            key: "confirm",
            label: label(act, story),
            request: Request::Confirm { act, about },
        }],
    }
}

/// Tells what became of something that was to be done. Where there was no answer it may have been done all the same.
pub(super) fn answer(notice: &Notice, deed: &Deed, site: Option<&Site>) -> Card {
    let title = match (&deed.done, deed.act) {
        (Ok(_), Act::Resubmit) => tr("{what} was submitted again"),
        (Ok(_), Act::Cancel) => tr("{what} is being canceled"),
        (Err(_), Act::Resubmit) => tr("Could not submit {what} again"),
        (Err(_), Act::Cancel) => tr("Could not cancel {what}"),
    };
    let body = match &deed.done {
        Ok(Some(task)) => {
            let values = [("number", &*task.to_string())];
            // Translators: {number} is that of the task.
            fill(&tr("The new task is {number}; you will be told how it ends"), &values)
        }
        Ok(None) => String::new(),
        Err(it) => {
            let why = text::clean(it.why.trim(), text::MAX_LINE);
            let hint = it.perhaps.then(|| tr("Look at its page before you try again"));
            let lines = [Some(why).filter(|it| !it.is_empty()), hint];
            lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
        }
    };
    let new = deed.done.as_ref().ok().copied().flatten();
    let page = match new {
        Some(task) => site.and_then(|it| it.task_page(task)),
        None => story::page(&deed.story, site),
    };
    let open = |link| Action {
        key: "default",
        label: if new.is_some() {
            tr("Open task")
        } else {
            super::card::open_label(&deed.story)
        },
        request: Request::Open {
            link,
            token: None,
            about: None,
        },
    };
    Card {
        notice: notice.id,
        replaces: notice.replaces,
        title: about_it(&title, &deed.story),
        body,
        quoted: 0..0,
        urgency: Urgency::Normal,
        category: if deed.done.is_ok() {
            "transfer"
        } else {
            "transfer.error"
        },
        sound: None,
        expires: deed.done.is_ok(),
        actions: page.map(open).into_iter().collect(),
    }
}

/// Returns what a button or a menu entry says that does it.
pub(super) fn label(act: Act, story: &Story) -> String {
    match (act, story::name(story)) {
        (Act::Resubmit, _) => tr("Submit again"),
        (Act::Cancel, Some(_)) => tr("Cancel the build"),
        (Act::Cancel, None) => tr("Cancel the task"),
    }
}

fn about_it(title: &str, story: &Story) -> String {
    text::clean(&fill(title, &[("what", &story::what(story))]), text::MAX_LINE)
}
