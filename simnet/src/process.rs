//! A protocol, as its paper describes it: what a process is, and the rules of the world around it.

use crate::context::Context;
use crate::node::{Names, NodeId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::hash::Hash;

/// What processes send to each other.
pub trait Message: Clone + Debug + Eq + Hash + Serialize + DeserializeOwned + 'static {
    /// The message's name in the paper, short: it stands in traces, in pictures and in the table of counters.
    fn name(&self) -> &'static str;
}

/// A process of a distributed protocol, as papers describe one.
///
/// It reacts to one event at a time: a start, a message, an alarm. It holds the protocol's state and nothing else; the
/// roles of one protocol (proposer, acceptor, learner, client) are variants of one enum that is the `Process`.
///
/// # The rules of the world
///
/// **Pure.** A process touches no socket, clock, thread, file or random source. Everything it wants it asks of its
/// [`Context`], and the same calls with the same answers leave the same state. It keeps `BTreeMap`s, not
/// `HashMap`s, whose order differs from run to run. Handlers run one at a time, to the end, and do not wait.
///
/// **Effects.** The context only records what is asked for; the world carries it out after the handler, in the order recorded.
/// A crash may come between any two effects of one handler.
///
/// **Messages** may be lost, late, doubled and out of order, as the world's hub and its faults decide. They are never made up
/// and never altered. A message to oneself is never lost, unless the node crashes first. Requests from outside are
/// messages too; they come from client nodes. What the outside should know leaves by [`Context::output`].
///
/// **Timers.** There is at most one pending alarm for each value of [`Process::Timer`]: setting it again moves it. Alarms are measured
/// by the node's own clock, which may be ahead, behind, fast or slow.
///
/// **Crashes.** A crash drops the process' value and all its alarms. A restart builds a new value, by the same factory that
/// built the first one, and calls [`start`](Process::start). Only what was in [storage](Context::storage) is still there.
///
/// **Storage.** A write is volatile until [`sync`](crate::storage::Storage::sync). A send recorded before a sync may leave before
/// the sync has ended; nothing recorded after it, in this handler or a later one, leaves until it has. The world
/// may carry out several syncs as one. A crash decides the fate of what was not synced: kept, lost, or a part of each. A write that fails,
/// because the disk is full, stops the node. A node whose synced bytes turn out damaged does not start again.
///
/// # Panics
///
/// A panic in a handler is a broken rule: the run ends there and shows it. Assert what the paper says must hold.
///
/// # Example
///
/// A process that counts what it hears and answers with the sum:
///
/// ```
/// use simnet::{Cluster, Context, Message, NodeId, Process, Sim};
/// use serde::{Deserialize, Serialize};
/// use std::time::Duration;
///
/// #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
/// enum Counting { Add(u64), Sum(u64) }
///
/// impl Message for Counting {
///     fn name(&self) -> &'static str {
///         match self { Counting::Add(_) => "Add", Counting::Sum(_) => "Sum" }
///     }
/// }
///
/// #[derive(Clone, PartialEq, Eq, Hash, Default)]
/// struct Counter { sum: u64 }
///
/// impl Process for Counter {
///     type Message = Counting;
///     type Timer = ();
///     type Output = u64;
///
///     fn receive(&mut self, from: NodeId, message: Counting, ctx: &mut Context<'_, Self>) {
///         match message {
///             Counting::Add(number) => {
///                 self.sum += number;
///                 ctx.send(from, Counting::Sum(self.sum));
///             }
///             Counting::Sum(sum) => ctx.output(sum),
///         }
///     }
/// }
///
/// let mut cluster = Cluster::new();
/// let server = cluster.node("server", Counter::default);
/// let client = cluster.node("client", Counter::default);
/// let mut sim = Sim::new(7, &cluster);
/// sim.inject(client, server, Counting::Add(3));
/// sim.run_for(Duration::from_secs(1));
/// assert_eq!(sim.outputs()[0].output, 3);
/// ```
pub trait Process: Sized + Clone + Eq + Hash + 'static {
    /// What these processes send to each other.
    type Message: Message;
    /// What a process may wait for. Often an enum with one variant a purpose.
    type Timer: Clone + Debug + Eq + Hash;
    /// What a process tells the outside: a decided value, a client's response.
    type Output: Clone + Debug + Serialize;

    /// The node starts; also after a restart, when [`Context::storage`] has what was kept.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let _ = ctx;
    }

    /// A message has arrived.
    fn receive(&mut self, from: NodeId, message: Self::Message, ctx: &mut Context<'_, Self>);

    /// An alarm has gone off. It is no longer pending.
    fn alarm(&mut self, timer: Self::Timer, ctx: &mut Context<'_, Self>) {
        let _ = (timer, ctx);
    }
}

/// A process that can be looked into: by monitors, by pictures, by a run that explains why it is stuck.
pub trait Observe: Process {
    /// The part of the state that the protocol's invariants speak of, as plain data.
    type View: Clone + Debug + PartialEq + Serialize;

    /// What stands in the process now.
    fn view(&self) -> Self::View;

    /// What the process waits for, in words, or `None` when it has nothing to do: "a quorum of promises for ballot 3.0, has a1".
    /// Other nodes are called by their `names`.
    fn waits_for(&self, names: &Names) -> Option<String> {
        let _ = names;
        None
    }
}
