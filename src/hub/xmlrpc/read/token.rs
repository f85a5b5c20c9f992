//! XML as far as XML-RPC needs it: elements, and the text between them. All limits but the meaning are held here.

use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::Event;

use super::plain;
use super::{MAX_ANSWER, MAX_DEPTH, MAX_TEXT, XmlError};

/// The most elements that are open at a time: three around the value, three for each level, a value and its type.
const MAX_OPEN: usize = 3 + 3 * MAX_DEPTH + 2;

/// What comes next, but for text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Token {
    Open(Tag),
    /// An element that is closed as it is opened.
    Empty(Tag),
    Close,
    /// The document is over.
    End,
}

/// The elements of XML-RPC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tag {
    MethodResponse,
    Params,
    Param,
    Fault,
    Value,
    Array,
    Data,
    Struct,
    Member,
    Name,
    Nil,
    Bool,
    Int,
    Double,
    /// Also times and binary data, which stay as they are written.
    Text,
    /// It opens a web page.
    Html,
    Other,
}

impl Tag {
    fn named(name: &str) -> Self {
        match name {
            "methodResponse" => Self::MethodResponse,
            "params" => Self::Params,
            "param" => Self::Param,
            "fault" => Self::Fault,
            "value" => Self::Value,
            "array" => Self::Array,
            "data" => Self::Data,
            "struct" => Self::Struct,
            "member" => Self::Member,
            "name" => Self::Name,
            "nil" => Self::Nil,
            "boolean" => Self::Bool,
            "int" | "i1" | "i2" | "i4" | "i8" | "biginteger" => Self::Int,
            "double" | "float" => Self::Double,
            "string" | "dateTime.iso8601" | "base64" => Self::Text,
            it if it.eq_ignore_ascii_case("html") => Self::Html,
            _ => Self::Other,
        }
    }
}

/// What is done with text on the way to the next token.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Text {
    Keep,
    Skip,
    /// There may only be white space.
    Refuse,
}

/// The tokens of a document.
pub(super) struct Tokens<R> {
    reader: Reader<Guard<R>>,
    buffer: Vec<u8>,
    /// How many elements are open.
    pub(super) open: usize,
    /// What [`Self::content`] has come past.
    pub(super) text: String,
    /// Where it is worth looking for whole elements again. Nowhere, once something was wrong: then the parser may be
    /// within a tag.
    look_at: u64,
}

impl<R: BufRead> Tokens<R> {
    pub(super) fn new(body: R) -> Self {
        Self {
            reader: Reader::from_reader(Guard {
                body,
                total: 0,
                piece: 0,
            }),
            buffer: Vec::new(),
            open: 0,
            text: String::new(),
            look_at: 0,
        }
    }

    /// Returns the token that the document opens with.
    pub(super) fn first(&mut self) -> Result<Token, XmlError> {
        let token = self.content();
        // A byte order mark is taken by the parser, unless it arrives in pieces.
        let is_blank = self.text.trim_start_matches('\u{feff}').trim_ascii().is_empty();
        if is_blank { token } else { Err(XmlError::NotXml) }
    }

    /// Returns the next token, with nothing but white space before it.
    pub(super) fn tag(&mut self) -> Result<Token, XmlError> {
        self.next(Text::Refuse)
    }

    /// Returns the next token; the text before it is in [`Self::text`].
    pub(super) fn content(&mut self) -> Result<Token, XmlError> {
        self.text.clear();
        self.next(Text::Keep)
    }

    /// Goes on until no more than `open` elements are open. What is passed over is refused where it would be if it were
    /// read: an element that is not closed by its own name, text that is not UTF-8, a document type, an entity that is
    /// not XML's own, whatever is beyond a limit. It is not looked at whether it is XML-RPC.
    pub(super) fn skip_to(&mut self, open: usize) -> Result<(), XmlError> {
        while self.open > open {
            self.pass_whole()?;
            if self.next(Text::Skip)? == Token::End {
                return Err(XmlError::Truncated);
            }
        }
        Ok(())
    }

    pub(super) fn expect(&mut self, expected: Token, name: &'static str) -> Result<(), XmlError> {
        let token = self.tag()?;
        match token {
            _ if token == expected => Ok(()),
            Token::End => Err(XmlError::Truncated),
            Token::Open(_) | Token::Empty(_) | Token::Close => Err(self.unexpected(name)),
        }
    }

    /// Returns what to say where something else than `expected` stands.
    pub(super) fn unexpected(&self, expected: &'static str) -> XmlError {
        let at = self.reader.buffer_position();
        XmlError::Unexpected { expected, at }
    }

    /// Returns what to say where a value is not what its type says.
    pub(super) fn malformed(&self, expected: &'static str) -> XmlError {
        let at = self.reader.buffer_position();
        XmlError::Malformed { expected, at }
    }

    #[cfg(test)]
    pub(super) fn buffer_capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Passes over the elements that are wholly in the bytes at hand. Has to follow a token, where the parser is between
    /// tags. No byte is looked at twice: until it is past all that a look has seen, the tokenizer goes on alone.
    fn pass_whole(&mut self) -> Result<(), XmlError> {
        let at = self.reader.buffer_position();
        if at < self.look_at {
            return Ok(());
        }
        let room = MAX_OPEN.saturating_sub(self.open);
        let mut stream = self.reader.stream();
        stream.get_mut().piece = 0;
        let look = match stream.fill_buf() {
            Ok(bytes) => plain::look(bytes, room),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(explained(error.into(), at)),
        };
        stream.consume(look.whole);
        self.look_at = at + look.seen as u64;
        Ok(())
    }

    fn next(&mut self, text: Text) -> Result<Token, XmlError> {
        let token = self.parse(text);
        if token.is_err() {
            self.look_at = u64::MAX;
        }
        token
    }

    fn parse(&mut self, text: Text) -> Result<Token, XmlError> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().piece = 0;
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(explained(error, self.reader.error_position())),
            };
            let at = self.reader.buffer_position();
            match event {
                Event::Start(it) => {
                    self.open += 1;
                    if self.open > MAX_OPEN {
                        return Err(XmlError::TooDeep);
                    }
                    return Ok(Token::Open(Tag::named(it.local_name().as_ref())));
                }
                Event::Empty(it) => return Ok(Token::Empty(Tag::named(it.local_name().as_ref()))),
                Event::End(_) => {
                    self.open = self.open.saturating_sub(1);
                    return Ok(Token::Close);
                }
                Event::Eof => return Ok(Token::End),
                Event::Text(it) => match text {
                    Text::Keep => self.text.push_str(&it.xml10_content()),
                    Text::Skip => {}
                    Text::Refuse if it.trim_ascii().is_empty() => {}
                    Text::Refuse => {
                        return Err(XmlError::Unexpected {
                            expected: "an element",
                            at,
                        });
                    }
                },
                Event::CData(it) => match text {
                    Text::Keep => self.text.push_str(&it.xml10_content()),
                    Text::Skip => {}
                    Text::Refuse => {
                        return Err(XmlError::Unexpected {
                            expected: "an element",
                            at,
                        });
                    }
                },
                Event::GeneralRef(it) => {
                    let character = match &*it {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "quot" => '"',
                        "apos" => '\'',
                        // Python writes what was not UTF-8 as the number of half a character, which XML does not have.
                        _ if it.is_char_ref() => it.resolve_char_ref().ok().flatten().unwrap_or('\u{fffd}'),
                        _ => return Err(XmlError::Entity),
                    };
                    match text {
                        Text::Keep => self.text.push(character),
                        Text::Skip => {}
                        Text::Refuse => {
                            return Err(XmlError::Unexpected {
                                expected: "an element",
                                at,
                            });
                        }
                    }
                }
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
                Event::DocType(it) => {
                    let is_page = it.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("html"));
                    return Err(if is_page {
                        XmlError::Html
                    } else {
                        XmlError::DocumentType
                    });
                }
            }
            if self.text.len() > MAX_TEXT {
                return Err(XmlError::TextTooLong);
            }
        }
    }
}

/// Returns our word for the parser's trouble, without what it quotes of the document.
fn explained(error: Error, at: u64) -> XmlError {
    match error {
        Error::Io(error) => {
            let over = error.get_ref().and_then(|it| it.downcast_ref::<Over>());
            match over {
                Some(Over::Answer) => XmlError::TooLarge,
                Some(Over::Piece) => XmlError::TextTooLong,
                None => XmlError::Io(error),
            }
        }
        Error::Syntax(SyntaxError::InvalidBangMarkup) => XmlError::Broken { at },
        Error::Syntax(_) => XmlError::Truncated,
        Error::Encoding(_) => XmlError::NotUtf8,
        Error::IllFormed(_) | Error::InvalidAttr(_) | Error::Escape(_) | Error::Namespace(_) => XmlError::Broken { at },
    }
}

/// A reader that ends in an error where a limit is passed, so that the parser, which collects one piece of text or
/// markup at a time, never collects more.
struct Guard<R> {
    body: R,
    /// Bytes read.
    total: u64,
    /// Bytes read for the piece in hand.
    piece: usize,
}

/// A limit was passed.
#[derive(Debug, thiserror::Error)]
enum Over {
    #[error("the answer is too large")]
    Answer,
    #[error("a piece of the answer is too large")]
    Piece,
}

impl<R: BufRead> BufRead for Guard<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let available = self.body.fill_buf()?;
        if available.is_empty() {
            return Ok(available);
        }
        let left_of_answer = usize::try_from(MAX_ANSWER.saturating_sub(self.total)).unwrap_or(usize::MAX);
        if left_of_answer == 0 {
            return Err(io::Error::other(Over::Answer));
        }
        // The markup around a text, or a character of it in several bytes, is not counted too closely.
        let left = (MAX_TEXT + 16).saturating_sub(self.piece);
        if left == 0 {
            return Err(io::Error::other(Over::Piece));
        }
        let left = left.min(left_of_answer);
        Ok(available.get(..left).unwrap_or(available))
    }

    fn consume(&mut self, amount: usize) {
        self.total += amount as u64;
        self.piece += amount;
        self.body.consume(amount);
    }
}

impl<R: BufRead> Read for Guard<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
