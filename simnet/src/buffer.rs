//! The network as the papers of the 1980s see it: a buffer of messages.
//!
//! `send(p, m)` puts message *m* into the buffer of process *p*. `recv(p)` takes one out, or returns the **null message**, written ∅ and here
//! `None`: nothing has come yet. A buffer may return whichever message it likes, and null however often it likes, but not for ever: who keeps
//! asking gets every message, once (Fischer, Lynch and Paterson, *Impossibility of Distributed Consensus with One Faulty Process*, 1985, §2).
//! So nothing is lost here; it is late.
//!
//! A [`HubBuffer`] makes a buffer of any [`hub`](crate::hub). [`Steps`] runs processes over any buffer, step by step, as that paper does.
//!
//! ```
//! use simnet::buffer::{Buffer, HubBuffer};
//! use simnet::{Delay, NodeId, hub};
//! use std::time::Duration;
//!
//! let p = NodeId(0);
//! let mut buffer = HubBuffer::new(7, hub::Fifo::new(Delay::fixed(Duration::from_millis(2))));
//! buffer.send(p, "a");
//! buffer.send(p, "b");
//! assert_eq!([(); 5].map(|()| buffer.recv(p)), [None, Some("a"), Some("b"), None, None]);
//! ```

use crate::cluster::Cluster;
use crate::hub::{Copies, Hub, Letter};
use crate::node::NodeId;
use crate::process::Process;
use crate::random::{Purpose, Random};
use crate::solo::{Sent, Solo};
use crate::time::Time;
use std::collections::BTreeMap;

/// A buffer of messages.
///
/// # Laws
/// 1. `recv(p)` returns only what was sent to `p`.
/// 2. It returns each message exactly once.
/// 3. While a message waits for `p`, only finitely many `recv(p)` return null.
///
/// Over a hub that loses or doubles, a [`HubBuffer`] breaks the second: to mend that is what retransmission is for.
pub trait Buffer<M> {
    /// Puts `message` into the buffer of `to`.
    fn send(&mut self, to: NodeId, message: M);

    /// Takes a message out of the buffer of `reader`; `None` is the null message.
    fn recv(&mut self, reader: NodeId) -> Option<M>;
}

/// What waits for one reader, by when it is due and in which order it was sent.
type Waiting<M> = BTreeMap<(u64, u64), M>;

/// Any [`Hub`], as a buffer.
///
/// Each reader has a clock of its own: a `recv` takes one millisecond of it. A message that the hub delays by three milliseconds is ready at the
/// third `recv`: before it there are at most two nulls. The hub is told that a message comes from its reader: the papers' buffers know no sender.
///
/// A message that the hub [holds](Copies::hold) is lost.
#[derive(Debug)]
pub struct HubBuffer<M, H> {
    hub: H,
    random: Random,
    copies: Copies,
    /// For each reader its clock, in microseconds, and what waits for it.
    readers: BTreeMap<NodeId, (u64, Waiting<M>)>,
    sent: u64,
}

/// How long a `recv` takes.
const STEP_US: u64 = 1_000;

impl<M, H> HubBuffer<M, H> {
    /// An empty buffer over `hub`, whose chance comes from `seed`.
    pub fn new(seed: u64, hub: H) -> Self {
        let random = Random::new(seed, Purpose::Network);
        HubBuffer { hub, random, copies: Copies::default(), readers: BTreeMap::new(), sent: 0 }
    }
}

impl<M: Clone, H: Hub<M>> Buffer<M> for HubBuffer<M, H> {
    fn send(&mut self, to: NodeId, message: M) {
        let (now_us, waiting) = self.readers.entry(to).or_default();
        self.copies.clear();
        let letter = Letter { from: to, to, at: Time(*now_us), id: self.sent, message: &message };
        self.hub.route(&letter, &mut self.random, &mut self.copies);
        for delay_us in self.copies.delays_us() {
            waiting.insert((now_us.saturating_add(*delay_us), self.sent), message.clone());
            self.sent += 1;
        }
    }

    fn recv(&mut self, reader: NodeId) -> Option<M> {
        let (now_us, waiting) = self.readers.entry(reader).or_default();
        *now_us += STEP_US;
        let first = waiting.first_entry().filter(|first| first.key().0 <= *now_us)?;
        Some(first.remove())
    }
}

/// A cluster that runs over a buffer, in the steps of the paper: a process calls `recv`, reacts, and sends.
///
/// Who takes the next step is chance; in the long run everybody takes as many. A process that gets the null message has its next alarm
/// go off, if one is set: there is no time here, only steps. What a process sends to itself goes through the buffer too.
pub struct Steps<P: Process, B> {
    nodes: Vec<Solo<P>>,
    buffer: B,
    random: Random,
    outputs: Vec<(NodeId, P::Output)>,
    steps: u64,
    nulls: u64,
}

impl<P: Process, B: Buffer<(NodeId, P::Message)>> Steps<P, B> {
    /// The nodes of `cluster`, started, over `buffer`; `seed` chooses who takes the next step.
    ///
    /// # Panics
    /// When the cluster has an outsider, or no node.
    pub fn new(seed: u64, cluster: &Cluster<P>, buffer: B) -> Self {
        let random = Random::new(seed, Purpose::Workload);
        let mut steps = Steps { nodes: Vec::new(), buffer, random, outputs: Vec::new(), steps: 0, nulls: 0 };
        let makes: Vec<_> = cluster.nodes().iter().map(|(_, make)| make.clone()).collect();
        assert!(!makes.is_empty(), "a cluster without nodes takes no steps");
        for (index, make) in makes.into_iter().enumerate() {
            let make = make.unwrap_or_else(|| panic!("node {index} is an outsider, which takes no steps"));
            let me = NodeId(index as u32);
            let (node, sent) = Solo::start(me, move || make());
            steps.nodes.push(node);
            steps.settle(me, sent);
        }
        steps
    }

    /// One step of a process that chance picks.
    pub fn step(&mut self) {
        let nodes: Vec<NodeId> = (0..self.nodes.len() as u32).map(NodeId).collect();
        let me = *self.random.pick(&nodes);
        self.steps += 1;
        let node = &mut self.nodes[me.index()];
        let sent = match self.buffer.recv(me) {
            Some((from, message)) => node.receive(from, message),
            None => {
                self.nulls += 1;
                node.next_alarm().map(|(_, sent)| sent).unwrap_or_default()
            }
        };
        self.settle(me, sent);
    }

    /// Takes steps until `done`, at most so many. Returns whether it is done.
    pub fn run_until(&mut self, most_steps: u64, mut done: impl FnMut(&Self) -> bool) -> bool {
        for _ in 0..most_steps {
            if done(self) {
                return true;
            }
            self.step();
        }
        done(self)
    }

    fn settle(&mut self, me: NodeId, sent: Vec<Sent<P::Message>>) {
        for sent in sent {
            self.buffer.send(sent.to, (me, sent.message));
        }
        self.outputs.extend(self.nodes[me.index()].take_outputs().into_iter().map(|output| (me, output)));
    }

    /// The process on `node`.
    pub fn process(&self, node: NodeId) -> &P {
        self.nodes[node.index()].process()
    }

    /// What the processes told the outside, in order.
    pub fn outputs(&self) -> &[(NodeId, P::Output)] {
        &self.outputs
    }

    /// How many steps were taken, and how many of them with the null message.
    pub fn steps(&self) -> (u64, u64) {
        (self.steps, self.nulls)
    }
}
