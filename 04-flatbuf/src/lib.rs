//! FlatBuffers over ZeroMQ: messages that need no unpacking.
//!
//! A FlatBuffer is read where it lies. Offsets in it say where a table is, a **vtable** says where its fields are, and a field that is not there
//! is its default. So a reader takes what it wants and leaves the rest; and since every offset comes from somebody else, a reader that looks
//! before it has checked looks anywhere.
//!
//! # The files, in reading order
//!
//! | file | idea |
//! |---|---|
//! | [`sample`] | what is published: a number, a time, a name, numbers |
//! | [`wire`] | the format by hand: bytes, tables, strings, vectors; read and written |
//! | [`generated`] | what flatc makes of the schemas |
//! | [`topic`] | samples written and read with that code |
//! | [`station`] | a schema with one of everything: union, struct, enum, nested tables, optional fields |
//! | [`stamp`] | times as the schema has them, to nanoseconds and back |
//! | [`pubsub`] | publisher and subscriber: nothing is copied, nothing is missed silently |
//! | [`limits`] | how much a verifier may be made to do |
//! | [`gate`], [`door`] | a frame that is too long is refused before there is room for it |
//! | [`schema`] | a schema as a value, read from a buffer of flatc's |
//! | [`anatomy`] | what each byte of a buffer is |
//! | [`evolution`] | may this schema follow that one? |

pub mod anatomy;
pub mod door;
pub mod evolution;
pub mod gate;
pub mod generated;
pub mod limits;
pub mod pubsub;
pub mod sample;
pub mod schema;
pub mod stamp;
pub mod station;
pub mod topic;
pub mod wire;
