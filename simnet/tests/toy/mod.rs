//! A process that does what its messages tell it: each test writes the handler it needs into a message.

#![allow(dead_code, reason = "each test file uses a part of it")]

use serde::{Deserialize, Serialize};
use simnet::{Cluster, Context, Message, Names, NodeId, Observe, Process, Sim};

/// One step of a handler.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// Send a plain message.
    Send(NodeId, u64),
    /// Set the alarm of this number, in milliseconds.
    Alarm(u8, u64),
    /// Forget the alarm of this number.
    Cancel(u8),
    /// Write the record.
    Write(u64),
    /// Append to the log.
    Append(u64),
    /// Sync.
    Sync,
    /// Tell the outside.
    Output(u64),
    /// Tell the outside what the record holds; 0 for none.
    Read,
    /// Tell the outside the sum of the log.
    ReadLog,
    /// Tell the outside what the clock shows, in microseconds.
    Clock,
    /// Tell the outside a random number below this.
    Random(u64),
    /// Panic.
    Panic,
}

/// Steps to take, or a plain message, which is told to the outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Toy {
    /// Do this.
    Do(Vec<Step>),
    /// A plain message.
    Plain(u64),
}

impl Message for Toy {
    fn name(&self) -> &'static str {
        match self {
            Toy::Do(_) => "Do",
            Toy::Plain(_) => "Plain",
        }
    }
}

/// What the outside hears.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Heard {
    /// A plain message arrived.
    Plain(u64),
    /// An alarm went off.
    Alarm(u8),
    /// A step said so.
    Said(u64),
    /// The node started; what its record held.
    Started(Option<u64>),
}

/// The process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Puppet {
    heard: u64,
}

impl Process for Puppet {
    type Message = Toy;
    type Timer = u8;
    type Output = Heard;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let kept = ctx.storage().read("record");
        ctx.output(Heard::Started(kept));
    }

    fn receive(&mut self, _from: NodeId, message: Toy, ctx: &mut Context<'_, Self>) {
        self.heard += 1;
        match message {
            Toy::Plain(number) => ctx.output(Heard::Plain(number)),
            Toy::Do(steps) => steps.into_iter().for_each(|step| take(step, ctx)),
        }
    }

    fn alarm(&mut self, timer: u8, ctx: &mut Context<'_, Self>) {
        ctx.output(Heard::Alarm(timer));
    }
}

fn take(step: Step, ctx: &mut Context<'_, Puppet>) {
    match step {
        Step::Send(to, number) => ctx.send(to, Toy::Plain(number)),
        Step::Alarm(timer, ms) => ctx.set_timer(timer, std::time::Duration::from_millis(ms)),
        Step::Cancel(timer) => ctx.cancel_timer(timer),
        Step::Write(number) => ctx.storage().write("record", &number),
        Step::Append(number) => ctx.storage().append(&number),
        Step::Sync => ctx.storage().sync(),
        Step::Output(number) => ctx.output(Heard::Said(number)),
        Step::Read => {
            let record = ctx.storage().read("record").unwrap_or(0);
            ctx.output(Heard::Said(record));
        }
        Step::ReadLog => {
            let sum = ctx.storage().log::<u64>().iter().sum();
            ctx.output(Heard::Said(sum));
        }
        Step::Clock => {
            let now = ctx.now().as_micros();
            ctx.output(Heard::Said(now));
        }
        Step::Random(bound) => {
            let number = ctx.random(bound);
            ctx.output(Heard::Said(number));
        }
        Step::Panic => panic!("a step said so"),
    }
}

impl Observe for Puppet {
    type View = u64;

    fn view(&self) -> u64 {
        self.heard
    }

    fn waits_for(&self, names: &Names) -> Option<String> {
        (self.heard == 0).then(|| format!("a first message, of {} for example", names.of(NodeId(1))))
    }
}

/// A cluster of puppets `a`, `b`, `c` and an outsider `x`.
pub fn puppets() -> (Cluster<Puppet>, [NodeId; 3], NodeId) {
    let mut cluster = Cluster::new();
    let nodes = ["a", "b", "c"].map(|name| cluster.node(name, Puppet::default));
    let outsider = cluster.outsider("x");
    (cluster, nodes, outsider)
}

/// What `node` has told the outside, without the starts.
pub fn heard(sim: &Sim<Puppet>, node: NodeId) -> Vec<Heard> {
    let told = sim.outputs().iter().filter(|told| told.node == node);
    told.map(|told| told.output.clone()).filter(|heard| !matches!(heard, Heard::Started(_))).collect()
}

/// What `node` has told the outside, with the microsecond, without the starts.
pub fn heard_at(sim: &Sim<Puppet>, node: NodeId) -> Vec<(u64, Heard)> {
    let told =
        sim.outputs().iter().filter(|told| told.node == node && !matches!(told.output, Heard::Started(_)));
    told.map(|told| (told.at.as_micros(), told.output.clone())).collect()
}
