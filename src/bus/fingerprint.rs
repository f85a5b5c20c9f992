//! A name for a message that has none of its own.
//!
//! Koji's own plugins give a message no id, so that one that is delivered again looks like a new one. A digest of what
//! it says is the same each time. It is also the same for two events of which nothing differs, such as a build that the
//! same person puts into the same tag twice.

use std::fmt::Write;

use ring::digest::{Context, SHA256};

/// How much of the digest is kept, in bytes: as much as in a UUID.
const KEPT: usize = 16;

/// Returns the name of a message that says these things.
pub(super) fn fingerprint(parts: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        // With the length before it, no two lists of parts look alike.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut name = "content-".to_owned();
    for byte in context.finish().as_ref().iter().take(KEPT) {
        // Writing to a text cannot fail.
        _ = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn the_same_message_has_the_same_name_and_no_other_has() {
        let name = fingerprint(&[b"koji.build.complete", b"{}"]);
        assert_eq!(name, "content-d66673fb3bdad035b2eacece63e92fe0");
        assert_eq!(fingerprint(&[b"koji.build.complete", b"{}"]), name);
        assert_ne!(fingerprint(&[b"koji.build.failed", b"{}"]), name);
        assert_ne!(fingerprint(&[b"koji.build.complete", b"{ }"]), name);
        assert_ne!(fingerprint(&[b"koji.build.complete{", b"}"]), name);
    }
}
