//! Elements that can be passed over without a look at each of their tokens.
//!
//! What is passed here, the tokenizer would have passed too: every element is closed by its own name and not nested too
//! deeply, every text is UTF-8, every reference is one of XML's own. Whatever else there is (attributes, comments,
//! declarations, white space in a tag, an element that goes on behind the bytes at hand) is left to the tokenizer, which
//! alone refuses. This knows neither what an element means nor where the bytes come from.

/// How far a look at some bytes has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Look {
    /// The bytes that are whole elements, with texts between them.
    pub(super) whole: usize,
    /// The bytes behind which another look may find more. Not less than `whole`.
    pub(super) seen: usize,
}

/// Looks for whole elements at the start of some bytes that follow the end of a tag. No more than `room` may be open at
/// a time.
pub(super) fn look(bytes: &[u8], room: usize) -> Look {
    let mut open: Vec<&[u8]> = Vec::with_capacity(16);
    let mut rest = bytes;
    let mut behind_whole = bytes;
    while let Some(behind) = behind_piece(rest, room, &mut open) {
        rest = behind;
        if open.is_empty() {
            behind_whole = rest;
        }
    }
    let whole = bytes.len() - behind_whole.len();
    let is_text = bytes.get(..whole).is_some_and(|it| str::from_utf8(it).is_ok());
    if is_text {
        let seen = bytes.len() - rest.len();
        Look { whole, seen }
    } else {
        let seen = bytes.len();
        Look { whole: 0, seen }
    }
}

/// Passes over text and the tag or reference behind it. Returns what follows.
fn behind_piece<'b>(bytes: &'b [u8], room: usize, open: &mut Vec<&'b [u8]>) -> Option<&'b [u8]> {
    let text = bytes.iter().position(|it| matches!(it, b'<' | b'&'))?;
    match bytes.get(text..)? {
        [b'<', b'/', tag @ ..] => tag.strip_prefix(open.pop()?)?.strip_prefix(b">"),
        [b'<', tag @ ..] => {
            let length = tag.iter().position(|it| !is_of_name(*it))?;
            let (name, behind) = tag.split_at_checked(length)?;
            match behind {
                _ if name.is_empty() => None,
                [b'/', b'>', behind @ ..] => Some(behind),
                [b'>', behind @ ..] if open.len() < room => {
                    open.push(name);
                    Some(behind)
                }
                _ => None,
            }
        }
        [b'&', b'#', reference @ ..] => {
            let length = reference.iter().position(|it| !it.is_ascii_alphanumeric())?;
            reference.get(length..)?.strip_prefix(b";")
        }
        [b'&', reference @ ..] => {
            let names: [&[u8]; 5] = [b"lt;", b"gt;", b"amp;", b"quot;", b"apos;"];
            names.iter().find_map(|it| reference.strip_prefix(*it))
        }
        _ => None,
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_elements_are_found() {
        // Up to the first bar all is whole; a look behind the second may find more.
        check("<a>b</a>||");
        check("<a>b</a>c<d/>||e");
        check("<a><b>c</b>\n</a><ex:i8/>||\n</value>");
        check("<a></a>||</a>");
        check("&lt;&amp;<a>&#233;&#xE9;</a>b&apos;||");
        check("<a/>|<b><c/>|");
        check("<a/>|<b><c/>|d</");
        check("<a/>|<b><c/>|</bb>");
        check("<a/>|<b>|</ b>");
        check("<a/>|<b>|<c d='e'/></b>");
        check("<a/>|<b><c>|</b></c>");
        check("<a/>|<b>|<!-- --></b>");
        check("<a/>|<b>|<![CDATA[]]></b>");
        check("<a/>|<b>|<?c?></b>");
        check("<a/>||<!DOCTYPE a>");
        check("<a/>||<>");
        check("<a/>||</>");
        check("<a/>||&eacute;<b/>");
        check("<a/>|<b>|AT&T</b>");
        check("<a/>||&am");
        check("<a/>|<b><b><b><b/>|<b></b></b></b></b></b>");
        check("||");
    }

    #[test]
    fn what_is_no_text_is_not_passed() {
        let seen = b"<a>\xff</a>".len();
        assert_eq!(look(b"<a>\xff</a>", 3), Look { whole: 0, seen });
        // It is not in what is whole.
        assert_eq!(look(b"<a/>\xff<b>", 3), Look { whole: 4, seen: 8 });
        assert_eq!(look(b"<a/>\xff", 3), Look { whole: 4, seen: 4 });
    }

    fn check(marked: &str) {
        let bytes = marked.replace('|', "");
        let mut marks = marked.match_indices('|').enumerate().map(|(n, (at, _))| at - n);
        let (whole, seen) = (marks.next().unwrap(), marks.next().unwrap());
        assert_eq!(look(bytes.as_bytes(), 3), Look { whole, seen }, "{marked}");
    }
}
