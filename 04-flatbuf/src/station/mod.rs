//! A schema with one of everything: a union, a struct, an enum, tables in tables and in vectors, what may be absent, what must not.
//!
//! | file | idea |
//! |---|---|
//! | [`message`] | a message as a value of its own |
//! | [`write`](mod@write) | its buffer: from the inside out |
//! | [`read`](mod@read) | a stranger's buffer: verified, and then asked what the verifier does not ask |

pub mod message;
pub mod read;
pub mod write;

pub use crate::generated::station::station as generated;
