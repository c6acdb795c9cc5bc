//! How much a buffer of a stranger may cost, and why it is refused.
//!
//! The verifier follows every offset. Nothing says that two offsets may not lead to the same place, so a buffer of a kilobyte can be a tree of a
//! billion tables: each level has two offsets, and both lead to the next one. The crate's own limits are generous (64 levels, a million
//! tables, 2 GiB); these follow from the length of the buffer.

use flatbuffers::{InvalidFlatbuffer, VerifierOptions};
use thiserror::Error;

/// No table is smaller: the offset of its vtable.
pub const SMALLEST_TABLE: usize = 4;

/// What a buffer may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest buffer, in bytes.
    pub longest: usize,
    /// How deep tables may lie in tables.
    pub depth: usize,
    /// How many bytes the verifier may look at for each byte of the buffer. An honest writer shares vtables, and may share strings, so it is
    /// more than one.
    pub looks: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { longest: 1 << 20, depth: 8, looks: 16 }
    }
}

impl Limits {
    /// What the verifier may do for a buffer of this length: as many tables as have room in it, and so many looks at each byte.
    pub fn options(&self, length: usize) -> VerifierOptions {
        // solution: begin — Part C: what a buffer of this length may cost
        VerifierOptions {
            max_depth: self.depth,
            max_tables: length / SMALLEST_TABLE,
            max_apparent_size: length.saturating_mul(self.looks),
            ignore_missing_null_terminator: false,
        }
        // solution: end
    }

    /// The length must be allowed, before anything is looked at.
    ///
    /// # Errors
    /// When it is not.
    pub fn allow(&self, length: usize) -> Result<(), Refusal> {
        if length > self.longest {
            return Err(Refusal::TooLong { length: length as u64, longest: self.longest });
        }
        Ok(())
    }
}

/// Why a buffer is refused.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Refusal {
    /// It is longer than allowed.
    #[error("read {length} bytes, expected at most {longest}")]
    TooLong {
        /// How long it is, or says it is.
        length: u64,
        /// How long it may be.
        longest: usize,
    },
    /// A message of several frames, or of none.
    #[error("read a message of {0} frames, expected one: the buffer")]
    Frames(usize),
    /// The verifier has found something.
    #[error("read {length} bytes that are no such buffer: {}", reason(.why))]
    Invalid {
        /// How long it is.
        length: usize,
        /// What it found.
        why: InvalidFlatbuffer,
    },
    /// It is a buffer of another schema.
    #[error("read a buffer with the identifier {found}, expected {expected:?}: it is of another schema")]
    Identifier {
        /// The four bytes of it, or what there is.
        found: String,
        /// Those that it should have.
        expected: &'static str,
    },
    /// The bytes are right, and what they say cannot be.
    #[error("read {field} {found}, expected {expected}")]
    Value {
        /// What it is.
        field: &'static str,
        /// What was read.
        found: String,
        /// What would do.
        expected: &'static str,
    },
}

impl Refusal {
    /// A value that cannot be.
    pub fn value(field: &'static str, found: impl ToString, expected: &'static str) -> Self {
        Refusal::Value { field, found: found.to_string(), expected }
    }
}

/// The verifier's reason, on one line: what, and where.
fn reason(why: &InvalidFlatbuffer) -> String {
    let text = why.to_string();
    let lines: Vec<&str> =
        text.lines().map(|line| line.trim().trim_end_matches('.')).filter(|line| !line.is_empty()).collect();
    lines.join(", ")
}
