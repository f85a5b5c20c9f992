//! Why nothing pops up, in words.

use crate::i18n::{fill, tr, tr_n};
use crate::watch::{Reason, Watch};

/// Returns why nothing pops up, if the person has not asked for it just now: the first of the reasons, in one sentence.
/// A pause is in the summary.
pub fn sentence(watch: &Watch) -> Option<String> {
    let reasons = watch.quiet();
    let first = reasons.into_iter().next()?;
    Some(match first {
        Reason::Paused => return None,
        Reason::DoNotDisturb => tr("Quiet: the desktop is set to do not disturb"),
        Reason::Presentation => tr("Quiet: presentation mode is on"),
        Reason::Locked => tr("Quiet: the screen is locked"),
        // Translators: "you" have not touched keyboard or mouse for a while.
        Reason::Idle => tr("Quiet: you are away"),
        Reason::Hours => match watch.hours_until() {
            Some(until) => {
                let time = until.to_zoned(watch.rules().zone.clone());
                let time = time.strftime("%H:%M").to_string();
                // Translators: {time} is a time of the day such as "07:00". Quiet hours are in the configuration.
                fill(&tr("Quiet hours until {time}"), &[("time", &time)])
            }
            None => tr("These are quiet hours"),
        },
    })
}

/// Returns how much is held until it is no longer quiet, in one sentence.
pub fn held(watch: &Watch) -> Option<String> {
    let n = watch.held();
    // Translators: they are told when it is no longer quiet.
    let sentence = tr_n(
        "{n} notification is held back",
        "{n} notifications are held back",
        n as u64,
    );
    (n > 0).then(|| fill(&sentence, &[("n", &n.to_string())]))
}
