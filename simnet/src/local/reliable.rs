//! One link over datagrams: messages arrive exactly once and in order, whatever the network loses, doubles and reorders. Pure.
//!
//! A [`Link`] is one side of a pair of nodes, both ways at once. It knows no socket and no clock: it is told what has come
//! ([`Link::receive`]) and what time it is, and is asked what to send ([`Link::poll`]) and when to ask again ([`Link::wakes_at`]).
//!
//! **Fragments.** A message is cut into fragments that fit a packet. Each has a sequence number, which wraps around; numbers are compared by their
//! distance (RFC 1982). The reader puts them in order and joins them.
//!
//! **Window.** At most [`WINDOW`] fragments are under way, so the reader never has to keep more than as many.
//!
//! **Acknowledgements.** Each packet says which fragment its sender waits for, and which of those after it are there already (as TCP's
//! selective acknowledgements do, RFC 2018). What three later ones have passed over is sent again
//! after one round trip (as in RFC 8985: reordering alone does that too); all else after a time that
//! follows the measured round trips (Jacobson 1988; RFC 6298), not counting those of fragments sent twice (Karn 1987), and doubles with each time.
//!
//! **Lives.** A node that starts again has forgotten all numbers, so each start of a node is a life of its own, with a higher number
//! than the one before. Fragments are sent only to a life that is known, and taken only by the life that they are meant for. When a peer turns out to have
//! started again, messages of which something was sent already are lost: its earlier life may have read them. So no message is
//! read twice, not even by two lives of one node. Those not yet begun go to the new life.

use super::packet::{Fragment, MAX_FRAGMENT, Segment};
use std::collections::VecDeque;

/// How many fragments may be under way; a packet's acknowledgements reach as far.
pub const WINDOW: usize = 64;

/// After how many packets that passed it over a fragment is taken for lost.
const PASSED_OVER: u32 = 3;
/// After so many attempts only the oldest fragment is still sent: the peer is away.
const ATTEMPTS: u32 = 6;

/// How a link behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The sequence number of the first fragment. Both sides must agree.
    pub first_seq: u32,
    /// How many messages may wait to be sent; one more is refused.
    pub most_waiting: usize,
    /// How long a message may be, in bytes.
    pub longest_message: usize,
    /// How long to wait for an answer before any round trip was measured, in microseconds.
    pub first_timeout_us: u64,
    /// The shortest and the longest wait, in microseconds.
    pub timeouts_us: (u64, u64),
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            first_seq: 0,
            most_waiting: 4096,
            longest_message: super::frame::HEAD + super::frame::MAX_BODY,
            first_timeout_us: 50_000,
            timeouts_us: (5_000, 1_000_000),
        }
    }
}

/// What a link has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Fragments sent for the first time.
    pub sent: u64,
    /// Fragments sent again.
    pub sent_again: u64,
    /// Fragments that came once more.
    pub duplicates: u64,
    /// Messages given up because the peer had started again.
    pub lost: u64,
}

/// The message was not taken: as many as may wait are waiting, or it is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too many wait already.
    #[error("{waiting} messages wait already")]
    Full {
        /// How many wait.
        waiting: usize,
    },
    /// Longer than a message may be.
    #[error("a message of {length} bytes, expected at most {longest}")]
    TooLong {
        /// Its bytes.
        length: usize,
        /// The most allowed.
        longest: usize,
    },
}

/// A fragment that was sent, or is about to be.
#[derive(Debug)]
struct UnderWay {
    more: bool,
    bytes: Vec<u8>,
    acknowledged: bool,
    attempts: u32,
    last_sent_us: u64,
    passed_over: u32,
}

/// One side of a link.
#[derive(Debug)]
pub struct Link {
    settings: Settings,
    life: u64,
    peer_life: Option<u64>,
    /// When to ask the peer who it is, and how often that was done.
    ask_at_us: u64,
    asked: u32,
    /// At its start a node says that it is there: its peers need not find out with a message that they lose.
    greets: bool,

    waiting: VecDeque<Vec<u8>>,
    /// The message that is being cut, and how much of it has been.
    cutting: Option<(Vec<u8>, usize)>,
    /// The number that the next fragment gets.
    next_seq: u32,
    under_way: VecDeque<UnderWay>,
    /// The smoothed round trip and its variation; `None` before the first measurement.
    round_trip_us: Option<(u64, u64)>,

    /// The number that is read next, and what came before its turn.
    expected: u32,
    early: VecDeque<Option<Fragment>>,
    /// The message that is being joined; `None` while one that is too long passes by.
    joining: Option<Vec<u8>>,
    ready: VecDeque<Vec<u8>>,
    owes_ack: bool,
    counts: Counts,
}

impl Link {
    /// A link of a node in this life: a number above 0, higher with each start of the node.
    pub fn new(life: u64, settings: Settings) -> Self {
        assert!(life > 0, "life 0 means that it is not known");
        Link {
            settings,
            life,
            peer_life: None,
            ask_at_us: 0,
            asked: 0,
            greets: true,
            waiting: VecDeque::new(),
            cutting: None,
            next_seq: settings.first_seq,
            under_way: VecDeque::new(),
            round_trip_us: None,
            expected: settings.first_seq,
            early: VecDeque::new(),
            joining: Some(Vec::new()),
            ready: VecDeque::new(),
            owes_ack: false,
            counts: Counts::default(),
        }
    }

    /// Takes a message to send.
    ///
    /// # Errors
    /// When too many wait, or it is too long.
    pub fn send(&mut self, message: Vec<u8>) -> Result<(), Refused> {
        if message.len() > self.settings.longest_message {
            return Err(Refused::TooLong { length: message.len(), longest: self.settings.longest_message });
        }
        if self.waiting.len() >= self.settings.most_waiting {
            return Err(Refused::Full { waiting: self.waiting.len() });
        }
        self.waiting.push_back(message);
        Ok(())
    }

    /// The next message that has arrived.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        self.ready.pop_front()
    }

    /// What the link has done.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether everything sent has been acknowledged.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.cutting.is_none() && self.under_way.is_empty()
    }

    /// A packet has come.
    pub fn receive(&mut self, segment: Segment, now_us: u64) {
        match self.peer_life {
            Some(known) if segment.life < known => return, // It comes from a life that is over.
            Some(known) if segment.life > known => self.meet(segment.life),
            None => self.meet(segment.life),
            Some(_) => {}
        }
        if segment.asks || segment.to_life != self.life {
            // It does not know this life yet: any answer tells.
            self.owes_ack = true;
        }
        if segment.to_life == self.life {
            self.acknowledged(segment.ack, segment.sack, now_us);
            if let Some(fragment) = segment.fragment {
                self.arrived(fragment);
            }
        }
    }

    /// The peer has a new life: it knows nothing of what was said to the one before.
    fn meet(&mut self, life: u64) {
        self.peer_life = Some(life);
        let ends = self.under_way.iter().filter(|fragment| !fragment.more).count() as u64;
        self.counts.lost += ends + u64::from(self.cutting.is_some());
        self.cutting = None;
        self.under_way.clear();
        self.next_seq = self.settings.first_seq;
        self.expected = self.settings.first_seq;
        self.early.clear();
        self.joining = Some(Vec::new());
        self.asked = 0;
    }

    /// The number of the oldest fragment under way.
    fn oldest(&self) -> u32 {
        self.next_seq.wrapping_sub(self.under_way.len() as u32)
    }

    fn acknowledged(&mut self, ack: u32, sack: u64, now_us: u64) {
        let count = ack.wrapping_sub(self.oldest()) as usize;
        // An acknowledgement that was overtaken by a later one is far behind, which is far ahead of what wraps around.
        if count > self.under_way.len()
            || self.under_way.iter().take(count).any(|fragment| fragment.attempts == 0)
        {
            return;
        }
        for _ in 0..count {
            let fragment = self.under_way.pop_front().expect("counted above");
            if !fragment.acknowledged {
                self.measure(&fragment, now_us);
            }
        }
        // The fragment `ack` itself is missing; bit i stands for the one i + 1 places after it.
        for place in (0..64).filter(|bit| sack >> bit & 1 == 1).map(|bit| bit + 1) {
            let Some(fragment) = self.under_way.get_mut(place).filter(|fragment| fragment.attempts > 0)
            else {
                break;
            };
            if !fragment.acknowledged {
                fragment.acknowledged = true;
                let (attempts, last_sent_us) = (fragment.attempts, fragment.last_sent_us);
                self.measure_trip(attempts, last_sent_us, now_us);
                for earlier in self.under_way.iter_mut().take(place).filter(|earlier| !earlier.acknowledged) {
                    earlier.passed_over += 1;
                }
            }
        }
    }

    fn measure(&mut self, fragment: &UnderWay, now_us: u64) {
        self.measure_trip(fragment.attempts, fragment.last_sent_us, now_us);
    }

    /// Nobody knows which of two copies was answered.
    fn measure_trip(&mut self, attempts: u32, last_sent_us: u64, now_us: u64) {
        if attempts != 1 {
            return;
        }
        let trip = now_us.saturating_sub(last_sent_us);
        self.round_trip_us = Some(match self.round_trip_us {
            None => (trip, trip / 2),
            Some((smooth, variation)) => {
                ((7 * smooth + trip) / 8, (3 * variation + smooth.abs_diff(trip)) / 4)
            }
        });
    }

    fn arrived(&mut self, fragment: Fragment) {
        self.owes_ack = true;
        let place = fragment.seq.wrapping_sub(self.expected) as usize;
        if place >= WINDOW {
            // Behind the window it was read before. Ahead of it nobody sends.
            self.counts.duplicates += 1;
            return;
        }
        if self.early.len() <= place {
            self.early.resize(place + 1, None);
        }
        if self.early[place].is_some() {
            self.counts.duplicates += 1;
            return;
        }
        self.early[place] = Some(fragment);
        while let Some(Some(fragment)) = self.early.front_mut().map(Option::take) {
            self.early.pop_front();
            self.expected = self.expected.wrapping_add(1);
            self.join(fragment);
        }
    }

    fn join(&mut self, fragment: Fragment) {
        let longest = self.settings.longest_message;
        self.joining = self.joining.take().filter(|joined| joined.len() + fragment.bytes.len() <= longest);
        if let Some(joined) = &mut self.joining {
            joined.extend_from_slice(&fragment.bytes);
        }
        if !fragment.more {
            self.ready.extend(self.joining.replace(Vec::new()));
        }
    }

    /// The next packet to send, if there is one now.
    pub fn poll(&mut self, now_us: u64) -> Option<Segment> {
        if self.peer_life.is_none() {
            return self.ask(now_us);
        }
        self.greets = false;
        self.cut();
        if let Some(place) =
            self.under_way.iter().enumerate().position(|(place, _)| self.due_us(place) <= now_us)
        {
            let seq = self.oldest().wrapping_add(place as u32);
            let fragment = &mut self.under_way[place];
            let counter =
                if fragment.attempts == 0 { &mut self.counts.sent } else { &mut self.counts.sent_again };
            *counter += 1;
            fragment.attempts += 1;
            fragment.last_sent_us = now_us;
            fragment.passed_over = 0;
            let fragment = Fragment { seq, more: fragment.more, bytes: fragment.bytes.clone() };
            return Some(self.segment(Some(fragment)));
        }
        self.owes_ack.then(|| self.segment(None))
    }

    /// Asks who is there: at the start once, and while something waits to be sent.
    fn ask(&mut self, now_us: u64) -> Option<Segment> {
        let wants =
            std::mem::take(&mut self.greets) || (!self.waiting.is_empty() && now_us >= self.ask_at_us);
        wants.then(|| {
            self.ask_at_us =
                now_us.saturating_add(self.backed_off(self.settings.first_timeout_us, self.asked));
            self.asked += 1;
            Segment { asks: true, ..self.segment(None) }
        })
    }

    /// When the fragment at this place is to be sent, in microseconds.
    fn due_us(&self, place: usize) -> u64 {
        let fragment = &self.under_way[place];
        match fragment.attempts {
            _ if fragment.acknowledged => u64::MAX,
            0 => 0,
            // What was merely overtaken gets the time of a round trip to be heard of.
            _ if fragment.passed_over >= PASSED_OVER => {
                fragment.last_sent_us.saturating_add(self.round_trip_us.map_or(0, |(smooth, _)| smooth))
            }
            attempts if place > 0 && attempts >= ATTEMPTS => u64::MAX,
            attempts => {
                fragment.last_sent_us.saturating_add(self.backed_off(self.timeout_us(), attempts - 1))
            }
        }
    }

    fn timeout_us(&self) -> u64 {
        self.round_trip_us
            .map_or(self.settings.first_timeout_us, |(smooth, variation)| smooth + 4 * variation)
    }

    fn backed_off(&self, timeout_us: u64, times: u32) -> u64 {
        let (shortest, longest) = self.settings.timeouts_us;
        (timeout_us.max(shortest) << times.min(16)).min(longest)
    }

    /// Cuts messages into fragments, as many as the window takes.
    fn cut(&mut self) {
        while self.under_way.len() < WINDOW {
            let Some((message, begin)) =
                self.cutting.take().or_else(|| self.waiting.pop_front().map(|message| (message, 0)))
            else {
                return;
            };
            let end = message.len().min(begin + MAX_FRAGMENT);
            let more = end < message.len();
            self.under_way.push_back(UnderWay {
                more,
                bytes: message[begin..end].to_vec(),
                acknowledged: false,
                attempts: 0,
                last_sent_us: 0,
                passed_over: 0,
            });
            self.next_seq = self.next_seq.wrapping_add(1);
            self.cutting = more.then_some((message, end));
        }
    }

    fn segment(&mut self, fragment: Option<Fragment>) -> Segment {
        self.owes_ack = false;
        let early = self.early.iter().skip(1).take(64).enumerate();
        let sack = early.filter(|(_, there)| there.is_some()).fold(0, |bits, (place, _)| bits | 1 << place);
        Segment {
            life: self.life,
            to_life: self.peer_life.unwrap_or(0),
            ack: self.expected,
            sack,
            asks: false,
            fragment,
        }
    }

    /// When to [poll](Link::poll) again if nothing comes before; `None` when there is nothing to wait for. In microseconds.
    pub fn wakes_at(&self) -> Option<u64> {
        if self.peer_life.is_none() {
            return if self.greets { Some(0) } else { (!self.waiting.is_empty()).then_some(self.ask_at_us) };
        }
        let has_room = self.under_way.len() < WINDOW && (self.cutting.is_some() || !self.waiting.is_empty());
        if self.owes_ack || has_room {
            return Some(0);
        }
        (0..self.under_way.len()).map(|place| self.due_us(place)).min().filter(|due| *due < u64::MAX)
    }
}
