//! A node: a client or the server, as one [`Process`]. Given whole.

use super::call::{Answer, Call};
use super::client::Client;
use super::registry::Registry;
use super::request_id::RequestId;
use super::server::Server;
use serde::{Deserialize, Serialize};
use simnet::{Context, Names, NodeId, Observe, Process};

/// The world, as client and server see it.
pub type Ctx<'a> = Context<'a, Node>;

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// Client to server.
    Request {
        /// The call's number.
        id: RequestId,
        /// The call, as the stub made it.
        call: Vec<u8>,
    },
    /// Server to client.
    Reply {
        /// The call's number.
        id: RequestId,
        /// The answer, as the skeleton made it.
        answer: Vec<u8>,
    },
}

impl simnet::Message for Message {
    fn name(&self) -> &'static str {
        match self {
            Message::Request { .. } => "Request",
            Message::Reply { .. } => "Reply",
        }
    }
}

/// What a node waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Client: no answer yet.
    Resend,
}

/// What a client tells the outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Output {
    /// It has begun a call.
    Called(Call),
    /// It has the answer to the call it began last.
    Answered(Answer),
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// Calls.
    Client(Client),
    /// Is called.
    Server(Server),
}

impl Process for Node {
    type Message = Message;
    type Timer = Timer;
    type Output = Output;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        match self {
            Node::Client(client) => client.start(ctx),
            Node::Server(server) => server.start(ctx),
        }
    }

    fn receive(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        match (self, message) {
            (Node::Server(server), Message::Request { id, call }) => server.request(from, id, call, ctx),
            (Node::Client(client), Message::Reply { id, answer }) => client.answered(id, &answer, ctx),
            // Nobody sends these, but a network may carry anything: they change nothing.
            (_, message) => ctx.note(format!("ignored {message:?}, which is not for this node")),
        }
    }

    fn alarm(&mut self, timer: Timer, ctx: &mut Ctx<'_>) {
        match (self, timer) {
            (Node::Client(client), Timer::Resend) => client.ask(ctx),
            (Node::Server(_), Timer::Resend) => unreachable!("the server sets no timer"),
        }
    }
}

/// What monitors and pictures see of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum View {
    /// A client.
    Client {
        /// How many calls it has begun.
        begun: usize,
        /// The number of the call under way.
        open: Option<RequestId>,
    },
    /// The server.
    Server {
        /// The registry.
        registry: Registry,
        /// How many calls were carried out.
        carried_out: u64,
    },
}

impl Observe for Node {
    type View = View;

    fn view(&self) -> View {
        match self {
            Node::Client(client) => View::Client { begun: client.begun, open: client.open },
            Node::Server(server) => {
                View::Server { registry: server.registry.clone(), carried_out: server.carried_out }
            }
        }
    }

    fn waits_for(&self, _names: &Names) -> Option<String> {
        match self {
            Node::Client(client) => client.open.map(|id| format!("the answer to its call {id}")),
            Node::Server(_) => None,
        }
    }
}
