//! Whole runs of a link: one sender, one receiver, so many messages. Given whole.

use super::invariants::{Invariants, situation};
use super::message::Settings;
use super::node::{Node, View};
use super::number::largest_window;
use super::receiver::Receiver;
use super::sender::Sender;
use crate::scene::{Bounds, Outputs, Scene};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use simnet::checked::{Duplicates, Order};
use simnet::delay::Micros;
use simnet::local::transport::TransportKind;
use simnet::{Cluster, NodeId, Observe, Random, RandomSource, Swarm};
use std::time::Duration;

/// The receiver has room for a whole window.
const MOST_WINDOW: u64 = 100_000;
/// What may be sent in one run, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// The sender, `s`.
pub const SENDER: NodeId = NodeId(0);
/// The receiver, `r`.
pub const RECEIVER: NodeId = NodeId(1);

/// A link and its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// How many messages there are to carry.
    pub messages: u64,
    /// The longest has so many bytes; lengths vary.
    pub longest_message: usize,
    /// How many bytes a segment carries at most.
    pub fragment: usize,
    /// How many sequence numbers there are.
    pub numbers: u32,
    /// The first.
    pub first: u32,
    /// How many segments may be under way; when absent, the largest number that is safe, up to 32.
    pub window: Option<u32>,
    /// How long the sender waits for an acknowledgement at first.
    pub resend: Micros,
    /// The longest it waits.
    pub longest: Micros,
}

impl Default for Roles {
    fn default() -> Self {
        Roles {
            messages: 12,
            longest_message: 30,
            fragment: 16,
            numbers: 1 << 16,
            first: (1 << 16) - 4,
            window: Some(4),
            resend: Micros(25_000),
            longest: Micros(400_000),
        }
    }
}

impl Roles {
    /// How the link is set up.
    pub fn settings(&self) -> Settings {
        Settings {
            numbers: self.numbers,
            first: self.first,
            window: self.window.unwrap_or_else(|| largest_window(self.numbers).clamp(1, 32)),
            fragment: self.fragment,
            resend: self.resend.into(),
            longest: self.longest.into(),
        }
    }

    /// The messages, each another, of lengths that vary.
    pub fn work(&self) -> Vec<Vec<u8>> {
        (0..self.messages).map(|number| work(number, self.longest_message)).collect()
    }
}

/// The message of this number: its number, and as much more as makes lengths vary up to `longest`.
pub fn work(number: u64, longest: usize) -> Vec<u8> {
    let mut message = format!("{number}").into_bytes();
    let length = (number.wrapping_mul(7_919) % (longest as u64 + 1)) as usize;
    message.extend((message.len()..length).map(|place| b'a' + ((place as u64 + number) % 26) as u8));
    message
}

impl std::fmt::Display for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} messages of up to {} bytes, {} in a segment, a window of {}, numbers from {} on below {}, resend after {} to {}",
            self.messages,
            self.longest_message,
            self.fragment,
            self.settings().window,
            self.first,
            self.numbers,
            self.resend,
            self.longest
        )
    }
}

impl Scene for Roles {
    type Node = Node;
    type Rules = Invariants;

    const PROTOCOL: &'static str = "link";
    const STORM_TEST: &'static str = "part_b_carries_everything_through_any_storm";
    const GOAL: &'static str = "(B4) once the network delivers, every message arrives, and the sender knows";

    const SETTLED: Option<&'static str> = Some(situation::KNOWN);

    // It mends what datagrams lack, and needs nothing that does.
    const TRANSPORT: TransportKind = TransportKind::Datagram;

    fn check(&self) -> Result<(), String> {
        let ranges = [
            ("messages", self.messages, 1..=1_000_000),
            ("longest_message", self.longest_message as u64, 0..=1_000_000),
            ("fragment", self.fragment as u64, 1..=60_000),
            ("numbers", u64::from(self.numbers), 2..=u64::from(u32::MAX)),
            ("first", u64::from(self.first), 0..=u64::from(self.numbers) - 1),
            ("window", u64::from(self.window.unwrap_or(1)), 1..=MOST_WINDOW.min(u64::from(self.numbers) - 1)),
            ("resend", self.resend.0, 1..=60_000_000),
            ("longest", self.longest.0, self.resend.0..=3_600_000_000),
        ];
        if let Some((what, read, range)) = ranges.into_iter().find(|(_, read, range)| !range.contains(read)) {
            return Err(format!("read {what} = {read}, expected {} to {}", range.start(), range.end()));
        }
        // All of it is held in memory, at both ends and by the monitor.
        let bytes = self.messages * self.longest_message as u64;
        if bytes > MOST_BYTES {
            return Err(format!(
                "read {} messages of up to {} bytes, expected at most {MOST_BYTES} bytes in all",
                self.messages, self.longest_message
            ));
        }
        Ok(())
    }

    fn cluster(&self) -> Cluster<Node> {
        let mut cluster = Cluster::new();
        let (settings, roles) = (self.settings(), self.clone());
        cluster.node("s", move || Node::Sender(Sender::new(settings, RECEIVER, roles.work())));
        cluster.node("r", move || Node::Receiver(Receiver::new(settings)));
        cluster
    }

    fn rules(&self) -> Invariants {
        Invariants::new(self.settings(), self.work())
    }

    fn draw(random: &mut Random) -> Self {
        let fragment = *random.pick(&[1, 4, 16]);
        let numbers = 1 << 16;
        Roles {
            messages: *random.pick(&[1, 10, 40]),
            longest_message: fragment * *random.pick(&[1, 3, 5]),
            fragment,
            numbers,
            // Soon the numbers begin anew.
            first: numbers - 1 - random.below(20) as u32,
            window: Some(*random.pick(&[1, 2, 7, 32])),
            resend: Micros(*random.pick(&[3_000, 20_000, 80_000])),
            longest: Micros(*random.pick(&[80_000, 300_000])),
        }
    }

    fn swarm(&self) -> Swarm {
        // An end that crashes forgets its numbers, so nothing crashes here.
        Swarm { messages: ["Segment", "Ack"].map(Into::into).to_vec(), ..Swarm::default() }
    }

    fn patience(&self) -> Duration {
        // Every segment may have to wait for an acknowledgement of its own, and the first for the longest pause.
        let segments = self.messages * (self.longest_message.div_ceil(self.fragment) as u64 + 1);
        Duration::from(self.longest) * 2 + Duration::from_millis(25) * segments as u32
    }

    fn is_done(&self, told: &Outputs<Self>, _is_up: &dyn Fn(NodeId) -> bool) -> bool {
        told.len() as u64 >= self.messages
    }

    fn outcome<'a>(
        &self,
        told: &Outputs<Self>,
        process: &dyn Fn(NodeId) -> Option<&'a Node>,
    ) -> Map<String, Value> {
        let mut outcome = Map::new();
        outcome.insert("messages".to_string(), json!(self.messages));
        outcome.insert("delivered".to_string(), json!(told.len()));
        if let Some(View::Sender { waiting, outstanding, .. }) = process(SENDER).map(Observe::view) {
            outcome.insert("waiting".to_string(), json!(waiting));
            outcome.insert("segments_not_acknowledged".to_string(), json!(outstanding));
        }
        outcome
    }

    fn small() -> Self {
        Roles {
            messages: 6,
            longest_message: 0,
            fragment: 1,
            numbers: 4,
            first: 3,
            window: None,
            // One pause: how long it is makes no difference where an alarm goes off at any time.
            resend: Micros(1_000),
            longest: Micros(1_000),
        }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            crashes: 0,
            may_crash: Vec::new(),
            duplicates: Duplicates::AtMost(0),
            order: Order::Lossy { most: 2 },
            within: String::new(),
        }
    }
}
