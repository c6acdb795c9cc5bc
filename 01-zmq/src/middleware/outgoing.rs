//! What a publisher says: a welcome to each subscription, numbered samples, an end. And what a broker passes on.

use super::message::{Content, Publication};
use super::topic::Topic;
use super::turn::{Effect, Output, Turn};
use std::collections::{BTreeMap, BTreeSet};

/// The publishing half of a middleware.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outgoing {
    /// Who publishes.
    name: String,
    /// How many samples each of its own topics has had.
    published: BTreeMap<Topic, u64>,
    /// A broker: what has welcomed it.
    welcome_above: BTreeSet<(Topic, String)>,
}

impl Outgoing {
    /// Nothing published yet.
    pub fn new(name: String) -> Self {
        Outgoing { name, published: BTreeMap::new(), welcome_above: BTreeSet::new() }
    }

    /// It will publish on these topics.
    pub fn announce(&mut self, topics: &[Topic]) {
        self.published = topics.iter().map(|topic| (*topic, 0)).collect();
    }

    /// Somebody has subscribed to a topic here. What is published on it from now on reaches him; the welcome tells him so.
    pub fn subscription(&self, topic: Topic, turn: &mut Turn<'_>) {
        let welcome = |publisher: &str| Publication {
            topic,
            publisher: publisher.to_string(),
            content: Content::Welcome,
        };
        // solution: begin — Part F: welcome a subscriber
        if self.published.contains_key(&topic) {
            turn.ask_for(Effect::Publish(welcome(&self.name)));
        }
        // A broker welcomes to what it hears itself. To the rest it will, by passing on the publisher's welcome.
        for (_, publisher) in self.welcome_above.iter().filter(|(other, _)| *other == topic) {
            turn.ask_for(Effect::Publish(welcome(publisher)));
        }
        // solution: end
    }

    /// Publishes one sample.
    pub fn publish(&mut self, topic: Topic, value: String, turn: &mut Turn<'_>) {
        let count = self.published.entry(topic).or_default();
        let number = *count;
        *count += 1;
        turn.tell(Output::Published { topic, number, value: value.clone() });
        let content = Content::Sample { number, value, sent_us: turn.now_us };
        turn.ask_for(Effect::Publish(Publication { topic, publisher: self.name.clone(), content }));
    }

    /// Says on each of its topics that this was all.
    pub fn end(&self, turn: &mut Turn<'_>) {
        for (topic, samples) in &self.published {
            let content = Content::End { samples: *samples };
            let end = Publication { topic: *topic, publisher: self.name.clone(), content };
            turn.ask_for(Effect::Publish(end));
        }
    }

    /// A broker has heard this, and passes it on as it is.
    pub fn pass_on(&mut self, publication: Publication, turn: &mut Turn<'_>) {
        // solution: begin — Part F: pass on what a broker hears
        if publication.content == Content::Welcome {
            self.welcome_above.insert((publication.topic, publication.publisher.clone()));
        }
        turn.ask_for(Effect::Publish(publication));
        // solution: end
    }
}
