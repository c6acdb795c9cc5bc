//! What must hold of the middleware, watched from outside. Given whole.
//!
//! The monitor counts by itself: from what is sent, and what is told.

use super::discovery::Expected;
use super::message::{Content, Registrant, Request, Response, Role};
use super::node::{Message, Node};
use super::topic::Topic;
use super::turn::Output;
use simnet::monitor::{Happening, Marks, Monitor, Nodes, Violation};
use simnet::sim::Told;
use simnet::{NodeId, Time};
use std::collections::{BTreeMap, BTreeSet};

/// (1) Nobody begins early.
pub const EARLY: &str =
    "(F1) nobody disseminates before all are registered and all subscriptions are in force";
/// (2) Order, once.
pub const ORDER: &str =
    "(F2) a subscriber hears each sample of a publisher and topic at most once, in the order of publishing";
/// (3) Only what was asked for.
pub const ASKED: &str = "(F3) a subscriber hears only its topics";
/// (4) Nothing made up.
pub const TRUE: &str = "(F4) what is heard was published, as it is";
/// (5) Nothing lost.
pub const ALL: &str = "(F5) where nothing is lost on the way, a subscriber hears every sample of its topics";
/// (6) The count is right.
pub const COUNTED: &str = "(F6) a subscriber knows how many samples it has missed";
/// (7) Names.
pub const NAMES: &str = "(F7) no two participants have the same name or endpoint";
/// (8) The end.
pub const ENDED: &str = "(F8) once faults have ended, everybody is released";

/// Situations that the monitor recognises.
pub mod situation {
    /// A sample comes before an earlier one.
    pub const OVERTAKEN: &str = "a sample arrives before an earlier one of its publisher and topic";
    /// A sample comes again.
    pub const COPY: &str = "a sample arrives that was heard before";
    /// A subscriber has missed something.
    pub const MISSED: &str = "a subscriber has missed samples, and knows how many";
    /// A registration comes again.
    pub const REGISTERED_AGAIN: &str = "a registration arrives again";
    /// A broker passes on.
    pub const PASSED_ON: &str = "a sample goes through the broker";
}

/// A publisher's topic.
type Source = (String, Topic);

/// Watches all rules over one run.
#[derive(Clone, Debug)]
pub struct Invariants {
    names: Vec<String>,
    expected: Expected,
    /// Who has asked to take part, and who was told that it does.
    asked: BTreeMap<NodeId, Registrant>,
    registered: BTreeMap<NodeId, Role>,
    subscribed: BTreeSet<NodeId>,
    topics: BTreeMap<NodeId, Vec<Topic>>,
    /// The values of each publisher's topic, by number.
    published: BTreeMap<Source, Vec<String>>,
    /// The number that each subscriber hears next.
    next: BTreeMap<(NodeId, Source), u64>,
    received: BTreeMap<NodeId, u64>,
    arrived: BTreeMap<(NodeId, Source), BTreeSet<u64>>,
}

impl Invariants {
    /// The rules of a run with nodes of these names.
    pub fn new(expected: Expected, names: Vec<String>) -> Self {
        Invariants {
            names,
            expected,
            asked: BTreeMap::new(),
            registered: BTreeMap::new(),
            subscribed: BTreeSet::new(),
            topics: BTreeMap::new(),
            published: BTreeMap::new(),
            next: BTreeMap::new(),
            received: BTreeMap::new(),
            arrived: BTreeMap::new(),
        }
    }

    fn name(&self, node: NodeId) -> String {
        self.names.get(node.index()).cloned().unwrap_or_else(|| node.to_string())
    }

    /// (1), as a publisher publishes.
    fn published(&mut self, node: NodeId, topic: Topic, number: u64, value: &str) -> Result<(), Violation> {
        let count = |role: Role| self.registered.values().filter(|other| **other == role).count() as u32;
        let roles = [Role::Publisher, Role::Subscriber, Role::Broker];
        let standing: Vec<String> =
            roles.map(|role| format!("{} of {} {role}s", count(role), self.expected.of(role))).to_vec();
        let listeners = self.expected.of(Role::Subscriber) + self.expected.of(Role::Broker);
        let all = roles.into_iter().all(|role| count(role) == self.expected.of(role));
        if !all || (self.subscribed.len() as u32) < listeners {
            let (who, subscribed) = (self.name(node), self.subscribed.len());
            let got = format!(
                "{who} publishes {topic}; registered: {}; subscribed: {subscribed} of {listeners}",
                standing.join(", ")
            );
            return Err(Violation::new(EARLY, "all registered, all subscriptions in force", got));
        }
        let name = self.name(node);
        let values = self.published.entry((name.clone(), topic)).or_default();
        if values.len() as u64 != number {
            let (expected, got) =
                (format!("sample {} of {topic}", values.len()), format!("{name} publishes {number}"));
            return Err(Violation::new(ORDER, expected, got));
        }
        values.push(value.to_string());
        Ok(())
    }

    /// (2), (3) and (4), as a subscriber hears a sample.
    fn received(&mut self, node: NodeId, source: Source, number: u64, value: &str) -> Result<(), Violation> {
        let (name, (publisher, topic)) = (self.name(node), source.clone());
        let got = format!("{name} hears sample {number} of {topic} by {publisher}: {value}");
        let wanted = self.topics.get(&node).cloned().unwrap_or_default();
        if !wanted.contains(&topic) {
            return Err(Violation::new(ASKED, format!("one of {wanted:?}"), got));
        }
        let known = self.published.get(&source).and_then(|values| values.get(usize::try_from(number).ok()?));
        if known.map(String::as_str) != Some(value) {
            return Err(Violation::new(TRUE, format!("{known:?} was published under this number"), got));
        }
        let next = self.next.entry((node, source)).or_default();
        if number < *next {
            return Err(Violation::new(ORDER, format!("sample {next}, or a later one"), got));
        }
        *next = number + 1;
        *self.received.entry(node).or_default() += 1;
        Ok(())
    }

    /// (6), as a subscriber has heard all.
    fn heard(&self, node: NodeId, received: u64, missed: u64, marks: &mut Marks) -> Result<(), Violation> {
        if missed > 0 {
            marks.reach(situation::MISSED);
        }
        let all = self.due(node);
        let told = self.received.get(&node).copied().unwrap_or(0);
        if received != told || received + missed != all {
            let expected = format!("{all} were published on its topics, {told} heard");
            let got = format!("{} has heard {received} and missed {missed}", self.name(node));
            return Err(Violation::new(COUNTED, expected, got));
        }
        Ok(())
    }

    /// How many samples were published on the topics of a subscriber.
    fn due(&self, node: NodeId) -> u64 {
        let wanted = self.topics.get(&node).cloned().unwrap_or_default();
        let on_topic = self.published.iter().filter(|((_, topic), _)| wanted.contains(topic));
        on_topic.map(|(_, values)| values.len() as u64).sum()
    }

    /// (7), as the discovery lets somebody take part.
    fn enrolled(&mut self, node: NodeId) -> Result<(), Violation> {
        let Some(new) = self.asked.get(&node) else { return Ok(()) };
        for (other, known) in self.asked.iter().filter(|(other, _)| self.registered.contains_key(other)) {
            let same_place = known.endpoint.is_some() && known.endpoint == new.endpoint;
            if *other != node && (known.name == new.name || same_place) {
                let got = format!("{} registers as {new:?}", self.name(node));
                return Err(Violation::new(NAMES, format!("nobody like {known:?}"), got));
            }
        }
        self.registered.insert(node, new.role);
        Ok(())
    }

    fn arrives(&mut self, to: NodeId, source: Source, number: u64, marks: &mut Marks) {
        let arrived = self.arrived.entry((to, source)).or_default();
        if (arrived.len() as u64) < number && !arrived.contains(&number) {
            marks.reach(situation::OVERTAKEN);
        }
        if !arrived.insert(number) {
            marks.reach(situation::COPY);
        }
    }
}

impl Monitor<Node> for Invariants {
    fn check(
        &mut self,
        _at: Time,
        happening: &Happening<'_, Node>,
        _nodes: &dyn Nodes<Node>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        match happening {
            Happening::Delivered { from, message: Message::Request(asked), .. } => match &asked.request {
                Request::Register(registrant) => {
                    let before = self.asked.insert(*from, registrant.clone());
                    if before.is_some() {
                        marks.reach(situation::REGISTERED_AGAIN);
                    }
                }
                Request::Subscribed => drop(self.subscribed.insert(*from)),
                _ => {}
            },
            Happening::Sent { to, message: Message::Response(answered), .. }
                if answered.response == Response::Registered =>
            {
                self.enrolled(*to)?;
            }
            Happening::Delivered { from, to, message: Message::Publication(publication) } => {
                if let Content::Sample { number, .. } = &publication.content {
                    if self.registered.get(from) == Some(&Role::Broker) {
                        marks.reach(situation::PASSED_ON);
                    }
                    let source = (publication.publisher.clone(), publication.topic);
                    self.arrives(*to, source, *number, marks);
                }
            }
            Happening::Output { node, output } => match output {
                Output::Topics(topics) => drop(self.topics.insert(*node, topics.clone())),
                Output::Published { topic, number, value } => {
                    self.published(*node, *topic, *number, value)?
                }
                Output::Received { topic, publisher, number, value, .. } => {
                    self.received(*node, (publisher.clone(), *topic), *number, value)?;
                }
                Output::Heard { received, missed } => self.heard(*node, *received, *missed, marks)?,
                Output::Entered(_) | Output::Released | Output::Refused(_) => {}
            },
            _ => {}
        }
        Ok(())
    }
}

/// (5) is broken when somebody has missed a sample. To be asked only of a run in which nothing was lost on the way.
pub fn missed(outputs: &[Told<Output>], names: &[String]) -> Option<Violation> {
    outputs.iter().find_map(|told| match told.output {
        Output::Heard { received, missed } if missed > 0 => {
            let name = &names[told.node.index()];
            Some(Violation::new(
                ALL,
                "none missed",
                format!("{name} has heard {received} and missed {missed}"),
            ))
        }
        _ => None,
    })
}
