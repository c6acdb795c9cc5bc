//! What a node and the program that started it say to each other: a line of JSON each, over standard input and output. Pure.

use super::node::WireReport;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::SocketAddr;

/// From the node, on its standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromNode {
    /// It listens there: first of all.
    Listening(SocketAddr),
    /// Its process told the outside this.
    Output(Value),
    /// A message that it was asked to tell of has come from the node of this name.
    Heard(String),
    /// It reacts to nothing any more, as it was asked to.
    Halted,
    /// It ends in order, and this is what its sockets have seen: last of all.
    Done(WireReport),
}

/// To the node, on its standard input. When that is closed, the node ends: so it never outlives its parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToNode {
    /// Where each node listens, by id.
    Addresses(Vec<Option<SocketAddr>>),
}
