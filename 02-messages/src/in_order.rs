//! Channels that keep the order of sending, over a network that does not: what the papers of parts C and D assume.
//!
//! [`InOrder`] is a layer: it carries any process, unchanged, and is a process itself. It numbers the messages of each link, and hands
//! them over by number. That is part B's idea without its other half: nothing is sent again. So it cures overtaking and
//! doubling, not loss.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use simnet::fault::Late;
use simnet::storage::Contents;
use simnet::swarm::Storm;
use simnet::{
    Cluster, Context, Effect, EffectOf, Happening, Marks, Message, Monitor, Names, NodeId, Nodes, Observe,
    Process, RandomSource, Time, Violation,
};
use std::collections::BTreeMap;
use std::hash::Hash;
use std::ops::Range;
use std::time::Duration;

/// A message with its place on its link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Numbered<M> {
    /// How many were sent on this link before it.
    pub number: u64,
    /// What it says.
    pub message: M,
}

impl<M: Message> Message for Numbered<M>
where
    M: Serialize + DeserializeOwned,
{
    fn name(&self) -> &'static str {
        self.message.name()
    }
}

/// The reading end of a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Incoming<M> {
    /// The number of the message that comes next.
    next: u64,
    /// What has come too early, by number.
    early: BTreeMap<u64, M>,
}

impl<M> Default for Incoming<M> {
    fn default() -> Self {
        Incoming { next: 0, early: BTreeMap::new() }
    }
}

impl<M> Incoming<M> {
    /// A message has arrived. Returns all that may be handed over now, in the order of sending, each message once.
    pub fn arrived(&mut self, number: u64, message: M) -> Vec<M> {
        // solution: begin — Part C: hand over in the order of sending
        if number >= self.next {
            self.early.insert(number, message);
        }
        let mut ready = Vec::new();
        while let Some(message) = self.early.remove(&self.next) {
            self.next += 1;
            ready.push(message);
        }
        ready
        // solution: end
    }

    /// How many messages wait for an earlier one.
    pub fn waiting(&self) -> usize {
        self.early.len()
    }
}

/// A process on channels that keep the order of sending. It has no storage: a process on such a layer is one that never crashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InOrder<P: Process> {
    process: P,
    /// How many messages were sent, by reader.
    sent: BTreeMap<NodeId, u64>,
    incoming: BTreeMap<NodeId, Incoming<P::Message>>,
}

impl<P: Process> InOrder<P> {
    /// Carries `process`.
    pub fn new(process: P) -> Self {
        InOrder { process, sent: BTreeMap::new(), incoming: BTreeMap::new() }
    }

    /// The process that is carried.
    pub fn process(&self) -> &P {
        &self.process
    }

    /// Lets the process react, and does for it what it asks for.
    fn react(&mut self, ctx: &mut Context<'_, Self>, react: impl FnOnce(&mut P, &mut Context<'_, P>)) {
        let (me, now) = (ctx.me(), ctx.now());
        let (mut contents, mut effects) = (Contents::default(), Vec::<EffectOf<P>>::new());
        let mut chance = Chance(ctx);
        react(&mut self.process, &mut Context::new(me, now, &mut chance, &mut contents, &mut effects));
        for effect in effects {
            match effect {
                Effect::Send { to, message } => {
                    let sent = self.sent.entry(to).or_default();
                    ctx.send(to, Numbered { number: *sent, message });
                    *sent += 1;
                }
                Effect::SetTimer { timer, after_us } => {
                    ctx.set_timer(timer, Duration::from_micros(after_us));
                }
                Effect::CancelTimer(timer) => ctx.cancel_timer(timer),
                Effect::Output(output) => ctx.output(output),
                Effect::Note(note) => ctx.note(note),
                Effect::Write(_) | Effect::Sync => panic!("a process on `InOrder` has no storage"),
            }
        }
    }
}

/// The random numbers of the node, for the process that is carried.
struct Chance<'a, 'b, P: Process>(&'a mut Context<'b, P>);

impl<P: Process> RandomSource for Chance<'_, '_, P> {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.random(bound)
    }

    fn duration(&mut self, range: Range<Duration>) -> Duration {
        self.0.random_duration(range)
    }
}

impl<P: Process> Process for InOrder<P> {
    type Message = Numbered<P::Message>;
    type Timer = P::Timer;
    type Output = P::Output;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.react(ctx, |process, ctx| process.start(ctx));
    }

    fn receive(&mut self, from: NodeId, message: Self::Message, ctx: &mut Context<'_, Self>) {
        let ready = self.incoming.entry(from).or_default().arrived(message.number, message.message);
        for message in ready {
            self.react(ctx, |process, ctx| process.receive(from, message, ctx));
        }
    }

    fn alarm(&mut self, timer: P::Timer, ctx: &mut Context<'_, Self>) {
        self.react(ctx, |process, ctx| process.alarm(timer, ctx));
    }
}

impl<P: Observe> Observe for InOrder<P> {
    type View = P::View;

    fn view(&self) -> P::View {
        self.process.view()
    }

    fn waits_for(&self, names: &Names) -> Option<String> {
        let waiting: usize = self.incoming.values().map(Incoming::waiting).sum();
        let early = (waiting > 0).then(|| format!("a message that {waiting} later ones have overtaken"));
        self.process.waits_for(names).or(early)
    }
}

/// What has arrived on one link, put in order. The monitor counts by itself: [`Incoming`] may be what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Arrived<M> {
    next: u64,
    early: BTreeMap<u64, M>,
}

/// The rules of a process, watched where it is carried by [`InOrder`]. They see what is sent, told and handled, and a message as delivered
/// as soon as it and all before it on its link have arrived: then it is to be handed over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Carried<P: Process, R> {
    rules: R,
    arrived: BTreeMap<(NodeId, NodeId), Arrived<P::Message>>,
}

impl<P: Process, R: Monitor<P>> Carried<P, R> {
    /// Watches these rules.
    pub fn new(rules: R) -> Self {
        Carried { rules, arrived: BTreeMap::new() }
    }
}

impl<P: Process, R: Monitor<P>> Monitor<InOrder<P>> for Carried<P, R> {
    fn check(
        &mut self,
        at: Time,
        happening: &Happening<'_, InOrder<P>>,
        nodes: &dyn Nodes<InOrder<P>>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        let happening = match *happening {
            Happening::Sent { from, to, message } => Happening::Sent { from, to, message: &message.message },
            Happening::Output { node, output } => Happening::Output { node, output },
            Happening::Handled { node } => Happening::Handled { node },
            Happening::Crashed { node } => Happening::Crashed { node },
            Happening::Restarted { node } => Happening::Restarted { node },
            Happening::Delivered { from, to, message: Numbered { number, message } } => {
                let link = self.arrived.entry((from, to));
                let link = link.or_insert_with(|| Arrived { next: 0, early: BTreeMap::new() });
                if *number >= link.next {
                    link.early.insert(*number, message.clone());
                }
                while let Some(message) = link.early.remove(&link.next) {
                    link.next += 1;
                    let delivered = Happening::Delivered { from, to, message: &message };
                    self.rules.check(at, &delivered, &Inner(nodes), marks)?;
                }
                return Ok(());
            }
        };
        self.rules.check(at, &happening, &Inner(nodes), marks)
    }
}

/// The processes within the layer.
struct Inner<'a, P: Process>(&'a dyn Nodes<InOrder<P>>);

impl<P: Process> Nodes<P> for Inner<'_, P> {
    fn process(&self, node: NodeId) -> Option<&P> {
        self.0.process(node).map(InOrder::process)
    }

    fn name(&self, node: NodeId) -> &str {
        self.0.name(node)
    }

    fn count(&self) -> usize {
        self.0.count()
    }
}

/// The same nodes, each carried by [`InOrder`].
pub fn carry<P: Process>(cluster: &Cluster<P>) -> Cluster<InOrder<P>> {
    let mut carried = Cluster::new();
    for (place, name) in cluster.names().enumerate() {
        let (id, nodes) = (NodeId(place as u32), cluster.clone());
        carried
            .node(name.clone(), move || InOrder::new(nodes.build(id).expect("only processes are carried")));
    }
    carried
}

/// Leaves of a storm what [`InOrder`] bears: messages overtake each other, come twice, and come very late, but all of them come. What a cut
/// has held up arrives when it heals, in any order.
pub fn nothing_lost(storm: &mut Storm) {
    storm.weather.loss = simnet::Chance::NEVER;
    for scheduled in &mut storm.plan.faults {
        scheduled.late = Late::Shuffled;
    }
}
