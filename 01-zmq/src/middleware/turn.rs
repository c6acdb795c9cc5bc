//! What happens to a participant, and what it asks for: events in, effects out. Given whole.

use super::application::State;
use super::message::{Answered, Asked, Endpoint, Publication};
use super::topic::Topic;
use serde::{Deserialize, Serialize};
use simnet::RandomSource;
use std::time::Duration;

/// What happens to a participant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// It begins.
    Start,
    /// The discovery has answered.
    Answered(Answered),
    /// Somebody has subscribed here to a topic. A socket of type XPUB sees it.
    Subscription(Topic),
    /// A publication has arrived that it has subscribed to.
    Heard(Publication),
    /// A time is over.
    Alarm(Timer),
}

/// What a participant waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// No answer yet: the request or the answer may be lost.
    Ask,
    /// No welcome yet: the subscription or the welcome may be lost.
    Subscribe,
    /// A publisher has ended, and not all of its samples are there.
    Missing,
    /// Not everybody has said that all is heard: an end may be lost.
    End,
    /// The next measurement.
    Measure,
}

/// What a participant asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Ask the discovery.
    Ask(Asked),
    /// Subscribe there.
    Subscribe(Endpoint, Topic),
    /// Publish to whoever has subscribed to the topic here.
    Publish(Publication),
    /// Wake me after so long, and not at an earlier time set for the same timer.
    SetTimer(Timer, Duration),
    /// Do not wake me.
    CancelTimer(Timer),
    /// Let the outside know.
    Tell(Output),
    /// Leave a note for whoever looks for a fault.
    Note(String),
}

/// What a participant lets the outside know.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Output {
    /// It publishes, or wants to hear, these topics.
    Topics(Vec<Topic>),
    /// It has come so far.
    Entered(State),
    /// It has published a sample.
    Published {
        /// On this topic.
        topic: Topic,
        /// So many were before it.
        number: u64,
        /// What was measured.
        value: String,
    },
    /// A subscriber has heard a sample.
    Received {
        /// On this topic.
        topic: Topic,
        /// By this publisher.
        publisher: String,
        /// So many were before it.
        number: u64,
        /// What was measured.
        value: String,
        /// How long it took from the publisher to here, in microseconds of two clocks.
        latency_us: u64,
    },
    /// A subscriber has heard all that will come.
    Heard {
        /// So many samples.
        received: u64,
        /// So many were published and did not come.
        missed: u64,
    },
    /// All participants are done: it may end.
    Released,
    /// It cannot take part, or the others have ended. The reason is one sentence for a person.
    Refused(String),
}

/// One event of a participant: when it happens, chance, and what it asks for.
pub struct Turn<'a> {
    /// Now, by its clock, in microseconds.
    pub now_us: u64,
    /// Chance.
    pub random: &'a mut dyn RandomSource,
    /// What it asks for, in this order.
    pub effects: &'a mut Vec<Effect>,
}

impl Turn<'_> {
    /// Asks for this.
    pub fn ask_for(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Lets the outside know.
    pub fn tell(&mut self, output: Output) {
        self.ask_for(Effect::Tell(output));
    }
}
