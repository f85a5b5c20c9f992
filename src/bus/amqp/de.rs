//! Values as serde reads them, so that a map of AMQP is read by the same words as an object of JSON.
//!
//! Text is borrowed. What JSON has no word for comes as the next best: a time as seconds, a letter as a text, binary data
//! as the text that it holds, and what nobody asks for as an empty list, which is in no place a value.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{AmqpError, Item, Items};

/// Why a value could not be read as what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the value is broken")]
    Amqp(#[from] AmqpError),
    #[error("{0}")]
    Unexpected(String),
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Unexpected(text.to_string())
    }
}

impl<'de> Deserializer<'de> for Item<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self {
            Item::Null => visitor.visit_unit(),
            Item::Switch(on) => visitor.visit_bool(on),
            Item::Whole(number) => visitor.visit_i64(number),
            Item::Unsigned(number) => visitor.visit_u64(number),
            Item::Float(number) => visitor.visit_f64(number),
            Item::Letter(letter) => visitor.visit_char(letter),
            Item::Time(milliseconds) => visitor.visit_f64(milliseconds as f64 / 1000.0),
            Item::Text(text) => visitor.visit_borrowed_str(text),
            Item::Bytes(bytes) => match str::from_utf8(bytes) {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => visitor.visit_string(String::from_utf8_lossy(bytes).into_owned()),
            },
            Item::List(items) => visitor.visit_seq(Rest(items)),
            Item::Map(items) => visitor.visit_map(Rest(items)),
            Item::Other(_) => visitor.visit_seq(Rest(Items::NONE)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self == Item::Null {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// The values that a visitor has not seen yet.
struct Rest<'de>(Items<'de>);

impl<'de> SeqAccess<'de> for Rest<'de> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        self.0.next().map(|it| seed.deserialize(it?)).transpose()
    }
}

impl<'de> MapAccess<'de> for Rest<'de> {
    type Error = ReadError;

    /// A key that is no text is nobody's: a number would be taken for the place of a field.
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        let Some(key) = self.0.next().transpose()? else {
            return Ok(None);
        };
        let name = key.text().unwrap_or_default();
        seed.deserialize(StrDeserializer::<ReadError>::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        let value = self.0.next().transpose()?;
        seed.deserialize(value.ok_or(AmqpError::Cut)?)
    }
}
