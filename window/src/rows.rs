//! The lines of the list as plain values, and which of them a search finds.

use koji_notify::i18n::tr;
use koji_notify::view::entry::{Entry, Shape};

/// A line of the list. Two equal lines look the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) entry: Entry,
}

/// Which states are shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Which {
    #[default]
    All,
    Running,
    Failed,
    Done,
    Canceled,
}

/// What is shown.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Filter {
    /// Words, in small letters; each of them has to be found.
    words: Vec<String>,
    pub(crate) which: Which,
    pub(crate) mine: bool,
}

impl From<Entry> for Row {
    fn from(entry: Entry) -> Self {
        Self { entry }
    }
}

impl Row {
    /// Returns whether it is about the same build or task.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.entry.instance == other.entry.instance && self.entry.subject == other.entry.subject
    }

    /// Returns the line as a screen reader says it.
    pub(crate) fn spoken(&self) -> String {
        let it = &self.entry;
        let parts = [
            Some(&it.name),
            Some(&it.state),
            Some(&it.text),
            it.took.as_ref(),
            Some(&it.age),
        ];
        let parts = parts.into_iter().flatten().filter(|it| !it.is_empty());
        parts.map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl Which {
    pub(crate) const ALL: [Self; 5] = [Self::All, Self::Running, Self::Failed, Self::Done, Self::Canceled];

    /// Returns what a menu calls it.
    pub(crate) fn label(self) -> String {
        // Translators: which builds a list shows.
        match self {
            Self::All => tr("All builds"),
            Self::Running => tr("Running builds"),
            Self::Failed => tr("Failed builds"),
            Self::Done => tr("Finished builds"),
            Self::Canceled => tr("Canceled builds"),
        }
    }

    fn finds(self, shape: Shape) -> bool {
        match self {
            Self::All => true,
            Self::Running => matches!(shape, Shape::Running | Shape::Failing),
            Self::Failed => matches!(shape, Shape::Failed | Shape::Failing),
            Self::Done => shape == Shape::Done,
            Self::Canceled => matches!(shape, Shape::Canceled | Shape::Deleted),
        }
    }
}

impl Filter {
    pub(crate) fn new(text: &str) -> Self {
        let mut filter = Self::default();
        filter.seek(text);
        filter
    }

    /// Looks for these words from now on.
    pub(crate) fn seek(&mut self, text: &str) {
        self.words = text.split_whitespace().map(str::to_lowercase).collect();
    }

    /// Returns whether it is shown.
    pub(crate) fn finds(&self, entry: &Entry) -> bool {
        let whose = entry.mine || !self.mine;
        let words = self.words.iter().all(|it| entry.sought.contains(it));
        whose && words && self.which.finds(entry.shape)
    }
}

/// What has to be taken out of one list, and put in, to make another of it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Change {
    /// Where.
    pub(crate) at: usize,
    /// How many go.
    pub(crate) removed: usize,
    /// How many of the new ones come, from the same place on.
    pub(crate) added: usize,
}

/// Returns what differs between two lists, in one piece; `None`: nothing. What stays the same is not touched, so that
/// neither the view nor the selection jumps.
pub(crate) fn change<T: PartialEq>(old: &[T], new: &[T]) -> Option<Change> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    if start == old.len() && start == new.len() {
        return None;
    }
    let most = old.len().min(new.len()) - start;
    let backwards = old.iter().rev().zip(new.iter().rev());
    let end = backwards.take(most).take_while(|(a, b)| a == b).count();
    Some(Change {
        at: start,
        removed: old.len() - start - end,
        added: new.len() - start - end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns all lists of up to three of three things.
    fn lists() -> Vec<Vec<u8>> {
        let mut lists = vec![Vec::new()];
        for length in 0..3 {
            let longer = lists.iter().filter(|it| it.len() == length).flat_map(|it| {
                let with = |last| it.iter().copied().chain([last]).collect::<Vec<_>>();
                [1, 2, 3].map(with)
            });
            let longer: Vec<_> = longer.collect();
            lists.extend(longer);
        }
        lists
    }

    #[test]
    fn a_change_makes_one_list_of_the_other_and_touches_nothing_else() {
        assert_eq!(lists().len(), 1 + 3 + 9 + 27);
        for old in lists() {
            for new in lists() {
                let Some(change) = change(&old, &new) else {
                    assert_eq!(old, new);
                    continue;
                };
                let mut made = old.clone();
                let added = new[change.at..change.at + change.added].to_vec();
                made.splice(change.at..change.at + change.removed, added);
                assert_eq!(made, new, "{old:?} {change:?}");
                let is_touched = change.removed + change.added;
                assert!(is_touched > 0, "{old:?} {new:?}");
                let first = (old.get(change.at), new.get(change.at));
                assert_ne!(first.0, first.1, "{old:?} {new:?} begins with what stays");
            }
        }
    }
}
