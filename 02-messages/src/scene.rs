//! What a protocol of this lab tells the shells and the tests, so that each runs in every world by the same code. Given whole.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use simnet::checked::{Duplicates, Order, Question};
use simnet::local::transport::TransportKind;
use simnet::random::Purpose;
use simnet::sim::Told;
use simnet::swarm::{Storm, Swarm, Weather};
use simnet::{Cluster, DiskFate, Fault, Monitor, NodeId, Observe, Process, Random, Sim, Trial, Violation};
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::time::Duration;

/// What the nodes of a scene have told the outside.
pub type Outputs<S> = [Told<<<S as Scene>::Node as Process>::Output>];

/// One protocol with its roles: who takes part, what they are asked to do, what must hold.
///
/// The value itself is the experiment's `[roles]`: its fields come from there, and `Default` is a run without an experiment. `Display` says
/// it in words.
pub trait Scene:
    Clone + Debug + Default + Display + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The process.
    type Node: Observe<
            Message: Send + Sync,
            Timer: Send + Sync,
            Output: Debug + PartialEq + DeserializeOwned + Send + Sync,
        > + Send
        + Sync;
    /// The invariants, watched at each event.
    type Rules: Monitor<Self::Node> + Clone + Eq + Hash + Send + Sync + 'static;

    /// The protocol's name on the command line.
    const PROTOCOL: &'static str;
    /// The graded test that runs [`Episode::survive_and_reach_the_goal`] over seeds: `simulate` names it to replay a seed.
    const STORM_TEST: &'static str;
    /// The rule of the calm after the storm, in words: what must be reached.
    const GOAL: &'static str;

    /// What carries the messages in the local world, when nobody says otherwise: what the protocol needs to rest on.
    const TRANSPORT: TransportKind = TransportKind::Tcp;

    /// Whether these roles make sense.
    ///
    /// # Errors
    /// Says what was read and what was expected.
    fn check(&self) -> Result<(), String>;

    /// The nodes. What they are to do is part of them: they begin by themselves, in their `start`.
    fn cluster(&self) -> Cluster<Self::Node>;

    /// The invariants of these roles.
    fn rules(&self) -> Self::Rules;

    /// The roles that `random` draws for one seed of a campaign: sizes, patience and work, each anew.
    fn draw(random: &mut Random) -> Self;

    /// What a storm may do to these nodes. The nodes' names and the storm's length are filled in by [`Episode::draw`].
    fn swarm(&self) -> Swarm;

    /// The weather of a run whose experiment says nothing of it.
    fn weather() -> Weather {
        Weather::default()
    }

    /// Takes out of a drawn storm what the paper assumes never to happen: see [`never_lost`].
    fn tame(&self, storm: &mut Storm) {
        let _ = storm;
    }

    /// The nodes that must get on in the calm; the others stay down.
    fn core(&self, usable: &[NodeId], random: &mut Random) -> Vec<NodeId> {
        let _ = random;
        usable.to_vec()
    }

    /// Within what time of the calm the goal must be reached.
    fn patience(&self) -> Duration;

    /// Whether all is done that was to be done, as far as the nodes have told. `is_up` says of each node whether it runs: who has crashed
    /// for good owes nothing any more.
    fn is_done(&self, told: &Outputs<Self>, is_up: &dyn Fn(NodeId) -> bool) -> bool;

    /// What must have been reached besides, in a simulated run: a situation that the rules recognise from messages, where the nodes tell
    /// nothing of it.
    const SETTLED: Option<&'static str> = None;

    /// A rule over all that was told in a run, looked at when it has ended.
    fn judge(&self, told: &Outputs<Self>) -> Option<Violation> {
        let _ = told;
        None
    }

    /// What came of a run, for its table. `process` has the state in which each node ended.
    fn outcome<'a>(
        &self,
        told: &Outputs<Self>,
        process: &dyn Fn(NodeId) -> Option<&'a Self::Node>,
    ) -> Map<String, Value>;

    /// The roles of the checked world: the smallest cluster that shows the protocol's troubles.
    fn small() -> Self;

    /// The bounds of the checked world.
    fn bounds(&self) -> Bounds;

    /// Whether a process is still within the bounds of the checked world.
    fn is_within(&self, node: &Self::Node) -> bool {
        let _ = node;
        true
    }

    /// The question whether some schedule within `bounds` breaks a rule.
    fn question(&self, bounds: &Bounds) -> Question<Self::Node, Self::Rules> {
        let scene = self.clone();
        Question::new(&self.cluster(), self.rules())
            .with_crashes(bounds.crashes, &bounds.may_crash)
            .with_duplicates(bounds.duplicates)
            .with_order(bounds.order)
            .within(move |node: &Self::Node| scene.is_within(node))
    }
}

/// The bounds of the checked world.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// At most so many crashes in a schedule …
    pub crashes: u32,
    /// … of these nodes.
    pub may_crash: Vec<NodeId>,
    /// How often messages may be delivered.
    pub duplicates: Duplicates,
    /// In what order messages arrive.
    pub order: Order,
    /// What [`Scene::is_within`] bounds, in words; empty when it bounds nothing.
    pub within: String,
}

impl Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.crashes {
            0 => f.write_str("no crash")?,
            1 => f.write_str("at most 1 crash, between any two effects")?,
            many => write!(f, "at most {many} crashes, between any two effects")?,
        }
        if self.order == Order::Any {
            write!(f, ", {}", self.duplicates)?;
        }
        if !self.within.is_empty() {
            write!(f, ", {}", self.within)?;
        }
        write!(f, "; {}", self.order)
    }
}

/// The weather of reliable links: messages are late, and arrive in the order of sending.
pub fn in_order() -> Weather {
    Weather { fifo: true, ..Weather::default() }
}

/// Leaves of a storm what only delays messages, without letting one overtake another: what the papers on clocks and snapshots assume of
/// the network.
pub fn never_lost(storm: &mut Storm) {
    storm.weather = Weather { delay: storm.weather.delay, ..in_order() };
    storm
        .plan
        .faults
        .retain(|scheduled| matches!(scheduled.fault, Fault::Pause { .. } | Fault::Clock { .. }));
}

/// A scene in its weather: one run to be.
#[derive(Clone, Debug)]
pub struct Episode<S> {
    /// Who takes part.
    pub scene: S,
    /// What goes wrong.
    pub storm: Storm,
    /// How long the storm lasts.
    pub length: Duration,
}

impl<S: Scene> Episode<S> {
    /// The episode of a seed: roles, weather and faults, each drawn anew.
    pub fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed, Purpose::Swarm);
        let scene = S::draw(&mut random);
        let length = Duration::from_millis(*random.pick(&[100, 300, 600]));
        Self::in_a_storm(scene, length, &mut random)
    }

    /// These roles, in a storm that `random` draws.
    pub fn in_a_storm(scene: S, length: Duration, random: &mut Random) -> Self {
        let nodes = scene.cluster().names().cloned().collect();
        let mut storm = Swarm { nodes, length, ..scene.swarm() }.draw(random);
        scene.tame(&mut storm);
        Episode { scene, storm, length }
    }

    /// These roles, and nothing goes wrong.
    pub fn calm(scene: S) -> Self {
        Episode {
            scene,
            storm: Storm { weather: S::weather(), ..Storm::calm() },
            length: Duration::from_secs(10),
        }
    }

    /// The run, about to begin, with all invariants watched.
    pub fn begin(&self, trial: &Trial) -> Sim<S::Node> {
        trial
            .sim(&self.scene.cluster())
            .with_hub(self.storm.weather.hub())
            .with_sync_delay(self.storm.sync_delay)
            .with_plan(&self.storm.plan)
            .with_monitor(self.scene.rules())
            .described(self.to_string())
    }

    /// Runs until all is done, or until the storm's length is over. Returns whether it is done.
    pub fn run(&self, sim: &mut Sim<S::Node>) -> bool {
        let done = sim.run_until(self.length, self.when_done());
        self.judge(sim);
        done
    }

    /// The storm, and nothing after it: only safety is asked for.
    pub fn survive(&self, trial: &Trial) -> Sim<S::Node> {
        let mut sim = self.begin(trial);
        sim.run_for(self.length);
        self.judge(&mut sim);
        sim
    }

    /// The storm, and then a calm in which the goal must be reached.
    pub fn survive_and_reach_the_goal(&self, trial: &Trial) -> Sim<S::Node> {
        let mut sim = self.begin(trial);
        sim.run_for(self.length);
        let core = self.core(&sim, trial.seed);
        if self.keeps_order() {
            // A new hub would not know what is still under way, and let it be overtaken.
            sim.calm_with_the_same_hub(&core);
        } else {
            sim.calm(&core, Weather { fifo: self.storm.weather.fifo, ..Weather::default() }.hub());
        }
        sim.must_reach(S::GOAL, self.scene.patience(), self.when_done());
        self.judge(&mut sim);
        sim
    }

    /// Whether the weather is one of reliable links, as some papers assume: then the calm has to be such a one too.
    fn keeps_order(&self) -> bool {
        self.storm.weather == Weather { delay: self.storm.weather.delay, ..in_order() }
    }

    /// Nodes whose storage was damaged or emptied are not counted on.
    fn core(&self, sim: &Sim<S::Node>, seed: u64) -> Vec<NodeId> {
        let emptied = |node: NodeId| {
            let mut faults = self.storm.plan.faults.iter().map(|scheduled| &scheduled.fault);
            faults.any(|fault| matches!(fault, Fault::Crash { node: name, disk: DiskFate::Wipe } if **name == *sim.name(node)))
        };
        let nodes = self.scene.cluster().names().len() as u32;
        let usable: Vec<NodeId> =
            (0..nodes).map(NodeId).filter(|node| !sim.is_damaged(*node) && !emptied(*node)).collect();
        self.scene.core(&usable, &mut Random::new(seed, Purpose::Workload))
    }

    /// Whether all is done that was to be done.
    ///
    /// To look at all that was told after each event would cost more than the run. Where nobody is down, only what is told changes it.
    pub fn when_done(&self) -> impl FnMut(&Sim<S::Node>) -> bool {
        let nodes = self.scene.cluster().names().len() as u32;
        let mut seen = None;
        let mut done = false;
        move |sim| {
            let all_up = (0..nodes).all(|node| sim.is_up(NodeId(node)));
            let now = all_up.then_some(sim.outputs().len());
            if now.is_none() || seen != now {
                seen = now;
                done = self.scene.is_done(sim.outputs(), &|node| sim.is_up(node));
            }
            done && S::SETTLED.is_none_or(|situation| sim.marks().count(situation) > 0)
        }
    }

    fn judge(&self, sim: &mut Sim<S::Node>) {
        if let Some(violation) = self.scene.judge(sim.outputs()) {
            sim.violate(violation);
        }
    }
}

impl<S: Scene> Display for Episode<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.scene, self.storm)
    }
}
