//! A node of the cluster: one of the roles, as a [`Process`]. Given whole.

use crate::acceptor::Acceptor;
use crate::ballot::{Ballot, Proposal, Value};
use crate::client::Client;
use crate::learner::Learner;
use crate::message::{Message, Output, Timer};
use crate::proposer::{Phase, Proposer};
use serde::Serialize;
use simnet::{Context, Names, NodeId, Observe, Process, renamed};

/// The world, as a role of Paxos sees it.
pub type Ctx<'a> = Context<'a, Node>;

/// A node: each plays one role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// Gets a value chosen.
    Proposer(Proposer),
    /// Remembers.
    Acceptor(Acceptor),
    /// Finds out what was chosen.
    Learner(Learner),
    /// Wants something chosen.
    Client(Client),
}

impl Process for Node {
    type Message = Message;
    type Timer = Timer;
    type Output = Output;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        match self {
            Node::Proposer(proposer) => proposer.start(ctx),
            Node::Acceptor(acceptor) => acceptor.start(ctx),
            Node::Learner(learner) => learner.start(ctx),
            Node::Client(client) => client.start(ctx),
        }
    }

    fn receive(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        match (self, message) {
            (Node::Proposer(proposer), Message::Request { value }) => proposer.request(from, value, ctx),
            (Node::Proposer(proposer), Message::Promise { ballot, accepted }) => {
                proposer.promise(from, ballot, accepted, ctx);
            }
            (Node::Proposer(proposer), Message::Accepted(proposal)) => proposer.accepted(from, proposal, ctx),
            (Node::Proposer(proposer), Message::Nack { ballot, promised }) => {
                proposer.nack(ballot, promised, ctx)
            }
            (Node::Proposer(proposer), Message::Ask) => proposer.ask(from, ctx),
            (Node::Acceptor(acceptor), Message::Prepare { ballot }) => acceptor.prepare(from, ballot, ctx),
            (Node::Acceptor(acceptor), Message::Accept(proposal)) => acceptor.accept(from, proposal, ctx),
            (Node::Learner(learner), Message::Accepted(proposal)) => learner.accepted(from, proposal, ctx),
            (Node::Learner(learner), Message::Chosen { value }) => learner.learn(value, ctx),
            (Node::Client(client), Message::Chosen { value }) => client.answered(value, ctx),
            // Nobody sends these, but a network may carry anything: they change nothing.
            (_, message) => ctx.note(format!("ignored {message:?}, which this role does not understand")),
        }
    }

    fn alarm(&mut self, timer: Timer, ctx: &mut Ctx<'_>) {
        match (self, timer) {
            (Node::Proposer(proposer), Timer::Resend) => proposer.resend(ctx),
            (Node::Proposer(proposer), Timer::BackOff) => proposer.back_off_is_over(ctx),
            (Node::Learner(learner), Timer::Ask) => learner.ask(ctx),
            (Node::Client(client), Timer::Retry) => client.retry(ctx),
            (_, timer) => unreachable!("no role sets {timer:?} for another"),
        }
    }
}

/// What monitors and pictures see of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum View {
    /// A proposer.
    Proposer {
        /// The highest round it has used or heard of.
        round: u64,
        /// What it waits for, in words.
        phase: &'static str,
        /// The ballot under way.
        ballot: Option<Ballot>,
        /// The value it proposes, or would.
        value: Option<Value>,
    },
    /// An acceptor.
    Acceptor {
        /// The highest ballot promised.
        promised: Option<Ballot>,
        /// The highest proposal accepted.
        accepted: Option<Proposal>,
    },
    /// A learner.
    Learner {
        /// What it has learned.
        learned: Option<Value>,
    },
    /// A client.
    Client {
        /// What it was told.
        answer: Option<Value>,
    },
}

impl Observe for Node {
    type View = View;

    fn view(&self) -> View {
        match self {
            Node::Proposer(proposer) => {
                let (phase, value) = match &proposer.phase {
                    Phase::Idle => ("idle", &proposer.value),
                    Phase::Preparing { .. } => ("preparing", &proposer.value),
                    Phase::Accepting { proposal, .. } => ("accepting", &Some(proposal.value.clone())),
                    Phase::BackingOff => ("backing off", &proposer.value),
                    Phase::Done { value } => ("done", &Some(value.clone())),
                };
                let value = value.clone();
                View::Proposer { round: proposer.round, phase, ballot: proposer.current_ballot(), value }
            }
            Node::Acceptor(acceptor) => {
                View::Acceptor { promised: acceptor.promised, accepted: acceptor.accepted.clone() }
            }
            Node::Learner(learner) => View::Learner { learned: learner.learned.clone() },
            Node::Client(client) => View::Client { answer: client.answer.clone() },
        }
    }

    fn waits_for(&self, names: &Names) -> Option<String> {
        match self {
            Node::Proposer(proposer) => match &proposer.phase {
                Phase::Idle | Phase::Done { .. } => None,
                Phase::BackingOff => Some("the end of its pause".to_string()),
                Phase::Preparing { ballot, promises } => Some(format!(
                    "a majority of promises for ballot {ballot}, has {}",
                    names.list(promises.keys())
                )),
                Phase::Accepting { proposal, accepted } => {
                    Some(format!("a majority that accepts {proposal}, has {}", names.list(accepted)))
                }
            },
            Node::Acceptor(_) => None,
            Node::Learner(learner) => {
                learner.learned.is_none().then(|| "a majority that has accepted one ballot".to_string())
            }
            Node::Client(client) => client.answer.is_none().then(|| "an answer".to_string()),
        }
    }
}

renamed!(
    enum Node {
        Proposer(proposer),
        Acceptor(acceptor),
        Learner(learner),
        Client(client),
    }
);
