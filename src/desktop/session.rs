//! The session bus itself: whether it is still there.
//!
//! zbus does not connect anew, and nothing that we were on a bus would be there on the next one.

use futures_util::StreamExt as _;
use zbus::{Connection, MessageStream};

/// Returns when the bus has closed the connection.
pub async fn gone(connection: Connection) {
    let mut messages = MessageStream::from(&connection);
    drop(connection);
    while let Some(Ok(_)) = messages.next().await {}
}
