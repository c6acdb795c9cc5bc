//! The server: one socket, any number of clients, one request at a time.

use super::answer::answer;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::sleep;
use zeromq::{RepSocket, SocketRecv, SocketSend, ZmqMessage};

/// What happens at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request was answered: the reply.
    Answered(String),
    /// A request was answered, and the client had gone.
    Gone(String),
    /// What came was not even a request: its client is out of step, or does not speak ZeroMQ. The server goes on.
    Malformed(String),
}

/// Answers each request, after the time that the service takes. Requests that come meanwhile wait.
pub async fn serve(
    socket: &mut RepSocket,
    service_time: Duration,
    mut told: impl FnMut(Event),
) -> Infallible {
    loop {
        let request = match socket.recv().await {
            Ok(request) => request,
            Err(error) => {
                told(Event::Malformed(error.to_string()));
                continue;
            }
        };
        sleep(service_time).await;
        let frames: Vec<&[u8]> = request.iter().map(|frame| &frame[..]).collect();
        // solution: begin — Part A: one reply a request
        let reply = answer(&frames);
        match socket.send(ZmqMessage::from(reply.as_str())).await {
            Ok(()) => told(Event::Answered(reply)),
            Err(error) => told(Event::Gone(error.to_string())),
        }
        // solution: end
    }
}
