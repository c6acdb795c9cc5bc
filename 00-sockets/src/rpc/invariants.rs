//! What must hold of calls that are carried out at most once, watched from outside. Given whole.
//!
//! Each text that is appended is appended by one call only, so a registry shows how often each call was carried out.

use super::call::{Answer, Call};
use super::node::{Message, Node, Output, View};
use super::request_id::RequestId;
use simnet::history::History;
use simnet::linearizability::{self, Keyed, Specification, Verdict};
use simnet::monitor::{Happening, Marks, Monitor, Nodes, Violation};
use simnet::sim::Told;
use simnet::{NodeId, Observe, Time};
use std::collections::{BTreeMap, BTreeSet};

/// (1) No call twice.
pub const ONCE: &str = "(1) a call is carried out at most once, whatever is doubled, sent again or crashed";
/// (2) Nothing answered is lost.
pub const KEPT: &str = "(2) what was answered has been carried out, and is never forgotten";
/// (3) The answers make sense.
pub const HISTORY: &str =
    "(3) clients are told what one registry would tell that carries out one call after the other";
/// (4) The end of waiting.
pub const ANSWERED: &str = "(4) once faults have ended, every call is answered";

/// Situations that the monitor recognises.
pub mod situation {
    /// A call arrives that was carried out.
    pub const COPY: &str = "a copy of a call arrives that was carried out before";
    /// An older call arrives after a newer one.
    pub const OLD_COPY: &str = "a copy of a call arrives after a later call of the same client";
    /// The server comes back, and a call of before arrives again.
    pub const COPY_AFTER_CRASH: &str =
        "a copy of a call arrives that was carried out before the server crashed";
    /// An answer arrives that nobody waits for.
    pub const STALE_ANSWER: &str = "an answer arrives of a call that is over";
}

/// How many steps the search for an order of the calls may take.
const HISTORY_BUDGET: u64 = 200_000;

/// Watches (1) and (2).
#[derive(Clone, Debug)]
pub struct Invariants {
    server: NodeId,
    /// The calls that have reached the server, and in which of its lives.
    arrived: BTreeMap<(NodeId, u16), u32>,
    newest: BTreeMap<NodeId, u16>,
    lives: u32,
    /// The append that each client waits for.
    open: BTreeMap<NodeId, (String, String)>,
    /// Key and text of each append begun, and of each that was answered.
    appended: BTreeSet<(String, String)>,
    answered: BTreeSet<(String, String)>,
}

impl Invariants {
    /// The rules for this server and its clients.
    pub fn new(server: NodeId) -> Self {
        Invariants {
            server,
            arrived: BTreeMap::new(),
            newest: BTreeMap::new(),
            lives: 0,
            open: BTreeMap::new(),
            appended: BTreeSet::new(),
            answered: BTreeSet::new(),
        }
    }

    fn look(&self, node: &Node) -> Result<(), Violation> {
        let View::Server { registry, .. } = node.view() else { return Ok(()) };
        for (key, text) in &self.appended {
            let times = registry.get(key).unwrap_or_default().matches(text.as_str()).count();
            if times > 1 {
                let got = format!(
                    "it was carried out {times} times: {key} = {}",
                    registry.get(key).unwrap_or_default()
                );
                return Err(Violation::new(ONCE, format!("append {text} to {key} once, or not at all"), got));
            }
            if times == 0 && self.answered.contains(&(key.clone(), text.clone())) {
                let got = format!("{key} = {}", registry.get(key).unwrap_or("nothing"));
                return Err(Violation::new(KEPT, format!("{text} in {key}: its client was told so"), got));
            }
        }
        Ok(())
    }

    fn request(&mut self, client: NodeId, id: RequestId, marks: &mut Marks) {
        if let Some(life) = self.arrived.insert((client, id.0), self.lives) {
            marks.reach(situation::COPY);
            if life < self.lives {
                marks.reach(situation::COPY_AFTER_CRASH);
            }
        }
        let newest = self.newest.entry(client).or_insert(id.0);
        let behind = newest.wrapping_sub(id.0);
        if behind != 0 && behind < 1 << 15 {
            marks.reach(situation::OLD_COPY);
        } else {
            *newest = id.0;
        }
    }
}

impl Monitor<Node> for Invariants {
    fn check(
        &mut self,
        _at: Time,
        happening: &Happening<'_, Node>,
        nodes: &dyn Nodes<Node>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        match happening {
            Happening::Delivered { from, message: Message::Request { id, .. }, .. } => {
                self.request(*from, *id, marks);
            }
            Happening::Delivered { to, message: Message::Reply { id, .. }, .. } => {
                if let Some(View::Client { open, .. }) = nodes.process(*to).map(Observe::view)
                    && open != Some(*id)
                {
                    marks.reach(situation::STALE_ANSWER);
                }
            }
            Happening::Output { node, output: Output::Called(call) } => {
                self.open.remove(node);
                if let Call::Append { key, text } = call {
                    self.appended.insert((key.clone(), text.clone()));
                    self.open.insert(*node, (key.clone(), text.clone()));
                }
            }
            Happening::Output { node, output: Output::Answered(Answer::Length(_)) } => {
                self.answered.extend(self.open.remove(node));
            }
            Happening::Crashed { node } if *node == self.server => self.lives += 1,
            Happening::Handled { node } | Happening::Restarted { node } if *node == self.server => {
                if let Some(server) = nodes.process(*node) {
                    self.look(server)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// One value of the registry, as the history's checker knows it.
struct Cell;

impl Specification for Cell {
    type State = Option<String>;
    type Op = Call;
    type Ret = Answer;
    type Key = ();

    fn initial(&self) -> Option<String> {
        None
    }

    fn apply(&self, value: &mut Option<String>, call: &Call) -> Answer {
        match call {
            Call::Get { .. } => Answer::Value(value.clone()),
            Call::Put { value: new, .. } => {
                *value = Some(new.clone());
                Answer::Done
            }
            Call::Append { text, .. } => {
                let value = value.get_or_insert_default();
                value.push_str(text);
                Answer::Length(value.len() as u64)
            }
        }
    }

    fn observes(&self, call: &Call, _answer: &Answer) -> bool {
        matches!(call, Call::Get { .. })
    }
}

/// (3) is broken when no order of the calls explains what the clients were told. A call without an answer may have been carried out, or
/// not.
pub fn unexplained(outputs: &[Told<Output>]) -> Option<Violation> {
    let mut history = History::new();
    let mut open = BTreeMap::new();
    for told in outputs {
        let at_us = told.at.as_micros();
        match &told.output {
            Output::Called(call) => {
                let (Call::Get { key } | Call::Put { key, .. } | Call::Append { key, .. }) = call;
                open.insert(told.node, history.invoke(told.node.0, at_us, (key.clone(), call.clone())));
            }
            Output::Answered(answer) => {
                if let Some(id) = open.remove(&told.node) {
                    history.respond(id, at_us, answer.clone()).expect("an answer comes once, after its call");
                }
            }
        }
    }
    match linearizability::check(&Keyed::new(Cell), &history, HISTORY_BUDGET) {
        Verdict::NotLinearizable(counterexample) => Some(Violation::new(
            HISTORY,
            "an order of the calls that explains every answer",
            counterexample.to_string(),
        )),
        _ => None,
    }
}
