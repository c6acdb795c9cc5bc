//! Several sockets, each in its turn.

use futures_util::future::select_all;
use zeromq::{SocketRecv, ZmqMessage, ZmqResult};

/// Waits for several sockets at once. Where several have something, the one after the last that was served comes first: a socket on which
/// something comes all the time keeps no other waiting for longer than a round.
#[derive(Clone, Debug, Default)]
pub struct Poller {
    next: usize,
}

impl Poller {
    /// The next message of any of `sockets`, and the place of the socket that it came on. To stop waiting loses nothing.
    ///
    /// # Panics
    /// When there are no sockets.
    pub async fn poll<S: SocketRecv>(&mut self, sockets: &mut [S]) -> (usize, ZmqResult<ZmqMessage>) {
        let count = sockets.len();
        // Looked at in this order: whichever has something first is served.
        let mut receiving: Vec<_> = sockets.iter_mut().map(SocketRecv::recv).collect();
        // solution: begin — Part B: each in its turn
        let first = self.next % count;
        receiving.rotate_left(first);
        let (message, place, _) = select_all(receiving).await;
        let place = (first + place) % count;
        self.next = place + 1;
        (place, message)
        // solution: end
    }
}
