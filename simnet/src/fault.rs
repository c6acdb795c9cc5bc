//! Faults as data: what goes wrong, when, and for how long. A plan can be printed, edited, shrunk and kept.
#![doc = include_str!("faults.md")]

use crate::delay::{Micros, format_us};
use crate::random::Chance;
use crate::storage::DiskFate;
use crate::trace::Name;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that goes wrong. Nodes are named as in the [`Cluster`](crate::Cluster); an empty list of nodes means all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Nothing passes between nodes of different sides, either way. A node on no side reaches all.
    Partition {
        /// The sides.
        sides: Vec<Vec<Name>>,
    },
    /// Nothing passes from these nodes to those; the way back is open.
    OneWay {
        /// The senders.
        from: Vec<Name>,
        /// The readers.
        to: Vec<Name>,
    },
    /// Nothing passes to or from this node.
    Isolate {
        /// The node.
        node: Name,
    },
    /// What arrives at this node is lost there, each message with this probability: also what was under way when the fault began.
    Deaf {
        /// The node.
        node: Name,
        /// Deaf to these senders; empty for all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        from: Vec<Name>,
        /// The probability.
        chance: Chance,
    },
    /// What this node sends is lost at the sender, each message with this probability.
    Mute {
        /// The node.
        node: Name,
        /// The probability.
        chance: Chance,
    },
    /// What these nodes send to those is lost at the sender, each message with this probability.
    Loss {
        /// The senders; empty for all.
        #[serde(default)]
        from: Vec<Name>,
        /// The readers; empty for all.
        #[serde(default)]
        to: Vec<Name>,
        /// The probability.
        chance: Chance,
    },
    /// Messages of this name are lost at the sender, with this probability.
    Filter {
        /// The message's name.
        message: Name,
        /// The senders; empty for all.
        #[serde(default)]
        from: Vec<Name>,
        /// The readers; empty for all.
        #[serde(default)]
        to: Vec<Name>,
        /// The probability.
        #[serde(default = "always")]
        chance: Chance,
    },
    /// What these nodes send to those takes longer.
    Slow {
        /// The senders; empty for all.
        #[serde(default)]
        from: Vec<Name>,
        /// The readers; empty for all.
        #[serde(default)]
        to: Vec<Name>,
        /// How much longer.
        by: Micros,
    },
    /// Each link from these nodes to those carries so many bytes a second; messages queue for it.
    Bandwidth {
        /// The senders; empty for all.
        #[serde(default)]
        from: Vec<Name>,
        /// The readers; empty for all.
        #[serde(default)]
        to: Vec<Name>,
        /// Bytes a second.
        bytes_per_second: u64,
    },
    /// The node crashes. When the fault ends, it restarts.
    Crash {
        /// The node.
        node: Name,
        /// What becomes of its storage.
        #[serde(default)]
        disk: DiskFate,
    },
    /// The node crashes within a handler: after so many of the effects that its next handlers record. When the fault ends, it restarts.
    CrashAmid {
        /// The node.
        node: Name,
        /// How many effects are still carried out.
        effects: u32,
        /// What becomes of its storage.
        #[serde(default)]
        disk: DiskFate,
    },
    /// The node reacts to nothing, and then, when the fault ends, to everything that came meanwhile.
    Pause {
        /// The node.
        node: Name,
    },
    /// The node's next write fails, which stops it. When the fault ends there is room again, and it restarts.
    DiskFull {
        /// The node.
        node: Name,
    },
    /// The node's clock is set ahead (or, negative, behind), and runs fast (or slow).
    Clock {
        /// The node.
        node: Name,
        /// Microseconds ahead.
        #[serde(default)]
        ahead_us: i64,
        /// Millionths fast: 100,000 is ten percent.
        #[serde(default)]
        drift_ppm: i32,
    },
    /// Old messages come again: so many of those the network has seen, at random.
    Replay {
        /// How many.
        messages: u32,
    },
}

fn always() -> Chance {
    Chance::ALWAYS
}

impl Fault {
    /// The kinds of faults, in the order of their documentation.
    pub const KINDS: [&'static str; 15] = [
        "partition",
        "one_way",
        "isolate",
        "deaf",
        "mute",
        "loss",
        "filter",
        "slow",
        "bandwidth",
        "crash",
        "crash_amid",
        "pause",
        "disk_full",
        "clock",
        "replay",
    ];

    /// The kind of the fault, as counters and files name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::Partition { .. } => "partition",
            Fault::OneWay { .. } => "one_way",
            Fault::Isolate { .. } => "isolate",
            Fault::Deaf { .. } => "deaf",
            Fault::Mute { .. } => "mute",
            Fault::Loss { .. } => "loss",
            Fault::Filter { .. } => "filter",
            Fault::Slow { .. } => "slow",
            Fault::Bandwidth { .. } => "bandwidth",
            Fault::Crash { .. } => "crash",
            Fault::CrashAmid { .. } => "crash_amid",
            Fault::Pause { .. } => "pause",
            Fault::DiskFull { .. } => "disk_full",
            Fault::Clock { .. } => "clock",
            Fault::Replay { .. } => "replay",
        }
    }
}

impl Fault {
    /// Whether the fault is in force on links, and not at one node.
    pub(crate) fn is_of_the_network(&self) -> bool {
        match self {
            Fault::Partition { .. }
            | Fault::OneWay { .. }
            | Fault::Isolate { .. }
            | Fault::Deaf { .. }
            | Fault::Mute { .. }
            | Fault::Loss { .. }
            | Fault::Filter { .. }
            | Fault::Slow { .. }
            | Fault::Bandwidth { .. } => true,
            Fault::Crash { .. }
            | Fault::CrashAmid { .. }
            | Fault::Pause { .. }
            | Fault::DiskFull { .. }
            | Fault::Clock { .. }
            | Fault::Replay { .. } => false,
        }
    }

    /// The nodes that the fault names.
    pub fn nodes(&self) -> Vec<&Name> {
        match self {
            Fault::Partition { sides } => sides.iter().flatten().collect(),
            Fault::OneWay { from, to }
            | Fault::Loss { from, to, .. }
            | Fault::Filter { from, to, .. }
            | Fault::Slow { from, to, .. }
            | Fault::Bandwidth { from, to, .. } => from.iter().chain(to).collect(),
            Fault::Deaf { node, from, .. } => std::iter::once(node).chain(from).collect(),
            Fault::Isolate { node }
            | Fault::Mute { node, .. }
            | Fault::Crash { node, .. }
            | Fault::CrashAmid { node, .. }
            | Fault::Pause { node }
            | Fault::DiskFull { node }
            | Fault::Clock { node, .. } => vec![node],
            Fault::Replay { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |nodes: &[Name]| if nodes.is_empty() { "all".to_string() } else { nodes.join(" ") };
        match self {
            Fault::Partition { sides } => {
                let sides: Vec<String> = sides.iter().map(|side| format!("{{{}}}", side.join(" "))).collect();
                write!(f, "partition {}", sides.join(" | "))
            }
            Fault::OneWay { from, to } => write!(f, "one-way cut from {} to {}", all(from), all(to)),
            Fault::Isolate { node } => write!(f, "isolate {node}"),
            Fault::Deaf { node, from, chance } if from.is_empty() => write!(f, "{node} deaf, {chance}"),
            Fault::Deaf { node, from, chance } => write!(f, "{node} deaf to {}, {chance}", from.join(" ")),
            Fault::Mute { node, chance } => write!(f, "{node} mute, {chance}"),
            Fault::Loss { from, to, chance } => {
                write!(f, "loss from {} to {}, {chance}", all(from), all(to))
            }
            Fault::Filter { message, from, to, chance } => {
                write!(f, "lose {message} from {} to {}, {chance}", all(from), all(to))
            }
            Fault::Slow { from, to, by } => write!(f, "slow from {} to {} by {by}", all(from), all(to)),
            Fault::Bandwidth { from, to, bytes_per_second } => {
                write!(f, "bandwidth from {} to {}: {bytes_per_second} B/s a link", all(from), all(to))
            }
            Fault::Crash { node, disk } => write!(f, "crash {node}, {disk}"),
            Fault::CrashAmid { node, effects, disk } => {
                write!(f, "crash {node} after {effects} more effects, {disk}")
            }
            Fault::Pause { node } => write!(f, "pause {node}"),
            Fault::DiskFull { node } => write!(f, "disk of {node} full"),
            Fault::Clock { node, ahead_us, drift_ppm } => {
                write!(f, "clock of {node} ahead {ahead_us} us, fast {drift_ppm} ppm")
            }
            Fault::Replay { messages } => write!(f, "replay {messages} old messages"),
        }
    }
}

/// What becomes, when a fault of the network ends, of the messages that were lost to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Late {
    /// They stay lost.
    #[default]
    Never,
    /// They arrive at that moment, in the order in which they were sent, each copy once.
    InOrder,
    /// They arrive at that moment, in random order, each copy once.
    Shuffled,
}

/// A fault and its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// When it begins, after the start of the run.
    pub at: Micros,
    /// How long it lasts; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Micros>,
    /// What becomes at its end of the messages lost to it.
    #[serde(default)]
    pub late: Late,
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
}

impl fmt::Display for Scheduled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}", format_us(self.at.0))?;
        if let Some(lasts) = self.lasts {
            write!(f, " for {}", format_us(lasts.0))?;
        }
        write!(f, ": {}", self.fault)?;
        match self.late {
            Late::Never => Ok(()),
            Late::InOrder => f.write_str("; what is lost arrives at the end"),
            Late::Shuffled => f.write_str("; what is lost arrives at the end, shuffled"),
        }
    }
}

/// Faults in time: what a seed expands to, and what a scenario lists by hand.
///
/// The nodes start first: a fault at 0 begins after all of them have started, and what they send at their start is under way. So `slow`,
/// `bandwidth`, `mute` and `filter`, which act on a message as it leaves, do nothing to it. A cut and `deaf` lose it, since they act
/// as it arrives too. A node that crashes at 0 has started and spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plan {
    /// The faults. Those of one instant begin and end before anything else of that instant: first those of the network, then those of nodes, each
    /// in this order. So no message slips between, and a node that restarts speaks into the network as it is after all of them.
    pub faults: Vec<Scheduled>,
}

impl Plan {
    /// A plan in which nothing goes wrong.
    pub fn new() -> Self {
        Plan::default()
    }

    /// One more fault, from `at` on.
    pub fn at(mut self, at: impl Into<Micros>, fault: Fault) -> Self {
        self.faults.push(Scheduled { at: at.into(), lasts: None, late: Late::Never, fault });
        self
    }

    /// One more fault, from `at` on, for `lasts`.
    pub fn during(mut self, at: impl Into<Micros>, lasts: impl Into<Micros>, fault: Fault) -> Self {
        self.faults.push(Scheduled { at: at.into(), lasts: Some(lasts.into()), late: Late::Never, fault });
        self
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.faults.is_empty() {
            return f.write_str("no faults");
        }
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}
