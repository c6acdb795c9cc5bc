//! A process that shares a resource with others, by the paper's five rules.
//!
//! The rules rest on what the paper assumes of the network: every message arrives, and messages of one process to another arrive in
//! the order in which they were sent.

use crate::clocks::{LamportClock, Stamp};
use serde::{Deserialize, Serialize};
use simnet::{Context, Names, NodeId, Observe, Process};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What processes say to each other. Each message bears the stamp of its sending.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// *T:P requests resource*: the stamp is also the request's name.
    Request(Stamp),
    /// I have your request, and it is in my queue.
    Acknowledge(Stamp),
    /// *P releases resource*.
    Release(Stamp),
}

impl Message {
    /// When it was sent.
    pub fn stamp(&self) -> Stamp {
        match self {
            Message::Request(stamp) | Message::Acknowledge(stamp) | Message::Release(stamp) => *stamp,
        }
    }
}

impl simnet::Message for Message {
    fn name(&self) -> &'static str {
        match self {
            Message::Request(_) => "Request",
            Message::Acknowledge(_) => "Acknowledge",
            Message::Release(_) => "Release",
        }
    }
}

/// What a process may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// It wants the resource again.
    Want,
    /// It is done with the resource.
    Done,
}

/// What a process tells the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Output {
    /// It has requested the resource.
    Requested(Stamp),
    /// Its request is granted: it holds the resource.
    Granted(Stamp),
    /// It no longer does.
    Released(Stamp),
}

/// How long a process does without the resource, and how long it holds it: each at most so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    /// Between two requests.
    pub think: Duration,
    /// From a grant to the release.
    pub hold: Duration,
}

/// A process that wants the resource several times.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mutex {
    others: Vec<NodeId>,
    pace: Pace,
    /// How often it will still request the resource.
    wishes: u32,
    clock: LamportClock,
    /// The request queue: the requests that are not released as far as this process knows, its own included.
    queue: BTreeSet<Stamp>,
    /// From each other process, the latest stamp of a message.
    heard: BTreeMap<NodeId, Stamp>,
    /// Its request under way.
    mine: Option<Stamp>,
    holding: bool,
}

/// The world, as such a process sees it.
pub type Ctx<'a> = Context<'a, Mutex>;

impl Mutex {
    /// A process that shares with `others`, and wants the resource `wishes` times.
    pub fn new(others: Vec<NodeId>, wishes: u32, pace: Pace) -> Self {
        Mutex {
            others,
            pace,
            wishes,
            clock: LamportClock::default(),
            queue: BTreeSet::new(),
            heard: BTreeMap::new(),
            mine: None,
            holding: false,
        }
    }

    /// The stamp of something that happens here now.
    fn stamp(&mut self, ctx: &Ctx<'_>) -> Stamp {
        Stamp { time: self.clock.tick(), process: ctx.me() }
    }

    /// Rule 1: to request the resource, a process sends its request to every other process, and puts it into its own queue.
    ///
    /// The request is one event, so all copies bear one stamp. It stands in `mine` until it is released.
    fn request(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part C: rule 1, request the resource
        let request = self.stamp(ctx);
        self.mine = Some(request);
        self.queue.insert(request);
        ctx.broadcast(&self.others, Message::Request(request));
        // solution: end
        if let Some(request) = self.mine {
            ctx.output(Output::Requested(request));
        }
        self.enter_when_granted(ctx);
    }

    /// Rule 2: who receives a request puts it into its queue, and sends a stamped acknowledgement.
    fn requested(&mut self, from: NodeId, request: Stamp, ctx: &mut Ctx<'_>) {
        // solution: begin — Part C: rule 2, acknowledge a request
        self.queue.insert(request);
        let stamp = self.stamp(ctx);
        ctx.send(from, Message::Acknowledge(stamp));
        // solution: end
    }

    /// Rule 3: to release the resource, a process removes its request from its queue, and tells every other process.
    fn release(&mut self, ctx: &mut Ctx<'_>) {
        let Some(request) = self.mine else { return };
        self.holding = false;
        ctx.output(Output::Released(request));
        // solution: begin — Part C: rule 3, release the resource
        self.mine = None;
        self.queue.remove(&request);
        let stamp = self.stamp(ctx);
        ctx.broadcast(&self.others, Message::Release(stamp));
        // solution: end
        self.wish(ctx);
    }

    /// Rule 4: who receives a release removes the requests of its sender from its queue.
    fn released(&mut self, from: NodeId) {
        // solution: begin — Part C: rule 4, forget a released request
        self.queue.retain(|request| request.process != from);
        // solution: end
    }

    /// Rule 5: whether the request `mine` is granted. A process finds that out alone, from its own queue and from what it has heard:
    /// (i) its request comes before every other in its queue, and (ii) from every other process it has received a message that is stamped
    /// later than its request.
    fn is_granted(&self, mine: Stamp) -> bool {
        // solution: begin — Part C: rule 5, is the request granted?
        let is_first = self.queue.first() == Some(&mine);
        let heard_later = |other: &NodeId| self.heard.get(other).is_some_and(|stamp| mine < *stamp);
        is_first && self.others.iter().all(heard_later)
        // solution: end
    }

    fn enter_when_granted(&mut self, ctx: &mut Ctx<'_>) {
        let Some(mine) = self.mine.filter(|_| !self.holding) else { return };
        if self.is_granted(mine) {
            self.holding = true;
            ctx.output(Output::Granted(mine));
            let after = ctx.random_duration(Duration::ZERO..self.pace.hold);
            ctx.set_timer(Timer::Done, after);
        }
    }

    /// Sets the time of the next request, if there is to be one.
    fn wish(&mut self, ctx: &mut Ctx<'_>) {
        if self.wishes > 0 {
            self.wishes -= 1;
            let after = ctx.random_duration(Duration::ZERO..self.pace.think);
            ctx.set_timer(Timer::Want, after);
        }
    }
}

impl Process for Mutex {
    type Message = Message;
    type Timer = Timer;
    type Output = Output;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.wish(ctx);
    }

    fn receive(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        let stamp = message.stamp();
        self.clock.receive(stamp.time);
        self.heard.insert(from, stamp);
        match message {
            Message::Request(request) => self.requested(from, request, ctx),
            Message::Acknowledge(_) => {}
            Message::Release(_) => self.released(from),
        }
        self.enter_when_granted(ctx);
    }

    fn alarm(&mut self, timer: Timer, ctx: &mut Ctx<'_>) {
        match timer {
            Timer::Want => self.request(ctx),
            Timer::Done => self.release(ctx),
        }
    }
}

/// What is seen of such a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its clock.
    pub time: u64,
    /// The request queue, in the order `⇒`.
    pub queue: Vec<Stamp>,
    /// Its request under way.
    pub mine: Option<Stamp>,
    /// Whether it holds the resource.
    pub holding: bool,
}

impl Observe for Mutex {
    type View = View;

    fn view(&self) -> View {
        let queue = self.queue.iter().copied().collect();
        View { time: self.clock.time(), queue, mine: self.mine, holding: self.holding }
    }

    fn waits_for(&self, names: &Names) -> Option<String> {
        let mine = self.mine?;
        if self.holding {
            return Some("the end of its work with the resource".to_string());
        }
        let silent = |other: &&NodeId| self.heard.get(other).is_none_or(|stamp| *stamp <= mine);
        let silent = names.list(self.others.iter().filter(silent));
        let first = self.queue.first().map_or("nothing".to_string(), ToString::to_string);
        Some(format!(
            "its request {mine}: first in its queue is {first}, nothing later was heard from: {silent}"
        ))
    }
}
