//! The types of AMQP 0-10 (chapter 3 of its specification), which qpid speaks.

use super::{AmqpError, Cursor, Encoding, Form, Item, Items, within};

/// Reads a map: its size, its count, and then keys and values.
pub(super) fn map<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Item<'a>, AmqpError> {
    let mut body = Cursor(cursor.sized::<4>()?);
    // An empty map may have no count.
    if body.0.is_empty() {
        return Ok(Item::Map(Items::NONE));
    }
    let count = body.size::<4>()?.saturating_mul(2);
    let form = Form::Keyed { is_key: true };
    Items::new(Encoding::ZeroTen, form, body.0, count, within(depth)?).map(Item::Map)
}

/// Returns a key. Those that are no UTF-8 name nothing we know.
pub(super) fn key(bytes: &[u8]) -> Item<'_> {
    str::from_utf8(bytes).map_or(Item::Bytes(bytes), Item::Text)
}

/// Reads a value whose type is known. A type that we do not know still tells how much room it takes.
pub(super) fn value<'a>(code: u8, cursor: &mut Cursor<'a>, depth: usize) -> Result<Item<'a>, AmqpError> {
    Ok(match code {
        0xf0 => Item::Null,
        0xf1 => Item::Switch(true),
        0x08 => Item::Switch(cursor.octet()? != 0),
        0x01 => Item::Whole(i8::from_be_bytes(cursor.array()?).into()),
        0x02 => Item::Unsigned(cursor.octet()?.into()),
        0x04 => Item::Letter(cursor.octet()?.into()),
        0x11 => Item::Whole(i16::from_be_bytes(cursor.array()?).into()),
        0x12 => Item::Unsigned(u16::from_be_bytes(cursor.array()?).into()),
        0x21 => Item::Whole(i32::from_be_bytes(cursor.array()?).into()),
        0x22 => Item::Unsigned(u32::from_be_bytes(cursor.array()?).into()),
        0x23 => Item::Float(f32::from_be_bytes(cursor.array()?).into()),
        0x27 => {
            let number = u32::from_be_bytes(cursor.array()?);
            char::from_u32(number).map(Item::Letter).ok_or(AmqpError::NotText)?
        }
        // A time is a number of seconds (POSIX).
        0x31 | 0x38 => Item::Whole(i64::from_be_bytes(cursor.array()?)),
        0x32 => Item::Unsigned(u64::from_be_bytes(cursor.array()?)),
        0x33 => Item::Float(f64::from_be_bytes(cursor.array()?)),
        // Binary data, which is what Python 2 made of its own text, and Latin-1.
        0x80 | 0x84 => Item::Bytes(cursor.sized::<1>()?),
        0x90 | 0x94 => Item::Bytes(cursor.sized::<2>()?),
        0xa0 => Item::Bytes(cursor.sized::<4>()?),
        0x85 => text(cursor.sized::<1>()?)?,
        0x95 => text(cursor.sized::<2>()?)?,
        0xa8 => map(cursor, depth)?,
        0xa9 => list(cursor, within(depth)?)?,
        0xaa => array(cursor, within(depth)?)?,
        _ => Item::Other(match code >> 4 {
            0x0 => cursor.take(1)?,
            0x1 => cursor.take(2)?,
            0x2 => cursor.take(4)?,
            0x3 => cursor.take(8)?,
            0x4 => cursor.take(16)?,
            0x5 => cursor.take(32)?,
            0x6 => cursor.take(64)?,
            0x7 => cursor.take(128)?,
            0x8 => cursor.sized::<1>()?,
            0x9 => cursor.sized::<2>()?,
            0xa => cursor.sized::<4>()?,
            0xc => cursor.take(5)?,
            0xd => cursor.take(9)?,
            0xf => &[],
            _ => return Err(AmqpError::NoType(code)),
        }),
    })
}

fn text(bytes: &[u8]) -> Result<Item<'_>, AmqpError> {
    str::from_utf8(bytes).map(Item::Text).map_err(|_| AmqpError::NotText)
}

fn list<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Item<'a>, AmqpError> {
    let mut body = Cursor(cursor.sized::<4>()?);
    if body.0.is_empty() {
        return Ok(Item::List(Items::NONE));
    }
    let count = body.size::<4>()?;
    Items::new(Encoding::ZeroTen, Form::Each, body.0, count, depth).map(Item::List)
}

/// Reads an array: its size, the type of all its values, and its count.
fn array<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Item<'a>, AmqpError> {
    let whole = cursor.sized::<4>()?;
    let mut body = Cursor(whole);
    if body.0.is_empty() {
        return Ok(Item::List(Items::NONE));
    }
    let code = body.octet()?;
    let left = body.size::<4>()?;
    if left > whole.len() {
        return Err(AmqpError::TooMany);
    }
    Ok(Item::List(Items {
        cursor: body,
        left,
        form: Form::Alike(code),
        encoding: Encoding::ZeroTen,
        depth,
    }))
}
