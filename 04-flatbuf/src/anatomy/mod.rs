//! What each byte of a buffer is, by its schema.
//!
//! [`dissect`] walks over a buffer as a reader would, and notes what it looks at; [`print`](mod@print) shows the bytes with these notes. What nobody
//! looks at is padding, or belongs to nothing. It reads with [`wire`](crate::wire), so it works once that does, and survives what strangers write.

pub mod dissect;
pub mod print;

/// Some bytes, and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where they begin.
    pub at: usize,
    /// How many they are.
    pub length: usize,
    /// What they are.
    pub text: String,
}

/// What has been found in a buffer.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Anatomy {
    /// What was looked at, in the order of the bytes.
    pub spans: Vec<Span>,
    /// What could not be followed, and why.
    pub trouble: Vec<String>,
}
