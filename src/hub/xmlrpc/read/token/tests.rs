//! What is passed over, held against the same documents token by token.

use std::io::BufReader;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::tests::{PIECES, Repeated, values};
use super::*;
use crate::hub::xmlrpc::write;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_passed_over_is_what_would_have_been_read(
        value in values(),
        changes in vec((any::<Index>(), change()), 0..4),
        way in way(),
    ) {
        let mut body = write::method_call("m", std::slice::from_ref(&value));
        for (at, change) in changes {
            change.make(&mut body, at);
        }
        way.check(&body);
    }

    #[test]
    fn nor_do_pieces_make_a_difference(pieces in vec(select(PIECES), 0..60), way in way()) {
        way.check(format!("<a><b>{}", pieces.concat()).as_bytes());
    }

    #[test]
    fn nor_do_pieces_that_fit(pieces in vec(select(FITTING), 0..60), way in way()) {
        way.check(format!("<a><b>{}</b></a>", pieces.concat()).as_bytes());
    }
}

#[test]
fn limits_are_the_same() {
    let way = Way {
        capacity: None,
        before: 2,
        until: 0,
    };
    for length in MAX_TEXT + 14..MAX_TEXT + 18 {
        let text = "x".repeat(length);
        way.check(format!("<a><b><c>{text}</c></b></a>").as_bytes());
        way.check(format!("<a><b>{text}<c></c></b></a>").as_bytes());
        way.check(format!("<a><b><c></c>{text}</b></a>").as_bytes());
        let name = "x".repeat(length - 2);
        way.check(format!("<a><b><{name}></{name}></b></a>").as_bytes());
    }
    for depth in MAX_OPEN - 4..MAX_OPEN {
        let nested = "<c>".repeat(depth) + &"</c>".repeat(depth);
        way.check(format!("<a><b><c></c>{nested}</b></a>").as_bytes());
        way.check(format!("<a><b>{}<c/>", "<c>".repeat(depth)).as_bytes());
    }
}

#[test]
fn an_answer_is_as_large_as_its_limit_at_most() {
    let read = |length: u64| {
        let row = format!("<b>{}</b>", "x".repeat(1024 - "<b></b>".len()));
        let count = (length - 1024) / 1024;
        let space = length - count * 1024 - "<a></a>".len() as u64;
        let before = format!("<a>{}", " ".repeat(space.try_into().unwrap()));
        let rows = Repeated::new(before.into(), row.into(), count.try_into().unwrap(), b"</a>".into());
        let mut tokens = Tokens::new(BufReader::with_capacity(64 * 1024, rows));
        tokens.tag()?;
        tokens.skip_to(0)?;
        tokens.tag()
    };
    assert_eq!(read(MAX_ANSWER).unwrap(), Token::End);
    assert!(matches!(read(MAX_ANSWER + 1), Err(XmlError::TooLarge)));
}

/// Pieces that are whole by themselves.
const FITTING: &[&str] = &[
    "<c>d</c>",
    "<c><d>e</d>&amp;</c>",
    "<c/>",
    "<x:c-d.e_1></x:c-d.e_1>",
    "<c e='>'>f</c>",
    "<c ></c >",
    "<c><!-- <d> --></c>",
    "<c><![CDATA[</c>]]></c>",
    "<?p </b> ?>",
    "&#233;&#xE9;",
    "&lt;",
    "é",
    " ",
];

/// Something that breaks a document, or does not.
#[derive(Clone, Debug)]
enum Change {
    Put(Vec<u8>),
    Remove(usize),
}

impl Change {
    fn make(self, body: &mut Vec<u8>, at: Index) {
        let at = at.index(body.len() + 1);
        match self {
            Self::Put(piece) => drop(body.splice(at..at, piece)),
            Self::Remove(count) => drop(body.splice(at..body.len().min(at + count), [])),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        select(PIECES).prop_map(|it| Change::Put(it.into())),
        select(FITTING).prop_map(|it| Change::Put(it.into())),
        any::<u8>().prop_map(|it| Change::Put(vec![it])),
        (1..8_usize).prop_map(Change::Remove),
    ]
}

/// How a document arrives, and what is passed over of it.
#[derive(Clone, Debug)]
struct Way {
    /// The length of the pieces that it comes in; all at once, if there is none.
    capacity: Option<usize>,
    /// How many tokens are read before.
    before: usize,
    /// How many elements are open behind.
    until: usize,
}

fn way() -> impl Strategy<Value = Way> {
    let capacity = prop_oneof![Just(None), (1..60_usize).prop_map(Some), (60..600_usize).prop_map(Some)];
    (capacity, 0..12_usize, 0..4_usize).prop_map(|(capacity, before, until)| Way {
        capacity,
        before,
        until,
    })
}

impl Way {
    /// Reads a document twice, and asserts that it does not matter how a part is passed over.
    fn check(&self, body: &[u8]) {
        let passed = self.read(body, Tokens::skip_to);
        let read = self.read(body, |tokens, open| {
            while tokens.open > open {
                if tokens.next(Text::Skip)? == Token::End {
                    return Err(XmlError::Truncated);
                }
            }
            Ok(())
        });
        let shown = || String::from_utf8_lossy(body.get(..2000).unwrap_or(body));
        assert!(passed == read, "{self:?} {passed:?} {read:?} {}", shown());
    }

    /// Returns what is told of a document.
    fn read<'b>(&self, body: &'b [u8], skip: Skip<'b>) -> Vec<String> {
        let mut tokens = Tokens::new(match self.capacity {
            Some(capacity) => Box::new(BufReader::with_capacity(capacity, body)) as Box<dyn BufRead>,
            None => Box::new(body),
        });
        let mut told = Vec::new();
        for _ in 0..self.before {
            if tokens.content().is_err() {
                break;
            }
        }
        told.push(format!("{:?}", skip(&mut tokens, self.until)));
        // After an error nobody goes on; yet if somebody did, it would not matter.
        for _ in 0..20 {
            let token = tokens.content();
            let at = tokens.reader.buffer_position();
            told.push(format!("{token:?} {} {at} {:?}", tokens.open, tokens.text.get(..100)));
            if matches!(token, Ok(Token::End)) {
                break;
            }
        }
        told
    }
}

type Skip<'b> = fn(&mut Tokens<Box<dyn BufRead + 'b>>, usize) -> Result<(), XmlError>;
