//! A node: one of the two roles, as a [`Process`]. Given whole.

use super::coordinator::{Coordinator, Phase};
use super::message::{Decision, Message, Output, Timer};
use super::participant::{Participant, State};
use serde::Serialize;
use simnet::{Context, Names, NodeId, Observe, Process};

/// The world, as a role of two-phase commit sees it.
pub type Ctx<'a> = Context<'a, Node>;

/// A node: each plays one role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// Asks for votes, and decides.
    Coordinator(Coordinator),
    /// Votes, and does as was decided.
    Participant(Participant),
}

impl Process for Node {
    type Message = Message;
    type Timer = Timer;
    type Output = Output;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        match self {
            Node::Coordinator(coordinator) => coordinator.start(ctx),
            Node::Participant(participant) => participant.start(ctx),
        }
    }

    fn receive(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        match (self, message) {
            (Node::Coordinator(coordinator), Message::Yes) => coordinator.yes(from, ctx),
            (Node::Coordinator(coordinator), Message::No) => coordinator.no(ctx),
            (Node::Coordinator(coordinator), Message::Ack) => coordinator.ack(from, ctx),
            (Node::Coordinator(coordinator), Message::DecisionReq) => coordinator.answer(from, ctx),
            (Node::Participant(participant), Message::VoteReq) => participant.vote_req(ctx),
            (Node::Participant(participant), Message::Decided(decision)) => {
                participant.decided(decision, ctx)
            }
            (Node::Participant(participant), Message::DecisionReq) => participant.asked(from, ctx),
            // Nobody sends these, but a network may carry anything: they change nothing.
            (_, message) => ctx.note(format!("ignored {message:?}, which this role does not understand")),
        }
    }

    fn alarm(&mut self, timer: Timer, ctx: &mut Ctx<'_>) {
        match (self, timer) {
            (Node::Coordinator(coordinator), Timer::Resend) => coordinator.resend(ctx),
            (Node::Coordinator(coordinator), Timer::GiveUp) => coordinator.give_up(ctx),
            (Node::Participant(participant), Timer::GiveUp) => participant.give_up(ctx),
            (Node::Participant(participant), Timer::Ask) => participant.ask(ctx),
            (_, timer) => unreachable!("no role sets {timer:?} for another"),
        }
    }
}

/// What monitors and pictures see of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum View {
    /// The coordinator.
    Coordinator {
        /// `idle`, `voting`, `committed` or `aborted`.
        phase: &'static str,
        /// How many have said Yes, or acknowledged the commit.
        heard_from: usize,
        /// What was decided.
        decision: Option<Decision>,
    },
    /// A participant.
    Participant {
        /// Whether it has voted Yes and waits.
        in_doubt: bool,
        /// What was decided.
        decision: Option<Decision>,
    },
}

impl View {
    /// What this node knows to have been decided.
    pub fn decision(&self) -> Option<Decision> {
        match self {
            View::Coordinator { decision, .. } | View::Participant { decision, .. } => *decision,
        }
    }

    /// Whether this node has voted Yes, and waits.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, View::Participant { in_doubt: true, .. })
    }
}

impl Observe for Node {
    type View = View;

    fn view(&self) -> View {
        match self {
            Node::Coordinator(coordinator) => {
                let (phase, heard_from) = match &coordinator.phase {
                    Phase::Idle => ("idle", 0),
                    Phase::Voting { yes } => ("voting", yes.len()),
                    Phase::Committed { acks } => ("committed", acks.len()),
                    Phase::Aborted => ("aborted", 0),
                };
                View::Coordinator { phase, heard_from, decision: coordinator.decision() }
            }
            Node::Participant(participant) => {
                let (in_doubt, decision) = match participant.state {
                    State::Working => (false, None),
                    State::Prepared => (true, None),
                    State::Decided(decision) => (false, Some(decision)),
                };
                View::Participant { in_doubt, decision }
            }
        }
    }

    fn waits_for(&self, names: &Names) -> Option<String> {
        match self {
            Node::Coordinator(coordinator) => {
                let what = match &coordinator.phase {
                    Phase::Idle => return Some("a reason to begin".to_string()),
                    Phase::Voting { .. } => "votes of",
                    Phase::Committed { .. } => "acknowledgements of",
                    Phase::Aborted => return None,
                };
                let from = coordinator.waits_for();
                (!from.is_empty()).then(|| format!("{what} {}", names.list(&from)))
            }
            Node::Participant(participant) => match participant.state {
                State::Working => Some("the request to vote".to_string()),
                State::Prepared => Some("the decision: it has voted Yes, and is in doubt".to_string()),
                State::Decided(_) => None,
            },
        }
    }
}
