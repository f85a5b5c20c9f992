//! What a message without a name of its own is known by. Pure.
//!
//! Koji's plugin gives its messages no id, so one is made of what they say: the same message that comes again is the
//! same one, whatever brokers have written on it on the way. Two that say the same to the letter are one piece of news,
//! unless the broker says that nobody had the second before.
//!
//! It deliberately does not know what a message says.

use super::super::amqp::one_zero;
use super::super::fingerprint::fingerprint;

/// The sections that brokers write on the way are numbered below this one.
const PROPERTIES: u64 = 0x73;

/// Returns the id of a message. `None` for what is none.
pub(super) fn letter_id(message: &[u8]) -> Option<String> {
    let mut rest = message;
    while let Some((0, descriptor)) = rest.split_first() {
        let (descriptor, section) = one_zero(descriptor).ok()?;
        if descriptor.number()? >= PROPERTIES {
            return Some(fingerprint(&[rest]));
        }
        rest = one_zero(section).ok()?.1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_brokers_write_on_it_changes_no_name() {
        let bare = [0, 0x53, 0x77, 0xa1, 2, b'{', b'}'];
        // A header that says that it was delivered before, and an annotation.
        let header = [0, 0x53, 0x70, 0xc0, 7, 5, 0x42, 0x40, 0x40, 0x42, 0x52, 3];
        let annotation = [0, 0x53, 0x72, 0xc1, 7, 2, 0xa3, 1, b'x', 0xa1, 1, b'y'];
        let name = letter_id(&bare);
        assert!(name.is_some());
        assert_eq!(letter_id(&[&header[..], &bare].concat()), name);
        assert_eq!(letter_id(&[&header[..], &annotation, &bare].concat()), name);
        assert_ne!(letter_id(&[0, 0x53, 0x77, 0xa1, 2, b'[', b']']), name);
        assert_eq!(letter_id(&header), None);
        assert_eq!(letter_id(b"hello"), None);
        assert_eq!(letter_id(&[0]), None);
    }
}
