//! One process and the rules of its world, without the world: what must happen, in which order, as data. Pure.
//!
//! An [`Engine`] is told what has come and what time it is, lets the process react, and says what is to be done: [`Action`]s, in order, and
//! the [events](trace::Event) to record before any of them. The [`node`](super::node) around it does that with sockets and files.

use super::frame::Letter;
use super::transport::Place;
use crate::context::{Context, Effect, EffectOf};
use crate::monitor::Violation;
use crate::node::NodeId;
use crate::process::{Message, Observe, Process};
use crate::random::{Purpose, Random};
use crate::record::{Detail, body_of};
use crate::storage::Write;
use crate::tally::Tally;
use crate::time::Time;
use crate::trace::{self, Event, Kind, Name};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// So many messages a microsecond a node may send, and their ids are still below those of its next life. There is room for 570 years.
const IDS_A_MICROSECOND: u64 = 1 << 10;

/// What is to be done.
#[derive(Debug)]
pub enum Action<O> {
    /// Send a letter to another node.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        letter: Letter,
    },
    /// Make these writes durable; then call [`Engine::synced`].
    Commit(Vec<Write>),
    /// Tell the outside.
    Output(O),
}

/// What waits behind a sync.
enum Held<P: Process> {
    Send { to: NodeId, message: P::Message },
    Output(P::Output),
    Sync,
}

/// A process at work.
pub struct Engine<P: Process> {
    place: Place,
    names: Vec<Name>,
    process: P,
    contents: crate::storage::Contents,
    random: Random,
    effects: Vec<EffectOf<P>>,
    /// The pending alarms, in microseconds since the run began.
    alarms: Vec<(P::Timer, u64)>,
    /// Messages to itself, with their ids.
    own: VecDeque<(u64, P::Message)>,
    /// What was written since the last sync began.
    unsynced: Vec<Write>,
    syncing: bool,
    held: VecDeque<Held<P>>,
    clock: Vec<u64>,
    next_id: u64,
    view: Option<fn(&P) -> Value>,
    seen: Value,
    tally: Tally,
    actions: Vec<Action<P::Output>>,
    events: Vec<Event>,
}

impl<P: Process> Engine<P> {
    /// An engine for `process`, which finds `contents` in its storage. Random choices follow from `seed` and the node alone, so each life of a node
    /// makes the same: a recorded run can be run again.
    ///
    /// Ids of messages and the node's own entry in the vector clock begin where no earlier life can have come: at the time when this one began.
    ///
    /// # Panics
    /// When the names are not as many as the nodes.
    pub fn new(
        process: P,
        place: Place,
        names: Vec<Name>,
        seed: u64,
        contents: crate::storage::Contents,
    ) -> Self {
        assert_eq!(names.len(), place.nodes as usize, "each node has a name");
        crate::panics::remember_places();
        let mut clock = vec![0; names.len()];
        clock[place.me.index()] = place.life;
        Engine {
            names,
            process,
            contents,
            random: Random::new(seed, Purpose::Node(place.me.0)),
            effects: Vec::new(),
            alarms: Vec::new(),
            own: VecDeque::new(),
            unsynced: Vec::new(),
            syncing: false,
            held: VecDeque::new(),
            clock,
            next_id: place.life.saturating_mul(IDS_A_MICROSECOND),
            view: None,
            seen: Value::Null,
            tally: Tally::new(place.nodes as usize),
            actions: Vec::new(),
            events: Vec::new(),
            place,
        }
    }

    /// Records the process' state as well, as its [`View`](Observe::View).
    pub fn recording_views(mut self) -> Self
    where
        P: Observe,
    {
        self.view = Some(|process| serde_json::to_value(process.view()).unwrap_or(Value::Null));
        self
    }

    /// The process starts, `now_us` after the run began. `written` says how many writes its storage is the sum of.
    ///
    /// # Errors
    /// When a handler panics, here and below: a rule is broken, and the node must stop.
    pub fn start(&mut self, written: u64, now_us: u64) -> Result<(), Violation> {
        let body = Some(json!({ "writes": written }));
        self.record(now_us, Kind::Start, Detail { body, ..Detail::default() });
        self.handle(now_us, |process, ctx| process.start(ctx))
    }

    /// A letter has come. Returns why it was not understood, if it was not.
    ///
    /// # Errors
    /// When a handler panics.
    pub fn receive(&mut self, letter: &Letter, now_us: u64) -> Result<Result<(), String>, Violation> {
        let malformed = |what: String| {
            Ok(Err(format!(
                "read {} bytes that are no message of this protocol: {what}",
                letter.message.len()
            )))
        };
        let message: P::Message = match postcard::take_from_bytes(&letter.message) {
            Ok((message, [])) => message,
            Ok((_, rest)) => return malformed(format!("{} bytes too many", rest.len())),
            Err(error) => return malformed(error.to_string()),
        };
        for (mine, theirs) in self.clock.iter_mut().zip(&letter.clock) {
            *mine = (*mine).max(*theirs);
        }
        self.deliver(letter.from, letter.id, message, now_us).map(Ok)
    }

    fn deliver(&mut self, from: NodeId, id: u64, message: P::Message, now_us: u64) -> Result<(), Violation> {
        let detail =
            Detail { peer: Some(from), id: Some(id), name: Some(message.name()), ..Detail::default() };
        self.record(now_us, Kind::Deliver, detail);
        self.tally.delivered += 1;
        self.handle(now_us, |process, ctx| process.receive(from, message, ctx))
    }

    /// When [`Engine::wake`] has something to do, in microseconds since the run began.
    pub fn wakes_at(&self) -> Option<u64> {
        if self.own.is_empty() { self.alarms.iter().map(|(_, at)| *at).min() } else { Some(0) }
    }

    /// Does one thing that is due: a message to itself, or the earliest alarm.
    ///
    /// # Errors
    /// When a handler panics.
    pub fn wake(&mut self, now_us: u64) -> Result<(), Violation> {
        if let Some((id, message)) = self.own.pop_front() {
            return self.deliver(self.place.me, id, message, now_us);
        }
        let due = (0..self.alarms.len()).filter(|place| self.alarms[*place].1 <= now_us);
        let Some(place) = due.min_by_key(|place| self.alarms[*place].1) else { return Ok(()) };
        let (timer, _) = self.alarms.remove(place);
        let name = format!("{timer:?}");
        self.record(now_us, Kind::Timer, Detail { name: Some(&name), ..Detail::default() });
        self.handle(now_us, |process, ctx| process.alarm(timer, ctx))
    }

    /// The sync under way has finished: what waited for it leaves, up to the next sync.
    pub fn synced(&mut self, now_us: u64) {
        self.syncing = false;
        self.record(now_us, Kind::Sync, Detail::default());
        while !self.syncing {
            match self.held.pop_front() {
                None => break,
                Some(Held::Send { to, message }) => self.transmit(to, &message, now_us),
                Some(Held::Output(output)) => self.tell(output, now_us),
                Some(Held::Sync) => {
                    // The disk carries out all that wait as one: what was written for the later ones goes with it.
                    self.held.retain(|held| !matches!(held, Held::Sync));
                    self.sync(now_us);
                }
            }
        }
    }

    /// What was written and not synced: a node that is shut down may still save it.
    pub fn take_unsynced(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.unsynced)
    }

    /// What is to be done, in order.
    pub fn take_actions(&mut self) -> Vec<Action<P::Output>> {
        std::mem::take(&mut self.actions)
    }

    /// What has happened, to be recorded before anything is done.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The counters.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The process.
    pub fn process(&self) -> &P {
        &self.process
    }

    fn handle(
        &mut self,
        now_us: u64,
        react: impl FnOnce(&mut P, &mut Context<'_, P>),
    ) -> Result<(), Violation> {
        let mut ctx = Context::new(
            self.place.me,
            Time(now_us),
            &mut self.random,
            &mut self.contents,
            &mut self.effects,
        );
        let process = &mut self.process;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| react(process, &mut ctx))) {
            let violation = crate::panics::violation(&self.names[self.place.me.index()], &*panic);
            let body = Some(json!({ "expected": violation.expected, "got": violation.got }));
            let why = Some(violation.rule.clone());
            self.record(now_us, Kind::Violation, Detail { body, why, ..Detail::default() });
            return Err(violation);
        }
        self.record_state(now_us);
        let mut effects = std::mem::take(&mut self.effects);
        effects.drain(..).for_each(|effect| self.perform(effect, now_us));
        self.effects = effects;
        Ok(())
    }

    fn perform(&mut self, effect: EffectOf<P>, now_us: u64) {
        match effect {
            Effect::Send { to, message } if self.syncing => self.held.push_back(Held::Send { to, message }),
            Effect::Send { to, message } => self.transmit(to, &message, now_us),
            Effect::Output(output) if self.syncing => self.held.push_back(Held::Output(output)),
            Effect::Output(output) => self.tell(output, now_us),
            Effect::Sync if self.syncing => self.held.push_back(Held::Sync),
            Effect::Sync => self.sync(now_us),
            Effect::SetTimer { timer, after_us } => {
                self.alarms.retain(|(other, _)| *other != timer);
                self.alarms.push((timer, now_us.saturating_add(after_us)));
            }
            Effect::CancelTimer(timer) => self.alarms.retain(|(other, _)| *other != timer),
            Effect::Write(write) => {
                self.record(now_us, Kind::Write, Detail { name: Some(write.target()), ..Detail::default() });
                self.unsynced.push(*write);
            }
            Effect::Note(note) => {
                self.record(now_us, Kind::Note, Detail { why: Some(note.into()), ..Detail::default() });
            }
        }
    }

    fn sync(&mut self, now_us: u64) {
        if self.unsynced.is_empty() {
            return self.record(now_us, Kind::Sync, Detail::default());
        }
        self.syncing = true;
        self.actions.push(Action::Commit(std::mem::take(&mut self.unsynced)));
    }

    /// # Panics
    /// When there is no node `to`.
    fn transmit(&mut self, to: NodeId, message: &P::Message, now_us: u64) {
        assert!(
            to.index() < self.names.len(),
            "sent {message:?} to {to}, but the cluster has {} nodes",
            self.names.len()
        );
        let (id, name) = (self.next_id, message.name());
        self.next_id += 1;
        let detail = Detail {
            peer: Some(to),
            id: Some(id),
            name: Some(name),
            body: body_of(message, name),
            why: None,
        };
        self.record(now_us, Kind::Send, detail);
        let bytes = postcard::to_allocvec(message).expect("messages are plain data");
        self.tally.sent(self.place.me, to, name, bytes.len() as u64);
        if to == self.place.me {
            return self.own.push_back((id, message.clone()));
        }
        let letter = Letter { from: self.place.me, id, clock: self.clock.clone(), message: bytes };
        self.actions.push(Action::Send { to, letter });
    }

    fn tell(&mut self, output: P::Output, now_us: u64) {
        self.record(now_us, Kind::Output, Detail { body: body_of(&output, ""), ..Detail::default() });
        self.actions.push(Action::Output(output));
    }

    fn record_state(&mut self, now_us: u64) {
        let Some(view) = self.view else { return };
        let state = view(&self.process);
        if state != self.seen {
            self.seen = state.clone();
            self.record(now_us, Kind::State, Detail { body: Some(state), ..Detail::default() });
        }
    }

    fn record(&mut self, now_us: u64, kind: Kind, detail: Detail<'_>) {
        if !matches!(kind, Kind::State | Kind::Violation) {
            self.clock[self.place.me.index()] += 1;
        }
        self.events.push(Event {
            at: now_us,
            // Its place in the file of this node; the merged trace has its own.
            seq: self.events.len() as u64,
            kind,
            node: Some(self.names[self.place.me.index()].clone()),
            peer: detail.peer.map(|peer| self.names[peer.index()].clone()),
            id: detail.id,
            name: detail.name.map(Name::from),
            body: detail.body,
            why: detail.why,
            clock: Some(self.clock.clone()),
        });
    }
}

/// The header of the file in which one node records one of its lives.
pub fn header(lab: &str, seed: u64, names: &[Name], run: &str) -> trace::Header {
    trace::Header {
        simnet_trace: trace::VERSION,
        lab: lab.to_string(),
        commit: crate::trace::commit(),
        seed,
        world: "local".to_string(),
        nodes: names.to_vec(),
        run: run.to_string(),
    }
}

/// A line of JSON Lines.
pub(crate) fn line(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value).expect("plain data");
    line.push('\n');
    line
}
