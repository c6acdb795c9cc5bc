//! Samples written and read with the code that flatc has made.
//!
//! [`write`](mod@write) keeps its builder, and [`read`](mod@read) gives a view: the name and the data that it has lie in the bytes that were given.

pub mod read;
pub mod write;

pub use crate::generated::topic::my_pub_sub::Topic;
