//! Does what it is given, one task after the other.

use super::message::{Message, NoMessage};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use zeromq::{PullSocket, PushSocket, SocketRecv, SocketSend, ZmqError, ZmqMessage};

/// What a worker has done of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worked {
    /// How many tasks.
    pub tasks: u32,
    /// How long they took by what the source has said, in milliseconds.
    pub ms: u64,
}

/// Works until the source says that a batch is over. Messages that are none are told to `odd`, and passed over.
///
/// # Errors
/// When a result cannot be sent.
pub async fn work(
    tasks: &mut PullSocket,
    results: &mut PushSocket,
    name: &str,
    mut odd: impl FnMut(String),
) -> Result<Worked, ZmqError> {
    let mut worked = Worked::default();
    // When it is done with what it has begun. A sleep is a little too long each time; counted so, that does not add up.
    let mut free = Instant::now();
    loop {
        match read(tasks.recv().await) {
            Ok(Message::Task { batch, id, ms }) => {
                free = free.max(Instant::now()) + Duration::from_millis(ms.into());
                sleep_until(free).await;
                worked.tasks += 1;
                worked.ms += u64::from(ms);
                let done = Message::Done { batch, id, worker: name.to_string() };
                results.send(ZmqMessage::from(done.to_string())).await?;
            }
            Ok(Message::End { .. }) => return Ok(worked),
            Ok(other) => odd(format!("read `{other}`, expected a task")),
            Err(why) => odd(why),
        }
    }
}

/// The message of the pipeline in what was received, or why there is none.
///
/// # Errors
/// What is wrong, as text.
pub fn read(received: Result<ZmqMessage, ZmqError>) -> Result<Message, String> {
    let message = received.map_err(|error| format!("a connection broke: {error}"))?;
    let text = match (message.get(0), message.len()) {
        (Some(text), 1) => String::from_utf8_lossy(text).into_owned(),
        (_, parts) => format!("of {parts} parts"),
    };
    text.parse().map_err(|error: NoMessage| error.to_string())
}
