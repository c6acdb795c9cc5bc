//! The factorial service's messages, as bytes.
//!
//! | message | payload |
//! |---|---|
//! | request | the number, 8 bytes |
//! | reply: a factorial | `00`, then 16 bytes |
//! | reply: it does not fit into 16 bytes | `01`, then the number, 8 bytes |
//! | reply: the request was malformed | `02`, then what is wrong, as UTF-8 text |
//!
//! All numbers go most significant byte first. Each machine has an order of its own in its memory; on the wire there is one.

use thiserror::Error;

/// What a client asks: the factorial of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The number.
    pub number: u64,
}

/// What the server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The factorial.
    Factorial(u128),
    /// The factorial of this number does not fit into 128 bits. 34! is the last that does.
    TooLarge(u64),
    /// The request was no request.
    Malformed(String),
}

/// A payload that is no message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("read {read}, expected {expected}")]
pub struct NoMessage {
    /// What was read.
    pub read: String,
    /// What was expected.
    pub expected: &'static str,
}

impl Request {
    /// The payload.
    pub fn to_bytes(self) -> Vec<u8> {
        // solution: begin — Part A: marshal a request
        self.number.to_be_bytes().to_vec()
        // solution: end
    }

    /// What a payload says.
    ///
    /// # Errors
    /// When it is not 8 bytes long.
    pub fn from_bytes(payload: &[u8]) -> Result<Self, NoMessage> {
        // solution: begin — Part A: unmarshal a request
        match payload.try_into() {
            Ok(number) => Ok(Request { number: u64::from_be_bytes(number) }),
            Err(_) => Err(NoMessage {
                read: format!("a request of {} bytes", payload.len()),
                expected: "8: a number, most significant byte first",
            }),
        }
        // solution: end
    }
}

impl Reply {
    /// The payload.
    pub fn to_bytes(&self) -> Vec<u8> {
        // solution: begin — Part A: marshal a reply
        match self {
            Reply::Factorial(product) => [&[0], &product.to_be_bytes()[..]].concat(),
            Reply::TooLarge(number) => [&[1], &number.to_be_bytes()[..]].concat(),
            Reply::Malformed(what) => [&[2], what.as_bytes()].concat(),
        }
        // solution: end
    }

    /// What a payload says.
    ///
    /// # Errors
    /// When it begins with no known kind, or has not the length of its kind, or is no text where text is due.
    pub fn from_bytes(payload: &[u8]) -> Result<Self, NoMessage> {
        const EXPECTED: &str = "00 and 16 bytes, 01 and 8 bytes, or 02 and text";
        let wrong = |read: String| NoMessage { read, expected: EXPECTED };
        // solution: begin — Part A: unmarshal a reply
        let length = || wrong(format!("a reply of {} bytes", payload.len()));
        match payload.split_first() {
            None => Err(wrong("an empty reply".to_string())),
            Some((0, rest)) => {
                Ok(Reply::Factorial(u128::from_be_bytes(rest.try_into().map_err(|_| length())?)))
            }
            Some((1, rest)) => {
                Ok(Reply::TooLarge(u64::from_be_bytes(rest.try_into().map_err(|_| length())?)))
            }
            Some((2, rest)) => match std::str::from_utf8(rest) {
                Ok(text) => Ok(Reply::Malformed(text.to_string())),
                Err(error) => Err(wrong(format!("a reply whose text is no text ({error})"))),
            },
            Some((kind, _)) => Err(wrong(format!("a reply of kind {kind:02x}"))),
        }
        // solution: end
    }
}

/// `number`!, or `None` when it does not fit into 128 bits.
pub fn factorial(number: u64) -> Option<u128> {
    // solution: begin — Part A: a product that does not overflow
    (1..=u128::from(number)).try_fold(1_u128, u128::checked_mul)
    // solution: end
}

/// The service: the answer to a request's payload.
pub fn answer(payload: &[u8]) -> Vec<u8> {
    let reply = match Request::from_bytes(payload) {
        Ok(Request { number }) => factorial(number).map_or(Reply::TooLarge(number), Reply::Factorial),
        Err(error) => Reply::Malformed(error.to_string()),
    };
    reply.to_bytes()
}
