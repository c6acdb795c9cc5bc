//! What sockets of several patterns need: to connect again, to be watched, and messages as frames. A shell: it has sockets.

use crate::envelope::Frames;
use futures_util::Stream;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use zeromq::{Socket, SocketEvent, ZmqMessage};

/// How long a connection may take until it is tried anew. zeromq tries a refused one again after 50 ms, 100 ms, and so on to 30 s; starting
/// anew keeps the pauses short.
const TRY: Duration = Duration::from_secs(1);
/// The pause after a try that failed at once.
const PAUSE: Duration = Duration::from_millis(50);

/// Connects as soon as somebody answers, however long that takes. May be given up at any await.
pub async fn connect_again(socket: &mut impl Socket, endpoint: &str) {
    loop {
        match timeout(TRY, socket.connect(endpoint)).await {
            Ok(Ok(())) => return,
            Ok(Err(_)) => sleep(PAUSE).await,
            Err(_) => {}
        }
    }
}

/// What happens to a socket, as it happens.
pub type Events = Box<dyn Stream<Item = SocketEvent> + Send + Unpin>;

/// Begins to watch a socket. It has one watcher: an earlier one hears no more.
pub fn watch(socket: &mut impl Socket) -> Events {
    Box::new(socket.monitor())
}

/// The frames of a message.
pub fn frames(message: ZmqMessage) -> Frames {
    message.into_vec().into_iter().map(|frame| frame.to_vec()).collect()
}

/// The message of these frames. ZMTP has no message without a frame: of none becomes one empty one.
pub fn message(frames: Frames) -> ZmqMessage {
    let mut frames = frames.into_iter();
    let mut message = ZmqMessage::from(frames.next().unwrap_or_default());
    frames.for_each(|frame| message.push_back(frame.into()));
    message
}
