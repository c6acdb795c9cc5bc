//! An end of a link, as a [`Process`]. Given whole.

use super::message::{Message, Output, Timer};
use super::receiver::Receiver;
use super::sender::Sender;
use serde::Serialize;
use simnet::{Context, Names, NodeId, Observe, Process};

/// The world, as an end of a link sees it.
pub type Ctx<'a> = Context<'a, Node>;

/// An end of a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// Has messages.
    Sender(Sender),
    /// Is to have them.
    Receiver(Receiver),
}

impl Process for Node {
    type Message = Message;
    type Timer = Timer;
    type Output = Output;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        if let Node::Sender(sender) = self {
            sender.start(ctx);
        }
    }

    fn receive(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        match (self, message) {
            (Node::Sender(sender), Message::Ack { of, next }) => sender.acknowledged(of, next, ctx),
            (Node::Receiver(receiver), Message::Segment { number, last, bytes }) => {
                receiver.segment(from, number, last, bytes, ctx);
            }
            // Nobody sends these, but a network may carry anything: they change nothing.
            (_, message) => ctx.note(format!("ignored {message:?}, which this end does not understand")),
        }
    }

    fn alarm(&mut self, timer: Timer, ctx: &mut Ctx<'_>) {
        match (self, timer) {
            (Node::Sender(sender), Timer::Resend) => sender.resend(ctx),
            (Node::Receiver(_), timer) => unreachable!("a receiver sets no {timer:?}"),
        }
    }
}

/// What monitors and pictures see of an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum View {
    /// The sender.
    Sender {
        /// Messages of which nothing has been sent.
        waiting: usize,
        /// The number of the oldest segment that is not acknowledged.
        oldest: u32,
        /// How many have been sent and are not acknowledged.
        outstanding: usize,
    },
    /// The receiver.
    Receiver {
        /// The number that it waits for.
        next: u32,
        /// How many segments have come too early.
        early: usize,
        /// How many messages it has handed on.
        delivered: u64,
    },
}

impl Observe for Node {
    type View = View;

    fn view(&self) -> View {
        match self {
            Node::Sender(sender) => View::Sender {
                waiting: sender.waiting.len(),
                oldest: sender.oldest,
                outstanding: sender.outstanding.len(),
            },
            Node::Receiver(receiver) => View::Receiver {
                next: receiver.next,
                early: receiver.early.iter().flatten().count(),
                delivered: receiver.delivered,
            },
        }
    }

    fn waits_for(&self, _names: &Names) -> Option<String> {
        match self {
            Node::Sender(sender) if sender.outstanding.is_empty() => None,
            Node::Sender(sender) => Some(format!(
                "the acknowledgement of segment {}, the oldest of {} under way",
                sender.oldest,
                sender.outstanding.len()
            )),
            Node::Receiver(receiver) => Some(format!("segment {}", receiver.next)),
        }
    }
}
