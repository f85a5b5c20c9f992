//! Values as hubs and their plugins really write them: an id may be a float, a state a number or a name, a time five
//! things.
//!
//! A [`Scalar`] takes whatever stands in a place without failing; what it means there is asked afterwards. It reads
//! from anything that serde reads from, and knows neither JSON nor XML.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The longest name, version, release or user name, in bytes. A longer one is malformed: a part of it would name
/// something else. Texts that are only shown (tag, target, method …) are cut to this length instead.
pub const MAX_TEXT: usize = 512;

/// One value, whatever it is. Borrows text that has no escapes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scalar<'a> {
    /// Absent or null.
    #[default]
    Nothing,
    Switch(bool),
    Whole(i64),
    /// Anything with a point, an exponent, or too many digits.
    Float(f64),
    Text(Cow<'a, str>),
    /// An array or an object, not kept.
    Structure,
}

/// A state as it was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reading<S> {
    Absent,
    Known(S),
    /// A number or name that is in none of our tables.
    Unknown,
    /// Nothing that could be a state.
    Odd,
}

impl Scalar<'_> {
    /// Returns the text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Switch(_) | Self::Whole(_) | Self::Float(_) | Self::Structure => None,
        }
    }

    /// Returns the text, or the number as it is written, as far as that is certain.
    pub fn written(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Whole(number) => Some(Cow::Owned(number.to_string())),
            // `Debug` keeps the point of 1.0. Larger ones may have lost digits.
            Self::Float(number) if number.abs() <= EXACT => Some(Cow::Owned(format!("{number:?}"))),
            Self::Nothing | Self::Switch(_) | Self::Float(_) | Self::Structure => None,
        }
    }

    /// Returns the number, if it is a whole one, however it is written.
    pub fn whole(&self) -> Option<i64> {
        match self {
            Self::Whole(number) => Some(*number),
            Self::Float(number) => whole(*number),
            Self::Text(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| whole(text.parse().ok()?))
            }
            Self::Nothing | Self::Switch(_) | Self::Structure => None,
        }
    }

    /// Returns the id, `None` if there is none.
    ///
    /// # Errors
    /// If what stands there cannot be the id of anything: negative, beyond 63 bits, broken, or not a number.
    pub fn id(&self) -> Result<Option<u64>, NotAnId> {
        if *self == Self::Nothing {
            return Ok(None);
        }
        let number = self.whole().ok_or(NotAnId)?;
        u64::try_from(number).map(Some).map_err(|_| NotAnId)
    }

    /// Returns the state by its number or name.
    pub fn state<S>(&self, number: fn(i64) -> Option<S>, name: fn(&str) -> Option<S>) -> Reading<S> {
        let known = match self {
            Self::Nothing => return Reading::Absent,
            Self::Switch(_) | Self::Structure => return Reading::Odd,
            Self::Whole(_) | Self::Float(_) => self.whole().and_then(number),
            Self::Text(text) => name(text).or_else(|| number(self.whole()?)),
        };
        known.map_or(Reading::Unknown, Reading::Known)
    }

    /// Returns whether this switches something on.
    pub fn is_on(&self) -> bool {
        match self {
            Self::Switch(on) => *on,
            Self::Whole(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Nothing | Self::Text(_) | Self::Structure => false,
        }
    }

    /// Returns the time, if it can be read as one.
    pub fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Whole(seconds) => Timestamp::from_second(*seconds).ok(),
            Self::Float(seconds) => from_epoch(*seconds),
            Self::Text(text) => parse_time(text),
            Self::Nothing | Self::Switch(_) | Self::Structure => None,
        }
    }

    /// Returns the text cut to [`MAX_TEXT`], `None` if it is empty or no text.
    pub fn shown(&self) -> Option<String> {
        let text = self.text()?;
        (!text.is_empty()).then(|| cut(text).to_owned())
    }
}

/// Reads a size or a count, which hubs write as a number or, beyond 32 bits, as text: for serde's `deserialize_with`.
/// What is neither tells nothing.
///
/// # Errors
/// Only those of the deserializer itself.
pub fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Scalar::deserialize(deserializer)?.id().ok().flatten())
}

/// Something stands in the place of an id that cannot be one.
#[derive(Debug)]
pub struct NotAnId;

/// Reads a time in any of the forms that hubs have used: ISO 8601 with `T` or a space and an offset, the same without
/// an offset, epoch seconds as text, and the literal `NOW` of old hubs, which tells nothing.
///
/// A time without an offset is local to a hub that does not say where it is; it is taken as UTC, which is where hubs
/// keep their clocks as a rule.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    if let Ok(time) = text.parse::<civil::DateTime>() {
        return Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp());
    }
    from_epoch(text.parse().ok()?)
}

/// Returns the longest beginning that fits into [`MAX_TEXT`] bytes.
pub fn cut(text: &str) -> &str {
    cut_to(text, MAX_TEXT)
}

/// Returns the longest beginning that fits into `most` bytes.
pub fn cut_to(text: &str, most: usize) -> &str {
    let end = (0..=text.len().min(most)).rev().find(|it| text.is_char_boundary(*it));
    end.and_then(|it| text.get(..it)).unwrap_or_default()
}

/// Hubs store microseconds; a double of this century is finer than that.
fn from_epoch(seconds: f64) -> Option<Timestamp> {
    let micros = whole((seconds * 1e6).round())?;
    Timestamp::from_microsecond(micros).ok()
}

/// Up to here, doubles hold every integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns a float as the integer that it is, up to 2⁵³.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it is whole and small enough to be exact"
)]
pub fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Nothing)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Switch(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Whole(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Scalar<'de>, E> {
                Ok(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Whole))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Float(value))
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Owned(value.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Structure)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Structure)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// An object and nothing else: left to itself, a derived reader also takes an array, by position.
#[derive(Debug, Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Only<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Only<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Only(PhantomData))
    }
}

/// In a visitor: null, a switch and every number are answered alike.
macro_rules! otherwise {
    ($answer:expr) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            $answer
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            $answer
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            $answer
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            $answer
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            $answer
        }
    };
}

pub(crate) use otherwise;

/// A value that matters if it is a text, a whole number or an object; what else it may be, nobody asks.
#[derive(Debug, Default)]
pub enum Value<'a, T> {
    Text(Cow<'a, str>),
    Whole(i64),
    Object(T),
    #[default]
    Other,
}

impl<T> Value<'_, T> {
    /// Returns the object, if it is one.
    pub fn object(self) -> Option<T> {
        match self {
            Self::Object(object) => Some(object),
            Self::Text(_) | Self::Whole(_) | Self::Other => None,
        }
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Value<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Any<T> {
            type Value = Value<'de, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Value::Object)
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Value::Text(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Value::Text(Cow::Owned(value.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Other)
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Value::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Value::Other)
            }

            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Value::Whole(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(i64::try_from(value).map_or(Value::Other, Value::Whole))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Value::Other)
            }
        }

        deserializer.deserialize_any(Any(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(json: &str) -> Scalar<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_form_of_time_is_read() {
        let check = |json: &str, expected: &str| {
            let time = scalar(json)
                .time()
                .map_or_else(|| "none".to_owned(), |it| it.to_string());
            assert_eq!(time, expected, "{json}");
        };
        check(r#""2023-06-07T10:41:32+00:00""#, "2023-06-07T10:41:32Z");
        check(r#""2023-06-07T12:41:32+02:00""#, "2023-06-07T10:41:32Z");
        check(r#""2023-06-07 10:41:32.123456+00:00""#, "2023-06-07T10:41:32.123456Z");
        check(r#""2017-09-05 20:24:31.25""#, "2017-09-05T20:24:31.25Z");
        check("1686218469.0", "2023-06-08T10:01:09Z");
        check("1359604772.178867", "2013-01-31T03:59:32.178867Z");
        check("1686218469", "2023-06-08T10:01:09Z");
        check(r#""1686218469.5""#, "2023-06-08T10:01:09.5Z");
        check(r#""NOW""#, "none");
        check(r#""inf""#, "none");
        check("1e300", "none");
        check("null", "none");
        check("[1, {}]", "none");
    }

    #[test]
    fn an_id_is_a_number_however_it_is_written() {
        let check = |json: &str, expected: &str| {
            let id = match scalar(json).id() {
                Ok(Some(id)) => id.to_string(),
                Ok(None) => "none".to_owned(),
                Err(NotAnId) => "not an id".to_owned(),
            };
            assert_eq!(id, expected, "{json}");
        };
        check("17", "17");
        check("17.0", "17");
        check(r#""17""#, "17");
        check("null", "none");
        check("9223372036854775807", "9223372036854775807");
        check("9223372036854775808", "not an id");
        check("-1", "not an id");
        check("1.5", "not an id");
        check("1e300", "not an id");
        check(r#""""#, "not an id");
        check(r#""NaN""#, "not an id");
        check("true", "not an id");
        check("[17]", "not an id");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let long = "é".repeat(MAX_TEXT);
        assert_eq!(cut(&long).len(), MAX_TEXT);
        let odd = format!("x{long}");
        assert_eq!(cut(&odd).len(), MAX_TEXT - 1);
        assert_eq!(cut("short"), "short");
    }
}
