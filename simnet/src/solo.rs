//! One process alone: a test plays everyone else, and sees each message that leaves.

use crate::context::{Context, Effect, EffectOf};
use crate::node::NodeId;
use crate::panics;
use crate::process::Process;
use crate::random::{Purpose, Random};
use crate::storage::{Disk, DiskFate};
use crate::time::Time;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// A message that has left the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent<M> {
    /// To whom.
    pub to: NodeId,
    /// What.
    pub message: M,
    /// Whether all that the process had written was durable when it left, what it wrote later in the same reaction included.
    pub durable: bool,
}

/// The alarm that went off, and what the process sent then.
pub type Reaction<P> = (<P as Process>::Timer, Vec<Sent<<P as Process>::Message>>);

/// One process, its storage and its alarms.
///
/// Syncs take no time here. A test that wants a crash in the middle of a handler uses a [`Sim`](crate::Sim).
pub struct Solo<P: Process> {
    me: NodeId,
    make: Box<dyn Fn() -> P>,
    process: P,
    disk: Disk,
    random: Random,
    now: Time,
    alarms: Vec<(P::Timer, Time)>,
    outputs: Vec<P::Output>,
}

impl<P: Process> Solo<P> {
    /// Starts the process that `make` builds, as node `me`. What it sends at its start is returned too. Its chance comes from seed 0.
    pub fn start(me: NodeId, make: impl Fn() -> P + 'static) -> (Self, Vec<Sent<P::Message>>) {
        Solo::start_with(0, me, make)
    }

    /// [`Solo::start`] with another seed.
    pub fn start_with(
        seed: u64,
        me: NodeId,
        make: impl Fn() -> P + 'static,
    ) -> (Self, Vec<Sent<P::Message>>) {
        let process = make();
        let mut solo = Solo {
            me,
            make: Box::new(make),
            process,
            disk: Disk::default(),
            random: Random::new(seed, Purpose::Node(me.0)),
            now: Time::ZERO,
            alarms: Vec::new(),
            outputs: Vec::new(),
        };
        let sent = solo.react(|process, ctx| process.start(ctx));
        (solo, sent)
    }

    /// Hands the process a message; returns what it sends.
    pub fn receive(&mut self, from: NodeId, message: P::Message) -> Vec<Sent<P::Message>> {
        self.react(|process, ctx| process.receive(from, message, ctx))
    }

    /// Lets time pass up to the next alarm, which goes off; returns it and what the process sends. `None` when no alarm is set.
    pub fn next_alarm(&mut self) -> Option<Reaction<P>> {
        let next = (0..self.alarms.len()).min_by_key(|&place| self.alarms[place].1)?;
        let (timer, at) = self.alarms.remove(next);
        self.now = self.now.max(at);
        let sent = self.react(|process, ctx| process.alarm(timer.clone(), ctx));
        Some((timer, sent))
    }

    /// The process crashes and starts again, with what `fate` left on its disk; returns what it sends at its start.
    pub fn crash_and_restart(&mut self, fate: DiskFate) -> Vec<Sent<P::Message>> {
        self.disk.crash(fate, &mut self.random);
        self.alarms.clear();
        self.process = (self.make)();
        self.react(|process, ctx| process.start(ctx))
    }

    /// The process.
    pub fn process(&self) -> &P {
        &self.process
    }

    /// The alarms that are set, and in how long each goes off.
    pub fn alarms(&self) -> impl Iterator<Item = (&P::Timer, Duration)> {
        self.alarms.iter().map(|(timer, at)| (timer, *at - self.now))
    }

    /// What the process has told the outside since this was last asked.
    pub fn take_outputs(&mut self) -> Vec<P::Output> {
        std::mem::take(&mut self.outputs)
    }

    fn react(&mut self, react: impl FnOnce(&mut P, &mut Context<'_, P>)) -> Vec<Sent<P::Message>> {
        let mut effects: Vec<EffectOf<P>> = Vec::new();
        let contents = &mut self.disk.contents;
        let mut context = Context::new(self.me, self.now, &mut self.random, contents, &mut effects);
        panics::remember_places();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| react(&mut self.process, &mut context))) {
            // An assertion of the process is a broken rule, here as in a simulation.
            panic!("{}", panics::violation_alone(&*panic));
        }
        let mut sent = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send { to, message } => {
                    sent.push(Sent { to, message, durable: !self.disk.has_unsynced() });
                }
                Effect::SetTimer { timer, after_us } => {
                    self.alarms.retain(|(other, _)| *other != timer);
                    self.alarms.push((timer, self.now + Duration::from_micros(after_us)));
                }
                Effect::CancelTimer(timer) => self.alarms.retain(|(other, _)| *other != timer),
                Effect::Write(write) => {
                    // What the process says and then writes, it has said too early.
                    for sent in &mut sent {
                        sent.durable = false;
                    }
                    self.disk.write(*write);
                }
                Effect::Sync => self.disk.synced(self.disk.sync_point()),
                Effect::Output(output) => self.outputs.push(output),
                Effect::Note(_) => {}
            }
        }
        sent
    }
}
