//! A server that dies, and may come back. A shell.

use crate::attach;
use crate::door::Door;
use crate::endpoint::EndpointError;
use std::time::Duration;
use tokio::time::sleep;
use zeromq::{RepSocket, Socket, SocketRecv, SocketSend};

/// What a server is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub listen: String,
    /// How long a request takes.
    pub work: Duration,
    /// It dies with the request after so many answers in its hands.
    pub dies_after: Option<u64>,
    /// How long it is dead; without, for ever.
    pub returns_after: Option<Duration>,
}

/// What happens at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It listens there.
    Listens(String),
    /// It has answered the request of this number.
    Answered(String),
    /// It has got something else than a number and a text, of so many frames, and has said so to whoever asked.
    Refused(usize),
    /// It has died, with the request of this number in its hands.
    Died(String),
}

/// Serves until it has died for good.
///
/// # Errors
/// When the endpoint cannot be had.
pub async fn serve(settings: &Settings, mut observe: impl FnMut(Event)) -> Result<(), EndpointError> {
    let mut listen = settings.listen.clone();
    loop {
        let mut socket = RepSocket::new();
        let door = Door::open(&listen, &mut socket).await?;
        listen.clone_from(&door.address);
        observe(Event::Listens(listen.clone()));
        let number = live(&mut socket, settings, &mut observe).await;
        // The endpoint is free when this has ended.
        door.close().await;
        drop(socket);
        observe(Event::Died(number));
        match settings.returns_after {
            Some(pause) => sleep(pause).await,
            None => return Ok(()),
        }
    }
}

/// One life. Returns the number of the request that it dies with.
async fn live(socket: &mut RepSocket, settings: &Settings, observe: &mut impl FnMut(Event)) -> String {
    let mut answered = 0;
    loop {
        // An error is the end of one connection; the others go on.
        let Ok(message) = socket.recv().await else { continue };
        let request = attach::frames(message);
        let [number, text] = &request[..] else {
            // Each request gets a reply, whatever it says: a REQ that gets none waits for ever.
            let why = format!(
                "error: read a request of {} frames, expected 2: its number and a text",
                request.len()
            );
            let _ = socket.send(why.into()).await;
            observe(Event::Refused(request.len()));
            continue;
        };
        let named = String::from_utf8_lossy(number).into_owned();
        if settings.dies_after == Some(answered) {
            return named;
        }
        sleep(settings.work).await;
        let reply = vec![number.clone(), [b"done: ", &text[..]].concat()];
        // Who has not waited is not told.
        if socket.send(attach::message(reply)).await.is_ok() {
            observe(Event::Answered(named));
        }
        answered += 1;
    }
}
