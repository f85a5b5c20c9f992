//! XML-RPC as Koji speaks it (`koji/xmlrpcplus.py`): the standard with `nil` and `i8`, UTF-8 only.
//!
//! Promise: whatever bytes a server sends, reading ends with a value, a fault or a short error, within the limits of
//! [`read`], and never holds the document as a whole. What is written is what Koji's own client would send, byte for
//! byte.
//!
//! It deliberately knows no method of the hub and no HTTP.

pub mod read;
pub mod value;
pub mod write;

pub use read::XmlError;
pub use value::Value;
