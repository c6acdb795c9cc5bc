//! What can be wrong with the bytes of a buffer, and where.

use thiserror::Error;

/// Why bytes are not what they should be. Each names the byte where that was read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// It leads out of the buffer.
    #[error(
        "byte {at}: {what} would go on for {length} bytes, and the buffer has {buffer}; it is cut short, or none of its kind"
    )]
    Outside {
        /// What was to be read.
        what: &'static str,
        /// Where it begins.
        at: usize,
        /// How many bytes it takes.
        length: usize,
        /// How many there are.
        buffer: usize,
    },
    /// It lies where no writer puts it.
    #[error("byte {at}: {what} lies here, expected a multiple of {to}")]
    Unaligned {
        /// What was to be read.
        what: &'static str,
        /// Where it lies.
        at: usize,
        /// Its alignment.
        to: usize,
    },
    /// A vtable is a list of numbers of two bytes.
    #[error("byte {at}: a vtable of {length} bytes, expected an even number")]
    OddVtable {
        /// Where it begins.
        at: usize,
        /// How long it says it is.
        length: usize,
    },
    /// A string is UTF-8.
    #[error("byte {at}: {what} is no UTF-8")]
    NotText {
        /// What was to be read.
        what: &'static str,
        /// The first byte that is wrong.
        at: usize,
    },
    /// A string ends with a zero that its length does not count.
    #[error("byte {at}: read the end of {what}, expected a zero byte")]
    NoTerminator {
        /// What was to be read.
        what: &'static str,
        /// Where the zero should be.
        at: usize,
    },
}
