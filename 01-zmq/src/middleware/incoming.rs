//! What a subscriber hears: each sample once, in its publisher's order; and what it has missed.

use super::message::{Content, Endpoint, Provider, Publication};
use super::topic::Topic;
use super::turn::{Effect, Output, Turn};
use std::collections::BTreeMap;

/// So many samples of one publisher and topic may wait for an earlier one. Then it is given up.
const MOST_EARLY: usize = 1024;

/// One topic of one publisher.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Track {
    /// Where it comes from.
    endpoint: Endpoint,
    /// The subscription is in force.
    welcome: bool,
    /// The number of the sample that is handed over next.
    next: u64,
    /// What has come too early, by number: value and latency.
    early: BTreeMap<u64, (String, u64)>,
    /// How many samples there are in all, once that is known.
    samples: Option<u64>,
    /// The time to wait for what the end has overtaken has begun.
    waited_for: bool,
    missed: u64,
}

impl Track {
    fn is_over(&self) -> bool {
        self.samples.is_some_and(|samples| self.next >= samples)
    }
}

/// All that a subscriber has subscribed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Incoming {
    tracks: BTreeMap<(Topic, String), Track>,
    received: u64,
}

impl Incoming {
    /// It will hear all that these publish.
    pub fn expect(&mut self, providers: Vec<Provider>) {
        for Provider { publisher, endpoint, topics } in providers {
            for topic in topics {
                let track = Track {
                    endpoint: endpoint.clone(),
                    welcome: false,
                    next: 0,
                    early: BTreeMap::new(),
                    samples: None,
                    waited_for: false,
                    missed: 0,
                };
                self.tracks.insert((topic, publisher.clone()), track);
            }
        }
    }

    /// Subscribes to whatever has no welcome yet.
    pub fn subscribe(&self, turn: &mut Turn<'_>) {
        let mut asked = Vec::new();
        for ((topic, _), track) in self.tracks.iter().filter(|(_, track)| !track.welcome) {
            // A broker serves many publishers at one endpoint.
            let subscription = (track.endpoint.clone(), *topic);
            if !asked.contains(&subscription) {
                turn.ask_for(Effect::Subscribe(subscription.0.clone(), subscription.1));
                asked.push(subscription);
            }
        }
    }

    /// Whether all subscriptions are in force.
    pub fn is_welcome(&self) -> bool {
        self.tracks.values().all(|track| track.welcome)
    }

    /// Whether all that it subscribed to has ended, and been handed over or missed.
    pub fn is_over(&self) -> bool {
        self.tracks.values().all(Track::is_over)
    }

    /// Whether a publisher has ended whose samples are not all there.
    pub fn lacks(&self) -> bool {
        self.tracks.values().any(|track| track.samples.is_some() && !track.is_over())
    }

    /// Something was heard. Returns whether it was something that had been asked for, and can be.
    pub fn heard(&mut self, publication: &Publication, turn: &mut Turn<'_>) -> bool {
        let key = (publication.topic, publication.publisher.clone());
        let Some(track) = self.tracks.get_mut(&key) else { return false };
        match &publication.content {
            // After this number there is none: nobody has published so often.
            Content::Sample { number: u64::MAX, .. } => return false,
            Content::Welcome => track.welcome = true,
            Content::Sample { number, value, sent_us } => {
                let latency_us = turn.now_us.saturating_sub(*sent_us);
                // solution: begin — Part F: each sample once, in its publisher's order
                if *number >= track.next && !track.is_over() {
                    track.early.insert(*number, (value.clone(), latency_us));
                }
                if track.early.len() > MOST_EARLY {
                    track.skip();
                }
                // solution: end
            }
            Content::End { samples } => track.samples = Some(*samples),
        }
        self.received += hand_over(&key, track, turn);
        true
    }

    /// From now on a time runs for what has ended and is not all there. What ends later has a time of its own: its samples may still be on
    /// their way when this one is over.
    pub fn begin_to_wait(&mut self) {
        for track in self.tracks.values_mut().filter(|track| track.samples.is_some() && !track.is_over()) {
            track.waited_for = true;
        }
    }

    /// The time is over. What it ran for and has not come has been lost: it is counted, and what came after it handed over.
    pub fn give_up(&mut self, turn: &mut Turn<'_>) {
        for (key, track) in self.tracks.iter_mut().filter(|(_, track)| track.waited_for) {
            while let Some(samples) = track.samples.filter(|_| !track.is_over()) {
                if track.early.is_empty() {
                    track.missed += samples - track.next;
                    track.next = samples;
                } else {
                    track.skip();
                    self.received += hand_over(key, track, turn);
                }
            }
        }
    }

    /// How many samples were handed over, and how many missed.
    pub fn counts(&self) -> (u64, u64) {
        // What a liar says that he has published can add up to any number.
        let missed = self.tracks.values().fold(0, |sum: u64, track| sum.saturating_add(track.missed));
        (self.received, missed)
    }

    /// The publishers and topics that have no welcome yet, or else have not ended.
    pub fn waits_for(&self) -> String {
        let welcome = self.is_welcome();
        let open = self.tracks.iter().filter(|(_, track)| !track.welcome || (welcome && !track.is_over()));
        let names: Vec<String> =
            open.map(|((topic, publisher), _)| format!("{topic} of {publisher}")).collect();
        format!("{} {}", if welcome { "the end of" } else { "a welcome to" }, names.join(", "))
    }
}

impl Track {
    /// Goes on with the first sample that is there.
    fn skip(&mut self) {
        if let Some((first, _)) = self.early.first_key_value() {
            self.missed += first - self.next;
            self.next = *first;
        }
    }
}

/// Hands over what can be handed over now. Returns how many samples.
fn hand_over((topic, publisher): &(Topic, String), track: &mut Track, turn: &mut Turn<'_>) -> u64 {
    let before = track.next;
    // solution: begin — Part F: hand over what is next
    while let Some((value, latency_us)) = track.early.remove(&track.next) {
        let (publisher, number) = (publisher.clone(), track.next);
        turn.tell(Output::Received { topic: *topic, publisher, number, value, latency_us });
        track.next += 1;
    }
    // solution: end
    track.next - before
}
