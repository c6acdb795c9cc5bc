//! Stub and skeleton: calls and answers as bytes, and back.
//!
//! | call | bytes | | answer | bytes |
//! |---|---|---|---|---|
//! | get | `01`, key | | a value | `01`, text |
//! | put | `02`, key, value | | no value | `02` |
//! | append | `03`, key, text | | done | `03` |
//! | | | | a length | `04`, 8 bytes |
//! | | | | refused | `05`, text |
//!
//! A key, a value or a text is its length in 2 bytes, most significant first, then so many bytes of UTF-8. Nothing follows the last.

use super::registry::Registry;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest key, value or text of a call, in bytes.
pub const LONGEST_TEXT: usize = u16::MAX as usize;

/// A call of a procedure of the [`Registry`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    /// Tell the value of a key.
    Get {
        /// The key.
        key: String,
    },
    /// Give a key a value. Carried out twice in a row it does what it does once: it is *idempotent*.
    Put {
        /// The key.
        key: String,
        /// Its new value.
        value: String,
    },
    /// Add to the value of a key. Carried out twice it adds twice.
    Append {
        /// The key.
        key: String,
        /// What is added.
        text: String,
    },
}

/// What a procedure answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// To a get: the value, if there is one.
    Value(Option<String>),
    /// To a put.
    Done,
    /// To an append: how many bytes the value has now.
    Length(u64),
    /// The call was no call.
    Refused(String),
}

/// Bytes that are no call, or no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("read {read}, expected {expected}")]
pub struct Malformed {
    /// What was read.
    pub read: String,
    /// What was expected.
    pub expected: &'static str,
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    let length = u16::try_from(text.len()).expect("a text of less than 64 KiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Takes a text off the front of `bytes`.
fn take_text(bytes: &mut &[u8]) -> Result<String, Malformed> {
    let short = |left: &[u8], expected| Malformed { read: format!("{} bytes", left.len()), expected };
    // solution: begin — Part D: unmarshal a text
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Err(short(bytes, "the 2 bytes of a text's length"));
    };
    let length = usize::from(u16::from_be_bytes(*length));
    let Some((text, rest)) = rest.split_at_checked(length) else {
        return Err(short(rest, "as many bytes as the text's length says"));
    };
    *bytes = rest;
    match std::str::from_utf8(text) {
        Ok(text) => Ok(text.to_string()),
        Err(error) => Err(Malformed { read: format!("bytes that are no text ({error})"), expected: "UTF-8" }),
    }
    // solution: end
}

fn nothing_left<T>(bytes: &[u8], read: T) -> Result<T, Malformed> {
    match bytes.len() {
        0 => Ok(read),
        more => {
            Err(Malformed { read: format!("{more} bytes more"), expected: "nothing after the last text" })
        }
    }
}

impl Call {
    /// The stub's half: the call's bytes.
    ///
    /// # Panics
    /// When a text has more than [`LONGEST_TEXT`] bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // solution: begin — Part D: marshal a call
        match self {
            Call::Get { key } => {
                bytes.push(1);
                put_text(key, &mut bytes);
            }
            Call::Put { key, value } => {
                bytes.push(2);
                put_text(key, &mut bytes);
                put_text(value, &mut bytes);
            }
            Call::Append { key, text } => {
                bytes.push(3);
                put_text(key, &mut bytes);
                put_text(text, &mut bytes);
            }
        }
        // solution: end
        bytes
    }

    /// The skeleton's half: which call these bytes are.
    ///
    /// # Errors
    /// When they are none. Whoever may send datagrams may send anything.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        const EXPECTED: &str = "01 get, 02 put or 03 append";
        // solution: begin — Part D: unmarshal a call
        let Some((kind, mut rest)) = bytes.split_first() else {
            return Err(Malformed { read: "an empty call".to_string(), expected: EXPECTED });
        };
        let call = match kind {
            1 => Call::Get { key: take_text(&mut rest)? },
            2 => Call::Put { key: take_text(&mut rest)?, value: take_text(&mut rest)? },
            3 => Call::Append { key: take_text(&mut rest)?, text: take_text(&mut rest)? },
            kind => return Err(Malformed { read: format!("a call of kind {kind:02x}"), expected: EXPECTED }),
        };
        nothing_left(rest, call)
        // solution: end
    }
}

impl Answer {
    /// The answer's bytes. A text that is too long to be sent is refused, not cut.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Answer::Value(Some(value)) if value.len() > LONGEST_TEXT => {
                let why = format!("the value has {} bytes, an answer holds {LONGEST_TEXT}", value.len());
                return Answer::Refused(why).to_bytes();
            }
            Answer::Value(Some(value)) => {
                bytes.push(1);
                put_text(value, &mut bytes);
            }
            Answer::Value(None) => bytes.push(2),
            Answer::Done => bytes.push(3),
            Answer::Length(length) => {
                bytes.push(4);
                bytes.extend_from_slice(&length.to_be_bytes());
            }
            Answer::Refused(why) => {
                bytes.push(5);
                put_text(why, &mut bytes);
            }
        }
        bytes
    }

    /// Which answer these bytes are.
    ///
    /// # Errors
    /// When they are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        const EXPECTED: &str = "01 value, 02 no value, 03 done, 04 length or 05 refused";
        let Some((kind, mut rest)) = bytes.split_first() else {
            return Err(Malformed { read: "an empty answer".to_string(), expected: EXPECTED });
        };
        let answer = match kind {
            1 => Answer::Value(Some(take_text(&mut rest)?)),
            2 => Answer::Value(None),
            3 => Answer::Done,
            4 => {
                let Some((length, after)) = rest.split_first_chunk() else {
                    return Err(Malformed {
                        read: format!("{} bytes", rest.len()),
                        expected: "8 bytes of a length",
                    });
                };
                rest = after;
                Answer::Length(u64::from_be_bytes(*length))
            }
            5 => Answer::Refused(take_text(&mut rest)?),
            kind => {
                return Err(Malformed { read: format!("an answer of kind {kind:02x}"), expected: EXPECTED });
            }
        };
        nothing_left(rest, answer)
    }
}

/// The skeleton: carries out the call that these bytes are, and gives its answer's bytes. What is no call is refused, and changes nothing.
pub fn dispatch(registry: &mut Registry, call: &[u8]) -> Vec<u8> {
    // solution: begin — Part D: the skeleton
    let answer = match Call::from_bytes(call) {
        Ok(call) => registry.carry_out(&call),
        Err(why) => Answer::Refused(why.to_string()),
    };
    answer.to_bytes()
    // solution: end
}
