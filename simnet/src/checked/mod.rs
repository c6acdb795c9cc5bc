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
//!   too; or any number ([`Duplicates::Any`]), where a message stays in the network for ever. Any number covers every smaller one, and
//!   has *fewer* states: nobody need remember what was delivered already.
//! - **A crash and the restart** are one step: what would have arrived in between is late or lost anyway. The crash may come
//!   after any number of the effects of one handler, and keeps any prefix of the writes that were not synced.
//! - **Syncs** take no time: a crash before a sync ends is a crash before the sync.
//! - **A random choice** ([`Context::random`](crate::Context::random)) is a branch. A random duration is none: alarms go off at any time as it is.
//!
//! What is left out of the search, and why no safety bug is lost by that:
//! - **Steps that make no difference.** A step that leaves the nodes and the monitor as they were, and sends nothing that is not in the network
//!   already, leads to a state in which nothing is possible that was not possible before: a message delivered for nothing
//!   is as good as lost, a crash that loses nothing is as good as none.
//! - **A crash between two messages** that one handler sends, one after the other, is the crash after both, with the second lost.
//! - **Messages that can no longer change anything** are forgotten (a vote for a ballot that was given up). Which these are is worked out
//!   before the search, from each node alone with all messages that anyone may ever send; the file `spent.rs` says how.
//! - **Symmetry**, where the question declares it ([`Question::with_symmetry`]): of states that differ in names only, one is explored. A
//!   schedule from another is a schedule from this one with other names, and breaks a rule when that does. The claim is
//!   checked for each reaction that the search meets.
//!
//! Where the time goes: a step of a cluster is a step of one node, and nodes have few states. So each reaction of a node is worked out once,
//! with its random choices and crashes, and a state of the cluster is a list of small numbers.

mod answer;
mod local;
mod model;
mod script;
mod spent;
mod state;
mod story;
mod symmetry;
mod table;

use crate::cluster::Cluster;
use crate::monitor::Monitor;
use crate::node::NodeId;
use crate::process::{Observe, Process};
pub use answer::Answer;
use model::{BROKEN, Checked, RenamedHash};
use stateright::{Checker, HasDiscoveries, Model};
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::Arc;
use symmetry::{ByFields, Renamer};
pub use symmetry::{Rename, Renaming};

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

/// Who is told from time to time how many states have been visited.
type OnProgress = dyn Fn(usize) + Send + Sync;

/// Which nodes may change places, and how names are changed.
struct Symmetry<P: Process, M> {
    groups: Vec<Vec<NodeId>>,
    renamer: Arc<dyn Renamer<P>>,
    renamed_hash: Arc<RenamedHash<M>>,
}

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
    symmetry: Option<Symmetry<P, M>>,
    forgets_spent: bool,
    progress: Option<Arc<OnProgress>>,
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
            symmetry: None,
            forgets_spent: true,
            progress: None,
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

    /// Calls `progress` from time to time with the number of states visited so far.
    pub fn on_progress(mut self, progress: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Counts states as one that differ only in the names of the nodes within each of these groups: nodes that play one role, and whom the
    /// rules treat alike. There are up to *n*! times fewer states for a group of *n*.
    ///
    /// That the nodes do react alike is checked as the search goes. If they do not, the search begins again without symmetry, and the
    /// answer says so. That the monitor treats them alike is up to whoever writes it. What the nodes have in storage is not renamed: it
    /// may name no node of a group.
    ///
    /// # Panics
    /// In [`check`](Question::check), when a node is in two groups or is not in the cluster, or when the groups allow more than 720 permutations.
    pub fn with_symmetry(mut self, groups: &[&[NodeId]]) -> Self
    where
        P: Rename,
        P::Message: Rename,
        P::Timer: Rename,
        M: Rename,
    {
        let renamed_hash = |monitor: &M, renaming: &Renaming| {
            let mut monitor = monitor.clone();
            monitor.rename(renaming);
            table::hash_of(&monitor)
        };
        self.symmetry = Some(Symmetry {
            groups: groups.iter().map(|group| group.to_vec()).collect(),
            renamer: Arc::new(ByFields),
            renamed_hash: Arc::new(renamed_hash),
        });
        self
    }

    /// Keeps messages in the network that can no longer change anything. There are more states then; it is there to be compared with.
    pub fn keeping_spent_messages(mut self) -> Self {
        self.forgets_spent = false;
        self
    }

    /// Explores the schedules, shortest first. `lab` and `description` go into the trace of a counterexample.
    pub fn check(self, lab: &str, description: &str) -> Answer {
        let mut asymmetry = None;
        if self.symmetry.is_some() {
            match self.search(true, self.threads, lab, description) {
                Ok(answer) => return answer,
                Err(why) => asymmetry = Some(why),
            }
        }
        let answer = self.search(false, self.threads, lab, description);
        Answer { asymmetry, ..answer.expect("without symmetry, none is missing") }
    }

    /// Searches; fails when the cluster is not as symmetric as it was said to be.
    fn search(
        &self,
        symmetric: bool,
        threads: usize,
        lab: &str,
        description: &str,
    ) -> Result<Answer, String> {
        let most_states = self.most_states.and_then(NonZeroUsize::new);
        let model = Checked::new(self, symmetric);
        let mut builder = model.checker().threads(threads).finish_when(HasDiscoveries::Any);
        if let Some(most) = most_states {
            builder = builder.target_state_count(most.get());
        }
        let checker = builder.spawn_bfs().join();
        if let Some(why) = checker.model().machine.asymmetry.get() {
            return Err(why.clone());
        }
        let broken = checker.discovery(BROKEN);
        if broken.is_some() && threads > 1 {
            // Several threads do not explore in order: one finds the shortest.
            return self.search(symmetric, 1, lab, description);
        }
        let broken = broken.map(|path| checker.model().explain(path, lab, description));
        Ok(Answer {
            states: checker.state_count(),
            unique_states: checker.unique_state_count(),
            depth: checker.max_depth().saturating_sub(1),
            complete: broken.is_none() && most_states.is_none_or(|most| checker.state_count() < most.get()),
            broken,
            asymmetry: None,
        })
    }
}
