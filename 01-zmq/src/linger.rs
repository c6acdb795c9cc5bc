//! What is sent must be gone before the socket is. A shell.
//!
//! `send` of PUSH, DEALER and ROUTER puts a message into a queue, and a task writes it. A program that ends after its last `send` ends
//! that task too, and what is in the queue is lost. libzmq keeps a closed socket for as long as `ZMQ_LINGER` says; here [`close`] does.
//!
//! How can it know when the queue is empty? Each writing task holds what belongs to the socket, its stream of events too. That stream
//! ends when the last of them has ended.
//!
//! REQ, REP and XPUB write before `send` returns: they have nothing to linger for. Behind a [`Door`](crate::door::Door) what is written may
//! still be in the door's hands, whatever the socket: after the socket, finish the door. **PUB cannot linger**: when it is dropped it forgets its
//! subscribers at once, and what is still in its queue goes to nobody. Who must not lose the last publications takes XPUB.

use crate::attach;
use futures_util::StreamExt;
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use zeromq::{DealerSocket, PushSocket, RouterSocket, Socket};

/// A socket with a queue that outlives it.
pub trait Queued: Socket {}
impl Queued for PushSocket {}
impl Queued for DealerSocket {}
impl Queued for RouterSocket {}

/// Not all was written in time; what was not is lost when the program ends.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "not all that was sent left within {0:?}: the other side reads too slowly, or not at all; wait longer, or send less"
)]
pub struct Lingering(pub Duration);

/// Closes a socket when all it was given is written, or its connection has broken; waits at most for `bound`.
///
/// `Ok` means that the system has the bytes, not that the other side has them. Whoever watched the socket hears no more.
///
/// # Errors
/// When that took too long. The writing goes on as long as the program does.
pub async fn close(mut socket: impl Queued, bound: Duration) -> Result<(), Lingering> {
    let mut events = attach::watch(&mut socket);
    let until = Instant::now() + bound;
    drop(socket);
    loop {
        match timeout_at(until, events.next()).await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(_) => return Err(Lingering(bound)),
        }
    }
}
