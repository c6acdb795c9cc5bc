//! The format by hand, for `MyPubSub.Topic`: what the bytes mean, without a line of generated code.
//!
//! ```text
//!  at   bytes         what
//!   0   10 00 00 00   the root table is 16 bytes further on
//!   4   0c 00         vtable: 12 bytes long
//!   6   1c 00           the table has 28
//!   8   04 00           field 0, seq_no: 4 bytes into the table
//!  10   10 00           field 1, ts: 16
//!  12   08 00           field 2, name: 8
//!  14   0c 00           field 3, data: 12
//!  16   0c 00 00 00   table: its vtable is 12 bytes back
//!  20   07 00 00 00     seq_no: 7
//!  24   2c 00 00 00     name: 44 bytes further on, at 68
//!  28   10 00 00 00     data: 16 bytes further on, at 44
//!  32   00 … f8 3f      ts: 1.5
//! ```
//!
//! Numbers are little-endian, and lie at multiples of their size, counted from the beginning of the buffer. An offset is counted from where it
//! stands. A field that is absent has a 0 in the vtable, or the vtable is too short to have a place for it: then it is its default.
//!
//! | file | idea |
//! |---|---|
//! | [`malformed`] | what can be wrong, and where |
//! | [`buffer`] | numbers, offsets, strings and vectors, if they are there |
//! | [`table`] | a table and its vtable |
//! | [`reader`] | a `Topic`, read |
//! | [`backward`] | a buffer that grows towards its beginning |
//! | [`writer`] | a `Topic`, written |

pub mod backward;
pub mod buffer;
pub mod malformed;
pub mod reader;
pub mod table;
pub mod writer;
