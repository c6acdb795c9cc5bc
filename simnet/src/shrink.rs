//! Shrinking: a failing run, made as short as can be while it breaks the same rule.
//!
//! A run is a function of its seed and of what is left out of it: [`Omitted`]. Whole groups are left out first, then smaller ones, as in delta
//! debugging (Zeller and Hildebrandt 2002). Without one message others are not sent either, and a random stream would then give
//! all that follow another delay: another run, in which nothing is left of the failure. So the delays of the first run are kept, for each
//! message by what it is, and a message that is sent again in a shorter run takes as long as it did.

use crate::campaign::Trial;
use crate::monitor::Violation;
use crate::node::NodeId;
use crate::process::Process;
use crate::sim::Sim;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A message, whatever else happens in a run: its link, the hash of what it says, and how many equal ones were sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageKey {
    /// The sender.
    pub from: NodeId,
    /// The reader.
    pub to: NodeId,
    /// The hash of the message.
    pub hash: u64,
    /// How many equal messages went before it on the link.
    pub nth: u32,
}

/// An alarm, whatever else happens in a run: its node, the hash of the timer, and how often it was set before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlarmKey {
    /// The node.
    pub node: NodeId,
    /// The hash of the timer.
    pub hash: u64,
    /// How often an equal timer was set before.
    pub nth: u32,
}

/// Something that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A fault, by its place in the run's list. It never begins.
    Fault(usize),
    /// A node. It never starts, and what is sent to it is lost.
    Node(NodeId),
    /// An alarm. It never goes off.
    Alarm(AlarmKey),
    /// A message. It is lost.
    Message(MessageKey),
}

/// A sync, whatever else happens in a run: its node, the hash of what is in storage, and how many like it went before.
type SyncKey = (NodeId, u64, u32);

/// How long things took in the first run, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kept {
    messages: BTreeMap<MessageKey, Vec<u64>>,
    syncs: BTreeMap<SyncKey, u64>,
}

/// What is left out of a run, and the delays that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Omitted {
    items: BTreeSet<Item>,
    kept: Arc<Kept>,
    /// Whether the run is part of a search, and keeps account of its messages and alarms.
    searching: bool,
}

impl Omitted {
    /// Whether `item` is left out.
    pub(crate) fn has(&self, item: Item) -> bool {
        self.items.contains(&item)
    }

    /// The delays, in microseconds, of the copies of a message in the first run.
    pub(crate) fn delays_us(&self, key: MessageKey) -> Option<&Vec<u64>> {
        self.kept.messages.get(&key)
    }

    /// How long a sync took in the first run, in microseconds.
    pub(crate) fn sync_us(&self, key: SyncKey) -> Option<u64> {
        self.kept.syncs.get(&key).copied()
    }

    pub(crate) fn is_searching(&self) -> bool {
        self.searching
    }
}

/// The account that a run keeps while it is being shortened.
#[derive(Debug, Default)]
pub(crate) struct Account {
    messages: BTreeMap<(NodeId, NodeId, u64), u32>,
    alarms: BTreeMap<(NodeId, u64), u32>,
    /// The keys by the ids of messages and the tokens of alarms.
    pub alarm_keys: BTreeMap<u64, AlarmKey>,
    syncs: BTreeMap<(NodeId, u64), u32>,
    /// The keys of messages, by id.
    message_keys: BTreeMap<u64, MessageKey>,
    /// Everything that could be left out, in the order in which it happened.
    happened: Vec<Item>,
    /// Messages that were read and changed nothing.
    idle: Vec<Item>,
    kept: Kept,
}

impl Account {
    /// The key of a message that is being sent.
    pub fn message(&mut self, from: NodeId, to: NodeId, id: u64, hash: u64) -> MessageKey {
        let count = self.messages.entry((from, to, hash)).or_default();
        let key = MessageKey { from, to, hash, nth: *count };
        *count += 1;
        self.message_keys.insert(id, key);
        self.happened.push(Item::Message(key));
        key
    }

    /// Keeps the delays that the hub gave to a message.
    pub fn keep_delays(&mut self, key: MessageKey, delays_us: &[u64]) {
        self.kept.messages.insert(key, delays_us.to_vec());
    }

    /// The key of a sync that begins.
    pub fn sync(&mut self, node: NodeId, hash: u64) -> SyncKey {
        let count = self.syncs.entry((node, hash)).or_default();
        *count += 1;
        (node, hash, *count - 1)
    }

    /// Keeps how long a sync takes.
    pub fn keep_sync(&mut self, key: SyncKey, us: u64) {
        self.kept.syncs.insert(key, us);
    }

    /// Takes note that a message was read and has changed nothing.
    pub fn was_idle(&mut self, id: u64) {
        self.idle.extend(self.message_keys.get(&id).map(|key| Item::Message(*key)));
    }

    /// Takes note of an alarm that is being set.
    pub fn alarm(&mut self, node: NodeId, hash: u64, token: u64) {
        let count = self.alarms.entry((node, hash)).or_default();
        let key = AlarmKey { node, hash, nth: *count };
        *count += 1;
        self.alarm_keys.insert(token, key);
        self.happened.push(Item::Alarm(key));
    }
}

/// How much shorter a run has become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shrunk {
    /// What was left out.
    pub omitted: Omitted,
    /// What was in the run before.
    pub before: Size,
    /// What is still in it.
    pub after: Size,
    /// How many runs it took.
    pub runs: u32,
}

/// What is in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Faults that did something.
    pub faults: usize,
    /// Messages that were delivered.
    pub messages: u64,
    /// Events of all kinds.
    pub events: u64,
}

impl Shrunk {
    /// Whether anything could be left out.
    pub fn is_shorter(&self) -> bool {
        self.after.events < self.before.events
    }
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} messages and {} of {} faults are enough",
            self.after.messages, self.before.messages, self.after.faults, self.before.faults
        )
    }
}

/// The most runs, and the most events in all of them, that shrinking may take: a few seconds.
const MOST_RUNS: u32 = 10_000;
const MOST_EVENTS: u64 = 1_000_000;

/// Shortens the run of `trial` while it breaks the rule of `violation`. Where that asks for something to happen in the end, only
/// faults and nodes are left out: a run that loses every message waits for ever, and shows nothing.
pub(crate) fn shrink<P: Process>(
    trial: &Trial,
    violation: &Violation,
    attempt: &dyn Fn(Trial) -> Option<Sim<P>>,
) -> Option<Shrunk> {
    let mut trial = trial.clone();
    trial.omitted.searching = true;
    let mut first = attempt(trial.clone())?;
    trial.omitted.kept = Arc::new(std::mem::take(&mut first.account_mut()?.kept));
    let before = first.size();
    let waited_in_vain = first.waited_in_vain();
    let mut search = Search { trial, rule: &violation.rule, attempt, best: first, runs: 1, events: 0 };
    let environment = |item: &Item| matches!(item, Item::Fault(_) | Item::Node(_));
    search.leave_out(1, environment);
    if !waited_in_vain {
        search.leave_out_idle();
        // Coarse before fine: what large groups take away makes all later runs cheaper.
        for smallest in [64, 8, 1] {
            search.leave_out(smallest, |item| matches!(item, Item::Alarm(_)));
            search.leave_out(smallest, |item| matches!(item, Item::Message(_)));
        }
        // What is gone now may have been the reason for something else.
        while !search.is_spent() && search.leave_out(1, |_| true) {}
    }
    Some(Shrunk { omitted: search.trial.omitted, before, after: search.best.size(), runs: search.runs })
}

struct Search<'a, P: Process> {
    trial: Trial,
    rule: &'a str,
    attempt: &'a dyn Fn(Trial) -> Option<Sim<P>>,
    /// The shortest run so far.
    best: Sim<P>,
    runs: u32,
    events: u64,
}

impl<P: Process> Search<'_, P> {
    fn is_spent(&self) -> bool {
        self.runs >= MOST_RUNS || self.events >= MOST_EVENTS
    }

    /// What is in the shortest run so far, of some kind.
    fn items(&mut self, kind: impl Fn(&Item) -> bool) -> Vec<Item> {
        let faults = (0..self.best.fault_count()).map(Item::Fault);
        let nodes = (0..self.best.node_count() as u32).map(|node| Item::Node(NodeId(node)));
        let happened = self.best.account_mut().map(|account| account.happened.clone()).unwrap_or_default();
        let omitted = &self.trial.omitted.items;
        faults.chain(nodes).chain(happened).filter(|item| kind(item) && !omitted.contains(item)).collect()
    }

    /// Tries to leave out at once all messages that were read for nothing: in a long run that is most of them.
    fn leave_out_idle(&mut self) -> bool {
        let idle = self.best.account_mut().map(|account| account.idle.clone()).unwrap_or_default();
        !idle.is_empty() && self.breaks_without(&idle)
    }

    /// Tries to leave out what is of one kind: all, then halves, quarters, down to groups of the `smallest` size. Returns whether it left
    /// anything out.
    fn leave_out(&mut self, smallest: usize, kind: impl Fn(&Item) -> bool) -> bool {
        let mut shorter = false;
        let mut items = self.items(&kind);
        let mut group = items.len().next_power_of_two();
        while group >= smallest && !self.is_spent() {
            // From the end: what comes late is more often beside the point.
            let mut end = items.len();
            while end > 0 && !self.is_spent() {
                let start = end.saturating_sub(group);
                if self.breaks_without(&items[start..end]) {
                    shorter = true;
                    // What is left out may have taken others with it.
                    items = self.items(&kind);
                }
                end = start.min(items.len());
            }
            group /= 2;
        }
        shorter
    }

    /// Whether the rule is broken without these too. Then they stay out.
    fn breaks_without(&mut self, items: &[Item]) -> bool {
        self.runs += 1;
        let mut trial = self.trial.clone();
        trial.omitted.items.extend(items);
        let Some(sim) = (self.attempt)(trial.clone()) else { return false };
        self.events += sim.events();
        let breaks = sim.violation().is_some_and(|violation| violation.rule == self.rule);
        // A run that is not shorter is no progress, though something is left out of it.
        if breaks && sim.events() <= self.best.events() {
            self.trial = trial;
            self.best = sim;
            return true;
        }
        false
    }
}
