//! A recorded run, run again: the same processes react to the same events, and monitors watch. Pure.
//!
//! A recording says what came to each node; what the node made of it follows from its process alone. So the run can be run again in one thread,
//! with every state there for [monitors](Monitor) to look at, just as in the simulated world. And what the process asks for now must be what
//! was recorded then: where it is not, the world around it has broken one of its own rules.

use crate::cluster::{Cluster, Factory};
use crate::context::{Context, Effect, EffectOf};
use crate::monitor::{Happening, Marks, Monitor, Nodes, Violation};
use crate::node::NodeId;
use crate::process::{Message, Process};
use crate::random::{Purpose, Random};
use crate::sim::Told;
use crate::storage::{Contents, Write};
use crate::tally::Tally;
use crate::time::Time;
use crate::trace::{Event, Kind, Name, Trace};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The rule that the recording itself is held to.
pub const FAITHFUL: &str = "a recorded run is a run of this protocol";

/// What was asked for and has not left yet.
#[derive(Debug, PartialEq)]
enum Expected<M> {
    Send(NodeId, M),
    Output(Value),
}

struct Node<P: Process> {
    name: Name,
    make: Option<Factory<P>>,
    process: Option<P>,
    random: Random,
    /// All writes that were ever made, and what they make.
    writes: Vec<Write>,
    contents: Contents,
    timers: Vec<P::Timer>,
    expected: VecDeque<Expected<P::Message>>,
}

struct Table<P: Process>(Vec<Node<P>>);

impl<P: Process> Nodes<P> for Table<P> {
    fn process(&self, node: NodeId) -> Option<&P> {
        self.0[node.index()].process.as_ref()
    }
    fn name(&self, node: NodeId) -> &str {
        &self.0[node.index()].name
    }
    fn count(&self) -> usize {
        self.0.len()
    }
}

/// A recorded run that is being run again.
pub struct Replay<'a, P: Process> {
    seed: u64,
    nodes: Table<P>,
    monitors: Vec<&'a mut dyn Monitor<P>>,
    marks: Marks,
    tally: Tally,
    outputs: Vec<Told<P::Output>>,
    /// Messages that were sent, by id.
    messages: BTreeMap<u64, P::Message>,
    violation: Option<Violation>,
}

impl<'a, P: Process> Replay<'a, P>
where
    P::Output: DeserializeOwned,
{
    /// Runs `trace` again with the processes of `cluster`, up to the first rule that is broken.
    ///
    /// # Errors
    /// When the trace is not of this cluster.
    pub fn run(
        trace: &Trace,
        cluster: &Cluster<P>,
        monitors: Vec<&'a mut dyn Monitor<P>>,
    ) -> Result<Self, String> {
        let names: Vec<&Name> = cluster.names().collect();
        if names != trace.header.nodes.iter().collect::<Vec<_>>() {
            return Err(format!("the trace is of the nodes {:?}, expected {names:?}", trace.header.nodes));
        }
        let nodes = cluster.nodes().iter().map(|(name, make)| Node {
            name: name.clone(),
            make: make.clone(),
            process: None,
            random: Random::new(0, Purpose::Swarm),
            writes: Vec::new(),
            contents: Contents::default(),
            timers: Vec::new(),
            expected: VecDeque::new(),
        });
        let nodes = Table(nodes.collect());
        let tally = Tally::new(nodes.count());
        let mut replay = Replay {
            seed: trace.header.seed,
            nodes,
            monitors,
            marks: Marks::default(),
            tally,
            outputs: Vec::new(),
            messages: BTreeMap::new(),
            violation: None,
        };
        for event in &trace.events {
            if let Err(violation) = replay.event(event) {
                replay.violation = Some(violation);
                break;
            }
        }
        Ok(replay)
    }

    /// The rule that was broken.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// The situations that monitors have recognised.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Messages and bytes, counted as in the simulated world.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What the processes told the outside, in order.
    pub fn outputs(&self) -> &[Told<P::Output>] {
        &self.outputs
    }

    /// The process of a node as it was at the end; `None` when it had ended.
    pub fn process(&self, node: NodeId) -> Option<&P> {
        self.nodes.process(node)
    }

    fn event(&mut self, event: &Event) -> Result<(), Violation> {
        let Some(node) = self.find(event.node.as_ref()) else { return Ok(()) };
        let (at, name) = (Time(event.at), event.name.as_deref().unwrap_or_default());
        match event.kind {
            Kind::Start | Kind::Restart => self.start(node, event),
            Kind::Crash => {
                let crashed = &mut self.nodes.0[node.index()];
                crashed.process = None;
                crashed.timers.clear();
                crashed.expected.clear();
                self.tally.fault("crash");
                self.happens(at, &Happening::Crashed { node })
            }
            Kind::Send => self.sent(node, event, name),
            Kind::Deliver => self.delivered(node, event),
            Kind::Timer => {
                let timers = &mut self.nodes.0[node.index()].timers;
                let place = timers.iter().position(|timer| format!("{timer:?}") == name);
                let Some(place) = place else {
                    return Err(self.unfaithful(node, "a pending alarm", &format!("alarm {name}")));
                };
                let timer = timers.remove(place);
                self.handle(node, at, |process, ctx| process.alarm(timer, ctx))
            }
            Kind::Output => {
                let body = event.body.clone().unwrap_or(Value::Null);
                self.expect(node, &Expected::Output(body.clone()))?;
                let Ok(output) = serde_json::from_value::<P::Output>(body) else {
                    return Err(self.unfaithful(
                        node,
                        "an output of this protocol",
                        &format!("{:?}", event.body),
                    ));
                };
                let checked = self.happens(at, &Happening::Output { node, output: &output });
                self.outputs.push(Told { at, node, output });
                checked
            }
            Kind::Violation => {
                let text = |key: &str| {
                    let text = event.body.as_ref().and_then(|body| body[key].as_str());
                    text.unwrap_or_default().to_string()
                };
                let rule = event.why.clone().unwrap_or_default();
                Err(Violation::new(rule, text("expected"), text("got")))
            }
            _ => Ok(()),
        }
    }

    fn find(&self, name: Option<&Name>) -> Option<NodeId> {
        let place = self.nodes.0.iter().position(|node| Some(&node.name) == name)?;
        Some(NodeId(place as u32))
    }

    fn start(&mut self, id: NodeId, event: &Event) -> Result<(), Violation> {
        let node = &mut self.nodes.0[id.index()];
        let Some(make) = &node.make else { return Ok(()) };
        let kept = event.body.as_ref().and_then(|body| body["writes"].as_u64()).unwrap_or(0) as usize;
        if kept > node.writes.len() {
            let expected = format!("at most the {} writes that were made", node.writes.len());
            return Err(self.unfaithful(id, &expected, &format!("{kept} writes in storage")));
        }
        node.writes.truncate(kept);
        node.contents = Contents::default();
        node.writes.iter().cloned().for_each(|write| node.contents.apply(write));
        node.process = Some(make());
        node.random = Random::new(self.seed, Purpose::Node(id.0));
        let at = Time(event.at);
        self.handle(id, at, |process, ctx| process.start(ctx))?;
        if event.kind == Kind::Restart {
            self.happens(at, &Happening::Restarted { node: id })
        } else {
            Ok(())
        }
    }

    fn sent(&mut self, from: NodeId, event: &Event, name: &str) -> Result<(), Violation> {
        let to = self.find(event.peer.as_ref());
        let message = message_of::<P::Message>(name, event.body.as_ref());
        let (Some(to), Some(message), Some(id)) = (to, message, event.id) else {
            return Err(self.unfaithful(
                from,
                "a message of this protocol",
                &format!("{name} {:?}", event.body),
            ));
        };
        self.expect(from, &Expected::Send(to, message.clone()))?;
        let bytes = postcard::experimental::serialized_size(&message).map_or(0, |size| size as u64);
        self.tally.sent(from, to, message.name(), bytes);
        let checked = self.happens(Time(event.at), &Happening::Sent { from, to, message: &message });
        self.messages.insert(id, message);
        checked
    }

    fn delivered(&mut self, to: NodeId, event: &Event) -> Result<(), Violation> {
        let from = self.find(event.peer.as_ref());
        let message = event.id.and_then(|id| self.messages.get(&id).cloned());
        let (Some(from), Some(message)) = (from, message) else {
            return Err(self.unfaithful(
                to,
                "a message that was sent",
                &format!("{:?} from {:?}", event.name, event.peer),
            ));
        };
        self.tally.delivered += 1;
        self.happens(Time(event.at), &Happening::Delivered { from, to, message: &message })?;
        self.handle(to, Time(event.at), |process, ctx| process.receive(from, message, ctx))
    }

    /// What leaves a node must be what its process asked for, in that order.
    fn expect(&mut self, node: NodeId, left: &Expected<P::Message>) -> Result<(), Violation> {
        match self.nodes.0[node.index()].expected.pop_front() {
            Some(expected) if expected == *left => Ok(()),
            expected => Err(self.unfaithful(node, &format!("{expected:?}"), &format!("{left:?}"))),
        }
    }

    fn unfaithful(&self, node: NodeId, expected: &str, got: &str) -> Violation {
        Violation::new(FAITHFUL, format!("{} gives {expected}", self.nodes.name(node)), got)
    }

    fn handle(
        &mut self,
        id: NodeId,
        at: Time,
        react: impl FnOnce(&mut P, &mut Context<'_, P>),
    ) -> Result<(), Violation> {
        let mut effects: Vec<EffectOf<P>> = Vec::new();
        let node = &mut self.nodes.0[id.index()];
        let Some(process) = node.process.as_mut() else {
            return Err(self.unfaithful(id, "nothing: it is down", "an event"));
        };
        let mut ctx = Context::new(id, at, &mut node.random, &mut node.contents, &mut effects);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| react(process, &mut ctx))) {
            return Err(crate::panics::violation(&node.name, &*panic));
        }
        for effect in effects {
            match effect {
                Effect::Send { to, message } => node.expected.push_back(Expected::Send(to, message)),
                Effect::Output(output) => {
                    node.expected
                        .push_back(Expected::Output(serde_json::to_value(output).unwrap_or(Value::Null)));
                }
                Effect::SetTimer { timer, .. } => {
                    node.timers.retain(|other| *other != timer);
                    node.timers.push(timer);
                }
                Effect::CancelTimer(timer) => node.timers.retain(|other| *other != timer),
                Effect::Write(write) => node.writes.push(*write),
                Effect::Sync | Effect::Note(_) => {}
            }
        }
        self.happens(at, &Happening::Handled { node: id })
    }

    fn happens(&mut self, at: Time, happening: &Happening<'_, P>) -> Result<(), Violation> {
        for monitor in &mut self.monitors {
            monitor.check(at, happening, &self.nodes, &mut self.marks)?;
        }
        Ok(())
    }
}

/// The message in a trace: its name may stand for its tag.
fn message_of<M: Message>(name: &str, body: Option<&Value>) -> Option<M> {
    let candidates = match body {
        Some(body) => [json!({ name: body }), body.clone()],
        None => [json!(name), Value::Null],
    };
    candidates.into_iter().find_map(|value| serde_json::from_value(value).ok())
}
