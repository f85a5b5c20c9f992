//! Text of strangers, made fit to be read; and the small words that sentences share.

use jiff::SignedDuration;

use crate::i18n::{fill, tr, tr_n};

/// The most characters of one name in a sentence.
pub(super) const MAX_NAME: usize = 100;

/// The most characters of a title or a label.
pub(super) const MAX_LINE: usize = 200;

/// Returns the text on one line, without control and formatting characters, and not longer than a name may be.
pub(super) fn name(text: &str) -> String {
    clean(text, MAX_NAME)
}

/// Returns the text on one line, without control and formatting characters, at most `most` characters long.
pub(super) fn clean(text: &str, most: usize) -> String {
    let mut cleaned: String = text.chars().filter(|it| !is_unfit(*it)).take(most + 1).collect();
    if cleaned.chars().count() > most {
        while cleaned.chars().count() >= most {
            cleaned.pop();
        }
        cleaned.push('…');
    }
    cleaned
}

/// Returns text in lines of about `width` characters, broken between words, at most `most` of them.
pub(super) fn wrapped(text: &str, width: usize, most: usize) -> Vec<String> {
    let cleaned = clean(text, width * most);
    let mut lines = vec![String::new()];
    for word in cleaned.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let is_full = !line.is_empty() && line.chars().count() + word.chars().count() >= width;
        if is_full {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.truncate(most);
    lines
}

/// Returns whether a character could break a line, hide, or turn the direction of what follows (Unicode 15, `Cc`,
/// `Zl`, `Zp` and the formatting characters of `Cf` that are used to deceive).
pub(super) fn is_unfit(it: char) -> bool {
    it.is_control()
        || matches!(it,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns how long something took, in the two largest units that matter.
pub(super) fn duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let number = |it: i64| it.to_string();
    // Translators: how long a build took, in days and hours, hours and minutes, minutes, or seconds.
    if days > 0 {
        let values = [("days", &*number(days)), ("hours", &number(hours % 24))];
        return fill(&tr("{days} d {hours} h"), &values);
    }
    if hours > 0 {
        let values = [("hours", &*number(hours)), ("minutes", &number(minutes % 60))];
        return fill(&tr("{hours} h {minutes} min"), &values);
    }
    if minutes > 0 {
        return fill(&tr("{minutes} min"), &[("minutes", &number(minutes))]);
    }
    fill(&tr("{seconds} s"), &[("seconds", &number(seconds))])
}

/// Returns how long ago something was, in the largest unit that matters.
pub(super) fn ago(age: SignedDuration) -> String {
    let minutes = age.as_secs() / 60;
    let (hours, days) = (minutes / 60, minutes / (24 * 60));
    let said = |sentence: String, number: i64| fill(&sentence, &[("n", &number.to_string())]);
    if minutes < 1 {
        // Translators: the end of a line such as "bash-5.3-1.fc43 is built, just now".
        tr("just now")
    } else if hours < 1 {
        // Translators: the end of a line such as "bash-5.3-1.fc43 is built, 20 min ago".
        said(tr("{n} min ago"), minutes)
    } else if days < 1 {
        // Translators: the end of a line such as "bash-5.3-1.fc43 is built, 2 h ago".
        said(tr("{n} h ago"), hours)
    } else {
        // Translators: the end of a line such as "bash-5.3-1.fc43 is built, 3 d ago": days.
        said(tr("{n} d ago"), days)
    }
}

/// Returns the parts of a line, one after the other.
pub(super) fn parts(parts: &[String]) -> String {
    // Translators: stands between the parts of a line such as "rawhide, 12 min", and between names in a list.
    parts.join(&tr(", "))
}

/// Returns names as a person lists them: `a`, `a and b`, `a, b and c`.
pub(super) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => {
            let first = parts(first);
            // Translators: the end of a list of names: "aarch64, s390x and x86_64".
            fill(&tr("{first} and {last}"), &[("first", &first), ("last", last)])
        }
    }
}

/// Returns the first few names and how many more there are.
pub(super) fn some(names: &[String], most: usize) -> String {
    if names.len() <= most {
        return list(names);
    }
    let first: Vec<String> = names.iter().take(most).cloned().collect();
    let more = names.len() - most;
    let first = parts(&first);
    // Translators: the end of a list of names that is too long: "bash, kernel and 2 more".
    let sentence = tr_n("{first} and {n} more", "{first} and {n} more", more as u64);
    fill(&sentence, &[("first", &first), ("n", &more.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_strangers_stays_on_its_line() {
        assert_eq!(name("bash\u{202e}txt\n\u{7}<b>"), "bashtxt<b>");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let long = "ä".repeat(300);
        let cut = name(&long);
        assert_eq!(cut.chars().count(), MAX_NAME);
        assert!(cut.ends_with('…'));
    }

    #[test]
    fn long_text_is_broken_between_words() {
        assert_eq!(wrapped("one two three four", 8, 3), ["one two", "three", "four"]);
        assert_eq!(wrapped("one", 8, 3), ["one"]);
        assert_eq!(wrapped(&"word ".repeat(100), 10, 2).len(), 2);
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let words = |seconds| duration(SignedDuration::from_secs(seconds));
        assert_eq!(words(42), "42 s");
        assert_eq!(words(12 * 60 + 59), "12 min");
        assert_eq!(words(3600 + 5 * 60), "1 h 5 min");
        assert_eq!(words(2 * 86_400 + 3 * 3600), "2 d 3 h");
    }

    #[test]
    fn what_is_long_ago_is_counted_in_days() {
        let words = |minutes: i64| ago(SignedDuration::from_mins(minutes));
        assert_eq!(words(0), "just now");
        assert_eq!(words(59), "59 min ago");
        assert_eq!(words(60), "1 h ago");
        assert_eq!(words(24 * 60 - 1), "23 h ago");
        assert_eq!(words(24 * 60), "1 d ago");
    }

    #[test]
    fn lists_are_read_aloud() {
        let names = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(list(&names(&["a"])), "a");
        assert_eq!(list(&names(&["a", "b"])), "a and b");
        assert_eq!(list(&names(&["a", "b", "c"])), "a, b and c");
        assert_eq!(some(&names(&["a", "b", "c", "d"]), 2), "a, b and 2 more");
    }
}
