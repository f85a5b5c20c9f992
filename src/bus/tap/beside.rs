//! What Fedora Messaging carries of a hub beside builds, tasks and tags: lists of packages, repositories, signatures.
//! Nobody is told of these, so the decoder of the live line sets them aside; whoever listens in wants them in words.

use serde::Deserialize;

use crate::bus::decode::plugin::{self, Content, Letter};
use crate::bus::decode::{DecodeError, Decoded, Envelope, MAX_BODY};
use crate::koji::HubEvent;
use crate::koji::event::{PackageListChange, RepoChange};
use crate::koji::lenient::{Object, Scalar};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    instance: Scalar<'a>,
    #[serde(borrow)]
    tag: Scalar<'a>,
    #[serde(borrow)]
    package: Scalar<'a>,
    #[serde(borrow)]
    action: Scalar<'a>,
    #[serde(borrow)]
    repo_id: Scalar<'a>,
}

/// Returns what such a message says; nothing, if it is none of them.
///
/// # Errors
/// If it is broken.
pub(super) fn read(prefix: &str, hub: &str, envelope: &Envelope<'_>) -> Result<Option<HubEvent>, DecodeError> {
    let event = envelope
        .topic
        .strip_prefix(prefix)
        .and_then(|it| it.strip_prefix(".buildsys."));
    let done = match event {
        Some("package.list.change" | "repo.init") => false,
        Some("repo.done") => true,
        Some("rpm.sign") => return signature(envelope),
        Some(_) | None => return Ok(None),
    };
    let size = envelope.body.len();
    if size > MAX_BODY {
        return Err(DecodeError::TooLarge { size });
    }
    let text = std::str::from_utf8(envelope.body).map_err(DecodeError::NotText)?;
    let Object(it) = serde_json::from_str::<Object<Body<'_>>>(text)?;
    if it.instance != Scalar::Nothing && it.instance.text() != Some(hub) {
        return Ok(None);
    }
    if let (Some(action), Some(package)) = (it.action.shown(), it.package.shown()) {
        return Ok(Some(HubEvent::PackageList(PackageListChange {
            action,
            tag: it.tag.shown(),
            package,
            user: None,
        })));
    }
    let repo = it.repo_id.id().ok().flatten();
    Ok(repo.map(|repo| {
        HubEvent::Repo(RepoChange {
            repo,
            tag: it.tag.shown(),
            task: None,
            done,
        })
    }))
}

/// A signature has the body that Koji's own plugins give it.
fn signature(envelope: &Envelope<'_>) -> Result<Option<HubEvent>, DecodeError> {
    let letter = Letter {
        address: None,
        name: Some("RPMSign"),
        content: Content::Json(envelope.body.into()),
        sent: None,
    };
    match plugin::decode("", &letter)? {
        Decoded::News { event, .. } => Ok(Some(event)),
        Decoded::NotForUs(_) => Ok(None),
    }
}
