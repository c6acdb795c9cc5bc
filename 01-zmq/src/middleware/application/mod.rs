//! The application: what is wanted. How it is done is the middleware's, [`super::participant`].
//!
//! The two meet in few words. The middleware asks [`Application::invoke`] what is to be done next, and gets an [`Order`]. What came of it
//! it tells by **up-calls**: [`Application::registered`], [`Application::ready`], and so on. An application never waits, never sends, and
//! knows no socket; the middleware knows no measurement.

mod publisher;
mod subscriber;

pub use publisher::Publisher;
pub use subscriber::Subscriber;

use super::message::{Provider, Role};
use super::topic::Topic;
use serde::{Deserialize, Serialize};
use simnet::RandomSource;
use std::fmt;
use std::time::Duration;

/// How far an application has come. Not every role passes through all of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// It has just been made.
    #[default]
    Initialize,
    /// It decides what it wants.
    Configure,
    /// It lets the discovery know that it is there.
    Register,
    /// It waits for all others.
    IsReady,
    /// It asks who publishes. Subscribers and the broker.
    Lookup,
    /// It waits until all of its subscriptions are in force. Subscribers and the broker.
    Subscribe,
    /// It publishes, hears, or passes on.
    Disseminate,
    /// It has nothing left to do.
    Completed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Initialize => "INITIALIZE",
            State::Configure => "CONFIGURE",
            State::Register => "REGISTER",
            State::IsReady => "ISREADY",
            State::Lookup => "LOOKUP",
            State::Subscribe => "SUBSCRIBE",
            State::Disseminate => "DISSEMINATE",
            State::Completed => "COMPLETED",
        })
    }
}

/// What an application wants of its middleware.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Ask me again: I have gone on by myself.
    Again,
    /// Register me, with these topics.
    Register(Vec<Topic>),
    /// Tell me when I may go on.
    AskReady,
    /// Find out who publishes these topics.
    Lookup(Vec<Topic>),
    /// Subscribe there, and tell me when it is in force.
    Subscribe(Vec<Provider>),
    /// Publish this now, and ask me again after so long.
    Publish {
        /// What was measured.
        samples: Vec<(Topic, String)>,
        /// The time to the next measurement.
        again: Duration,
    },
    /// Say on each of my topics that this was all, and to the discovery that I am done.
    Finish,
    /// Nothing, until the next up-call.
    Wait,
}

/// An application, as its middleware sees it. The up-calls move its state, and nothing else does but [`Application::invoke`].
pub trait Application {
    /// What it takes part as.
    fn role(&self) -> Role;

    /// How far it has come.
    fn state(&self) -> State;

    /// What is to be done next? It is asked at the start, after each up-call, and when the time between two measurements is over.
    fn invoke(&mut self, random: &mut dyn RandomSource) -> Order;

    /// It takes part now.
    fn registered(&mut self);

    /// It may go on.
    fn ready(&mut self);

    /// These publish what it asked for.
    fn found(&mut self, providers: Vec<Provider>) {
        let _ = providers;
    }

    /// All of its subscriptions are in force.
    fn subscribed(&mut self) {}

    /// All that it has subscribed to has ended.
    fn heard_all(&mut self) {}
}
