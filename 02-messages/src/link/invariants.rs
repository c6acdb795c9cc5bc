//! The invariants of a link, watched from outside. Given whole.
//!
//! The numbers are those of the handout. The monitor counts segments by itself, without wrapping around: how many were ever sent, how many have come.

use super::message::{Message, Output, Settings};
use super::node::Node;
use simnet::{Happening, Marks, Monitor, NodeId, Nodes, Time, Violation};
use std::collections::BTreeSet;

/// (1) What a link is for.
pub const EXACTLY_ONCE: &str =
    "(B1) every message is handed on exactly once, in the order in which it was sent";
/// (2) The window.
pub const WINDOW: &str = "(B2) at most a window of segments is under way";
/// (3) Acknowledgements are true.
pub const ACKNOWLEDGED: &str = "(B3) what is acknowledged has come";

/// Situations that the monitor recognises. A test that claims one asks for its mark.
pub mod situation {
    /// The number after the largest.
    pub const WRAPPED: &str = "the sequence numbers wrap around";
    /// A segment overtakes another.
    pub const EARLY: &str = "a segment comes before one with a lower number";
    /// A segment comes again.
    pub const AGAIN: &str = "a segment comes that has come before";
    /// A segment is sent again.
    pub const RESENT: &str = "a segment is sent again";
    /// The sender has more to send than it may.
    pub const FULL: &str = "the window is full";
    /// A message of several segments is handed on.
    pub const JOINED: &str = "a message of several fragments is handed on";
    /// The sender has heard that there is nothing left to send.
    pub const KNOWN: &str = "the sender knows that every message has arrived";
    /// An acknowledgement is overtaken by a later one.
    pub const OLD_ACK: &str = "an acknowledgement comes after a later one";
}

/// Watches the invariants over one run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Invariants {
    settings: Settings,
    /// The messages, in order.
    messages: Vec<Vec<u8>>,
    handed_on: usize,
    /// How many segments were ever sent, repetitions not counted.
    sent: u64,
    /// How many of them the sender knows to have come.
    acknowledged: u64,
    /// How many have come without a gap …
    come: u64,
    /// … and which have come beyond that.
    early: BTreeSet<u64>,
    /// The number of the segment that came last.
    last: Option<u32>,
}

impl Invariants {
    /// The invariants of a link that is to carry these messages.
    pub fn new(settings: Settings, messages: Vec<Vec<u8>>) -> Self {
        Invariants {
            settings,
            messages,
            handed_on: 0,
            sent: 0,
            acknowledged: 0,
            come: 0,
            early: BTreeSet::new(),
            last: None,
        }
    }

    /// The number of the segment at this place of all.
    fn number(&self, place: u64) -> u32 {
        // The monitor counts by itself: the lab's own arithmetic may be what is wrong.
        ((u64::from(self.settings.first) + place) % u64::from(self.settings.numbers)) as u32
    }

    /// The place of `number` among the segments from `first` on, one for each number there is.
    fn place(&self, number: u32, first: u64) -> u64 {
        let numbers = u64::from(self.settings.numbers);
        first + (u64::from(number) + numbers - u64::from(self.number(first))) % numbers
    }

    fn segment_sent(&mut self, number: u32, name: &str, marks: &mut Marks) -> Result<(), Violation> {
        let window = u64::from(self.settings.window);
        let place = self.place(number, self.acknowledged);
        let under_way = place + 1 - self.acknowledged;
        if under_way > window {
            let expected = format!(
                "{name} sends one of the {window} numbers from {} on, the oldest not acknowledged",
                self.number(self.acknowledged)
            );
            return Err(Violation::new(WINDOW, expected, format!("Segment {number}")));
        }
        if place < self.sent {
            marks.reach(situation::RESENT);
        } else if place > self.sent {
            let expected = format!("{name} numbers its next segment {}", self.number(self.sent));
            return Err(Violation::new(WINDOW, expected, format!("Segment {number}")));
        } else {
            self.sent += 1;
            if self.sent > 1 && number == 0 {
                marks.reach(situation::WRAPPED);
            }
        }
        if under_way == window {
            marks.reach(situation::FULL);
        }
        Ok(())
    }

    fn segment_comes(&mut self, number: u32, marks: &mut Marks) {
        self.last = Some(number);
        let place = self.place(number, self.come);
        if place >= self.come + u64::from(self.settings.window) || !self.early.insert(place) {
            return marks.reach(situation::AGAIN);
        }
        if place > self.come {
            marks.reach(situation::EARLY);
        }
        while self.early.remove(&self.come) {
            self.come += 1;
        }
    }

    /// (3), as an acknowledgement leaves.
    fn ack_sent(&self, of: u32, next: u32, name: &str) -> Result<(), Violation> {
        let got = format!("Ack of={of} next={next}");
        if next != self.number(self.come) {
            let expected = format!("{name} waits for {}: all before it have come", self.number(self.come));
            return Err(Violation::new(ACKNOWLEDGED, expected, got));
        }
        if !self.has_come(of) {
            let expected = format!("{name} acknowledges a segment that has come, and {of} has not");
            return Err(Violation::new(ACKNOWLEDGED, expected, got));
        }
        Ok(())
    }

    /// Whether a segment of this number has come, as the sender will understand the number: one of the window that the receiver waits
    /// for, or one before it. An acknowledgement of what has come just now is true, however few numbers there are.
    fn has_come(&self, number: u32) -> bool {
        let ahead = self.place(number, self.come);
        let in_window = ahead < self.come + u64::from(self.settings.window);
        self.last == Some(number)
            || self.early.contains(&ahead)
            || (!in_window && ahead >= u64::from(self.settings.numbers))
    }

    fn ack_comes(&mut self, next: u32, marks: &mut Marks) {
        let place = self.place(next, self.acknowledged);
        if place <= self.sent {
            self.acknowledged = place;
            if self.acknowledged == self.sent && self.handed_on == self.messages.len() {
                marks.reach(situation::KNOWN);
            }
        } else {
            marks.reach(situation::OLD_ACK);
        }
    }

    /// (1), as a message is handed on.
    fn handed_on(&mut self, message: &[u8], name: &str, marks: &mut Marks) -> Result<(), Violation> {
        let Some(expected) = self.messages.get(self.handed_on) else {
            let expected = format!("{name} hands on {} messages: no more were sent", self.messages.len());
            return Err(Violation::new(EXACTLY_ONCE, expected, format!("one more: {}", show(message))));
        };
        if expected != message {
            let expected = format!("message {}, {}", self.handed_on, show(expected));
            let again = self.messages.iter().position(|other| other == message);
            let got = match again {
                Some(other) => format!("{name} hands on message {other}, {}", show(message)),
                None => format!("{name} hands on {}, which nobody has sent", show(message)),
            };
            return Err(Violation::new(EXACTLY_ONCE, expected, got));
        }
        self.handed_on += 1;
        if message.len() > self.settings.fragment {
            marks.reach(situation::JOINED);
        }
        Ok(())
    }
}

/// The first bytes of a message, as text where they are text.
fn show(bytes: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(24)]);
    format!("{shown:?}{} ({} bytes)", if bytes.len() > 24 { "…" } else { "" }, bytes.len())
}

impl Monitor<Node> for Invariants {
    fn check(
        &mut self,
        _at: Time,
        happening: &Happening<'_, Node>,
        nodes: &dyn Nodes<Node>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        let name = |node: NodeId| nodes.name(node);
        match *happening {
            Happening::Sent { from, message: Message::Segment { number, .. }, .. } => {
                self.segment_sent(*number, name(from), marks)
            }
            Happening::Sent { from, message: Message::Ack { of, next }, .. } => {
                self.ack_sent(*of, *next, name(from))
            }
            Happening::Delivered { message: Message::Segment { number, .. }, .. } => {
                self.segment_comes(*number, marks);
                Ok(())
            }
            Happening::Delivered { message: Message::Ack { next, .. }, .. } => {
                self.ack_comes(*next, marks);
                Ok(())
            }
            Happening::Output { node, output: Output(message) } => self.handed_on(message, name(node), marks),
            _ => Ok(()),
        }
    }
}
