//! A task a connection, on tokio. It reads like the thread's code; the compiler turns it into the state machine of [`poll`](super::poll).

use super::{Ending, Event, House, not_accepted};
use crate::frame::{self, Decoder, TooLong};
use crate::message::{self, Reply};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// How many bytes are read at once.
const CHUNK: usize = 16 * 1024;

/// How many bytes of a client that was refused are thrown away before the connection is closed all the same.
const MOST_DISCARDED: u64 = 1 << 20;

/// Serves until the house closes, on a runtime of its own with one thread.
///
/// # Errors
/// When the listener fails for good, or no runtime can be had.
pub fn serve(listener: std::net::TcpListener, house: &House) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        loop {
            match listener.accept().await {
                Ok(_) if house.is_closing() => return Ok(()),
                Ok((stream, peer)) => {
                    house.tell(Event::Accepted(peer));
                    tokio::spawn(attend(stream, peer, house.clone()));
                }
                Err(error) => not_accepted(error, house)?,
            }
        }
    })
}

async fn attend(mut stream: TcpStream, peer: SocketAddr, house: House) {
    let ending = match stream.set_nodelay(true) {
        Ok(()) => session(&mut stream, peer, &house).await.err().unwrap_or(Ending::Done),
        Err(error) => Ending::Gone(error.to_string()),
    };
    house.tell(Event::Closed(peer, ending));
}

/// Answers each request, in order, until the client closes its side. All requests that have arrived together are answered together.
async fn session(stream: &mut TcpStream, peer: SocketAddr, house: &House) -> Result<(), Ending> {
    let patience = house.settings.patience;
    let mut decoder = Decoder::new(house.settings.longest_frame);
    let mut buffer = vec![0; CHUNK];
    let mut replies: Vec<u8> = Vec::new();
    // solution: begin — Part B: the session as a task
    loop {
        loop {
            match decoder.next_frame() {
                Ok(Some(payload)) => {
                    frame::encode(&message::answer(&payload), &mut replies);
                    house.tell(Event::Answered(peer));
                }
                Ok(None) => break,
                Err(why) => return Err(part(stream, replies, why, patience).await),
            }
        }
        within(patience, stream.write_all(&replies)).await?;
        replies.clear();
        match within(patience, stream.read(&mut buffer)).await? {
            0 if decoder.is_between_frames() => return Ok(()),
            0 => return Err(Ending::Gone("the stream ended within a frame".to_string())),
            count => decoder.push(&buffer[..count]),
        }
    }
    // solution: end
}

/// What comes within the time, or the reason to end.
async fn within<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> Result<T, Ending> {
    match timeout(patience, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Ending::Gone(error.to_string())),
        Err(_) => Err(Ending::Silent),
    }
}

/// Tells the client why it is refused, after the replies that it still gets, and closes so that it can read all that.
async fn part(stream: &mut TcpStream, mut replies: Vec<u8>, why: TooLong, patience: Duration) -> Ending {
    frame::encode(&Reply::Malformed(why.to_string()).to_bytes(), &mut replies);
    let farewell = async {
        stream.write_all(&replies).await?;
        stream.shutdown().await?;
        // Unread bytes would turn the close into a reset, and the reset would destroy the reply on its way.
        tokio::io::copy(&mut stream.take(MOST_DISCARDED), &mut tokio::io::sink()).await
    };
    let _ = within(patience, farewell).await;
    Ending::Refused(why.to_string())
}
