//! A counterexample, told as a trace.

use super::local::{Event, Reaction, Sealed};
use crate::monitor::Violation;
use crate::node::NodeId;
use crate::process::{Message, Observe, Process};
use crate::record::{Detail, Recorder, body_of};
use crate::trace::{self, Kind, Name, Trace};
use std::collections::BTreeMap;

/// In a trace of the checked world a step counts as a millisecond.
const STEP_US: u64 = 1_000;

/// A trace in the making.
pub(super) struct Story {
    recorder: Recorder,
    at_us: u64,
    next_id: u64,
    /// The last id of each message, by its number.
    ids: BTreeMap<u32, u64>,
}

impl Story {
    pub fn new(names: &[Name]) -> Self {
        Story { recorder: Recorder::new(names), at_us: 0, next_id: 0, ids: BTreeMap::new() }
    }

    pub fn next_step(&mut self) {
        self.at_us += STEP_US;
    }

    pub fn tell<P: Observe>(&mut self, reaction: &Reaction<P>) {
        for event in &reaction.events {
            self.event(reaction.node, event);
        }
    }

    fn event<P: Observe>(&mut self, node: NodeId, event: &Event<P, Sealed<P>>) {
        let plain = Detail::default;
        match event {
            Event::Begins(kind) => self.record(*kind, node, plain()),
            Event::Delivered(sealed) => {
                let (from, message) = (sealed.value.from, &sealed.value.message);
                let id = self.ids.get(&sealed.number).copied();
                self.record(
                    Kind::Deliver,
                    node,
                    Detail { peer: Some(from), id, name: Some(message.name()), ..plain() },
                );
            }
            Event::Fired(timer) => self.record(Kind::Timer, node, Detail { name: Some(timer), ..plain() }),
            Event::Handled(process) => {
                let body = serde_json::to_value(process.view()).ok();
                self.record(Kind::State, node, Detail { body, ..plain() });
            }
            Event::Sent(sealed) => self.sent::<P>(sealed),
            Event::Output(output) => {
                let body = serde_json::to_value(output).ok();
                self.record(Kind::Output, node, Detail { body, ..plain() });
            }
            Event::Wrote(what) => self.record(Kind::Write, node, Detail { name: Some(what), ..plain() }),
            Event::Synced => self.record(Kind::Sync, node, plain()),
            Event::Noted(note) => {
                self.record(Kind::Note, node, Detail { why: Some(note.to_string()), ..plain() })
            }
            Event::Crashed(why) => {
                self.record(Kind::Crash, node, Detail { why: Some(why.clone()), ..plain() })
            }
            Event::Restarted => {}
        }
    }

    fn sent<P: Process>(&mut self, sealed: &Sealed<P>) {
        let (envelope, message) = (&sealed.value, &sealed.value.message);
        let id = self.next_id;
        self.next_id += 1;
        self.ids.insert(sealed.number, id);
        let body = body_of(message, message.name());
        let detail =
            Detail { peer: Some(envelope.to), id: Some(id), name: Some(message.name()), body, why: None };
        self.record(Kind::Send, envelope.from, detail);
    }

    fn record(&mut self, kind: Kind, node: NodeId, detail: Detail<'_>) {
        self.recorder.event(self.at_us, kind, Some(node), detail);
    }

    pub fn end(mut self, violation: &Violation, names: &[Name], lab: &str, description: &str) -> Trace {
        let body = serde_json::json!({ "expected": violation.expected, "got": violation.got });
        let detail = Detail { body: Some(body), why: Some(violation.rule.clone()), ..Detail::default() };
        self.recorder.event(self.at_us, Kind::Violation, None, detail);
        let header = trace::Header {
            simnet_trace: trace::VERSION,
            lab: lab.to_string(),
            commit: trace::commit(),
            seed: 0,
            world: "checked".to_string(),
            nodes: names.to_vec(),
            run: description.to_string(),
        };
        Trace { header, events: self.recorder.events }
    }
}
