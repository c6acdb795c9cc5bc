//! How many want what. Upstream hears of a topic when the first one wants it, and when the last one has gone.

use crate::weather::subscription::Subscription;
use std::collections::BTreeMap;

/// How many subscriptions there are to each topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions {
    /// A topic that nobody wants has no entry.
    wanted: BTreeMap<Vec<u8>, u64>,
}

impl Subscriptions {
    /// A subscription begins or ends. Returns what is to go upstream: itself, when it is the first or the last of its topic.
    /// The end of what nobody wants changes nothing.
    pub fn change(&mut self, subscription: &Subscription) -> Option<Subscription> {
        // solution: begin — Part B: what goes upstream
        match subscription {
            Subscription::Begin(topic) => {
                let count = self.wanted.entry(topic.clone()).or_default();
                *count += 1;
                (*count == 1).then(|| subscription.clone())
            }
            Subscription::End(topic) => {
                let count = self.wanted.get_mut(topic)?;
                *count -= 1;
                if *count > 0 {
                    return None;
                }
                self.wanted.remove(topic);
                Some(subscription.clone())
            }
        }
        // solution: end
    }

    /// The topics that somebody wants, and how many do.
    pub fn wanted(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.wanted.iter().map(|(topic, count)| (&topic[..], *count))
    }
}
