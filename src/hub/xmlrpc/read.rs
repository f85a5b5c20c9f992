//! Answers, read while they arrive: a stream of XML becomes whatever serde can make, or the hub's fault.
//!
//! Memory is one text at a time: what the reader of a value does not ask for is passed over and never kept. Nothing is
//! read that XML-RPC does not have: no document type, no entity but XML's five, no other encoding than UTF-8.
//! Errors are short and never hold text of the answer, which may be large or a secret (a session's key).

mod plain;
mod token;
mod values;

use std::fmt;
use std::io::{self, BufRead};
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::hub::fault::{Fault, FaultCode};
use crate::koji::lenient::{Scalar, cut_to};
use token::{Tag, Token, Tokens};
use values::ValueReader;

/// The deepest nesting of arrays and structs, a multicall's own two included. Real ones end at about ten.
pub const MAX_DEPTH: usize = 64;

/// The largest answer, in bytes.
pub const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// The largest text, in bytes, and the largest piece of markup.
pub const MAX_TEXT: usize = 8 * 1024 * 1024;

/// The most of a fault's text that is kept, in bytes. The end of a traceback decides, and real ones are far shorter.
pub const MAX_FAULT_TEXT: usize = 64 * 1024;

/// What came of a call: the hub's value or its fault, unless nothing could be read.
pub type Outcome<T> = Result<Result<T, Fault>, XmlError>;

/// Reads the answer to a call: its value, or the hub's fault.
///
/// # Errors
/// If it is no answer of XML-RPC, is beyond the limits of this module, or is not shaped as `T`.
pub fn read<'de, T: Deserialize<'de>>(body: impl BufRead) -> Outcome<T> {
    read_with(body, PhantomData::<T>)
}

/// Reads the answer to a call, with a seed that knows what it should be.
///
/// # Errors
/// As [`read`].
pub fn read_with<'de, S: DeserializeSeed<'de>>(body: impl BufRead, seed: S) -> Outcome<S::Value> {
    let mut tokens = Tokens::new(body);
    match tokens.first()? {
        Token::Open(Tag::MethodResponse) => {}
        Token::Open(Tag::Html) | Token::Empty(Tag::Html) => return Err(XmlError::Html),
        Token::Open(_) | Token::Empty(_) | Token::Close => return Err(tokens.unexpected("methodResponse")),
        Token::End => return Err(XmlError::Empty),
    }
    let answer = match tokens.tag()? {
        Token::Open(Tag::Params) => {
            tokens.expect(Token::Open(Tag::Param), "param")?;
            let value = seed.deserialize(ValueReader::next(&mut tokens)?)?;
            tokens.expect(Token::Close, "the end of param")?;
            Ok(value)
        }
        Token::Open(Tag::Fault) => {
            let body = FaultBody::deserialize(ValueReader::next(&mut tokens)?)?;
            Err(body.fault()?)
        }
        Token::Open(_) | Token::Empty(_) | Token::Close => return Err(tokens.unexpected("params or fault")),
        Token::End => return Err(XmlError::Truncated),
    };
    tokens.expect(Token::Close, "the end of params or fault")?;
    tokens.expect(Token::Close, "the end of methodResponse")?;
    match tokens.tag()? {
        Token::End => Ok(answer),
        Token::Open(_) | Token::Empty(_) | Token::Close => Err(tokens.unexpected("the end")),
    }
}

/// Reads the answer to several calls made as one: one value or fault for each, in order. A part that the hub could
/// not do is a fault of its own; one that is not shaped as expected spoils the whole.
///
/// # Errors
/// As [`read`], and if there are not as many parts as seeds.
pub fn read_parts<'de, S: DeserializeSeed<'de>>(
    body: impl BufRead,
    seeds: impl IntoIterator<Item = S>,
) -> Outcome<Vec<Result<S::Value, Fault>>> {
    let seeds = seeds.into_iter();
    read_with(body, Parts { seeds })
}

/// Why an answer cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum XmlError {
    #[error("the answer broke off")]
    Io(#[source] Arc<io::Error>),
    #[error("the answer is empty")]
    Empty,
    #[error("the answer is a web page and not XML-RPC")]
    Html,
    #[error("the answer is not XML")]
    NotXml,
    #[error("the answer is not complete")]
    Truncated,
    #[error("the answer is not UTF-8")]
    NotUtf8,
    #[error("the answer is broken XML at byte {at}")]
    Broken { at: u64 },
    #[error("the answer declares a document type")]
    DocumentType,
    #[error("the answer uses an entity that is not XML's own")]
    Entity,
    #[error("the answer has something else than {expected} at byte {at}")]
    Unexpected { expected: &'static str, at: u64 },
    #[error("the answer has no {expected} where it says so, at byte {at}")]
    Malformed { expected: &'static str, at: u64 },
    #[error("the answer is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("the answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
    #[error("a text in the answer is longer than {MAX_TEXT} bytes")]
    TextTooLong,
    #[error("the answer is not shaped as expected: {detail}")]
    Shape { detail: String },
}

/// What is told of a value that is not as expected: what was expected, and the kind of what came; never the value.
impl de::Error for XmlError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Shape {
            detail: "a value cannot be used".to_owned(),
        }
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Shape {
            detail: format!("{} instead of {expected}", kind(unexpected)),
        }
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Shape {
            detail: format!("{} that is not {expected}", kind(unexpected)),
        }
    }

    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Self {
        Self::Shape {
            detail: format!("{length} elements instead of {expected}"),
        }
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::Shape {
            detail: "a name that nobody knows".to_owned(),
        }
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::Shape {
            detail: "a member that nobody knows".to_owned(),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Shape {
            detail: format!("there is no {field}"),
        }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Shape {
            detail: format!("there are two of {field}"),
        }
    }
}

fn kind(value: de::Unexpected<'_>) -> &'static str {
    use de::Unexpected as It;
    match value {
        It::Bool(_) => "a boolean",
        It::Unsigned(_) | It::Signed(_) => "an integer",
        It::Float(_) => "a double",
        It::Char(_) | It::Str(_) | It::Bytes(_) => "a string",
        It::Unit | It::Option => "nil",
        It::Seq | It::TupleVariant => "an array",
        It::Map | It::StructVariant => "a struct",
        It::NewtypeStruct | It::Enum | It::UnitVariant | It::NewtypeVariant | It::Other(_) => "something else",
    }
}

/// A fault as it is written, on its own and as a part of a multicall.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FaultBody<'a> {
    #[serde(borrow)]
    fault_code: Scalar<'a>,
    #[serde(borrow)]
    fault_string: Scalar<'a>,
}

impl FaultBody<'_> {
    fn fault(&self) -> Result<Fault, XmlError> {
        let code = self.fault_code.whole().ok_or(XmlError::Shape {
            detail: "a fault without a code".to_owned(),
        })?;
        let text = self.fault_string.text().unwrap_or_default();
        Ok(Fault {
            code: FaultCode::from_number(code),
            text: cut_to(text, MAX_FAULT_TEXT).to_owned(),
        })
    }
}

/// The answer to a multicall.
struct Parts<I> {
    seeds: I,
}

impl<'de, S: DeserializeSeed<'de>, I: Iterator<Item = S>> DeserializeSeed<'de> for Parts<I> {
    type Value = Vec<Result<S::Value, Fault>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: DeserializeSeed<'de>, I: Iterator<Item = S>> Visitor<'de> for Parts<I> {
    type Value = Vec<Result<S::Value, Fault>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one part for each call")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut parts = Vec::new();
        while let Some(seed) = self.seeds.next() {
            match seq.next_element_seed(Part(seed))? {
                Some(part) => parts.push(part),
                None => return Err(de::Error::invalid_length(parts.len(), &self)),
            }
        }
        if seq.next_element::<IgnoredAny>()?.is_some() {
            return Err(de::Error::invalid_length(parts.len() + 1, &self));
        }
        Ok(parts)
    }
}

/// One part: an array of one value, or a fault.
struct Part<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Part<S> {
    type Value = Result<S::Value, Fault>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Part<S> {
    type Value = Result<S::Value, Fault>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of one value, or a fault")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        const ONE: &str = "one value";
        let Some(value) = seq.next_element_seed(self.0)? else {
            return Err(de::Error::invalid_length(0, &ONE));
        };
        if seq.next_element::<IgnoredAny>()?.is_some() {
            return Err(de::Error::invalid_length(2, &ONE));
        }
        Ok(Ok(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let body = FaultBody::deserialize(MapAccessDeserializer::new(map))?;
        let fault = body.fault().map_err(|_| de::Error::missing_field("faultCode"))?;
        Ok(Err(fault))
    }
}

#[cfg(test)]
mod tests;
