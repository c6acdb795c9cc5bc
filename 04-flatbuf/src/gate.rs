//! What may come from a stranger, as ZMTP 3 (ZeroMQ's RFC 23) puts it on the wire. Pure: it looks at bytes as they pass.
//!
//! The crate `zeromq` makes room for whatever length a frame announces, before the frame is there: nine bytes of a stranger can take all memory.
//! When a message reaches the program, it is too late to refuse it. So whoever wants a bound looks at the heads of frames before the crate
//! does. A head of which only a part has come passes with that part: without the rest, the crate makes no room.

use thiserror::Error;

/// The longest command, READY for one.
pub const LONGEST_COMMAND: u64 = 1024;

/// The longest subscription, in bytes: how the messages begin that somebody wants.
pub const LONGEST_SUBSCRIPTION: usize = 1024;

const GREETING: usize = 64;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Why bytes may not pass.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GateError {
    /// Something else speaks there.
    #[error("read `{0}`, expected the greeting of ZeroMQ's ZMTP 3; is it a program of ZeroMQ's?")]
    NotZmtp(String),
    /// A length that nobody needs.
    #[error("read the head of a frame of {announced} bytes, expected at most {longest}")]
    TooLong {
        /// The length that it announces.
        announced: u64,
        /// The length that is allowed.
        longest: u64,
    },
    /// A message of several frames, which the crate would gather.
    #[error("read a frame that is not the last of its message, expected a message of one frame")]
    Frames,
    /// Flags that nobody sets.
    #[error("read a frame with flags {0:#04x}, of which some are reserved")]
    Flags(u8),
}

/// Nothing more may pass: close the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// How many of the bytes may still pass: what is before the frame that may not.
    pub before: usize,
    /// Why.
    pub why: GateError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Head,
    Body { left: u64 },
}

/// What one stranger says, a publisher to our SUB or a subscriber to our XPUB. The gate keeps a greeting or a head, never a body.
#[derive(Clone, Debug)]
pub struct Gate {
    longest: u64,
    state: State,
    /// The greeting or the head, as far as it has come.
    piece: Vec<u8>,
}

/// What the head of a frame announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The flags: the frame is a command, more frames of the message follow.
    pub flags: u8,
    /// The length of the body.
    pub length: u64,
}

/// The head that `bytes` begin with, `None` while it is not whole: a byte of flags, then the length in one byte, or with the flag `LONG` in
/// eight, the most significant first.
pub fn head(bytes: &[u8]) -> Option<Head> {
    // solution: begin — Part C: the head of a frame
    let (&flags, rest) = bytes.split_first()?;
    let length =
        if flags & LONG == 0 { u64::from(*rest.first()?) } else { u64::from_be_bytes(*rest.first_chunk()?) };
    Some(Head { flags, length })
    // solution: end
}

impl Gate {
    /// A gate for frames of at most `longest` bytes.
    pub fn new(longest: usize) -> Self {
        Gate { longest: longest as u64, state: State::Greeting, piece: Vec::new() }
    }

    /// More bytes have come: may they pass?
    ///
    /// # Errors
    /// When not all of them may.
    pub fn pass(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let mut at = 0;
        while at < bytes.len() {
            if let State::Body { left } = self.state {
                let here = left.min((bytes.len() - at) as u64);
                at += here as usize;
                self.state = after(left - here);
                continue;
            }
            // Where the head, or the greeting, begins in these bytes.
            let begin = at.saturating_sub(self.piece.len());
            let stop = |why| Stop { before: begin, why };
            self.piece.push(bytes[at]);
            at += 1;
            match self.state {
                State::Greeting => self.greeting().map_err(stop)?,
                _ => {
                    if let Some(head) = head(&self.piece) {
                        self.allow(head).map_err(stop)?;
                        self.piece.clear();
                        self.state = after(head.length);
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks at a greeting as it grows: a stranger is told apart by its first byte.
    fn greeting(&mut self) -> Result<(), GateError> {
        let wrong = |place: usize, byte: u8| self.piece.get(place).is_some_and(|read| *read != byte);
        if wrong(0, 0xff) || wrong(9, 0x7f) {
            return Err(GateError::NotZmtp(self.piece.escape_ascii().to_string()));
        }
        if self.piece.len() == GREETING {
            self.piece.clear();
            self.state = State::Head;
        }
        Ok(())
    }

    /// Whether a frame with this head may pass: nothing that the head asks for has been set aside yet.
    fn allow(&self, head: Head) -> Result<(), GateError> {
        let is_command = head.flags & COMMAND != 0;
        let longest = if is_command { LONGEST_COMMAND } else { self.longest };
        // solution: begin — Part C: refuse before there is room for it
        if head.flags & !(MORE | LONG | COMMAND) != 0 {
            return Err(GateError::Flags(head.flags));
        }
        if head.length > longest {
            return Err(GateError::TooLong { announced: head.length, longest });
        }
        if head.flags & MORE != 0 {
            return Err(GateError::Frames);
        }
        Ok(())
        // solution: end
    }
}

fn after(left: u64) -> State {
    if left == 0 { State::Head } else { State::Body { left } }
}
