//! The types of AMQP 1.0 (OASIS, part 1: types).

use super::{AmqpError, Cursor, Encoding, Form, Item, Items, within};

/// Before a descriptor.
const DESCRIBED: u8 = 0x00;

/// Reads the type of the value to come, past whatever describes it.
pub(super) fn constructor(cursor: &mut Cursor<'_>) -> Result<u8, AmqpError> {
    loop {
        let code = cursor.octet()?;
        if code != DESCRIBED {
            return Ok(code);
        }
        pass(cursor)?;
    }
}

/// Passes over one value. A descriptor may have a descriptor, so what is yet to be passed is counted.
fn pass(cursor: &mut Cursor<'_>) -> Result<(), AmqpError> {
    let mut left = 1_usize;
    while left > 0 {
        left -= 1;
        let code = cursor.octet()?;
        if code == DESCRIBED {
            left += 2;
            continue;
        }
        match code >> 4 {
            0x4 => {}
            0x5 => drop(cursor.take(1)?),
            0x6 => drop(cursor.take(2)?),
            0x7 => drop(cursor.take(4)?),
            0x8 => drop(cursor.take(8)?),
            0x9 => drop(cursor.take(16)?),
            0xa | 0xc | 0xe => drop(cursor.sized::<1>()?),
            0xb | 0xd | 0xf => drop(cursor.sized::<4>()?),
            _ => return Err(AmqpError::NoType(code)),
        }
    }
    Ok(())
}

/// Reads a value whose type is known. A type that is new since 1.0 still tells how much room it takes.
pub(super) fn value<'a>(code: u8, cursor: &mut Cursor<'a>, depth: usize) -> Result<Item<'a>, AmqpError> {
    Ok(match code {
        0x40 => Item::Null,
        0x41 => Item::Switch(true),
        0x42 => Item::Switch(false),
        0x43 | 0x44 => Item::Unsigned(0),
        0x45 => Item::List(Items::NONE),
        0x50 | 0x52 | 0x53 => Item::Unsigned(cursor.octet()?.into()),
        0x51 | 0x54 | 0x55 => Item::Whole(i8::from_be_bytes(cursor.array()?).into()),
        0x56 => Item::Switch(cursor.octet()? != 0),
        0x60 => Item::Unsigned(u16::from_be_bytes(cursor.array()?).into()),
        0x61 => Item::Whole(i16::from_be_bytes(cursor.array()?).into()),
        0x70 => Item::Unsigned(u32::from_be_bytes(cursor.array()?).into()),
        0x71 => Item::Whole(i32::from_be_bytes(cursor.array()?).into()),
        0x72 => Item::Float(f32::from_be_bytes(cursor.array()?).into()),
        0x73 => letter(cursor)?,
        0x80 => Item::Unsigned(u64::from_be_bytes(cursor.array()?)),
        0x81 => Item::Whole(i64::from_be_bytes(cursor.array()?)),
        0x82 => Item::Float(f64::from_be_bytes(cursor.array()?)),
        0x83 => Item::Time(i64::from_be_bytes(cursor.array()?)),
        0xa0 => Item::Bytes(cursor.sized::<1>()?),
        0xb0 => Item::Bytes(cursor.sized::<4>()?),
        0xa1 | 0xa3 => text(cursor.sized::<1>()?)?,
        0xb1 | 0xb3 => text(cursor.sized::<4>()?)?,
        0xc0 => Item::List(items::<1>(cursor, within(depth)?)?),
        0xd0 => Item::List(items::<4>(cursor, within(depth)?)?),
        0xc1 => map(items::<1>(cursor, within(depth)?)?)?,
        0xd1 => map(items::<4>(cursor, within(depth)?)?)?,
        0xe0 => Item::List(array::<1>(cursor, within(depth)?)?),
        0xf0 => Item::List(array::<4>(cursor, within(depth)?)?),
        _ => Item::Other(match code >> 4 {
            0x4 => &[],
            0x5 => cursor.take(1)?,
            0x6 => cursor.take(2)?,
            0x7 => cursor.take(4)?,
            0x8 => cursor.take(8)?,
            0x9 => cursor.take(16)?,
            0xa | 0xc | 0xe => cursor.sized::<1>()?,
            0xb | 0xd | 0xf => cursor.sized::<4>()?,
            _ => return Err(AmqpError::NoType(code)),
        }),
    })
}

fn letter<'a>(cursor: &mut Cursor<'_>) -> Result<Item<'a>, AmqpError> {
    let number = u32::from_be_bytes(cursor.array()?);
    char::from_u32(number).map(Item::Letter).ok_or(AmqpError::NotText)
}

fn text(bytes: &[u8]) -> Result<Item<'_>, AmqpError> {
    str::from_utf8(bytes).map(Item::Text).map_err(|_| AmqpError::NotText)
}

/// Reads a list or a map, whose size and count have `N` octets each.
fn items<'a, const N: usize>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Items<'a>, AmqpError> {
    let mut body = Cursor(cursor.sized::<N>()?);
    let count = body.size::<N>()?;
    Items::new(Encoding::OneZero, Form::Each, body.0, count, depth)
}

fn map(items: Items<'_>) -> Result<Item<'_>, AmqpError> {
    if items.count().is_multiple_of(2) {
        Ok(Item::Map(items))
    } else {
        Err(AmqpError::Unexpected("a map: a key has no value"))
    }
}

/// Reads an array. Its values may take no room at all, and still it may not have more of them than bytes, which are
/// counted with its own head.
fn array<'a, const N: usize>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Items<'a>, AmqpError> {
    let whole = cursor.sized::<N>()?;
    let mut body = Cursor(whole);
    let count = body.size::<N>()?;
    let code = constructor(&mut body)?;
    if count > whole.len() {
        return Err(AmqpError::TooMany);
    }
    Ok(Items {
        cursor: body,
        left: count,
        form: Form::Alike(code),
        encoding: Encoding::OneZero,
        depth,
    })
}
