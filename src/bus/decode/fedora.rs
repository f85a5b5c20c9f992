//! (being built)

use super::{DecodeError, Dialect};
use crate::koji::Change;

/// A change, or why there is none to tell.
type Told = Result<Change, &'static str>;

pub(super) fn build(_dialect: &Dialect, _body: &str) -> Result<Told, DecodeError> {
    Ok(Err("not read yet"))
}
pub(super) fn task(_dialect: &Dialect, _body: &str) -> Result<Told, DecodeError> {
    Ok(Err("not read yet"))
}
pub(super) fn tag(_dialect: &Dialect, _body: &str) -> Result<Told, DecodeError> {
    Ok(Err("not read yet"))
}
pub(super) fn untag(_dialect: &Dialect, _body: &str) -> Result<Told, DecodeError> {
    Ok(Err("not read yet"))
}
