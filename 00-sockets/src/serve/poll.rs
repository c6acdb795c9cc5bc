//! One thread for all connections: `poll(2)` says which of them are ready, and nothing ever waits for one. Unix only.
//!
//! A socket that does not block says `WouldBlock` instead of waiting. So a connection must remember where it is: which bytes of a request
//! have come, which bytes of a reply have not left. That is what the operating system remembers for a thread.

use super::{Ending, Event, House, not_accepted};
use crate::frame::{self, Decoder};
use crate::message::{self, Reply};
use rustix::event::{PollFd, PollFlags, Timespec};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// A client that sends requests and reads no replies is not read from any more when so many bytes wait for it.
const MOST_UNSENT: usize = 64 * 1024;

/// How many bytes are read at once.
const CHUNK: usize = 16 * 1024;

/// How many bytes of a client that was refused are thrown away before the connection is closed all the same.
const MOST_DISCARDED: usize = 1 << 20;

/// Where a connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Requests may come.
    Open,
    /// The client has closed its side: it gets what is left, then the connection is closed.
    Finishing,
    /// The client was refused, and is told so; what it still sends is thrown away, until then at most.
    Parting { why: String, discarded: usize, told: bool, until: Instant },
}

/// One connection, as far as it has come.
struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    decoder: Decoder,
    /// Replies that have not left yet.
    unsent: Vec<u8>,
    phase: Phase,
    /// When something last happened here.
    active: Instant,
}

/// What a connection's turn came to.
type Turn = Result<(), Ending>;

impl Connection {
    fn new(stream: TcpStream, peer: SocketAddr, house: &House) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            peer,
            decoder: Decoder::new(house.settings.longest_frame),
            unsent: Vec::new(),
            phase: Phase::Open,
            active: Instant::now(),
        })
    }

    /// What this connection waits for.
    fn interest(&self) -> PollFlags {
        // solution: begin — Part B: what a connection waits for
        let mut interest = PollFlags::empty();
        let wants_more = match self.phase {
            Phase::Open => self.unsent.len() < MOST_UNSENT,
            Phase::Finishing => false,
            Phase::Parting { .. } => true,
        };
        if wants_more {
            interest |= PollFlags::IN;
        }
        if !self.unsent.is_empty() {
            interest |= PollFlags::OUT;
        }
        interest
        // solution: end
    }

    /// Reads what is there, at most `buffer` of it: the others wait for their turn.
    fn read(&mut self, buffer: &mut [u8], house: &House) -> Turn {
        let count = match self.stream.read(buffer) {
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(());
            }
            Err(error) => return Err(Ending::Gone(error.to_string())),
        };
        self.active = Instant::now();
        match &mut self.phase {
            Phase::Parting { discarded, .. } => {
                *discarded += count;
                if count == 0 || *discarded > MOST_DISCARDED { self.end() } else { Ok(()) }
            }
            _ if count == 0 => self.closed_by_client(),
            _ => {
                self.decoder.push(&buffer[..count]);
                self.answer(house);
                Ok(())
            }
        }
    }

    /// The client will send no more.
    fn closed_by_client(&mut self) -> Turn {
        if !self.decoder.is_between_frames() {
            return Err(Ending::Gone("the stream ended within a frame".to_string()));
        }
        self.phase = Phase::Finishing;
        if self.unsent.is_empty() { Err(Ending::Done) } else { Ok(()) }
    }

    /// Answers each whole request that has arrived.
    fn answer(&mut self, house: &House) {
        // solution: begin — Part B: answer what has arrived whole
        loop {
            match self.decoder.next_frame() {
                Ok(None) => return,
                Ok(Some(payload)) => {
                    frame::encode(&message::answer(&payload), &mut self.unsent);
                    house.tell(Event::Answered(self.peer));
                }
                Err(why) => {
                    frame::encode(&Reply::Malformed(why.to_string()).to_bytes(), &mut self.unsent);
                    let until = Instant::now() + house.settings.patience;
                    self.phase = Phase::Parting { why: why.to_string(), discarded: 0, told: false, until };
                    return;
                }
            }
        }
        // solution: end
    }

    /// Writes what there is room for, and keeps the rest.
    fn write(&mut self) -> Turn {
        // solution: begin — Part B: write what there is room for
        match self.stream.write(&self.unsent) {
            Ok(count) => {
                self.unsent.drain(..count);
                self.active = Instant::now();
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(Ending::Gone(error.to_string())),
        }
        // solution: end
        if self.unsent.is_empty() { self.all_is_written() } else { Ok(()) }
    }

    /// Nothing waits to be written.
    fn all_is_written(&mut self) -> Turn {
        match &mut self.phase {
            Phase::Open => Ok(()),
            Phase::Finishing => Err(Ending::Done),
            Phase::Parting { told, .. } => {
                // Closing now, with unread bytes, would reset the connection and destroy the reply on its way.
                if !std::mem::replace(told, true) {
                    let _ = self.stream.shutdown(Shutdown::Write);
                }
                Ok(())
            }
        }
    }

    /// The end of a connection that was refused.
    fn end(&self) -> Turn {
        match &self.phase {
            Phase::Parting { why, .. } => Err(Ending::Refused(why.clone())),
            Phase::Open | Phase::Finishing => Err(Ending::Done),
        }
    }

    /// Does what the operating system says can be done.
    fn turn(&mut self, ready: PollFlags, buffer: &mut [u8], house: &House) -> Turn {
        let broken = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        if ready.intersects(PollFlags::OUT) {
            self.write()?;
        }
        // A broken connection says why when it is read from.
        if ready.intersects(PollFlags::IN | broken) {
            self.read(buffer, house)?;
        }
        // Most replies fit into the socket at once: asking `poll` first would cost a round.
        if !self.unsent.is_empty() {
            self.write()?;
        }
        match self.phase {
            // Whatever it sends meanwhile: a byte now and then would hold the connection for ever.
            Phase::Parting { until, .. } if Instant::now() >= until => self.end(),
            Phase::Open | Phase::Finishing if self.active.elapsed() > house.settings.patience => {
                Err(Ending::Silent)
            }
            _ => Ok(()),
        }
    }
}

/// Serves until the house closes.
///
/// # Errors
/// When the listener fails for good.
pub fn serve(listener: &TcpListener, house: &House) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut connections: Vec<Connection> = Vec::new();
    let mut buffer = vec![0; CHUNK];
    while !house.is_closing() {
        let ready = wait(listener, &connections, house.settings.patience)?;
        let mut turns = ready[1..].iter();
        connections.retain_mut(|connection| {
            let flags = *turns.next().expect("one answer a connection");
            match connection.turn(flags, &mut buffer, house) {
                Ok(()) => true,
                Err(ending) => {
                    house.tell(Event::Closed(connection.peer, ending));
                    false
                }
            }
        });
        if ready[0].intersects(PollFlags::IN) {
            accept_all(listener, &mut connections, house)?;
        }
    }
    Ok(())
}

/// What is ready: first the listener, then each connection.
fn wait(
    listener: &TcpListener,
    connections: &[Connection],
    patience: Duration,
) -> io::Result<Vec<PollFlags>> {
    let mut asked = vec![PollFd::new(listener, PollFlags::IN)];
    asked.extend(connections.iter().map(|connection| PollFd::new(&connection.stream, connection.interest())));
    // Without a timeout a silent client would be noticed only when another one speaks.
    let timeout = Timespec::try_from(patience).ok();
    match rustix::event::poll(&mut asked, timeout.as_ref()) {
        // A signal has come: nothing is ready. `poll` is never restarted by the system, whatever the handler asks for.
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(asked.iter().map(PollFd::revents).collect()),
        Err(errno) => Err(errno.into()),
    }
}

/// Takes all connections that wait.
fn accept_all(listener: &TcpListener, connections: &mut Vec<Connection>, house: &House) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                if house.is_closing() {
                    return Ok(());
                }
                house.tell(Event::Accepted(peer));
                match Connection::new(stream, peer, house) {
                    Ok(connection) => connections.push(connection),
                    Err(error) => house.tell(Event::Closed(peer, Ending::Gone(error.to_string()))),
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return not_accepted(error, house),
        }
    }
}
