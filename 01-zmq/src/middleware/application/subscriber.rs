//! The subscriber's application: it wants to hear everything about its topics. And the broker's, which wants to hear everything.

use super::publisher::draw;
use super::{Application, Order, State};
use crate::middleware::message::{Provider, Role};
use crate::middleware::topic::Topic;
use simnet::RandomSource;

/// Wants to hear of so many topics.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subscriber {
    role: Role,
    state: State,
    topic_count: usize,
    topics: Vec<Topic>,
    providers: Vec<Provider>,
}

impl Subscriber {
    /// A subscriber to so many topics, drawn from all.
    pub fn new(topic_count: usize) -> Self {
        Self::of(Role::Subscriber, topic_count)
    }

    /// The application of a broker: it has no topics of its own, and subscribes to all. To pass on what it hears is its middleware's.
    pub fn broker() -> Self {
        Self::of(Role::Broker, Topic::ALL.len())
    }

    fn of(role: Role, topic_count: usize) -> Self {
        Subscriber { role, state: State::Initialize, topic_count, topics: Vec::new(), providers: Vec::new() }
    }
}

impl Application for Subscriber {
    fn role(&self) -> Role {
        self.role
    }

    fn state(&self) -> State {
        self.state
    }

    fn invoke(&mut self, random: &mut dyn RandomSource) -> Order {
        let is_broker = self.role == Role::Broker;
        // solution: begin — Part F: what a subscriber does in each state
        match self.state {
            State::Initialize => {
                self.state = State::Configure;
                Order::Again
            }
            State::Configure => {
                self.topics = draw(self.topic_count, random);
                self.state = State::Register;
                Order::Register(if is_broker { Vec::new() } else { self.topics.clone() })
            }
            State::IsReady => Order::AskReady,
            State::Lookup => Order::Lookup(self.topics.clone()),
            State::Subscribe => Order::Subscribe(self.providers.clone()),
            State::Completed => Order::Finish,
            State::Register | State::Disseminate => Order::Wait,
        }
        // solution: end
    }

    fn registered(&mut self) {
        if self.state == State::Register {
            self.state = State::IsReady;
        }
    }

    fn ready(&mut self) {
        if self.state == State::IsReady {
            self.state = State::Lookup;
        }
    }

    fn found(&mut self, providers: Vec<Provider>) {
        if self.state == State::Lookup {
            self.providers = providers;
            self.state = State::Subscribe;
        }
    }

    fn subscribed(&mut self) {
        if self.state == State::Subscribe {
            self.state = State::Disseminate;
        }
    }

    fn heard_all(&mut self) {
        if self.state == State::Disseminate {
            self.state = State::Completed;
        }
    }
}
