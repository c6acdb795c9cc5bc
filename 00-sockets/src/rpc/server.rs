//! The server: a registry, and the memory that makes of "at least once" an "at most once".

use super::call::dispatch;
use super::node::{Ctx, Message};
use super::registry::Registry;
use super::request_id::RequestId;
use serde::{Deserialize, Serialize};
use simnet::NodeId;
use std::collections::BTreeMap;

/// How often a call may be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Semantics {
    /// As often as it arrives.
    AtLeastOnce,
    /// Once; copies get the same answer.
    AtMostOnce,
}

/// The last call of a client, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct LastCall {
    id: RequestId,
    answer: Vec<u8>,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    semantics: Semantics,
    pub(crate) registry: Registry,
    /// How many calls were carried out, those of earlier lives included.
    pub(crate) carried_out: u64,
    /// The client table.
    table: BTreeMap<NodeId, LastCall>,
}

impl Server {
    /// A server with an empty registry.
    pub fn new(semantics: Semantics) -> Self {
        Server { semantics, registry: Registry::default(), carried_out: 0, table: BTreeMap::new() }
    }

    /// The node starts: carries out again what its log has, so that registry and table are what they were.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part D: recover
        for (client, id, call) in ctx.storage().log::<(NodeId, RequestId, Vec<u8>)>() {
            self.carry_out(client, id, &call);
        }
        // solution: end
    }

    /// A call has arrived, perhaps not for the first time.
    pub fn request(&mut self, client: NodeId, id: RequestId, call: Vec<u8>, ctx: &mut Ctx<'_>) {
        // solution: begin — Part D: carry out, answer again, or ignore
        if self.semantics == Semantics::AtMostOnce
            && let Some(last) = self.table.get(&client)
            && !id.is_newer_than(last.id)
        {
            // A client makes one call at a time: it waits for no answer older than its last call's.
            if id == last.id {
                ctx.send(client, Message::Reply { id, answer: last.answer.clone() });
            }
            return;
        }
        let answer = self.carry_out(client, id, &call);
        // An answer is a promise: what it speaks of must survive a crash. One log entry changes registry and table together.
        ctx.storage().append(&(client, id, call));
        ctx.storage().sync();
        ctx.send(client, Message::Reply { id, answer });
        // solution: end
    }

    /// Carries a call out, and remembers its answer.
    fn carry_out(&mut self, client: NodeId, id: RequestId, call: &[u8]) -> Vec<u8> {
        let answer = dispatch(&mut self.registry, call);
        self.carried_out += 1;
        self.table.insert(client, LastCall { id, answer: answer.clone() });
        answer
    }
}
