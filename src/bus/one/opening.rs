//! What we say to open a connection, a session in it, and what is read and written in that. Pure.
//!
//! It deliberately does not know what is answered.

use std::time::Duration;

use super::encode::Value;
use super::frame::MAX_FRAME;

/// How many frames the broker may send ahead. Half of it is used up before it is renewed.
pub(super) const WINDOW: u32 = 2048;

/// The highest number of a session of ours.
const CHANNEL_MAX: u16 = 1;

/// The name of a JMS selector among filters (`amqp-bindmap-jms`, 3.3).
const SELECTOR: &str = "apache.org:selector-filter:string";

/// The mode in which a message stays where it is (part 3, 3.5.7).
pub(super) const COPY: &str = "copy";

/// The two ways to settle that a reader asks for: as the sender likes, and by the receiver at once.
const MIXED: u8 = 2;
const FIRST: u8 = 0;
/// The way to settle of somebody who wants to know what becomes of a message.
const UNSETTLED: u8 = 0;

/// The composite types in an `attach`.
pub(super) const SOURCE: u8 = 0x28;
pub(super) const TARGET: u8 = 0x29;

/// Returns the `open` of somebody who gives the broker up after so long a silence, at the earliest; zero: never.
pub(super) fn open<'a>(container: &'a str, host: &'a str, heartbeat: Duration) -> Vec<Value<'a>> {
    let heartbeat = u32::try_from(heartbeat.as_millis()).unwrap_or(u32::MAX);
    vec![
        Value::Text(container),
        Value::Text(host),
        Value::Uint(MAX_FRAME),
        Value::Ushort(CHANNEL_MAX),
        if heartbeat == 0 {
            Value::Null
        } else {
            Value::Uint(heartbeat)
        },
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Map(vec![
            (Value::Symbol("product"), Value::Text(env!("CARGO_PKG_NAME"))),
            (Value::Symbol("version"), Value::Text(env!("CARGO_PKG_VERSION"))),
        ]),
    ]
}

/// Returns the `begin` of a session with so many links.
pub(super) fn begin<'a>(handles: u32) -> Vec<Value<'a>> {
    vec![
        Value::Null,
        Value::Uint(0),
        Value::Uint(WINDOW),
        Value::Uint(WINDOW),
        Value::Uint(handles.saturating_sub(1)),
    ]
}

/// How an address is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'a> {
    pub(super) name: &'a str,
    pub(super) address: &'a str,
    pub(super) selector: Option<&'a str>,
    /// What is read stays where it is.
    pub(super) as_copies: bool,
    /// The largest message that is taken, in bytes.
    pub(super) max_message: u64,
}

/// Returns the `attach` of a link that we receive by.
pub(super) fn read(handle: u32, reading: Reading<'_>) -> Vec<Value<'_>> {
    let mut source = terminus(reading.address);
    if reading.as_copies || reading.selector.is_some() {
        source.extend([
            Value::Null,
            if reading.as_copies {
                Value::Symbol(COPY)
            } else {
                Value::Null
            },
        ]);
    }
    if let Some(selector) = reading.selector {
        let filter = Value::Named(SELECTOR, Box::new(Value::Text(selector)));
        source.push(Value::Map(vec![(Value::Symbol(SELECTOR), filter)]));
    }
    vec![
        Value::Text(reading.name),
        Value::Uint(handle),
        Value::Switch(true),
        Value::Ubyte(MIXED),
        Value::Ubyte(FIRST),
        Value::Composite(SOURCE, source),
        Value::Composite(TARGET, Vec::new()),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Ulong(reading.max_message),
    ]
}

/// Returns the `attach` of a link that we send by.
pub(super) fn write<'a>(handle: u32, name: &'a str, address: &'a str) -> Vec<Value<'a>> {
    vec![
        Value::Text(name),
        Value::Uint(handle),
        Value::Switch(false),
        Value::Ubyte(UNSETTLED),
        Value::Ubyte(FIRST),
        Value::Composite(SOURCE, Vec::new()),
        Value::Composite(TARGET, terminus(address)),
        Value::Null,
        Value::Null,
        Value::Uint(0),
    ]
}

/// Returns the first fields of either end of a link: one that does not outlast it, and makes nothing anew.
fn terminus(address: &str) -> Vec<Value<'_>> {
    vec![
        Value::Text(address),
        Value::Uint(0),
        Value::Null,
        Value::Uint(0),
        Value::Switch(false),
    ]
}
