//! Fields that mean the same in every dialect: what identifies the news may not be missing, odd or too long.

use super::{DecodeError, MAX_TEXT};
use crate::koji::Nvr;
use crate::koji::lenient::{Reading, Scalar};

/// Returns why a change is none of ours: it is one of something else than the state. Very old messages do not say.
pub(super) fn is_of_state(attribute: &Scalar<'_>) -> Result<(), &'static str> {
    match attribute.text() {
        Some("state") => Ok(()),
        Some("owner_id") => Err("attribute owner_id"),
        Some("completion_ts") => Err("attribute completion_ts"),
        Some("volume_id") => Err("attribute volume_id"),
        Some("host_id") => Err("attribute host_id"),
        None if *attribute == Scalar::Nothing => Ok(()),
        Some(_) | None => Err("another attribute"),
    }
}

/// Returns the state, if it is one that we know.
pub(super) fn known<S>(reading: Reading<S>) -> Option<S> {
    match reading {
        Reading::Known(state) => Some(state),
        Reading::Absent | Reading::Unknown | Reading::Odd => None,
    }
}

/// Returns an id that may be missing, but not be odd.
pub(super) fn id(field: &str, value: &Scalar<'_>) -> Result<Option<u64>, DecodeError> {
    value
        .id()
        .map_err(|_| DecodeError::malformed(&format!("{field} is no id")))
}

/// Returns what a build is called, of which no part may be missing.
pub(super) fn nvr(name: &Scalar<'_>, version: &Scalar<'_>, release: &Scalar<'_>) -> Result<Nvr, DecodeError> {
    let part = |field: &str, value: &Scalar<'_>| {
        let text = value.written().filter(|it| !it.is_empty());
        let text = text.ok_or_else(|| DecodeError::malformed(&format!("there is no {field}")))?;
        bounded(field, &text)
    };
    Ok(Nvr {
        name: part("name", name)?,
        version: part("version", version)?,
        release: part("release", release)?,
    })
}

/// Returns a user's name. A number, as `info.owner` was before 2023, names nobody.
pub(super) fn owner(value: &Scalar<'_>) -> Result<Option<String>, DecodeError> {
    let name = value.text().filter(|it| !it.is_empty());
    name.map(|it| bounded("owner", it)).transpose()
}

fn bounded(field: &str, text: &str) -> Result<String, DecodeError> {
    if text.len() > MAX_TEXT {
        return Err(DecodeError::malformed(&format!(
            "{field} is longer than {MAX_TEXT} bytes"
        )));
    }
    Ok(text.to_owned())
}
