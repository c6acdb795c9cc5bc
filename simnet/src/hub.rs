//! Hubs: what the network does with a message.
//!
//! A hub is asked once for each message that reaches the network, and says how many copies arrive, and when. The
//! ready-made ones are combined: `Lossy::new(Chance::percent(5), Reorder::new(Delay::uniform(…)))`.
//!
//! # A hub of one's own
//!
//! Every tenth message takes a hundred times as long:
//!
//! ```
//! use simnet::hub::{Copies, Hub, Letter};
//! use simnet::Random;
//! use std::time::Duration;
//!
//! struct EveryTenthIsSlow { seen: u64 }
//!
//! impl<M> Hub<M> for EveryTenthIsSlow {
//!     fn route(&mut self, _letter: &Letter<'_, M>, _random: &mut Random, copies: &mut Copies) {
//!         self.seen += 1;
//!         let slow = self.seen % 10 == 0;
//!         copies.deliver_after(Duration::from_millis(if slow { 100 } else { 1 }));
//!     }
//! }
//! ```

use crate::delay::Delay;
use crate::node::NodeId;
use crate::random::{Chance, Random};
use crate::time::{Time, micros};
use std::time::Duration;

/// A message at the network's door.
#[derive(Debug)]
pub struct Letter<'a, M> {
    /// Who sent it.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// When it reaches the network: when it was sent, later over slow and narrow links.
    pub at: Time,
    /// Its id: messages count from 0 in the order in which they are sent.
    pub id: u64,
    /// What it says.
    pub message: &'a M,
}

/// What a hub says of one message: when its copies arrive. None is a lost message, two a duplicated one.
#[derive(Debug, Default)]
pub struct Copies {
    delays_us: Vec<u64>,
    held: bool,
}

impl Copies {
    /// One copy arrives after `delay`.
    pub fn deliver_after(&mut self, delay: Duration) {
        self.delays_us.push(micros(delay));
    }

    /// One copy waits in the network until [`Sim::release`](crate::Sim::release).
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// The delays of the copies, in microseconds; a hub that wraps another may change what that one said.
    pub fn delays_us(&mut self) -> &mut Vec<u64> {
        &mut self.delays_us
    }

    /// Whether a copy waits.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// The delay of the copy, when there is one and none waits.
    #[inline]
    pub(crate) fn only_one(&self) -> Option<u64> {
        match self.delays_us[..] {
            [delay_us] if !self.held => Some(delay_us),
            _ => None,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.delays_us.clear();
        self.held = false;
    }
}

/// What the network does with messages.
pub trait Hub<M> {
    /// Says what becomes of `letter`, by calls on `copies`. A hub that calls nothing has lost the message.
    /// Chance comes from `random` alone, or the run could not be repeated.
    fn route(&mut self, letter: &Letter<'_, M>, random: &mut Random, copies: &mut Copies);
}

impl<M> Hub<M> for Box<dyn Hub<M>> {
    fn route(&mut self, letter: &Letter<'_, M>, random: &mut Random, copies: &mut Copies) {
        (**self).route(letter, random, copies);
    }
}

/// Each message arrives once, after a delay of its own: so later messages overtake earlier ones.
///
/// It promises: each message exactly once, within the bounds of its delay. Nothing about order, not even on one link.
#[derive(Clone, Copy, Debug)]
pub struct Reorder {
    delay: Delay,
}

impl Reorder {
    /// Delays drawn from `delay`.
    pub fn new(delay: Delay) -> Self {
        Reorder { delay }
    }
}

impl<M> Hub<M> for Reorder {
    #[inline]
    fn route(&mut self, _letter: &Letter<'_, M>, random: &mut Random, copies: &mut Copies) {
        copies.delays_us.push(self.delay.draw_us(random));
    }
}

/// What another hub delivers arrives in the order in which it was sent, on each link from one node to another.
///
/// It promises: on each link, of what `inner` delivers, none is overtaken; also not through the end of slow and narrow times, nor by a second
/// copy. Between links it promises nothing. What a fault brings [late](crate::fault::Late) or [again](crate::Fault::Replay), and what is
/// [released](crate::Sim::release), did not come through the hub this time and keeps no order.
#[derive(Clone, Debug)]
pub struct Fifo<H> {
    inner: H,
    /// When the last copy on a link arrives, by sender and reader.
    last: Vec<Vec<Time>>,
}

impl Fifo<Reorder> {
    /// Delays drawn from `delay`, stretched where a message would overtake.
    pub fn new(delay: Delay) -> Self {
        Fifo::over(Reorder::new(delay))
    }
}

impl<H> Fifo<H> {
    /// Puts what `inner` delivers in order.
    pub fn over(inner: H) -> Self {
        Fifo { inner, last: Vec::new() }
    }

    fn last(&mut self, from: NodeId, to: NodeId) -> &mut Time {
        let (from, to) = (from.index(), to.index());
        if self.last.len() <= from {
            self.last.resize_with(from + 1, Vec::new);
        }
        let row = &mut self.last[from];
        if row.len() <= to {
            row.resize(to + 1, Time::ZERO);
        }
        &mut row[to]
    }
}

impl<M, H: Hub<M>> Hub<M> for Fifo<H> {
    fn route(&mut self, letter: &Letter<'_, M>, random: &mut Random, copies: &mut Copies) {
        self.inner.route(letter, random, copies);
        let last = self.last(letter.from, letter.to);
        for delay_us in &mut copies.delays_us {
            // Equal times arrive in the order of sending, so the same moment is late enough.
            *last = (*last).max(Time(letter.at.0.saturating_add(*delay_us)));
            *delay_us = last.0 - letter.at.0;
        }
    }
}

/// Loses each message with a probability, each without memory of the others.
///
/// It promises: of what is not lost, whatever `inner` promises. Bursts of losses occur, as chance has it.
#[derive(Clone, Copy, Debug)]
pub struct Lossy<H> {
    loss: Chance,
    inner: H,
}

impl<H> Lossy<H> {
    /// Loses with probability `loss`; the rest goes to `inner`.
    pub fn new(loss: Chance, inner: H) -> Self {
        Lossy { loss, inner }
    }
}

impl<M, H: Hub<M>> Hub<M> for Lossy<H> {
    fn route(&mut self, letter: &Letter<'_, M>, random: &mut Random, copies: &mut Copies) {
        if !random.happens(self.loss) {
            self.inner.route(letter, random, copies);
        }
    }
}

/// Makes a second copy with a probability; each copy has a delay of its own.
///
/// It promises: each message once or twice, where `inner` delivers once. The second may come first.
#[derive(Clone, Copy, Debug)]
pub struct Duplicate<H> {
    chance: Chance,
    inner: H,
}

impl<H> Duplicate<H> {
    /// Doubles with probability `chance` what `inner` delivers.
    pub fn new(chance: Chance, inner: H) -> Self {
        Duplicate { chance, inner }
    }
}

impl<M, H: Hub<M>> Hub<M> for Duplicate<H> {
    fn route(&mut self, letter: &Letter<'_, M>, random: &mut Random, copies: &mut Copies) {
        self.inner.route(letter, random, copies);
        if random.happens(self.chance) {
            self.inner.route(letter, random, copies);
        }
    }
}

/// Adds a delay, with a probability, to what another hub delivers: stragglers, which arrive when nobody thinks of them any more.
///
/// It promises: as many copies as `inner` delivers, none earlier. Put [`Fifo`] around it to keep links in order: then all wait for a straggler.
#[derive(Clone, Copy, Debug)]
pub struct Straggle<H> {
    chance: Chance,
    extra: Delay,
    inner: H,
}

impl<H> Straggle<H> {
    /// Delays each copy with probability `chance` by `extra` more.
    pub fn new(chance: Chance, extra: Delay, inner: H) -> Self {
        Straggle { chance, extra, inner }
    }
}

impl<M, H: Hub<M>> Hub<M> for Straggle<H> {
    fn route(&mut self, letter: &Letter<'_, M>, random: &mut Random, copies: &mut Copies) {
        self.inner.route(letter, random, copies);
        for delay_us in &mut copies.delays_us {
            if random.happens(self.chance) {
                *delay_us = delay_us.saturating_add(self.extra.draw_us(random));
            }
        }
    }
}

/// Sites far apart: nodes of one site are near, and each pair of sites has its own delay.
///
/// It promises: each message exactly once, within the bounds of the delay of its sites. A node that `site_of` does not list is at site 0.
#[derive(Clone, Debug)]
pub struct Wan {
    site_of: Vec<usize>,
    delays: Vec<Vec<Delay>>,
}

impl Wan {
    /// `site_of[node]` is the site of a node, `delays[a][b]` the delay from site `a` to site `b` (within a site: `delays[a][a]`).
    ///
    /// # Panics
    /// When a site has no row, or a row no entry for a site.
    pub fn new(site_of: Vec<usize>, delays: Vec<Vec<Delay>>) -> Self {
        for &site in &site_of {
            assert!(
                site < delays.len(),
                "a node is at site {site}, but there are delays for {} sites only",
                delays.len()
            );
        }
        for (site, row) in delays.iter().enumerate() {
            let (read, expected) = (row.len(), delays.len());
            assert!(read == expected, "site {site} has delays to {read} sites, expected {expected}");
        }
        Wan { site_of, delays }
    }
}

impl<M> Hub<M> for Wan {
    fn route(&mut self, letter: &Letter<'_, M>, random: &mut Random, copies: &mut Copies) {
        let site = |node: NodeId| *self.site_of.get(node.index()).unwrap_or(&0);
        copies.delays_us.push(self.delays[site(letter.from)][site(letter.to)].draw_us(random));
    }
}

/// Holds every message until it is released: a test then plays the network.
///
/// It promises: nothing arrives by itself; what [`Sim::release`](crate::Sim::release) picks arrives once, in the order of sending.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hold;

impl<M> Hub<M> for Hold {
    fn route(&mut self, _letter: &Letter<'_, M>, _random: &mut Random, copies: &mut Copies) {
        copies.hold();
    }
}
