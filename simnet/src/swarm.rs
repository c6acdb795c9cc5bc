//! Swarm testing: a seed draws every knob, "off" included, so that each seed is another kind of weather.
//!
//! A fixed mixture of all faults finds less: faults hide each other, and many bugs need one fault often and the others not at all
//! (Groce et al., *Swarm Testing*, 2012).

use crate::delay::{Delay, Micros};
use crate::fault::{Fault, Late, Plan, Scheduled};
use crate::hub::{Duplicate, Fifo, Hub, Lossy, Reorder, Straggle};
use crate::random::{Chance, Random, RandomSource};
use crate::storage::DiskFate;
use crate::time::micros;
use crate::trace::Name;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What the network is like while no fault is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weather {
    /// How long a message takes.
    pub delay: Delay,
    /// How many messages are lost.
    pub loss: Chance,
    /// How many messages come twice.
    pub duplication: Chance,
    /// How many messages take longer, by [`Weather::straggle_by`].
    pub straggling: Chance,
    /// How much longer a straggler takes.
    pub straggle_by: Delay,
    /// Whether a link keeps messages in order.
    pub fifo: bool,
}

impl Default for Weather {
    /// Messages take 1 to 10 ms, and overtake each other; none is lost or doubled.
    fn default() -> Self {
        Weather {
            delay: Delay::Uniform { min_us: 1_000, max_us: 10_000 },
            loss: Chance::NEVER,
            duplication: Chance::NEVER,
            straggling: Chance::NEVER,
            straggle_by: Delay::Uniform { min_us: 20_000, max_us: 200_000 },
            fifo: false,
        }
    }
}

impl Weather {
    /// The hub that behaves so.
    pub fn hub<M: 'static>(&self) -> Box<dyn Hub<M>> {
        let mut hub: Box<dyn Hub<M>> = Box::new(Reorder::new(self.delay));
        if self.straggling != Chance::NEVER {
            hub = Box::new(Straggle::new(self.straggling, self.straggle_by, hub));
        }
        if self.duplication != Chance::NEVER {
            hub = Box::new(Duplicate::new(self.duplication, hub));
        }
        if self.loss != Chance::NEVER {
            hub = Box::new(Lossy::new(self.loss, hub));
        }
        if self.fifo {
            hub = Box::new(Fifo::over(hub));
        }
        hub
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delay {}", self.delay)?;
        for (what, chance) in [("loss", self.loss), ("duplication", self.duplication)] {
            if chance != Chance::NEVER {
                write!(f, ", {what} {chance}")?;
            }
        }
        if self.straggling != Chance::NEVER {
            write!(f, ", {} straggle by {}", self.straggling, self.straggle_by)?;
        }
        if self.fifo {
            f.write_str(", links in order")?;
        }
        Ok(())
    }
}

/// What a storm may do to a cluster. A lab fills it in; [`Swarm::draw`] makes one storm of it.
#[derive(Clone, Debug, Default)]
pub struct Swarm {
    /// All nodes.
    pub nodes: Vec<Name>,
    /// Nodes that may crash and restart, with what the crash does to their storage.
    pub crashing: Vec<Name>,
    /// Nodes that may lose everything they stored: the protocol bears it.
    pub forgetful: Vec<Name>,
    /// Nodes whose storage may be damaged or emptied, so that they never come back; at most [`Swarm::most_lost`] of them.
    pub losable: Vec<Name>,
    /// How many nodes may be lost in one run.
    pub most_lost: usize,
    /// The names of messages, for faults that lose only one kind.
    pub messages: Vec<Name>,
    /// How long faults begin.
    pub length: Duration,
}

/// One storm: the weather and the faults of a seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storm {
    /// What the network is like.
    pub weather: Weather,
    /// How long a sync takes.
    pub sync_delay: Delay,
    /// The faults.
    pub plan: Plan,
}

impl Storm {
    /// No storm: the default weather, syncs of no time, no faults.
    pub fn calm() -> Self {
        Storm { weather: Weather::default(), sync_delay: Delay::NONE, plan: Plan::new() }
    }
}

impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; a sync takes {}\n{}", self.weather, self.sync_delay, self.plan)
    }
}

impl Swarm {
    /// The storm that `random` draws. One in eight is calm.
    pub fn draw(&self, random: &mut Random) -> Storm {
        if random.below(8) == 0 {
            return Storm {
                weather: Weather { delay: draw_delay(random), ..Weather::default() },
                ..Storm::calm()
            };
        }
        let weather = draw_weather(random);
        let sync_delay = *random.pick(&[
            Delay::NONE,
            Delay::NONE,
            Delay::Uniform { min_us: 100, max_us: 2_000 },
            Delay::Uniform { min_us: 1_000, max_us: 30_000 },
        ]);
        let mut plan = Plan::new();
        self.draw_network_faults(random, &mut plan);
        self.draw_node_faults(random, &mut plan);
        plan.faults.sort_by_key(|fault| fault.at);
        Storm { weather, sync_delay, plan }
    }

    fn draw_network_faults(&self, random: &mut Random, plan: &mut Plan) {
        if self.nodes.len() < 2 {
            return;
        }
        self.some(random, plan, |swarm, random| {
            let mut nodes = swarm.nodes.clone();
            random.shuffle(&mut nodes);
            let cut = 1 + random.below(nodes.len() as u64 - 1) as usize;
            let other = nodes.split_off(cut);
            Fault::Partition { sides: vec![nodes, other] }
        });
        self.some(random, plan, |swarm, random| {
            let mut nodes = swarm.nodes.clone();
            random.shuffle(&mut nodes);
            let cut = 1 + random.below(nodes.len() as u64 - 1) as usize;
            let to = nodes.split_off(cut);
            Fault::OneWay { from: nodes, to }
        });
        self.some(random, plan, |swarm, random| Fault::Isolate { node: random.pick(&swarm.nodes).clone() });
        self.some(random, plan, |swarm, random| Fault::Deaf {
            node: random.pick(&swarm.nodes).clone(),
            from: Vec::new(),
            chance: draw_chance(random),
        });
        self.some(random, plan, |swarm, random| Fault::Mute {
            node: random.pick(&swarm.nodes).clone(),
            chance: draw_chance(random),
        });
        if !self.messages.is_empty() {
            self.some(random, plan, |swarm, random| Fault::Filter {
                message: random.pick(&swarm.messages).clone(),
                from: swarm.some_nodes(random),
                to: swarm.some_nodes(random),
                chance: draw_chance(random),
            });
        }
        self.some(random, plan, |swarm, random| Fault::Slow {
            from: swarm.some_nodes(random),
            to: swarm.some_nodes(random),
            by: Micros(random.between(1_000..100_000)),
        });
        self.some(random, plan, |swarm, random| Fault::Bandwidth {
            from: swarm.some_nodes(random),
            to: swarm.some_nodes(random),
            bytes_per_second: random.between(200..20_000),
        });
        self.some(random, plan, |_, random| Fault::Replay { messages: 1 + random.below(30) as u32 });
    }

    fn draw_node_faults(&self, random: &mut Random, plan: &mut Plan) {
        let survivable =
            [DiskFate::Keep, DiskFate::LoseUnsynced, DiskFate::LoseUnsynced, DiskFate::TearLastWrite];
        if !self.crashing.is_empty() {
            self.some(random, plan, |swarm, random| Fault::Crash {
                node: random.pick(&swarm.crashing).clone(),
                disk: *random.pick(&survivable),
            });
            self.some(random, plan, |swarm, random| Fault::CrashAmid {
                node: random.pick(&swarm.crashing).clone(),
                effects: random.below(8) as u32,
                disk: *random.pick(&survivable),
            });
            self.some(random, plan, |swarm, random| Fault::DiskFull {
                node: random.pick(&swarm.crashing).clone(),
            });
        }
        if !self.forgetful.is_empty() {
            self.some(random, plan, |swarm, random| Fault::Crash {
                node: random.pick(&swarm.forgetful).clone(),
                disk: DiskFate::Wipe,
            });
        }
        if !self.nodes.is_empty() {
            self.some(random, plan, |swarm, random| Fault::Pause { node: random.pick(&swarm.nodes).clone() });
            self.some(random, plan, |swarm, random| Fault::Clock {
                node: random.pick(&swarm.nodes).clone(),
                ahead_us: random.below(200_000) as i64 - 100_000,
                drift_ppm: *random.pick(&[-500_000, -50_000, 0, 50_000, 1_000_000]),
            });
        }
        self.draw_losses(random, plan);
    }

    /// Distinct nodes, so that no more than the protocol bears are ever lost.
    fn draw_losses(&self, random: &mut Random, plan: &mut Plan) {
        if self.most_lost == 0 || random.below(4) != 0 {
            return;
        }
        let mut nodes = self.losable.clone();
        random.shuffle(&mut nodes);
        for node in nodes.into_iter().take(1 + random.below(self.most_lost as u64) as usize) {
            let disk = *random.pick(&[DiskFate::FlipBit, DiskFate::Wipe]);
            let scheduled = self.time(random, Fault::Crash { node, disk });
            // A damaged node tries to come back, and is refused by its own recovery. An emptied one would not know better.
            let lasts = scheduled.lasts.filter(|_| disk == DiskFate::FlipBit);
            plan.faults.push(Scheduled { lasts, ..scheduled });
        }
    }

    /// Adds up to four faults of one kind; half of the time none.
    fn some(&self, random: &mut Random, plan: &mut Plan, mut draw: impl FnMut(&Swarm, &mut Random) -> Fault) {
        if random.below(2) == 0 {
            return;
        }
        for _ in 0..1 + random.below(4) {
            let fault = draw(self, random);
            let scheduled = self.time(random, fault);
            plan.faults.push(scheduled);
        }
    }

    /// Gives a fault its time: short ones are as frequent as long ones.
    fn time(&self, random: &mut Random, fault: Fault) -> Scheduled {
        let length = micros(self.length);
        let longest = 1 << random.below(u64::from(length.max(2).ilog2()) + 1);
        let at = Micros(random.below(length));
        let lasts = Some(Micros(1 + random.below(longest)));
        let late = *random.pick(&[Late::Never, Late::Never, Late::InOrder, Late::Shuffled]);
        Scheduled { at, lasts, late, fault }
    }

    /// All nodes (an empty list), or a few.
    fn some_nodes(&self, random: &mut Random) -> Vec<Name> {
        if random.below(3) == 0 {
            return Vec::new();
        }
        let mut nodes = self.nodes.clone();
        random.shuffle(&mut nodes);
        nodes.truncate(1 + random.below(nodes.len() as u64) as usize);
        nodes
    }
}

fn draw_delay(random: &mut Random) -> Delay {
    *random.pick(&[
        // Equal delays: what is sent together arrives together, and ties break by the order of sending.
        Delay::Fixed { us: 5_000 },
        Delay::Uniform { min_us: 1_000, max_us: 10_000 },
        Delay::Uniform { min_us: 100, max_us: 50_000 },
        Delay::Exponential { mean_us: 8_000 },
    ])
}

fn draw_weather(random: &mut Random) -> Weather {
    Weather {
        delay: draw_delay(random),
        loss: *random.pick(&[0, 0, 1, 5, 20, 40].map(Chance::percent)),
        duplication: *random.pick(&[0, 0, 1, 10, 50].map(Chance::percent)),
        straggling: *random.pick(&[0, 0, 1, 10].map(Chance::percent)),
        straggle_by: *random.pick(&[
            Delay::Uniform { min_us: 10_000, max_us: 100_000 },
            Delay::Uniform { min_us: 50_000, max_us: 1_000_000 },
        ]),
        fifo: random.below(4) == 0,
    }
}

fn draw_chance(random: &mut Random) -> Chance {
    *random.pick(&[10, 50, 90, 100].map(Chance::percent))
}
