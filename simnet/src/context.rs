//! What a process may ask of the world.

use crate::node::NodeId;
use crate::process::Process;
use crate::random::RandomSource;
use crate::storage::{Contents, Storage, Write};
use crate::time::{Time, micros};
use std::ops::Range;
use std::time::Duration;

/// What a process asked for. The world carries effects out in the order in which they were recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect<M, T, O> {
    /// Send a message.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: M,
    },
    /// Let an alarm go off, instead of a pending one for the same timer.
    SetTimer {
        /// Which.
        timer: T,
        /// In how many microseconds of the node's clock.
        after_us: u64,
    },
    /// Forget a pending alarm.
    CancelTimer(T),
    /// A volatile write to storage.
    Write(Box<Write>),
    /// Make everything written so far durable.
    Sync,
    /// Tell the outside.
    Output(O),
    /// An annotation for the trace.
    Note(Box<str>),
}

/// The effect type of a process.
pub type EffectOf<P> = Effect<<P as Process>::Message, <P as Process>::Timer, <P as Process>::Output>;

/// The world as a process sees it during one event.
///
/// It only records what is asked for; [`Process`] states the rules by which the world carries it out.
pub struct Context<'a, P: Process> {
    node: NodeId,
    now: Time,
    random: &'a mut dyn RandomSource,
    contents: &'a mut Contents,
    effects: &'a mut Vec<EffectOf<P>>,
}

impl<'a, P: Process> Context<'a, P> {
    /// A context for one event at `node`. Worlds call this; a process is given one.
    pub fn new(
        node: NodeId,
        now: Time,
        random: &'a mut dyn RandomSource,
        contents: &'a mut Contents,
        effects: &'a mut Vec<EffectOf<P>>,
    ) -> Self {
        Context { node, now, random, contents, effects }
    }

    /// The node that this process runs on.
    pub fn me(&self) -> NodeId {
        self.node
    }

    /// The node's own clock. It says how much time has passed here; clocks of two nodes need not agree.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Sends `message` to `to`.
    #[inline]
    pub fn send(&mut self, to: NodeId, message: P::Message) {
        self.effects.push(Effect::Send { to, message });
    }

    /// Sends `message` to each of `peers`, in their order, but not to oneself.
    pub fn broadcast(&mut self, peers: &[NodeId], message: P::Message) {
        for &to in peers {
            if to != self.node {
                self.effects.push(Effect::Send { to, message: message.clone() });
            }
        }
    }

    /// Sets the alarm for `timer` to go off in `after`, by the node's clock. One that is pending for an equal timer is moved.
    pub fn set_timer(&mut self, timer: P::Timer, after: Duration) {
        self.effects.push(Effect::SetTimer { timer, after_us: micros(after) });
    }

    /// Forgets the pending alarm for `timer`, if there is one.
    pub fn cancel_timer(&mut self, timer: P::Timer) {
        self.effects.push(Effect::CancelTimer(timer));
    }

    /// A random number from 0 to `bound - 1`, of the node's own stream.
    pub fn random(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    /// A random length of time for a timer.
    pub fn random_duration(&mut self, range: Range<Duration>) -> Duration {
        self.random.duration(range)
    }

    /// The node's storage: what survives a crash.
    pub fn storage(&mut self) -> Storage<'_, P> {
        Storage::new(self.contents, self.effects)
    }

    /// Tells the outside: a decided value, a client's response.
    pub fn output(&mut self, output: P::Output) {
        self.effects.push(Effect::Output(output));
    }

    /// Leaves an annotation in the trace. It changes nothing else.
    pub fn note(&mut self, note: impl Into<Box<str>>) {
        self.effects.push(Effect::Note(note.into()));
    }
}
