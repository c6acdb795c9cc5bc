//! The middleware as a [`Process`]: it runs in `simnet`'s worlds, simulated and local. Given whole.
//!
//! A node plays for its participant what ZeroMQ's sockets do: who has subscribed to what, and one copy of a publication to each of them. An
//! endpoint's port is the number of its node.

use super::discovery::{Client, Discovery};
use super::message::{Answered, Asked, Content, Publication, Request, Response};
use super::participant::Participant;
use super::topic::Topic;
use super::turn::{Effect, Event, Output, Timer, Turn};
use crate::middleware::application::State;
use crate::middleware::message::Role;
use serde::{Deserialize, Serialize};
use simnet::{Context, Names, NodeId, Observe, Process, RandomSource};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

/// What travels between nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// Participant to discovery.
    Request(Asked),
    /// Discovery to participant.
    Response(Answered),
    /// Subscriber to publisher or broker.
    Subscribe(Topic),
    /// Publisher or broker to subscriber.
    Publication(Publication),
}

impl simnet::Message for Message {
    fn name(&self) -> &'static str {
        match self {
            Message::Request(asked) => match asked.request {
                Request::Register(_) => "Register",
                Request::IsReady => "IsReady",
                Request::LookupByTopic(_) | Request::LookupAll => "Lookup",
                Request::Subscribed => "Subscribed",
                Request::Done => "Done",
            },
            Message::Response(answered) => match answered.response {
                Response::Registered => "Registered",
                Response::Refused(_) => "Refused",
                Response::Ready => "Ready",
                Response::Found(_) => "Found",
                Response::Noted => "Noted",
                Response::Completed => "Completed",
            },
            Message::Subscribe(_) => "Subscribe",
            Message::Publication(publication) => match publication.content {
                Content::Welcome => "Welcome",
                Content::Sample { .. } => "Sample",
                Content::End { .. } => "End",
            },
        }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// The discovery.
    Discovery(Discovery),
    /// Everybody else.
    Participant(Box<Station>),
}

/// A participant, and its sockets' part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Station {
    participant: Participant,
    discovery: NodeId,
    /// Who has subscribed here, by topic.
    subscribers: BTreeMap<Topic, BTreeSet<NodeId>>,
}

impl Station {
    /// The station of a participant whose discovery is there.
    pub fn new(participant: Participant, discovery: NodeId) -> Self {
        Station { participant, discovery, subscribers: BTreeMap::new() }
    }

    fn on(&mut self, event: Event, ctx: &mut Context<'_, Node>) {
        let mut effects = Vec::new();
        let now_us = ctx.now().as_micros();
        let mut chance = Chance(ctx);
        self.participant.on(event, &mut Turn { now_us, random: &mut chance, effects: &mut effects });
        for effect in effects {
            self.perform(effect, ctx);
        }
    }

    fn perform(&self, effect: Effect, ctx: &mut Context<'_, Node>) {
        match effect {
            Effect::Ask(asked) => ctx.send(self.discovery, Message::Request(asked)),
            Effect::Subscribe(endpoint, topic) => {
                ctx.send(NodeId(endpoint.port.into()), Message::Subscribe(topic));
            }
            Effect::Publish(publication) => {
                for node in self.subscribers.get(&publication.topic).into_iter().flatten() {
                    ctx.send(*node, Message::Publication(publication.clone()));
                }
            }
            Effect::SetTimer(timer, after) => ctx.set_timer(timer, after),
            Effect::CancelTimer(timer) => ctx.cancel_timer(timer),
            Effect::Tell(output) => ctx.output(output),
            Effect::Note(note) => ctx.note(note),
        }
    }
}

/// The node's random numbers, for its participant.
struct Chance<'a, 'b>(&'a mut Context<'b, Node>);

impl RandomSource for Chance<'_, '_> {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.random(bound)
    }

    fn duration(&mut self, range: Range<Duration>) -> Duration {
        self.0.random_duration(range)
    }
}

impl Process for Node {
    type Message = Message;
    type Timer = Timer;
    type Output = Output;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if let Node::Participant(station) = self {
            station.on(Event::Start, ctx);
        }
    }

    fn receive(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match (self, message) {
            (Node::Discovery(discovery), Message::Request(asked)) => {
                for (client, answered) in discovery.asked(Client(from.0), asked) {
                    ctx.send(NodeId(client.0), Message::Response(answered));
                }
            }
            (Node::Participant(station), Message::Response(answered)) => {
                station.on(Event::Answered(answered), ctx);
            }
            (Node::Participant(station), Message::Publication(publication)) => {
                station.on(Event::Heard(publication), ctx);
            }
            (Node::Participant(station), Message::Subscribe(topic)) => {
                station.subscribers.entry(topic).or_default().insert(from);
                station.on(Event::Subscription(topic), ctx);
            }
            // Nobody sends these, but a network may carry anything: they change nothing.
            (_, message) => ctx.note(format!("ignored {message:?}, which is not for this node")),
        }
    }

    fn alarm(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        match self {
            Node::Discovery(_) => unreachable!("the discovery sets no timer"),
            Node::Participant(station) => station.on(Event::Alarm(timer), ctx),
        }
    }
}

/// What monitors and pictures see of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum View {
    /// The discovery.
    Discovery {
        /// How many take part.
        registered: u32,
        /// All are registered.
        ready: bool,
        /// All subscriptions are in force.
        open: bool,
        /// All are done.
        done: bool,
    },
    /// Everybody else.
    Participant {
        /// As what it takes part.
        role: Role,
        /// How far it has come.
        state: State,
        /// Whether nothing is left to do.
        over: bool,
    },
}

impl Observe for Node {
    type View = View;

    fn view(&self) -> View {
        match self {
            Node::Discovery(discovery) => {
                let (ready, open, done) = discovery.progress();
                let registered = discovery.standing().iter().map(|(_, here, _)| here).sum();
                View::Discovery { registered, ready, open, done }
            }
            Node::Participant(station) => View::Participant {
                role: station.participant.role(),
                state: station.participant.state(),
                over: station.participant.is_over(),
            },
        }
    }

    fn waits_for(&self, _names: &Names) -> Option<String> {
        match self {
            Node::Discovery(discovery) => {
                let lacking = |(role, here, all): (Role, u32, u32)| {
                    (here < all).then(|| format!("{} more {role}s to register", all - here))
                };
                let lacking: Vec<String> = discovery.standing().into_iter().filter_map(lacking).collect();
                (!lacking.is_empty()).then(|| lacking.join(", "))
            }
            Node::Participant(station) => station.participant.waits_for(),
        }
    }
}
