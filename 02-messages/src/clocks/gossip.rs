//! Processes that have something to stamp: each now and then does something by itself, or tells another. Given whole.

use super::lamport::{LamportClock, Stamp};
use super::vector::VectorClock;
use serde::{Deserialize, Serialize};
use simnet::{Context, Names, NodeId, Observe, Process};
use std::time::Duration;

/// What both clocks say of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamps {
    /// Lamport's.
    pub lamport: Stamp,
    /// The vector.
    pub vector: VectorClock,
}

/// What they tell each other: that something has happened, and when.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Which of its sender's messages it is, from 0 on.
    pub number: u32,
    /// When it was sent.
    pub at: Stamps,
}

impl simnet::Message for Message {
    fn name(&self) -> &'static str {
        "Gossip"
    }
}

/// When a process does something next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Next;

/// What has happened at a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// Something that concerns nobody else.
    Internal(Stamps),
    /// It has sent a message.
    Sent {
        /// Which of its messages.
        number: u32,
        /// When.
        at: Stamps,
    },
    /// A message has arrived.
    Received {
        /// Who sent it.
        from: NodeId,
        /// Which of its sender's messages it is.
        number: u32,
        /// When it arrived.
        at: Stamps,
    },
}

/// A process that acts `actions` times: each time it either does something by itself or sends a message to another process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gossip {
    processes: u32,
    /// How often it still acts.
    actions: u32,
    pace: Duration,
    lamport: LamportClock,
    vector: VectorClock,
    /// How many messages it has sent.
    sent: u32,
}

/// The world, as such a process sees it.
pub type Ctx<'a> = Context<'a, Gossip>;

impl Gossip {
    /// One of `processes` with the ids from 0 on; it acts `actions` times, at intervals of up to `pace`.
    pub fn new(processes: u32, actions: u32, pace: Duration) -> Self {
        let vector = VectorClock::new(processes as usize);
        Gossip { processes, actions, pace, lamport: LamportClock::default(), vector, sent: 0 }
    }

    /// An event that follows from nothing but what has happened here.
    fn stamp(&mut self, me: NodeId) -> Stamps {
        self.vector.tick(me);
        Stamps { lamport: Stamp { time: self.lamport.tick(), process: me }, vector: self.vector.clone() }
    }

    fn wait(&self, ctx: &mut Ctx<'_>) {
        if self.actions > 0 {
            let after = ctx.random_duration(Duration::ZERO..self.pace);
            ctx.set_timer(Next, after);
        }
    }
}

impl Process for Gossip {
    type Message = Message;
    type Timer = Next;
    type Output = Event;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.wait(ctx);
    }

    fn receive(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        self.vector.receive(ctx.me(), &message.at.vector);
        let lamport = Stamp { time: self.lamport.receive(message.at.lamport.time), process: ctx.me() };
        let at = Stamps { lamport, vector: self.vector.clone() };
        ctx.output(Event::Received { from, number: message.number, at });
    }

    fn alarm(&mut self, Next: Next, ctx: &mut Ctx<'_>) {
        self.actions -= 1;
        let at = self.stamp(ctx.me());
        let to = NodeId(ctx.random(u64::from(self.processes)) as u32);
        if to == ctx.me() {
            ctx.output(Event::Internal(at));
        } else {
            let number = self.sent;
            self.sent += 1;
            ctx.output(Event::Sent { number, at: at.clone() });
            ctx.send(to, Message { number, at });
        }
        self.wait(ctx);
    }
}

/// What is seen of such a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Lamport's clock.
    pub time: u64,
    /// The vector clock.
    pub vector: VectorClock,
    /// How often it still acts.
    pub actions: u32,
}

impl Observe for Gossip {
    type View = View;

    fn view(&self) -> View {
        View { time: self.lamport.time(), vector: self.vector.clone(), actions: self.actions }
    }

    fn waits_for(&self, _names: &Names) -> Option<String> {
        (self.actions > 0).then(|| "its next action".to_string())
    }
}
