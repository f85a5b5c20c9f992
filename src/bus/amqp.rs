//! The typed values of AMQP 1.0, and those of AMQP 0-10, which Koji's own plugins have spoken before and since 1.17.
//!
//! Promise: nothing is copied and nothing is built up. An [`Item`] is one value, a list or map among them is
//! [`Items`] that are read where they lie, each byte a bounded number of times. Whatever the bytes are, reading ends,
//! within [`MAX_DEPTH`] levels, and a container never yields more values than it has bytes.
//!
//! Own code, because the crate there is (`serde_amqp` 0.18) follows nested values as deep as they go, which ends the
//! process, and no crate knows 0-10.
//!
//! It deliberately knows no frame, no connection and no Koji.

mod de;
pub mod message;
mod one_zero;
mod zero_ten;

/// The deepest nesting of lists, maps and arrays. Real ones end at about six.
pub const MAX_DEPTH: usize = 64;

/// A value. Text is UTF-8; a symbol is a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    Null,
    Switch(bool),
    Whole(i64),
    Unsigned(u64),
    Float(f64),
    Letter(char),
    /// Milliseconds since the epoch. Only 1.0 has them; the times of 0-10 are seconds and a [`Item::Whole`].
    Time(i64),
    Text(&'a str),
    /// Binary data, and text in an encoding that is not told or not UTF-8.
    Bytes(&'a [u8]),
    List(Items<'a>),
    /// Key, value, key, value.
    Map(Items<'a>),
    /// A number or name of a kind that nobody here asks for: a decimal, a UUID.
    Other(&'a [u8]),
}

/// Why bytes are not the values that they are said to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AmqpError {
    #[error("it has {size} bytes, more than {}", message::MAX_MESSAGE)]
    TooLarge { size: usize },
    #[error("it ends too soon")]
    Cut,
    #[error("it is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("it claims more values than it has bytes")]
    TooMany,
    #[error("there is no type 0x{0:02x}")]
    NoType(u8),
    #[error("a text is not UTF-8")]
    NotText,
    #[error("it is not {0}")]
    Unexpected(&'static str),
}

/// Reads one value of AMQP 1.0 and whatever is in it. Returns what follows it, too. Of a described value, the
/// descriptor is passed over.
///
/// # Errors
/// If it is no value, at any depth.
pub fn one_zero(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), AmqpError> {
    let mut cursor = Cursor(bytes);
    let item = Encoding::OneZero.value(&mut cursor, MAX_DEPTH)?;
    item.check()?;
    Ok((item, cursor.0))
}

/// Reads a map of AMQP 0-10, as it is the body of a message of the type `amqp/map`.
///
/// # Errors
/// If it is no map, at any depth, or something follows it.
pub fn zero_ten_map(bytes: &[u8]) -> Result<Item<'_>, AmqpError> {
    let mut cursor = Cursor(bytes);
    let item = zero_ten::map(&mut cursor, MAX_DEPTH)?;
    if !cursor.0.is_empty() {
        return Err(AmqpError::Unexpected("a map alone"));
    }
    item.check()?;
    Ok(item)
}

impl<'a> Item<'a> {
    /// Returns the text, if it is one.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null
            | Self::Switch(_)
            | Self::Whole(_)
            | Self::Unsigned(_)
            | Self::Float(_)
            | Self::Letter(_)
            | Self::Time(_)
            | Self::Bytes(_)
            | Self::List(_)
            | Self::Map(_)
            | Self::Other(_) => None,
        }
    }

    /// Returns the number, if it is a whole one that is not negative.
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Whole(number) => u64::try_from(number).ok(),
            Self::Unsigned(number) => Some(number),
            Self::Null
            | Self::Switch(_)
            | Self::Float(_)
            | Self::Letter(_)
            | Self::Time(_)
            | Self::Text(_)
            | Self::Bytes(_)
            | Self::List(_)
            | Self::Map(_)
            | Self::Other(_) => None,
        }
    }

    /// Reads through it, at every depth. A container ends with the last of its values.
    fn check(self) -> Result<(), AmqpError> {
        match self {
            Self::List(mut items) | Self::Map(mut items) => {
                items.try_for_each(|it| it?.check())?;
                if items.cursor.0.is_empty() {
                    Ok(())
                } else {
                    Err(AmqpError::Unexpected("as long as it says"))
                }
            }
            Self::Null
            | Self::Switch(_)
            | Self::Whole(_)
            | Self::Unsigned(_)
            | Self::Float(_)
            | Self::Letter(_)
            | Self::Time(_)
            | Self::Text(_)
            | Self::Bytes(_)
            | Self::Other(_) => Ok(()),
        }
    }
}

/// Values that follow each other, still encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Items<'a> {
    cursor: Cursor<'a>,
    left: usize,
    form: Form,
    encoding: Encoding,
    /// How many levels may be within a value.
    depth: usize,
}

/// Where the types of some values stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// Before each value.
    Each,
    /// An array has one type for all.
    Alike(u8),
    /// In the maps of 0-10, a key is a short text without a type, and then comes a value with one.
    Keyed { is_key: bool },
}

impl<'a> Items<'a> {
    /// No values at all.
    pub const NONE: Self = Self {
        cursor: Cursor(&[]),
        left: 0,
        form: Form::Each,
        encoding: Encoding::OneZero,
        depth: 0,
    };

    /// Promises `left` values in `body`, each of them with `depth` levels within at most.
    fn new(encoding: Encoding, form: Form, body: &'a [u8], left: usize, depth: usize) -> Result<Self, AmqpError> {
        if left > body.len() {
            return Err(AmqpError::TooMany);
        }
        Ok(Self {
            cursor: Cursor(body),
            left,
            form,
            encoding,
            depth,
        })
    }

    /// Returns how many values there are.
    pub fn count(&self) -> usize {
        self.left
    }

    /// Returns how many bytes they take, still encoded, at most.
    pub fn size(&self) -> usize {
        self.cursor.0.len()
    }

    /// Returns a value of a map by its key, if that is a text.
    pub fn value_of(mut self, key: &str) -> Option<Item<'a>> {
        while let (Some(Ok(name)), Some(Ok(value))) = (self.next(), self.next()) {
            if name.text() == Some(key) {
                return Some(value);
            }
        }
        None
    }

    /// Returns what describes the value at a place of a list of AMQP 1.0, if anything does.
    pub fn descriptor_of(mut self, place: usize) -> Option<Item<'a>> {
        if let Some(before) = place.checked_sub(1) {
            self.nth(before)?.ok()?;
        }
        match self.cursor.0.split_first() {
            Some((0, descriptor)) if self.left > 0 => Some(one_zero(descriptor).ok()?.0),
            Some(_) | None => None,
        }
    }

    /// Returns the value at a place, counted from 0.
    fn at(mut self, place: usize) -> Option<Item<'a>> {
        self.nth(place)?.ok()
    }

    fn read(&mut self) -> Result<Item<'a>, AmqpError> {
        match &mut self.form {
            Form::Each => self.encoding.value(&mut self.cursor, self.depth),
            Form::Alike(code) => self.encoding.value_of_type(*code, &mut self.cursor, self.depth),
            Form::Keyed { is_key } => {
                let was_key = *is_key;
                *is_key = !was_key;
                if was_key {
                    let length = self.cursor.size::<1>()?;
                    self.cursor.take(length).map(zero_ten::key)
                } else {
                    self.encoding.value(&mut self.cursor, self.depth)
                }
            }
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, AmqpError>;

    /// Returns the next value. After an error there is none.
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let item = self.read();
        if item.is_err() {
            self.left = 0;
        }
        Some(item)
    }
}

/// The two ways to write a value down. In both, the first half of a type's octet tells how much room it takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Encoding {
    OneZero,
    ZeroTen,
}

impl Encoding {
    fn value<'a>(self, cursor: &mut Cursor<'a>, depth: usize) -> Result<Item<'a>, AmqpError> {
        let code = match self {
            Self::OneZero => one_zero::constructor(cursor)?,
            Self::ZeroTen => cursor.octet()?,
        };
        self.value_of_type(code, cursor, depth)
    }

    fn value_of_type<'a>(self, code: u8, cursor: &mut Cursor<'a>, depth: usize) -> Result<Item<'a>, AmqpError> {
        match self {
            Self::OneZero => one_zero::value(code, cursor, depth),
            Self::ZeroTen => zero_ten::value(code, cursor, depth),
        }
    }
}

/// Bytes that are yet to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], AmqpError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(AmqpError::Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AmqpError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(AmqpError::Cut)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn octet(&mut self) -> Result<u8, AmqpError> {
        self.array().map(|[octet]| octet)
    }

    /// Reads an unsigned number of `N` octets, at most four, the highest first.
    fn size<const N: usize>(&mut self) -> Result<usize, AmqpError> {
        const { assert!(N <= 4) };
        let octets = self.array::<N>()?;
        Ok(octets.iter().fold(0, |sum, it| (sum << 8) | usize::from(*it)))
    }

    /// Takes what has its length in `N` octets before it.
    fn sized<const N: usize>(&mut self) -> Result<&'a [u8], AmqpError> {
        let length = self.size::<N>()?;
        self.take(length)
    }
}

/// Returns what is left of `depth` within a container.
fn within(depth: usize) -> Result<usize, AmqpError> {
    depth.checked_sub(1).ok_or(AmqpError::TooDeep)
}
