//! The publisher's application: it measures so often, so many times.

use super::{Application, Order, State};
use crate::middleware::frequency::Frequency;
use crate::middleware::message::Role;
use crate::middleware::topic::Topic;
use simnet::RandomSource;

/// Measures, at its frequency, one value of each of its topics.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Publisher {
    state: State,
    /// How many topics it draws.
    topic_count: usize,
    topics: Vec<Topic>,
    frequency: Frequency,
    /// How many measurements are left.
    left: u64,
}

impl Publisher {
    /// A publisher of so many topics, drawn from all, that measures `iterations` times.
    pub fn new(topic_count: usize, frequency: Frequency, iterations: u64) -> Self {
        Publisher { state: State::Initialize, topic_count, topics: Vec::new(), frequency, left: iterations }
    }
}

impl Application for Publisher {
    fn role(&self) -> Role {
        Role::Publisher
    }

    fn state(&self) -> State {
        self.state
    }

    fn invoke(&mut self, random: &mut dyn RandomSource) -> Order {
        // solution: begin — Part F: what a publisher does in each state
        match self.state {
            State::Initialize => {
                self.state = State::Configure;
                Order::Again
            }
            State::Configure => {
                self.topics = draw(self.topic_count, random);
                self.state = State::Register;
                Order::Register(self.topics.clone())
            }
            State::IsReady => Order::AskReady,
            State::Disseminate if self.left > 0 => {
                self.left -= 1;
                let samples = self.topics.iter().map(|topic| (*topic, topic.measure(random))).collect();
                Order::Publish { samples, again: self.frequency.period() }
            }
            State::Disseminate => {
                self.state = State::Completed;
                Order::Finish
            }
            State::Register | State::Lookup | State::Subscribe | State::Completed => Order::Wait,
        }
        // solution: end
    }

    fn registered(&mut self) {
        // solution: begin — Part F: the publisher takes part
        if self.state == State::Register {
            self.state = State::IsReady;
        }
        // solution: end
    }

    fn ready(&mut self) {
        // solution: begin — Part F: the publisher may go on
        if self.state == State::IsReady {
            self.state = State::Disseminate;
        }
        // solution: end
    }
}

/// So many topics of all, each as likely, in the order of [`Topic::ALL`].
pub fn draw(count: usize, random: &mut dyn RandomSource) -> Vec<Topic> {
    let mut left = Topic::ALL.to_vec();
    while left.len() > count {
        left.remove(random.below(left.len() as u64) as usize);
    }
    left
}
