//! The checked world: every schedule, up to stated bounds.
//!
//! A [`Question`] is a cluster and its bounds; [`Question::check`] explores every order of deliveries and alarms, with messages late
//! or lost as the schedule likes, and with crashes between any two effects. The search itself is `stateright`'s; the process is the very
//! one that runs elsewhere.
//!
//! What is abstracted, and why no safety bug is lost by it:
//! - **Time.** `now` is 0, and a pending alarm may go off at any moment: every real schedule is among these.
//! - **Lost messages** are those that never arrive. A schedule need not deliver what it has sent, so losses need no bound.
//! - **Duplicates.** Either at most so many deliveries of a message beyond its first, where sending an equal message again counts as one
//!   too; or any number ([`Duplicates::Any`]), where a message stays in the network for ever.
//! - **A crash and the restart** are one step: what would have arrived in between is late or lost anyway. The crash may come
//!   after any number of the effects of one handler, and keeps any prefix of the writes that were not synced.
//! - **Syncs** take no time: a crash before a sync ends is a crash before the sync.
//! - **A random choice** ([`Context::random`](crate::Context::random)) is a branch. A random duration is none: alarms go off at any time as it is.

mod model;
mod script;
mod state;

use crate::cluster::Cluster;
use crate::monitor::{Monitor, Violation};
use crate::node::NodeId;
use crate::process::{Observe, Process};
use crate::trace::Trace;
use model::{BROKEN, Checked, Step};
use stateright::{Checker, HasDiscoveries, Model};
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::Arc;

/// How often a message may be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// At most so many deliveries beyond the first, of all messages together.
    AtMost(u32),
    /// Any number of times.
    Any,
}

impl fmt::Display for Duplicates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Duplicates::AtMost(0) => f.write_str("no duplicates"),
            Duplicates::AtMost(1) => f.write_str("at most 1 duplicate"),
            Duplicates::AtMost(count) => write!(f, "at most {count} duplicates"),
            Duplicates::Any => f.write_str("any number of duplicates"),
        }
    }
}

impl FromStr for Duplicates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "any" => Ok(Duplicates::Any),
            number => number
                .parse()
                .map(Duplicates::AtMost)
                .map_err(|_| format!("read `{text}`, expected a number of duplicates, or `any`")),
        }
    }
}

/// In what order messages from one node to another arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In any order, late or lost at will. A message sent again is the same message: see [`Duplicates`].
    Any,
    /// In the order of sending, each once, and none is lost before a later one arrives: the network of papers that assume reliable channels. Bounds
    /// on duplicates mean nothing here.
    Reliable,
    /// In the order of sending, but any may be lost. A link holds at most so many: what is sent beyond that is lost. Bounds on duplicates mean
    /// nothing here; a protocol doubles its messages by itself when it sends them again.
    Lossy {
        /// How many messages a link holds.
        most: usize,
    },
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Order::Any => f.write_str("messages late or lost at will"),
            Order::Reliable => f.write_str("messages late at will, in order on each link"),
            Order::Lossy { most } => {
                write!(f, "messages late or lost at will, in order on each link, which holds at most {most}")
            }
        }
    }
}

/// Whether a process is still within the question's bounds.
type Within<P> = dyn Fn(&P) -> bool + Send + Sync;

/// What is asked: does some schedule within these bounds break a rule?
pub struct Question<P: Process, M> {
    cluster: Cluster<P>,
    monitor: M,
    requests: Vec<(NodeId, NodeId, P::Message)>,
    crashes: u32,
    may_crash: Vec<NodeId>,
    duplicates: Duplicates,
    order: Order,
    within: Arc<Within<P>>,
    threads: usize,
    most_states: Option<usize>,
}

/// What the search found.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Steps taken: states reached, also again.
    pub states: usize,
    /// Different states.
    pub unique_states: usize,
    /// The longest schedule, in steps.
    pub depth: usize,
    /// Whether every schedule within the bounds was explored.
    pub complete: bool,
    /// The shortest schedule that breaks a rule, and the rule.
    pub broken: Option<(Violation, Trace)>,
}

impl<P, M> Question<P, M>
where
    P: Observe + Send + Sync,
    P::Message: Send + Sync,
    P::Timer: Send + Sync,
    P::Output: Send + Sync,
    M: Monitor<P> + Clone + Eq + Hash + Send + Sync + 'static,
{
    /// A question about `cluster` under the rules of `monitor`, with no crash and no duplicate.
    pub fn new(cluster: &Cluster<P>, monitor: M) -> Self {
        Question {
            cluster: cluster.clone(),
            monitor,
            requests: Vec::new(),
            crashes: 0,
            may_crash: Vec::new(),
            duplicates: Duplicates::AtMost(0),
            order: Order::Any,
            within: Arc::new(|_| true),
            threads: 1,
            most_states: None,
        }
    }

    /// A message that is delivered right after the start, before anything else.
    pub fn with_request(mut self, from: NodeId, to: NodeId, message: P::Message) -> Self {
        self.requests.push((from, to, message));
        self
    }

    /// At most so many crashes in a schedule, of these nodes.
    pub fn with_crashes(mut self, crashes: u32, nodes: &[NodeId]) -> Self {
        (self.crashes, self.may_crash) = (crashes, nodes.to_vec());
        self
    }

    /// How often messages may be delivered.
    pub fn with_duplicates(mut self, duplicates: Duplicates) -> Self {
        self.duplicates = duplicates;
        self
    }

    /// In what order messages from one node to another arrive.
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Schedules end where a process is not `within` any more: a bound on ballots, terms, rounds.
    pub fn within(mut self, within: impl Fn(&P) -> bool + Send + Sync + 'static) -> Self {
        self.within = Arc::new(within);
        self
    }

    /// Uses so many threads.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Gives up after about so many steps. The answer is then not complete.
    pub fn at_most_states(mut self, states: usize) -> Self {
        self.most_states = Some(states);
        self
    }

    /// Explores the schedules, shortest first. `lab` and `description` go into the trace of a counterexample.
    pub fn check(self, lab: &str, description: &str) -> Answer {
        let most_states = self.most_states.and_then(NonZeroUsize::new);
        let threads = self.threads;
        let model = Checked::new(self);
        let mut builder = model.checker().threads(threads).finish_when(HasDiscoveries::Any);
        if let Some(most) = most_states {
            builder = builder.target_state_count(most.get());
        }
        let checker = builder.spawn_bfs().join();
        let broken = checker.discovery(BROKEN).map(|path| {
            let steps: Vec<Step> = path.into_actions().into_iter().map(|taken| taken.step).collect();
            checker.model().explain(&steps, lab, description)
        });
        Answer {
            states: checker.state_count(),
            unique_states: checker.unique_state_count(),
            depth: checker.max_depth(),
            complete: broken.is_none() && most_states.is_none_or(|most| checker.state_count() < most.get()),
            broken,
        }
    }
}
