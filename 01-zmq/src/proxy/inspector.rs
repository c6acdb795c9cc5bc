//! What goes by, and what may. A topic is how a message begins, up to the first space or colon.

use crate::weather::subscription::Subscription;
use std::collections::BTreeMap;
use std::str::FromStr;

/// How many topics are counted each on its own; what comes after them is counted together.
pub const MOST_TOPICS: usize = 1000;
/// How many bytes of a topic are looked at.
const LONGEST_TOPIC: usize = 64;
/// What all other topics are counted under.
pub const OTHERS: &[u8] = b"(others)";

/// What becomes of messages that begin so. The first rule that fits is the one that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// They go no further.
    Drop(Vec<u8>),
    /// Their beginning is replaced by another one.
    Rewrite {
        /// How they begin.
        from: Vec<u8>,
        /// How they begin afterwards.
        to: Vec<u8>,
    },
}

impl FromStr for Rule {
    type Err = String;

    /// `FROM=TO`.
    fn from_str(text: &str) -> Result<Self, String> {
        let rule = text.split_once('=').filter(|(from, _)| !from.is_empty());
        let (from, to) = rule
            .ok_or_else(|| format!("read the rule `{text}`, expected FROM=TO, such as temp=temperature"))?;
        Ok(Rule::Rewrite { from: from.into(), to: to.into() })
    }
}

/// What has become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on as it came.
    Passed,
    /// It goes on with another beginning.
    Rewritten,
    /// It does not go on.
    Dropped,
}

/// What has gone by under one topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Messages that came.
    pub messages: u64,
    /// Their bytes, all parts.
    pub bytes: u64,
    /// Those of the messages that were dropped.
    pub dropped: u64,
}

/// Counts what goes by, and applies rules.
#[derive(Clone, Debug, Default)]
pub struct Inspector {
    rules: Vec<Rule>,
    seen: BTreeMap<Vec<u8>, Seen>,
}

impl Inspector {
    /// An inspector with these rules.
    pub fn new(rules: Vec<Rule>) -> Self {
        Inspector { rules, seen: BTreeMap::new() }
    }

    /// What has gone by, topic by topic, as it was when it came.
    pub fn seen(&self) -> impl Iterator<Item = (&[u8], Seen)> {
        self.seen.iter().map(|(topic, seen)| (&topic[..], *seen))
    }

    /// Looks at a message of `bytes` bytes that begins with `first`, its first part, and changes that if a rule says so.
    pub fn inspect(&mut self, first: &mut Vec<u8>, bytes: u64) -> Verdict {
        let topic = self.counted_as(first);
        let seen = self.seen.entry(topic).or_default();
        // solution: begin — Part B: inspect a message
        seen.messages += 1;
        seen.bytes += bytes;
        for rule in &self.rules {
            match rule {
                Rule::Drop(prefix) if first.starts_with(prefix) => {
                    seen.dropped += 1;
                    return Verdict::Dropped;
                }
                Rule::Rewrite { from, to } if first.starts_with(from) => {
                    first.splice(..from.len(), to.iter().copied());
                    return Verdict::Rewritten;
                }
                _ => {}
            }
        }
        Verdict::Passed
        // solution: end
    }

    /// Memory is bounded: whoever invents topics fills no table.
    fn counted_as(&self, first: &[u8]) -> Vec<u8> {
        let end = first.iter().position(|byte| b" :".contains(byte)).unwrap_or(first.len());
        let topic = &first[..end.min(LONGEST_TOPIC)];
        let known = self.seen.contains_key(topic) || self.seen.len() < MOST_TOPICS;
        if known { topic.to_vec() } else { OTHERS.to_vec() }
    }

    /// What must be subscribed to upstream so that a subscriber of this gets all that is meant for it: messages are compared
    /// with its topic after they were rewritten here, and before that at their publisher.
    pub fn upstream(&self, subscription: &Subscription) -> Vec<Subscription> {
        let wanted = subscription.topic();
        let mut topics = vec![wanted.to_vec()];
        // solution: begin — Part B: subscribe to what will be rewritten
        for rule in &self.rules {
            let Rule::Rewrite { from, to } = rule else { continue };
            let topic = match wanted.strip_prefix(&to[..]) {
                Some(rest) => [from, rest].concat(),
                None if to.starts_with(wanted) => from.clone(),
                None => continue,
            };
            if !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        // solution: end
        let same = |topic| match subscription {
            Subscription::Begin(_) => Subscription::Begin(topic),
            Subscription::End(_) => Subscription::End(topic),
        };
        topics.into_iter().map(same).collect()
    }
}
