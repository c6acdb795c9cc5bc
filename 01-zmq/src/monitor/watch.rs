//! The events of a socket, as they happen.

use super::ledger::{Event, Ledger};
use futures_util::{Stream, StreamExt, stream};
use zeromq::Socket;

/// The events of `socket` from now on, each with how many connections are open after it. Call it before `bind` or `connect`, so that
/// these are seen. A socket has one monitor: a second call ends the first stream.
pub fn watch<S: Socket>(socket: &mut S) -> impl Stream<Item = (Event, usize)> + Unpin + use<S> {
    let mut ledger = Ledger::default();
    let events = socket.monitor().flat_map(move |event| {
        let events = ledger.record(event);
        let connected = ledger.connected();
        stream::iter(events.into_iter().map(move |event| (event, connected)))
    });
    Box::pin(events)
}
