//! What a person wants to hear of.

use std::collections::BTreeSet;

/// Whose news, and which kinds of it, are wanted from one instance. Bindings are made of it, and messages that
/// cannot be of interest are set aside by their headers, unread.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Interest {
    /// The user names that are "me", compared exactly.
    pub users: BTreeSet<String>,
    /// Packages that are followed whoever builds them.
    pub packages: BTreeSet<String>,
    /// Changes of tasks: of scratch builds at the top; on a bus of Koji's own, of all.
    pub tasks: bool,
    /// Builds tagged and untagged.
    pub tags: bool,
}

impl Interest {
    /// Returns whether news of this owner or package matters.
    pub fn concerns(&self, owner: Option<&str>, package: Option<&str>) -> bool {
        let mine = owner.is_some_and(|it| self.users.contains(it));
        let followed = package.is_some_and(|it| self.packages.contains(it));
        mine || followed
    }
}
