//! One connection, served by whoever can wait for it: the iterative server, or a thread of its own.

use super::{Ending, Event, House};
use crate::message::{self, Reply};
use crate::stream::{self, StreamError};
use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How many bytes of a client that was refused are thrown away before the connection is closed all the same.
const MOST_DISCARDED: usize = 1 << 20;

/// Serves a connection to its end, and tells the house about it.
pub fn attend(mut stream: TcpStream, peer: SocketAddr, house: &House) {
    let patience = Some(house.settings.patience);
    let result = stream
        .set_read_timeout(patience)
        .and_then(|()| stream.set_write_timeout(patience))
        // A reply is written whole; waiting for more of it would only delay it.
        .and_then(|()| stream.set_nodelay(true))
        .map_err(StreamError::from)
        .and_then(|()| session(&mut stream, peer, house));
    if let Err(StreamError::TooLong(_)) = result {
        part(&mut stream, house.settings.patience);
    }
    house.tell(Event::Closed(peer, Ending::of(&result)));
}

/// Answers each request, in order, until the client closes its side.
///
/// A client may close its side at once after its last request and still read every answer: a connection is closed one way at a time.
///
/// # Errors
/// When a frame cannot be read or written. A frame that is too long is answered before that: what follows it cannot be understood.
pub fn session(stream: &mut TcpStream, peer: SocketAddr, house: &House) -> Result<(), StreamError> {
    // solution: begin — Part B: answer until the client is done
    loop {
        match stream::read_frame(stream, house.settings.longest_frame) {
            Ok(None) => return Ok(()),
            Ok(Some(payload)) => {
                stream::write_frame(stream, &message::answer(&payload))?;
                house.tell(Event::Answered(peer));
            }
            Err(StreamError::TooLong(why)) => {
                stream::write_frame(stream, &Reply::Malformed(why.to_string()).to_bytes())?;
                return Err(why.into());
            }
            Err(error) => return Err(error),
        }
    }
    // solution: end
}

/// Closes a connection so that the client can still read the last reply.
///
/// A socket that is closed with unread bytes in it answers with a reset (RFC 1122, 4.2.2.13). A reset ends the client's writing with an error, and
/// may destroy the reply on its way. So: close our side, read until the client closes its own, then close; but so many bytes at most, and for
/// the patience at most, however the bytes come.
fn part(stream: &mut TcpStream, patience: Duration) {
    let until = Instant::now() + patience;
    let discard = |stream: &mut TcpStream| -> io::Result<()> {
        // solution: begin — Part C: part from a client
        stream.shutdown(Shutdown::Write)?;
        let mut left = MOST_DISCARDED;
        let mut buffer = [0; 4096];
        while left > 0 {
            // A bound for each read would begin anew with each byte. `ZERO` is no bound, so it must not be set.
            let remaining = until.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                break;
            }
            stream.set_read_timeout(Some(remaining))?;
            match stream.read(&mut buffer)? {
                0 => break,
                count => left = left.saturating_sub(count),
            }
        }
        Ok(())
        // solution: end
    };
    // The client has gone, or keeps silent: there is nobody left to be polite to.
    let _ = discard(stream);
}
