//! Remote procedure calls over datagrams that may be lost, late and doubled (Birrell & Nelson, *Implementing Remote Procedure Calls*,
//! 1984).
//!
//! A client calls a procedure of a server as if it were here. Its **stub** makes bytes of the call; the server's **skeleton** makes a call of
//! the bytes, and bytes of the answer. In between are datagrams, so a call without an answer is sent again. If the *answer* was lost, the
//! server has carried the call out already:
//!
//! - **at least once**: the server carries out whatever arrives. Harmless only where doing it twice is as good as once, and where
//!   an old copy that arrives late does no harm either;
//! - **at most once**: the server keeps, for each client, the number of its last call and the answer. A copy of that call gets the same answer
//!   again; older ones get none.
//!
//! With a client that does not give up, and a server that forgets neither the registry nor the table in a crash, at most once is once.

pub mod call;
pub mod client;
pub mod invariants;
pub mod node;
pub mod registry;
pub mod request_id;
pub mod scene;
pub mod server;

pub use call::{Answer, Call};
pub use client::Client;
pub use node::{Message, Node, Output, Timer, View};
pub use registry::Registry;
pub use request_id::RequestId;
pub use server::{Semantics, Server};
