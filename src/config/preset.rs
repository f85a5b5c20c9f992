//! Instances that need not be described: their public addresses, and the file that a package brings for the broker.
//!
//! Nothing secret and nothing that expires is in here; certificates stay in the package.

use std::path::PathBuf;

use serde::Deserialize;

use crate::koji::Site;

use super::Places;

/// An instance that we know.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
pub enum Preset {
    /// Fedora's Koji.
    #[serde(rename = "fedora")]
    Fedora,
    /// The staging one.
    #[serde(rename = "fedora-stg")]
    FedoraStaging,
}

impl Preset {
    /// Returns the name as the configuration spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fedora => "fedora",
            Self::FedoraStaging => "fedora-stg",
        }
    }

    /// Returns where its pages and files are.
    pub fn site(self) -> Site {
        let (weburl, topurl) = match self {
            Self::Fedora => (
                "https://koji.fedoraproject.org/koji",
                "https://kojipkgs.fedoraproject.org",
            ),
            Self::FedoraStaging => (
                "https://koji.stg.fedoraproject.org/koji",
                "https://kojipkgs.stg.fedoraproject.org",
            ),
        };
        Site {
            weburl: Some(weburl.to_owned()),
            topurl: Some(topurl.to_owned()),
        }
    }

    /// Returns where its hub is.
    pub(super) fn hub(self) -> &'static str {
        match self {
            Self::Fedora => "https://koji.fedoraproject.org/kojihub",
            Self::FedoraStaging => "https://koji.stg.fedoraproject.org/kojihub",
        }
    }

    /// Returns where its messages are archived.
    pub(super) fn datagrepper(self) -> Option<&'static str> {
        match self {
            Self::Fedora => Some("https://apps.fedoraproject.org/datagrepper"),
            Self::FedoraStaging => None,
        }
    }

    /// Returns what stands before `.buildsys.` in the routing keys.
    pub fn topic_prefix(self) -> &'static str {
        match self {
            Self::Fedora => "org.fedoraproject.prod",
            Self::FedoraStaging => "org.fedoraproject.stg",
        }
    }

    /// Returns the value of `instance` in its messages.
    pub fn koji_instance(self) -> &'static str {
        match self {
            Self::Fedora | Self::FedoraStaging => "primary",
        }
    }

    /// Returns the Kerberos realm whose principals are its users.
    pub fn realm(self) -> &'static str {
        match self {
            Self::Fedora => "FEDORAPROJECT.ORG",
            Self::FedoraStaging => "STG.FEDORAPROJECT.ORG",
        }
    }

    /// Returns the packaged fedora-messaging configuration.
    pub(super) fn packaged(self, places: &Places) -> PathBuf {
        let file = match self {
            Self::Fedora => "fedora.toml",
            Self::FedoraStaging => "fedora.stg.toml",
        };
        places.fedora_messaging().join(file)
    }
}
