//! From events to steps: what the diagram tells, before it is known how wide it may be.

use super::canvas::Ink;
use super::label::{Phrase, clean, compact, fields, jot, len};
use crate::trace::{Event, Kind, Name, Trace};
use serde_json::Value;
use std::collections::BTreeMap;

/// A node of the diagram: its place among the columns.
pub(super) type Node = usize;

/// The nodes, in the order of the header; whoever else appears in the events comes after them.
#[derive(Debug)]
pub(super) struct Cast {
    /// The names as they are printed.
    pub(super) names: Vec<String>,
    index: BTreeMap<Name, Node>,
}

impl Cast {
    fn new(trace: &Trace) -> Self {
        let mut cast = Cast { names: Vec::new(), index: BTreeMap::new() };
        let seen = trace.events.iter().flat_map(|event| event.node.iter().chain(&event.peer));
        for name in trace.header.nodes.iter().chain(seen) {
            if !cast.index.contains_key(name) {
                cast.index.insert(name.clone(), cast.names.len());
                cast.names.push(if name.is_empty() { "?".to_owned() } else { clean(name) });
            }
        }
        cast
    }

    fn find(&self, name: Option<&Name>) -> Option<Node> {
        name.and_then(|name| self.index.get(name)).copied()
    }

    /// The name of a node, `?` when it is not known which.
    pub(super) fn name(&self, node: Option<Node>) -> &str {
        node.map_or("?", |node| &self.names[node])
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its reader has it.
    Read,
    /// Its reader has it once more.
    ReadAgain,
    /// Nobody will have it.
    Lost,
    /// The network has one more of it.
    Copied,
}

/// Whether a node's lifeline is drawn, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It reacts.
    Up,
    /// It does not react, but keeps what it knows.
    Paused,
    /// It is not there.
    Down,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub(super) struct Arrow {
    pub(super) from: Option<Node>,
    pub(super) to: Option<Node>,
    pub(super) name: String,
    pub(super) body: String,
    pub(super) fate: Fate,
    /// The reason, of a loss mostly.
    pub(super) why: String,
    /// When it was sent, if a later message of the same pair was read before it.
    pub(super) overtaken: Option<u64>,
}

impl Arrow {
    /// What became of it, in words; nothing for what was simply read.
    pub(super) fn fate(&self) -> String {
        let word = match self.fate {
            Fate::Read => "",
            Fate::ReadAgain => "again",
            Fate::Lost => "lost",
            Fate::Copied => "duplicated",
        };
        let why = if self.why.is_empty() { String::new() } else { format!("({})", self.why) };
        format!("{word} {why}").trim().to_owned()
    }
}

/// What happened at nodes, without an arrow.
#[derive(Clone, Debug)]
pub(super) struct Act {
    /// Where; none when it is not known.
    pub(super) nodes: Vec<Node>,
    /// The character on the lifeline and the words, for each thing that was done; the last mark of a line is drawn.
    pub(super) done: Vec<(char, Phrase)>,
    pub(super) ink: Ink,
    /// How the lifelines go on below.
    pub(super) life: Option<Life>,
}

/// A rule that was broken.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    pub(super) node: Option<Node>,
    pub(super) rule: String,
    /// `expected`, `got`, and what else is told, each with its name.
    pub(super) facts: Vec<(String, String)>,
}

/// What is drawn.
#[derive(Clone, Debug)]
pub(super) enum What {
    Arrow(Arrow),
    Act(Act),
    /// A line through all columns: what happened to the network.
    Band(String),
    Broken(Broken),
}

/// What is drawn, and when it happened.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at: u64,
    pub(super) what: What,
}

/// A whole run, ready to be drawn.
pub(super) struct Story {
    pub(super) cast: Cast,
    pub(super) steps: Vec<Step>,
}

/// What is known of a message by its id.
#[derive(Default)]
struct Flight {
    from: Option<Node>,
    to: Option<Node>,
    name: Option<Name>,
    body: Option<Value>,
    /// The time and the place in the trace of its send.
    sent: Option<(u64, u64)>,
    read: bool,
}

/// Turns events into steps.
struct Teller<'a> {
    cast: &'a Cast,
    steps: Vec<Step>,
    flights: BTreeMap<u64, Flight>,
    /// For a pair of nodes, the send that was read and is the latest of its pair.
    latest: BTreeMap<(Node, Node), (u64, u64)>,
}

/// Tells the run.
pub(super) fn tell(trace: &Trace) -> Story {
    let cast = Cast::new(trace);
    let mut teller =
        Teller { cast: &cast, steps: Vec::new(), flights: BTreeMap::new(), latest: BTreeMap::new() };
    let mut rest = &trace.events[..];
    while let Some(first) = rest.first() {
        let taken = match first.kind {
            Kind::Send | Kind::Write | Kind::Sync => teller.effects(rest),
            Kind::Start => teller.starts(rest),
            _ => {
                teller.event(first);
                1
            }
        };
        rest = &rest[taken..];
    }
    let steps = teller.steps;
    Story { cast, steps }
}

impl Teller<'_> {
    fn push(&mut self, event: &Event, what: What) {
        self.steps.push(Step { at: event.at, what });
    }

    /// One event that makes a step alone.
    fn event(&mut self, event: &Event) {
        let what = match event.kind {
            Kind::State => return,
            Kind::Deliver | Kind::Drop | Kind::Duplicate => What::Arrow(self.arrow(event)),
            Kind::Partition | Kind::Heal => What::Band(self.band(event)),
            Kind::Fault if self.cast.find(event.node.as_ref()).is_none() => What::Band(self.band(event)),
            Kind::Violation => What::Broken(self.broken(event)),
            _ => What::Act(self.act(event)),
        };
        self.push(event, what);
    }

    /// What one handler did: its writes, syncs and sends of one instant. Answers how many events that took.
    ///
    /// A network that loses or copies a message at once says so between two sends of a broadcast; the broadcast
    /// is told first, as one.
    fn effects(&mut self, events: &[Event]) -> usize {
        let first = &events[0];
        let mut done = Vec::new();
        let mut group: Vec<&Event> = Vec::new();
        let mut later = Vec::new();
        let mut taken = 0;
        for event in events.iter().take_while(|event| event.at == first.at) {
            match event.kind {
                Kind::Send if event.node == first.node => {
                    self.sent(event);
                    let same = |one: &&Event| {
                        one.name == event.name && one.body == event.body && one.why == event.why
                    };
                    if group.first().is_some_and(|one| !same(one)) {
                        done.extend(self.sends(&std::mem::take(&mut group)));
                    }
                    group.push(event);
                }
                Kind::Write | Kind::Sync if event.node == first.node => {
                    done.extend(self.sends(&std::mem::take(&mut group)));
                    done.push(stored(event));
                }
                Kind::Drop | Kind::Duplicate => later.push(event),
                Kind::State => {}
                _ => break,
            }
            taken += 1;
        }
        done.extend(self.sends(&group));
        let nodes = self.cast.find(first.node.as_ref()).into_iter().collect();
        self.push(first, What::Act(Act { nodes, done, ink: Ink::Plain, life: None }));
        for event in later {
            self.event(event);
        }
        taken
    }

    /// Nodes that start together, in one step. Answers how many events that took.
    fn starts(&mut self, events: &[Event]) -> usize {
        let together =
            |event: &&Event| event.at == events[0].at && matches!(event.kind, Kind::Start | Kind::State);
        let taken = events.iter().take_while(together).count();
        let started = events[..taken].iter().filter(|event| event.kind == Kind::Start);
        let mut nodes: Vec<Node> = started.filter_map(|event| self.cast.find(event.node.as_ref())).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let word = match nodes.len() {
            1 => "starts",
            all if all == self.cast.names.len() => "all start",
            _ => "start",
        };
        let done = vec![('┬', Phrase::of(word))];
        self.push(&events[0], What::Act(Act { nodes, done, ink: Ink::Plain, life: Some(Life::Up) }));
        taken
    }

    /// Remembers a message, for what becomes of it.
    fn sent(&mut self, event: &Event) {
        if let Some(id) = event.id {
            let (from, to) = (self.cast.find(event.node.as_ref()), self.cast.find(event.peer.as_ref()));
            let (name, body) = (event.name.clone(), event.body.clone());
            self.flights
                .insert(id, Flight { from, to, name, body, sent: Some((event.at, event.seq)), read: false });
        }
    }

    /// The words for sends of one message to several readers.
    fn sends(&self, group: &[&Event]) -> Option<(char, Phrase)> {
        let first = group.first()?;
        let name = name(first.name.as_ref(), "message");
        let readers: Vec<Option<Node>> =
            group.iter().map(|event| self.cast.find(event.peer.as_ref())).collect();
        let sender = self.cast.find(first.node.as_ref());
        // A schedule may leave a message out that binds its sender all the same.
        let fate = first.why.as_ref().map(|_| format!(" ({})", why(first))).unwrap_or_default();
        let tail = format!("→ {}{fate}", self.readers(sender, &readers));
        let body = fields(&name, first.body.as_ref());
        Some(('o', Phrase { head: name, body, tail, extra: String::new() }))
    }

    /// The readers of a broadcast: by name while they are few.
    fn readers(&self, sender: Option<Node>, readers: &[Option<Node>]) -> String {
        let named = readers.iter().map(|&reader| self.cast.name(reader)).collect::<Vec<_>>().join(" ");
        if readers.len() < 4 || len(&named) <= 16 {
            return named;
        }
        let everyone =
            (0..self.cast.names.len()).all(|node| Some(node) == sender || readers.contains(&Some(node)));
        if everyone { "all others".to_owned() } else { format!("{} nodes", readers.len()) }
    }

    /// The arrow of a delivery, a loss or a copy. What the event does not tell, the send may have told.
    fn arrow(&mut self, event: &Event) -> Arrow {
        let (node, peer) = (self.cast.find(event.node.as_ref()), self.cast.find(event.peer.as_ref()));
        let mut unknown = Flight::default();
        let flight = event.id.map_or(&mut unknown, |id| self.flights.entry(id).or_default());
        let (from, to) = match event.kind {
            Kind::Deliver => (peer.or(flight.from), node.or(flight.to)),
            // A loss may be told at the sender or at the reader, so the send knows better who is who.
            _ => (flight.from.or(node), flight.to.or(peer)),
        };
        let name = name(event.name.as_ref().or(flight.name.as_ref()), "message");
        let body = fields(&name, event.body.as_ref().or(flight.body.as_ref()));
        let mut overtaken = None;
        let fate = match event.kind {
            Kind::Drop => Fate::Lost,
            Kind::Duplicate => Fate::Copied,
            _ if std::mem::replace(&mut flight.read, true) => Fate::ReadAgain,
            _ => Fate::Read,
        };
        if let (Kind::Deliver, Some(from), Some(to), Some(sent)) = (event.kind, from, to, flight.sent) {
            let latest = self.latest.entry((from, to)).or_insert(sent);
            overtaken = (sent < *latest).then_some(sent.0);
            *latest = sent.max(*latest);
        }
        Arrow { from, to, name, body, fate, why: why(event), overtaken }
    }

    /// What one node did or suffered.
    fn act(&self, event: &Event) -> Act {
        let name = name(event.name.as_ref(), "");
        let body = fields(&name, event.body.as_ref());
        let why = why(event);
        let because = if why.is_empty() { String::new() } else { format!("({why})") };
        let words = |word: &str| Phrase {
            head: format!("{word} {name}").trim().to_owned(),
            body: body.clone(),
            tail: because.clone(),
            extra: String::new(),
        };
        let (mark, ink, life, phrase) = match event.kind {
            Kind::Timer => ('T', Ink::Plain, None, words("timer")),
            Kind::Crash => ('✕', Ink::Bad, Some(Life::Down), words("crashes")),
            Kind::Restart => ('┬', Ink::Fault, Some(Life::Up), words("restarts")),
            Kind::Pause => ('║', Ink::Fault, Some(Life::Paused), words("pauses")),
            Kind::Resume => ('║', Ink::Fault, Some(Life::Up), words("resumes")),
            Kind::Output => ('●', Ink::Output, None, words("● output")),
            Kind::Fault => ('!', Ink::Fault, None, words("fault")),
            // The reason of a note is its text.
            _ => ('*', Ink::Note, None, Phrase { tail: why.clone(), ..words("") }),
        };
        let nodes = self.cast.find(event.node.as_ref()).into_iter().collect();
        Act { nodes, done: vec![(mark, phrase)], ink, life }
    }

    /// What happened to the network: `partition {a1} | {a2 a3}`.
    fn band(&self, event: &Event) -> String {
        let kind = match event.kind {
            Kind::Partition => "partition",
            Kind::Heal => "heal",
            _ => "fault",
        };
        let name = name(event.name.as_ref(), "");
        let why = why(event);
        // A fault that has no fields has its reason instead, which tells all of it.
        if event.body.is_none() && !why.is_empty() {
            return if why.starts_with(kind) { why } else { format!("{kind}: {why}") };
        }
        let mut parts = vec![kind.to_owned()];
        parts.extend((name != kind).then(|| name.clone()));
        parts.extend(event.node.iter().chain(&event.peer).map(|name| clean(name)));
        parts.extend(event.body.as_ref().map(|body| self.fault(&name, body)));
        parts.extend((!why.is_empty()).then(|| format!("({why})")));
        parts.retain(|part| !part.is_empty());
        parts.join(" ")
    }

    /// The fields of a fault that is called `name`; a split shows its sides.
    fn fault(&self, name: &str, body: &Value) -> String {
        if let Some(sides) = self.groups(body.get("sides").unwrap_or(body)) {
            return sides;
        }
        let mut body = body.clone();
        if let Value::Object(map) = &mut body {
            // A field that only says which fault it is.
            map.retain(|_, value| value.as_str() != Some(name));
        }
        fields(name, Some(&body))
    }

    /// The sides of a split, when the body is a list of lists of nodes.
    fn groups(&self, body: &Value) -> Option<String> {
        let member = |node: &Value| match node {
            Value::Number(number) => {
                let index = number.as_u64().and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| self.cast.names.get(index)).cloned().unwrap_or(number.to_string())
            }
            other => compact(other),
        };
        let side = |group: &Value| {
            let members: Vec<String> = group.as_array()?.iter().map(member).collect();
            Some(format!("{{{}}}", members.join(" ")))
        };
        let sides: Option<Vec<String>> = body.as_array()?.iter().map(side).collect();
        sides.filter(|sides| !sides.is_empty()).map(|sides| sides.join(" | "))
    }

    /// A rule, what was expected and what was seen.
    fn broken(&self, event: &Event) -> Broken {
        let mut rule = why(event);
        if rule.is_empty() {
            rule = name(event.name.as_ref(), "a rule without words");
        }
        let facts = match &event.body {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(map)) => map.iter().map(|(key, value)| (clean(key), told(value))).collect(),
            Some(other) => vec![("got".to_owned(), told(other))],
        };
        Broken { node: self.cast.find(event.node.as_ref()), rule, facts }
    }
}

/// A fact of a violation. Its lines stay lines, and `nothing` is a better word there than `-`.
fn told(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) if !text.is_empty() => text.lines().map(clean).collect::<Vec<_>>().join("\n"),
        value => compact(value),
    }
}

/// `[write promised 1.0]` or `[sync]`.
fn stored(event: &Event) -> (char, Phrase) {
    let name = name(event.name.as_ref(), "");
    let named = |word: &str| format!("[{word} {name}").trim_end().to_owned();
    if event.kind == Kind::Sync {
        return ('s', Phrase::of(named("sync") + "]"));
    }
    // A record is its value, where a message has fields.
    let body = event.body.as_ref().map(jot).unwrap_or_default();
    if body.is_empty() {
        return ('w', Phrase::of(named("write") + "]"));
    }
    ('w', Phrase { head: named("write"), body: body + "]", ..Phrase::default() })
}

/// A name, or what to say instead.
fn name(name: Option<&Name>, otherwise: &str) -> String {
    match name.map(|name| &**name) {
        None | Some("") => otherwise.to_owned(),
        Some(name) => clean(name),
    }
}

/// The reason of an event, if it has one.
fn why(event: &Event) -> String {
    event.why.as_deref().map(clean).unwrap_or_default()
}
