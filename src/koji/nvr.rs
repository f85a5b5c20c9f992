//! Name, version and release: how Koji names a build.

use std::fmt;

/// A build's name, version and release.
///
/// Written by packagers: versions and releases are nearly free text. Nothing is promised about their characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Nvr {
    pub name: String,
    pub version: String,
    pub release: String,
}

impl Nvr {
    /// Splits `bash-5.3-1.fc43` at its last two dashes, as Koji does. Returns `None` if a part would be empty.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, release) = text.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        let complete = !name.is_empty() && !version.is_empty() && !release.is_empty();
        complete.then(|| Self {
            name: name.to_owned(),
            version: version.to_owned(),
            release: release.to_owned(),
        })
    }

    /// Returns whether this is a draft build, whose release ends in `,draft_<build id>` (since Koji 1.34).
    pub fn is_draft(&self) -> bool {
        self.release.contains(",draft_")
    }
}

impl fmt::Display for Nvr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.name, self.version, self.release)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_last_two_dashes() {
        let nvr = Nvr::parse("python-websocket-client-0.12.0-1.fc20").unwrap();
        assert_eq!(nvr.name, "python-websocket-client");
        assert_eq!(nvr.version, "0.12.0");
        assert_eq!(nvr.release, "1.fc20");
    }

    #[test]
    fn an_empty_part_is_no_name() {
        assert_eq!(Nvr::parse("bash"), None);
        assert_eq!(Nvr::parse("bash-5.3"), None);
        assert_eq!(Nvr::parse("bash--1"), None);
        assert_eq!(Nvr::parse("-5.3-1"), None);
    }

    #[test]
    fn a_draft_is_recognised() {
        assert!(Nvr::parse("bash-5.3-1.fc43,draft_17").unwrap().is_draft());
        assert!(!Nvr::parse("bash-5.3-1.fc43").unwrap().is_draft());
    }
}
