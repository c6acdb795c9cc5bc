//! Runs by a script: messages wait until a step delivers them, alarms until a step lets them go off. And the other way round: what a
//! run by chance has done, as such steps.

use super::node::Status;
use super::{Event, Sim, hash_of};
use crate::diagram::words_of;
use crate::monitor::Nodes;
use crate::network::Kept;
use crate::node::NodeId;
use crate::process::{Message, Process};
use crate::record::body_of;
use crate::scenario::{Act, Deviation, End, Script, Step, Verb, means};
use crate::shrink::Item;
use crate::storage::DiskFate;
use crate::time::Time;
use crate::trace::{Kind, Name};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many messages a deviation lists.
const LISTED: usize = 8;

/// A message that was sent, and its words.
struct Flying<M> {
    kept: Kept<M>,
    words: String,
}

/// A script that is being played.
pub(super) struct Playing<M> {
    pub script: Arc<Script>,
    next: usize,
    /// The steps that were taken, by their place.
    taken: Vec<usize>,
    /// Of these, deliveries that changed nothing.
    idle: Vec<usize>,
    /// The steps that name what the test has sent as an outsider.
    sent: BTreeSet<usize>,
    /// What is in flight, and what has arrived and may come again.
    flying: Vec<Flying<M>>,
    arrived: Vec<Flying<M>>,
    /// Why the next step could not be taken.
    blocked: Option<String>,
}

/// What a run by chance does, as the steps of a script.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub steps: Vec<Step>,
    /// The ids of messages that have arrived.
    arrived: BTreeSet<u64>,
}

impl<P: Process> Sim<P> {
    /// Lets the run follow `script`, and nothing else: no delay, chance or fault.
    pub(crate) fn scripted(mut self, script: &Arc<Script>) -> Self {
        let without = (0..self.node_count() as u32).map(NodeId);
        let without = without.filter(|node| script.without.contains(&self.nodes.0[node.index()].name));
        let items: BTreeSet<Item> = without.map(Item::Node).collect();
        self = self.without(&items);
        self.playing = Some(Box::new(Playing {
            script: script.clone(),
            next: 0,
            taken: Vec::new(),
            idle: Vec::new(),
            sent: BTreeSet::new(),
            flying: Vec::new(),
            arrived: Vec::new(),
            blocked: None,
        }));
        self
    }

    /// Keeps what the run does as the steps of a script.
    pub(crate) fn logging(mut self) -> Self {
        self.log = Some(Box::default());
        self
    }

    /// The steps that were taken, and those of them that changed nothing.
    pub(crate) fn taken_steps(&self) -> Option<(&[usize], &[usize])> {
        self.playing.as_ref().map(|playing| (&playing.taken[..], &playing.idle[..]))
    }

    /// The ids of the messages that no step has delivered or lost.
    pub(super) fn left_in_flight(&self) -> BTreeSet<u64> {
        let flying = self.playing.iter().flat_map(|playing| &playing.flying);
        flying.map(|flying| flying.kept.id).collect()
    }

    /// How the script has ended.
    pub(crate) fn end_of_script(&self) -> End {
        if let Some(violation) = self.violation() {
            return End::Broken(violation.clone());
        }
        let Some(playing) = &self.playing else { return End::Held };
        match playing.script.steps.get(playing.next) {
            None => End::Held,
            Some(step) => {
                let why = playing
                    .blocked
                    .clone()
                    .unwrap_or_else(|| format!("the run ended before this step, at {}", self.now));
                End::Deviated(Deviation { line: step.line, step: step.act.to_string(), why })
            }
        }
    }

    /// Plays the script up to `deadline`, or until `done`.
    pub(super) fn play_to(&mut self, deadline: Time, done: &mut impl FnMut(&Self) -> bool) -> bool {
        loop {
            // Nodes start, and a message to oneself is never lost: neither is a step.
            while self.violation.is_none() && self.queue.next_us().is_some_and(|at_us| at_us <= self.now.0) {
                self.step();
            }
            if self.violation.is_some() {
                return false;
            }
            if done(self) {
                return true;
            }
            let playing = self.playing.as_ref().expect("a script is being played");
            let next = playing.next;
            let script = playing.script.clone();
            let Some(step) = script.steps.get(next).filter(|step| step.at_us <= deadline.0) else {
                self.now = deadline;
                return false;
            };
            self.now = self.now.max(Time(step.at_us));
            self.events += 1;
            // It counts as taken before it is: a process may panic in it.
            self.playing.as_mut().expect("a script is being played").taken.push(next);
            let taken = self.take(&step.act);
            let playing = self.playing.as_mut().expect("a script is being played");
            match taken {
                Ok(true) => playing.idle.push(next),
                Ok(false) => {}
                Err(why) => {
                    playing.taken.pop();
                    // What the test sends comes when the test sends it: there is nothing to pass over.
                    if !script.lenient || matches!(step.act, Act::Send { .. }) {
                        // The step is tried again when the test goes on.
                        playing.blocked = Some(why);
                        self.now = deadline;
                        return false;
                    }
                }
            }
            self.playing.as_mut().expect("a script is being played").next += 1;
        }
    }

    /// Takes one step. Returns whether it was a delivery that changed nothing.
    fn take(&mut self, act: &Act) -> Result<bool, String> {
        match act {
            Act::Message { verb, from, to, words } => return self.take_message(*verb, from, to, words),
            Act::Send { from, to, json } => self.take_send(from, to, json)?,
            Act::Alarm { node, timer } => self.take_alarm(node, timer)?,
            Act::Crash { node, after, disk } => {
                let id = self.up(node)?;
                self.tally.fault("crash");
                match after {
                    Some(effects) => {
                        self.nodes.0[id.index()].crash_amid = Some((*effects, *disk, usize::MAX))
                    }
                    None => _ = self.crash_by(usize::MAX, id, *disk),
                }
            }
            Act::Restart { node } => {
                let id = self.named(node)?;
                let state = &self.nodes.0[id.index()];
                if state.status != Status::Down || state.disk.damaged || self.omits(|| Item::Node(id)) {
                    return Err(format!("{node} is not down, or cannot start"));
                }
                self.start(id, Kind::Restart);
            }
            Act::Sync { node } => {
                let id = self.up(node)?;
                if self.nodes.0[id.index()].syncing.is_none() {
                    return Err(format!("no sync of {node} is under way"));
                }
                self.synced(id);
            }
        }
        Ok(false)
    }

    fn named(&self, name: &Name) -> Result<NodeId, String> {
        let place = self.nodes.0.iter().position(|node| node.name == *name);
        place.map(|place| NodeId(place as u32)).ok_or_else(|| format!("the cluster has no node `{name}`"))
    }

    fn up(&self, name: &Name) -> Result<NodeId, String> {
        let id = self.named(name)?;
        match self.nodes.0[id.index()].status {
            Status::Up => Ok(id),
            _ => Err(format!("{name} is down")),
        }
    }

    fn take_alarm(&mut self, node: &Name, timer: &str) -> Result<(), String> {
        let id = self.up(node)?;
        let alarms = &self.nodes.0[id.index()].alarms;
        match alarms.iter().position(|alarm| format!("{:?}", alarm.timer) == timer) {
            Some(place) => {
                self.goes_off(id, place);
                Ok(())
            }
            None => {
                let set: Vec<String> = alarms.iter().map(|alarm| format!("{:?}", alarm.timer)).collect();
                let set = if set.is_empty() { "none".to_owned() } else { set.join(", ") };
                Err(format!("{node} has set no such alarm; it has set: {set}"))
            }
        }
    }

    fn take_send(&mut self, from: &Name, to: &Name, json: &str) -> Result<(), String> {
        let playing = self.playing.as_ref().expect("a script is being played");
        if playing.script.plays_outsiders {
            let message: P::Message = serde_json::from_str(json)
                .map_err(|error| format!("`{json}` is no message of this protocol: {error}"))?;
            let (from, to) = (self.named(from)?, self.named(to)?);
            self.transmit(from, to, message);
            return Ok(());
        }
        // The test sends by itself, when it comes to it.
        if playing.sent.contains(&playing.next) { Ok(()) } else { Err("the test has not sent it".to_owned()) }
    }

    /// Whether a step of the script is that the test sends this. What no step names is left out, as other messages are.
    #[cold]
    pub(super) fn script_sends(&mut self, from: NodeId, to: NodeId, message: &P::Message) -> bool {
        let Ok(message) = serde_json::to_string(message) else { return false };
        let (sender, reader) = (self.name_of(from), self.name_of(to));
        let playing = self.playing.as_mut().expect("a script is being played");
        let named = playing.script.steps.iter().enumerate().position(|(place, step)| {
            !playing.sent.contains(&place)
                && matches!(&step.act, Act::Send { from, to, json } if (from, to) == (&sender, &reader) && *json == message)
        });
        playing.sent.extend(named);
        named.is_some()
    }

    fn take_message(&mut self, verb: Verb, from: &Name, to: &Name, words: &str) -> Result<bool, String> {
        let (sender, reader) = (self.named(from)?, self.named(to)?);
        let playing = self.playing.as_ref().expect("a script is being played");
        let looked_at = if verb == Verb::Repeat { &playing.arrived } else { &playing.flying };
        let on_link = |flying: &&Flying<P::Message>| (flying.kept.from, flying.kept.to) == (sender, reader);
        // A message whose words are all given is meant, also where they are a part of another's.
        let exact = looked_at.iter().position(|flying| on_link(&flying) && flying.words == words);
        let place = match exact {
            Some(place) => Some(place),
            None => {
                let mut meant = looked_at
                    .iter()
                    .enumerate()
                    .filter(|(_, flying)| on_link(flying) && means(words, &flying.words));
                let first = meant.next();
                if let Some(other) =
                    first.and_then(|(_, first)| meant.find(|(_, flying)| flying.words != first.words))
                {
                    let first = &first.expect("there are two").1.words;
                    return Err(format!(
                        "two such messages are in flight: `{first}` and `{}`; say which",
                        other.1.words
                    ));
                }
                first.map(|(place, _)| place)
            }
        };
        match (verb, place) {
            (Verb::Absent, None) | (Verb::Sent, Some(_)) => Ok(false),
            (Verb::Absent, Some(place)) => Err(format!("it is in flight: {}", looked_at[place].words)),
            (_, None) => Err(self.not_there(verb, sender, reader, words)),
            (Verb::Lose, Some(place)) => {
                let flying = self.playing.as_mut().expect("a script is being played").flying.remove(place);
                let (id, message) = (flying.kept.id, flying.kept.message);
                self.tally.fault("drop");
                self.lose(sender, reader, id, &message, sender, "lost by the network");
                Ok(false)
            }
            (Verb::Deliver | Verb::Repeat, Some(place)) => {
                if matches!(self.nodes.0[reader.index()].status, Status::Down | Status::Paused) {
                    return Err(format!("{to} is down"));
                }
                let playing = self.playing.as_mut().expect("a script is being played");
                if verb == Verb::Deliver {
                    let flying = playing.flying.remove(place);
                    playing.arrived.push(flying);
                }
                let last = playing.arrived.len() - 1;
                let kept = &playing.arrived[if verb == Verb::Deliver { last } else { place }].kept;
                let (id, message) = (kept.id, kept.message.clone());
                if verb == Verb::Repeat {
                    self.tally.fault("duplicate");
                }
                let before = self.process(reader).map(hash_of);
                self.deliver(sender, reader, id, false, message);
                Ok(before.is_some() && before == self.process(reader).map(hash_of))
            }
        }
    }

    /// What is there instead of a message: first on the same link, then from the same sender, then the rest.
    fn not_there(&self, verb: Verb, from: NodeId, to: NodeId, words: &str) -> String {
        let playing = self.playing.as_ref().expect("a script is being played");
        let again = verb == Verb::Repeat;
        let mut others: Vec<_> = if again { &playing.arrived } else { &playing.flying }.iter().collect();
        others.sort_by_key(|flying| (flying.kept.from != from, flying.kept.to != to));
        let line = |flying: &&Flying<P::Message>| {
            let name = |node| self.nodes.name(node);
            format!("{}→{} {}", name(flying.kept.from), name(flying.kept.to), flying.words)
        };
        let what = if again { "has arrived before" } else { "is in flight" };
        if others.is_empty() {
            return format!("it is not there: nothing {what}");
        }
        let arrived = playing
            .arrived
            .iter()
            .any(|flying| (flying.kept.from, flying.kept.to) == (from, to) && means(words, &flying.words));
        let gone = if arrived && !again { " any more" } else { "" };
        let more = others.len().saturating_sub(LISTED);
        let mut lines: Vec<String> = others.iter().take(LISTED).map(line).collect();
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        format!("it is not there{gone}; what {what}: {}", lines.join(", "))
    }

    /// A message leaves its sender, in a run by script: it waits for its step.
    #[cold]
    pub(super) fn waits_for_its_step(&mut self, from: NodeId, to: NodeId, id: u64, message: P::Message) {
        if from == to {
            return self.queue.push(self.now.0, Event::Deliver { from, to, id, waited: false, message });
        }
        let words = words_of(message.name(), body_of(&message, message.name()).as_ref());
        let flying = Flying { kept: Kept { from, to, id, message }, words };
        self.playing.as_mut().expect("a script is being played").flying.push(flying);
    }

    /// Keeps a step of a run by chance.
    #[cold]
    fn log(&mut self, act: Act) {
        let at_us = self.now.0;
        if let Some(log) = &mut self.log {
            log.steps.push(Step { at_us, act, line: 0 });
        }
    }

    fn name_of(&self, node: NodeId) -> Name {
        self.nodes.0[node.index()].name.clone()
    }

    #[cold]
    pub(super) fn log_delivery(&mut self, from: NodeId, to: NodeId, id: u64, message: &P::Message) {
        if from == to {
            return;
        }
        let again = self.log.as_mut().is_some_and(|log| !log.arrived.insert(id));
        let verb = if again { Verb::Repeat } else { Verb::Deliver };
        let words = words_of(message.name(), body_of(message, message.name()).as_ref());
        self.log(Act::Message { verb, from: self.name_of(from), to: self.name_of(to), words });
    }

    #[cold]
    pub(super) fn log_alarm(&mut self, node: NodeId, timer: &P::Timer) {
        self.log(Act::Alarm { node: self.name_of(node), timer: format!("{timer:?}") });
    }

    #[cold]
    pub(super) fn log_send(&mut self, from: NodeId, to: NodeId, message: &P::Message) {
        if let Ok(json) = serde_json::to_string(message) {
            self.log(Act::Send { from: self.name_of(from), to: self.name_of(to), json });
        }
    }

    #[cold]
    pub(super) fn log_start(&mut self, node: NodeId, kind: Kind) {
        if kind == Kind::Restart {
            self.log(Act::Restart { node: self.name_of(node) });
        }
    }

    #[cold]
    pub(super) fn log_sync(&mut self, node: NodeId) {
        self.log(Act::Sync { node: self.name_of(node) });
    }

    /// A crash within a handler stands before the step that it interrupts.
    #[cold]
    pub(super) fn log_crash(&mut self, id: NodeId, disk: DiskFate) {
        let amid = self.handling == Some(id);
        let after = amid.then_some(self.performed);
        self.log(Act::Crash { node: self.name_of(id), after, disk });
        if let (true, Some(log)) = (amid, &mut self.log)
            && let Some(before) = log.steps.len().checked_sub(2)
        {
            log.steps.swap(before, before + 1);
        }
    }
}
