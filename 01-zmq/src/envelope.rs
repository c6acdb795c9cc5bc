//! A message and the way back: return addresses, an empty frame, what is meant for the other side. Pure.
//!
//! REQ puts an empty frame before what is sent; ROUTER puts the sender's identity before what it receives, and takes the first frame of what
//! it sends for the identity of the receiver. So a message that went through two ROUTERs carries two addresses, and each hop of its reply
//! takes one off. Whoever sends the addresses back unchanged needs no table of who asked what.

use thiserror::Error;

/// The frames of a message, in order.
pub type Frames = Vec<Vec<u8>>;

/// A message that has no way back.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "read a message of {frames} frames without an empty one, expected return addresses, an empty frame, and a body; use REQ, or send an empty frame first"
)]
pub struct NoEnvelope {
    /// How many frames it has.
    pub frames: usize,
}

/// A message, taken apart at its first empty frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The return addresses, the next hop of the reply first.
    pub path: Frames,
    /// What is meant for the other side.
    pub body: Frames,
}

impl Envelope {
    /// Takes a message apart.
    ///
    /// # Errors
    /// When no frame is empty.
    pub fn open(mut frames: Frames) -> Result<Self, NoEnvelope> {
        // solution: begin — Part D: open an envelope
        let Some(at) = frames.iter().position(Vec::is_empty) else {
            return Err(NoEnvelope { frames: frames.len() });
        };
        let body = frames.split_off(at + 1);
        frames.pop();
        Ok(Envelope { path: frames, body })
        // solution: end
    }

    /// The frames of the message; the inverse of [`Envelope::open`].
    pub fn seal(self) -> Frames {
        // solution: begin — Part D: seal an envelope
        let mut frames = self.path;
        frames.push(Vec::new());
        frames.extend(self.body);
        frames
        // solution: end
    }
}
