//! A message that says when it was sent. Pure.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | kind: 1 a sample, 2 the end |
//! | 8 | number, from 1; of the end: how many samples there were. Most significant byte first, as all numbers here |
//! | 8 | when it was sent: nanoseconds since 1970, by the publisher's clock |
//! | 1, then so many | the publisher's name |
//! | the rest | anything |

use thiserror::Error;

/// The longest message that is taken.
pub const LONGEST: usize = 1 << 20;
/// What stands before the name.
const FIXED: usize = 18;

/// A sample, or the end of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Whether it is the end.
    pub end: bool,
    /// Its number, from 1; of the end: how many samples there were.
    pub number: u64,
    /// When it was sent, by the publisher's clock.
    pub sent_ns: i64,
    /// Who sent it.
    pub publisher: String,
    /// How long the message is, in bytes.
    pub size: usize,
}

/// What came is no sample.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "read a message of {length} bytes, expected {expected}; is it `metrics publish` that publishes there?"
)]
pub struct NoSample {
    length: usize,
    expected: &'static str,
}

impl Sample {
    /// The bytes of it: `size` of them, or as many as it needs.
    pub fn to_bytes(&self) -> Vec<u8> {
        let name = &self.publisher.as_bytes()[..self.publisher.len().min(255)];
        let mut bytes = vec![if self.end { 2 } else { 1 }];
        bytes.extend(self.number.to_be_bytes());
        bytes.extend(self.sent_ns.to_be_bytes());
        bytes.push(name.len() as u8);
        bytes.extend(name);
        bytes.resize(self.size.clamp(bytes.len(), LONGEST), 0);
        bytes
    }

    /// Reads a message.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(bytes: &[u8]) -> Result<Self, NoSample> {
        let wrong = |expected| NoSample { length: bytes.len(), expected };
        // solution: begin — Part D: read a sample
        if bytes.len() > LONGEST {
            return Err(wrong("at most 1 MiB"));
        }
        let (fixed, rest) = bytes.split_at_checked(FIXED).ok_or_else(|| wrong("at least 18 bytes"))?;
        let end = match fixed[0] {
            1 => false,
            2 => true,
            _ => return Err(wrong("1 or 2 as its first byte")),
        };
        let number = |at: usize| <[u8; 8]>::try_from(&fixed[at..at + 8]).expect("8 bytes");
        let name =
            rest.get(..usize::from(fixed[FIXED - 1])).ok_or_else(|| wrong("as long a name as it says"))?;
        let publisher = str::from_utf8(name).map_err(|_| wrong("a name in UTF-8"))?.to_string();
        let (sent_ns, number) = (i64::from_be_bytes(number(9)), u64::from_be_bytes(number(1)));
        Ok(Sample { end, number, sent_ns, publisher, size: bytes.len() })
        // solution: end
    }
}
