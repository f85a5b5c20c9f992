//! What we say, in the encoding of AMQP 1.0. Pure.
//!
//! Everything is written in its long form: we say little, and one form is enough.
//!
//! It deliberately does not know what is said when.

/// A value to be written.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Null,
    Switch(bool),
    Ubyte(u8),
    Ushort(u16),
    Uint(u32),
    Ulong(u64),
    Long(i64),
    Double(f64),
    /// Milliseconds since the epoch.
    Time(i64),
    Text(&'a str),
    Symbol(&'a str),
    Binary(&'a [u8]),
    /// As [`Self::Binary`], its own.
    Octets(Vec<u8>),
    Map(Vec<(Self, Self)>),
    /// A value, and the symbol that describes it.
    Named(&'a str, Box<Self>),
    /// A value, and the number that describes it.
    Section(u8, Box<Self>),
    /// A list, and the number that describes it.
    Composite(u8, Vec<Self>),
}

/// The kinds of frames.
pub(super) const AMQP: u8 = 0;
pub(super) const SASL: u8 = 1;

/// How many bytes the header of a frame has.
const HEADER: usize = 8;

/// Returns a frame with one performative.
pub(super) fn frame(kind: u8, channel: u16, performative: u8, fields: Vec<Value<'_>>) -> Vec<u8> {
    let mut body = Vec::new();
    Value::Composite(performative, fields).write(&mut body);
    framed(kind, channel, &body)
}

/// Returns a frame of a session with one performative, and with as much of a payload behind it as fits into so many
/// bytes. The fields are made for the rest that does not.
pub(super) fn frame_with<'v>(
    channel: u16,
    performative: u8,
    payload: &'v [u8],
    most: usize,
    fields: impl Fn(bool) -> Vec<Value<'v>>,
) -> (Vec<u8>, &'v [u8]) {
    let mut body = Vec::new();
    Value::Composite(performative, fields(false)).write(&mut body);
    // Whether there is more takes as much room as that there is not.
    let room = most.saturating_sub(body.len() + HEADER);
    let (now, rest) = payload.split_at_checked(room).unwrap_or((payload, &[]));
    if !rest.is_empty() {
        body.clear();
        Value::Composite(performative, fields(true)).write(&mut body);
    }
    body.extend(now);
    (framed(AMQP, channel, &body), rest)
}

/// Returns the frame that only says that we are there.
pub(super) fn sign_of_life() -> Vec<u8> {
    framed(AMQP, 0, &[])
}

fn framed(kind: u8, channel: u16, body: &[u8]) -> Vec<u8> {
    let mut frame = size(body.len().saturating_add(HEADER)).to_vec();
    // The header has two words of four octets.
    frame.extend([2, kind]);
    frame.extend(channel.to_be_bytes());
    frame.extend(body);
    frame
}

impl Value<'_> {
    /// Appends the value.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Null => to.push(0x40),
            Self::Switch(on) => to.push(if *on { 0x41 } else { 0x42 }),
            Self::Ubyte(it) => fixed(to, 0x50, &it.to_be_bytes()),
            Self::Ushort(it) => fixed(to, 0x60, &it.to_be_bytes()),
            Self::Uint(it) => fixed(to, 0x70, &it.to_be_bytes()),
            Self::Ulong(it) => fixed(to, 0x80, &it.to_be_bytes()),
            Self::Long(it) => fixed(to, 0x81, &it.to_be_bytes()),
            Self::Double(it) => fixed(to, 0x82, &it.to_be_bytes()),
            Self::Time(it) => fixed(to, 0x83, &it.to_be_bytes()),
            Self::Binary(it) => sized(to, 0xb0, it),
            Self::Octets(it) => sized(to, 0xb0, it),
            Self::Text(it) => sized(to, 0xb1, it.as_bytes()),
            Self::Symbol(it) => sized(to, 0xb3, it.as_bytes()),
            Self::Map(pairs) => counted(to, 0xd1, pairs.iter().flat_map(|(key, it)| [key, it])),
            Self::Named(name, it) => {
                to.push(0);
                Self::Symbol(name).write(to);
                it.write(to);
            }
            Self::Section(number, it) => {
                to.push(0);
                fixed(to, 0x53, &[*number]);
                it.write(to);
            }
            Self::Composite(number, fields) => {
                to.push(0);
                fixed(to, 0x53, &[*number]);
                counted(to, 0xd0, fields.iter());
            }
        }
    }
}

fn fixed(to: &mut Vec<u8>, code: u8, octets: &[u8]) {
    to.push(code);
    to.extend(octets);
}

fn sized(to: &mut Vec<u8>, code: u8, octets: &[u8]) {
    to.push(code);
    to.extend(size(octets.len()));
    to.extend(octets);
}

fn counted<'v>(to: &mut Vec<u8>, code: u8, items: impl Iterator<Item = &'v Value<'v>>) {
    let mut body = Vec::new();
    let mut count = 0;
    for item in items {
        item.write(&mut body);
        count += 1;
    }
    to.push(code);
    // The count is part of what is measured.
    to.extend(size(body.len().saturating_add(4)));
    to.extend(size(count));
    to.extend(body);
}

fn size(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}
