//! Values for serde: what a `<value>` holds, whatever its type, as soon as it stands there.

use std::io::BufRead;

use serde::de::value::StrDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::XmlError;
use super::token::{Tag, Token, Tokens};

/// A value that is about to be read.
pub(super) struct ValueReader<'t, R> {
    tokens: &'t mut Tokens<R>,
    start: Start,
    /// How many elements are open around it.
    around: usize,
}

/// How far into a value the reading has come.
#[derive(Clone, Copy)]
enum Start {
    /// Behind `<value>`.
    Inside,
    /// Its kind is known.
    Known(Kind),
}

#[derive(Clone, Copy)]
enum Kind {
    /// A text without an element around it, read to the end of the value.
    Bare,
    /// Behind the element that tells the type, which may be empty.
    Typed { tag: Tag, is_empty: bool },
}

impl<'t, R: BufRead> ValueReader<'t, R> {
    /// Goes to a value that has to come next.
    pub(super) fn next(tokens: &'t mut Tokens<R>) -> Result<Self, XmlError> {
        let around = tokens.open;
        let start = match tokens.tag()? {
            Token::Open(Tag::Value) => Start::Inside,
            Token::Empty(Tag::Value) => {
                tokens.text.clear();
                Start::Known(Kind::Bare)
            }
            Token::Open(_) | Token::Empty(_) | Token::Close => return Err(tokens.unexpected("a value")),
            Token::End => return Err(XmlError::Truncated),
        };
        Ok(Self { tokens, start, around })
    }

    fn kind(&mut self) -> Result<Kind, XmlError> {
        if let Start::Known(kind) = self.start {
            return Ok(kind);
        }
        let kind = match self.tokens.content()? {
            Token::Close => Kind::Bare,
            Token::Open(tag) => Kind::Typed { tag, is_empty: false },
            Token::Empty(tag) => Kind::Typed { tag, is_empty: true },
            Token::End => return Err(XmlError::Truncated),
        };
        if matches!(kind, Kind::Typed { .. }) && !self.tokens.text.trim_ascii().is_empty() {
            return Err(self.tokens.unexpected("one type"));
        }
        self.start = Start::Known(kind);
        Ok(kind)
    }

    /// Reads the text of a type that has nothing else, and the end of the value.
    fn scalar(&mut self, is_empty: bool) -> Result<&str, XmlError> {
        if is_empty {
            self.tokens.text.clear();
        } else {
            match self.tokens.content()? {
                Token::Close => {}
                Token::Open(_) | Token::Empty(_) => return Err(self.tokens.unexpected("a text")),
                Token::End => return Err(XmlError::Truncated),
            }
        }
        self.tokens.expect(Token::Close, "the end of the value")?;
        Ok(&self.tokens.text)
    }

    fn double(&mut self, is_empty: bool) -> Result<f64, XmlError> {
        let number = self.scalar(is_empty)?.trim_ascii().parse();
        number.map_err(|_| self.tokens.malformed("double"))
    }

    fn visit<'de, V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, XmlError> {
        let (tag, is_empty) = match self.kind()? {
            Kind::Bare => return visitor.visit_str(&self.tokens.text),
            Kind::Typed { tag, is_empty } => (tag, is_empty),
        };
        match tag {
            Tag::Text => visitor.visit_str(self.scalar(is_empty)?),
            Tag::Nil => {
                self.scalar(is_empty)?;
                visitor.visit_unit()
            }
            Tag::Bool => match self.scalar(is_empty)?.trim_ascii() {
                "1" => visitor.visit_bool(true),
                "0" => visitor.visit_bool(false),
                _ => Err(self.tokens.malformed("boolean")),
            },
            Tag::Int => {
                let text = self.scalar(is_empty)?.trim_ascii();
                if let Ok(number) = text.parse() {
                    return visitor.visit_i64(number);
                }
                // Python's integers have no end; ours have.
                let digits = text.strip_prefix('-').unwrap_or(text);
                let is_number = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
                match text.parse() {
                    Ok(number) if is_number => visitor.visit_f64(number),
                    Ok(_) | Err(_) => Err(self.tokens.malformed("integer")),
                }
            }
            Tag::Double => visitor.visit_f64(self.double(is_empty)?),
            Tag::Array => self.array(is_empty, visitor),
            Tag::Struct => self.members(is_empty, visitor),
            Tag::MethodResponse
            | Tag::Params
            | Tag::Param
            | Tag::Fault
            | Tag::Value
            | Tag::Data
            | Tag::Member
            | Tag::Name
            | Tag::Html
            | Tag::Other => Err(self.tokens.unexpected("a type")),
        }
    }

    fn array<'de, V: Visitor<'de>>(self, is_empty: bool, visitor: V) -> Result<V::Value, XmlError> {
        let Self { tokens, around, .. } = self;
        let mut is_over = is_empty;
        if !is_empty {
            match tokens.tag()? {
                Token::Open(Tag::Data) => {}
                Token::Empty(Tag::Data) => {
                    tokens.expect(Token::Close, "the end of the array")?;
                    is_over = true;
                }
                Token::Close => is_over = true,
                Token::Open(_) | Token::Empty(_) => return Err(tokens.unexpected("data")),
                Token::End => return Err(XmlError::Truncated),
            }
        }
        let mut elements = Elements { tokens, is_over };
        let value = visitor.visit_seq(&mut elements)?;
        finish(elements.tokens, elements.is_over, around)?;
        Ok(value)
    }

    fn members<'de, V: Visitor<'de>>(self, is_empty: bool, visitor: V) -> Result<V::Value, XmlError> {
        let Self { tokens, around, .. } = self;
        let mut members = Members {
            tokens,
            is_over: is_empty,
        };
        let value = visitor.visit_map(&mut members)?;
        finish(members.tokens, members.is_over, around)?;
        Ok(value)
    }
}

/// Goes to the end of a value, over what its visitor has left.
fn finish<R: BufRead>(tokens: &mut Tokens<R>, is_over: bool, around: usize) -> Result<(), XmlError> {
    if is_over {
        tokens.expect(Token::Close, "the end of the value")
    } else {
        tokens.skip_to(around)
    }
}

/// The elements of an array. Those that nobody asks for are passed over.
struct Elements<'t, R> {
    tokens: &'t mut Tokens<R>,
    is_over: bool,
}

impl<'de, R: BufRead> SeqAccess<'de> for &mut Elements<'_, R> {
    type Error = XmlError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, XmlError> {
        if self.is_over {
            return Ok(None);
        }
        let around = self.tokens.open;
        let start = match self.tokens.tag()? {
            Token::Open(Tag::Value) => Start::Inside,
            Token::Empty(Tag::Value) => {
                self.tokens.text.clear();
                Start::Known(Kind::Bare)
            }
            Token::Close => {
                self.tokens.expect(Token::Close, "the end of the array")?;
                self.is_over = true;
                return Ok(None);
            }
            Token::Open(_) | Token::Empty(_) => return Err(self.tokens.unexpected("a value")),
            Token::End => return Err(XmlError::Truncated),
        };
        let value = ValueReader {
            tokens: self.tokens,
            start,
            around,
        };
        seed.deserialize(value).map(Some)
    }
}

/// The members of a struct. Those that nobody asks for are passed over.
struct Members<'t, R> {
    tokens: &'t mut Tokens<R>,
    is_over: bool,
}

impl<'de, R: BufRead> MapAccess<'de> for &mut Members<'_, R> {
    type Error = XmlError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, XmlError> {
        if self.is_over {
            return Ok(None);
        }
        match self.tokens.tag()? {
            Token::Open(Tag::Member) => {}
            Token::Close => {
                self.is_over = true;
                return Ok(None);
            }
            Token::Open(_) | Token::Empty(_) => return Err(self.tokens.unexpected("a member")),
            Token::End => return Err(XmlError::Truncated),
        }
        match self.tokens.tag()? {
            Token::Open(Tag::Name) => match self.tokens.content()? {
                Token::Close => {}
                Token::Open(_) | Token::Empty(_) => return Err(self.tokens.unexpected("a text")),
                Token::End => return Err(XmlError::Truncated),
            },
            Token::Empty(Tag::Name) => self.tokens.text.clear(),
            Token::Open(_) | Token::Empty(_) | Token::Close => return Err(self.tokens.unexpected("a name")),
            Token::End => return Err(XmlError::Truncated),
        }
        let name: StrDeserializer<'_, XmlError> = self.tokens.text.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, XmlError> {
        let value = seed.deserialize(ValueReader::next(self.tokens)?)?;
        self.tokens.expect(Token::Close, "the end of the member")?;
        Ok(value)
    }
}

/// Where an integer is asked for, a double that is one will do. Serde itself takes an integer for a double.
macro_rules! whole {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, XmlError> {
            let Kind::Typed { tag: Tag::Double, is_empty } = self.kind()? else {
                return self.visit(visitor);
            };
            let number = self.double(is_empty)?;
            match crate::koji::lenient::whole(number) {
                Some(number) => visitor.visit_i64(number),
                None => visitor.visit_f64(number),
            }
        }
    )*};
}

impl<'de, R: BufRead> Deserializer<'de> for ValueReader<'_, R> {
    type Error = XmlError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, XmlError> {
        self.visit(visitor)
    }

    whole! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, XmlError> {
        match self.kind()? {
            Kind::Typed {
                tag: Tag::Nil,
                is_empty,
            } => {
                self.scalar(is_empty)?;
                visitor.visit_none()
            }
            Kind::Typed { .. } | Kind::Bare => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, XmlError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, XmlError> {
        let name = String::deserialize(self)?;
        visitor.visit_enum(name.into_deserializer())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, XmlError> {
        self.tokens.skip_to(self.around)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier
    }
}
