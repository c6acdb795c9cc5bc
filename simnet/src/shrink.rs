//! Shrinking: a failing run, made as short as can be while it breaks the same rule.
//!
//! What the run has done is taken as a schedule: this message arrives, that alarm goes off, this node crashes, one after the other.
//! Delays, chance and the faults of the network have done their work then, and are gone: a message that was lost is one that no
//! step delivers. From the list of steps some are left out, first many at once, then few, as in delta debugging (Zeller and Hildebrandt 2002); a
//! step that cannot be taken any more, because its message is not sent, is passed over and falls away with it. Crashes go first, then
//! whole nodes, messages and alarms, at last pairs of steps, and time: what is left takes a millisecond a step where that still breaks the rule.
//!
//! A rule that asks for something to happen in the end cannot be broken by a schedule that simply stops. There faults and nodes are left
//! out of the run itself.
//!
//! All that takes at most [`MOST_RUNS`] runs and [`MOST_STEPS`] events: a few seconds.

use crate::campaign::{Trial, Way};
use crate::node::NodeId;
use crate::process::Process;
use crate::scenario::{Act, Script, Step, Syncs};
use crate::sim::Sim;
use crate::storage::DiskFate;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Something that can be left out of a run in which time goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    /// A fault, by its place in the run's list. It never begins.
    Fault(usize),
    /// A node. It never starts, and what is sent to it is lost.
    Node(NodeId),
}

/// How much shorter a run has become.
#[derive(Clone, Debug)]
pub(crate) struct Shrunk {
    /// The shorter run.
    pub way: Way,
    /// What was in the run before.
    pub before: Size,
    /// What is still in it.
    pub after: Size,
    /// How many runs that took, and how many events in all of them.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests ask whether the bound holds"))]
    pub spent: (u32, u64),
}

/// What is in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// Faults that did something; of a schedule: its crashes.
    pub faults: usize,
    /// Messages that were delivered.
    pub messages: u64,
    /// Alarms that went off.
    pub alarms: u64,
    /// Events of all kinds.
    pub events: u64,
}

impl Shrunk {
    /// Whether anything could be left out.
    pub fn is_shorter(&self) -> bool {
        self.after.events < self.before.events
    }

    /// The schedule, where the run could be made one.
    pub fn script(&self) -> Option<&Arc<Script>> {
        match &self.way {
            Way::Scripted(script) => Some(script),
            _ => None,
        }
    }
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = (&self.before, &self.after);
        write!(f, "{} of {} messages, ", after.messages, before.messages)?;
        write!(
            f,
            "{} of {} alarms and {} of {} faults",
            after.alarms, before.alarms, after.faults, before.faults
        )?;
        f.write_str(" are enough")?;
        if let Some(script) = self.script().filter(|script| !script.without.is_empty()) {
            let without: Vec<&str> = script.without.iter().map(|name| &**name).collect();
            write!(f, ", without {}", without.join(" "))?;
        }
        Ok(())
    }
}

/// The most runs that shrinking may take.
pub const MOST_RUNS: u32 = 10_000;
/// The most events in all of them.
pub const MOST_STEPS: u64 = 1_000_000;
/// Pairs of steps are tried when there are no more than so many steps.
const FEW_STEPS: usize = 60;

/// How much one search may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub runs: u32,
    pub events: u64,
}

impl Budget {
    /// A share of the whole.
    pub fn shared_by(searches: u32) -> Self {
        Budget { runs: MOST_RUNS / searches.max(1), events: MOST_STEPS / u64::from(searches.max(1)) }
    }
}

/// Shortens the run of a seed while it breaks `rule`. `attempt` runs the test.
pub(crate) fn shrink<P: Process>(
    seed: u64,
    rule: &str,
    budget: Budget,
    attempt: &dyn Fn(Trial) -> Option<Sim<P>>,
) -> Option<Shrunk> {
    let trial = |way: Way| Trial { seed, record: false, way };
    let mut first = attempt(trial(Way::Logged))?;
    let before = first.size();
    let steps = first.logged();
    let mut search =
        Search { rule, budget, runs: 1, events: first.events(), attempt: &|way| attempt(trial(way)) };
    let schedule = (!first.waited_in_vain()).then(|| search.schedule(&steps)).flatten();
    let (way, after) = match schedule {
        Some(found) => found,
        None => search.environment(first),
    };
    Some(Shrunk { way, before, after, spent: (search.runs, search.events) })
}

struct Search<'a, P: Process> {
    rule: &'a str,
    budget: Budget,
    runs: u32,
    events: u64,
    attempt: &'a dyn Fn(Way) -> Option<Sim<P>>,
}

impl<P: Process> Search<'_, P> {
    fn is_spent(&self) -> bool {
        self.runs >= self.budget.runs || self.events >= self.budget.events
    }

    /// The run, when the rule is broken in it too.
    fn broken(&mut self, way: Way) -> Option<Sim<P>> {
        if self.is_spent() {
            return None;
        }
        self.runs += 1;
        let sim = (self.attempt)(way)?;
        self.events += sim.events();
        let same = sim.violation().is_some_and(|violation| violation.rule == self.rule);
        same.then_some(sim)
    }

    /// What a schedule comes to: the steps that were really taken, up to the broken rule, and whether each changed anything.
    fn taken(&mut self, script: &Script) -> Option<Found> {
        let sim = self.broken(Way::Scripted(Arc::new(script.clone())))?;
        let (taken, idle) = sim.taken_steps()?;
        let idle: BTreeSet<usize> = idle.iter().copied().collect();
        let idle = taken.iter().map(|place| idle.contains(place)).collect();
        let steps = taken.iter().map(|place| script.steps[*place].clone()).collect();
        Some(Found { script: Script { steps, ..script.clone() }, idle, size: sim.size() })
    }

    /// A schedule as short as can be, if the run can be made one at all.
    fn schedule(&mut self, steps: &[Step]) -> Option<(Way, Size)> {
        let lenient = Script { steps: steps.to_vec(), lenient: true, ..Script::default() };
        // Where no crash came while a sync was under way, syncs may as well take no time.
        let by_hand = Script { syncs: Syncs::ByHand, ..lenient.clone() };
        let mut found = match self.taken(&lenient) {
            Some(found) => found,
            None => self.taken(&by_hand)?,
        };
        self.without_crashes(&mut found);
        self.without_what_is_idle(&mut found);
        self.without_nodes(&mut found);
        // Coarse before fine: what large groups take away makes all later runs cheaper.
        loop {
            let before = found.script.steps.len();
            self.without_groups(&mut found);
            self.without_pairs(&mut found);
            if found.script.steps.len() == before || self.is_spent() {
                break;
            }
        }
        self.milder_crashes(&mut found);
        self.fewer_nodes(&mut found);
        self.without_time(&mut found);
        let crashes = found.script.steps.iter().filter(|step| matches!(step.act, Act::Crash { .. })).count();
        let size = Size { faults: crashes, ..found.size };
        let script = Script { lenient: false, ..found.script };
        // What is kept is taken step by step, so it must break the rule without leniency too.
        let script = Arc::new(script);
        self.budget.runs = self.budget.runs.saturating_add(1);
        self.budget.events = self.budget.events.max(self.events + 1);
        self.broken(Way::Scripted(script.clone()))?;
        Some((Way::Scripted(script), size))
    }

    /// Leaves steps out, when the rule is broken without them.
    fn without(&mut self, found: &mut Found, out: impl Fn(usize, &Step) -> bool) -> bool {
        let steps = &found.script.steps;
        let kept: Vec<Step> = steps
            .iter()
            .enumerate()
            .filter(|(place, step)| !out(*place, step))
            .map(|(_, step)| step.clone())
            .collect();
        if kept.len() == steps.len() {
            return false;
        }
        self.replace(found, Script { steps: kept, ..found.script.clone() })
    }

    fn replace(&mut self, found: &mut Found, script: Script) -> bool {
        match self.taken(&script) {
            Some(shorter) if shorter.script.steps.len() <= found.script.steps.len() => {
                *found = shorter;
                true
            }
            _ => false,
        }
    }

    fn without_crashes(&mut self, found: &mut Found) {
        if !self.without(found, |_, step| step.act.is_fault()) {
            let mut end = found.script.steps.len();
            while let Some(place) = found.script.steps[..end.min(found.script.steps.len())]
                .iter()
                .rposition(|step| matches!(step.act, Act::Crash { .. }))
            {
                end = place;
                // With the crash goes the restart that follows it.
                let node = found.script.steps[place].act.nodes()[0].clone();
                let restart = found.script.steps[place..]
                    .iter()
                    .position(|step| matches!(&step.act, Act::Restart { node: other } if *other == node))
                    .map(|after| place + after);
                self.without(found, |at, _| at == place || Some(at) == restart);
            }
        }
    }

    /// In a long run most messages are read for nothing.
    fn without_what_is_idle(&mut self, found: &mut Found) {
        let idle = found.idle.clone();
        self.without(found, |place, _| idle[place]);
    }

    /// A node at a time, with all that has to do with it.
    fn without_nodes(&mut self, found: &mut Found) {
        let nodes: BTreeSet<_> =
            found.script.steps.iter().flat_map(|step| step.act.nodes()).cloned().collect();
        for node in nodes.iter().rev() {
            self.without(found, |_, step| step.act.nodes().contains(&node));
        }
    }

    /// All steps, then halves, quarters, down to single ones. From the end: what comes late is more often beside the point.
    fn without_groups(&mut self, found: &mut Found) {
        let mut size = found.script.steps.len().next_power_of_two();
        while size >= 1 && !self.is_spent() {
            let mut end = found.script.steps.len();
            while end > 0 && !self.is_spent() {
                let start = end.saturating_sub(size);
                self.without(found, |place, _| (start..end).contains(&place));
                end = start.min(found.script.steps.len());
            }
            size /= 2;
        }
    }

    /// Two steps that only together are of no use, such as a message and its answer.
    fn without_pairs(&mut self, found: &mut Found) {
        let mut first = 0;
        while first < found.script.steps.len() && found.script.steps.len() <= FEW_STEPS {
            let others = first + 1..found.script.steps.len();
            let mut others = others.rev();
            let shorter =
                others.any(|second| self.without(found, |place, _| place == first || place == second));
            if !shorter {
                first += 1;
            }
            if self.is_spent() {
                return;
            }
        }
    }

    /// A crash that loses what was not synced is what readers expect.
    fn milder_crashes(&mut self, found: &mut Found) {
        for place in 0..found.script.steps.len() {
            let mut script = found.script.clone();
            if let Some(Step { act: Act::Crash { disk, .. }, .. }) = script.steps.get_mut(place)
                && !matches!(disk, DiskFate::LoseUnsynced)
            {
                *disk = DiskFate::LoseUnsynced;
                self.replace(found, script);
            }
        }
    }

    /// Nodes that no step has to do with need not start.
    fn fewer_nodes(&mut self, found: &mut Found) {
        let Some(sim) = self.broken(Way::Scripted(Arc::new(found.script.clone()))) else { return };
        let busy: BTreeSet<_> =
            found.script.steps.iter().flat_map(|step| step.act.nodes()).cloned().collect();
        let idle: Vec<_> = sim.node_names().filter(|name| !busy.contains(*name)).cloned().collect();
        let mut all = found.script.clone();
        all.without.extend(idle.iter().cloned());
        if self.replace(found, all) {
            return;
        }
        for name in idle {
            let mut one = found.script.clone();
            one.without.insert(name);
            self.replace(found, one);
        }
    }

    /// A millisecond a step, when the rule does not depend on time.
    fn without_time(&mut self, found: &mut Found) {
        let mut script = found.script.clone();
        for (place, step) in script.steps.iter_mut().enumerate() {
            step.at_us = 1_000 * (place as u64 + 1);
        }
        self.replace(found, script);
    }

    /// The run itself, with fewer faults and nodes.
    fn environment(&mut self, first: Sim<P>) -> (Way, Size) {
        let faults = (0..first.fault_count()).map(Item::Fault);
        // Where something was to happen in the end, a run without its nodes breaks the rule as well, and shows nothing.
        let nodes = if first.waited_in_vain() { 0 } else { first.node_count() as u32 };
        let nodes = (0..nodes).map(|node| Item::Node(NodeId(node)));
        let items: Vec<Item> = faults.chain(nodes).collect();
        let mut left_out = BTreeSet::new();
        let mut best = first;
        let mut size = items.len().next_power_of_two();
        while size >= 1 {
            for group in items.rchunks(size) {
                let mut fewer: BTreeSet<Item> = left_out.clone();
                fewer.extend(group);
                if fewer == left_out {
                    continue;
                }
                // A run that is not shorter is no progress, though something is left out of it.
                if let Some(sim) = self.broken(Way::Without(fewer.clone()))
                    && sim.events() <= best.events()
                {
                    (left_out, best) = (fewer, sim);
                }
            }
            size /= 2;
        }
        (Way::Without(left_out), best.size())
    }
}

/// A schedule that breaks the rule.
struct Found {
    script: Script,
    /// For each step, whether it was a delivery that changed nothing.
    idle: Vec<bool>,
    size: Size,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cluster, Context, Message, Violation};
    use serde::{Deserialize, Serialize};
    use std::time::Duration;

    /// Counts up, from node to node.
    #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct Count(u64);

    impl Message for Count {
        fn name(&self) -> &'static str {
            "Count"
        }
    }

    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Counter {
        last: u64,
    }

    impl Process for Counter {
        type Message = Count;
        type Timer = ();
        type Output = ();

        fn start(&mut self, ctx: &mut Context<'_, Self>) {
            ctx.send(NodeId(1 - ctx.me().0), Count(1));
        }

        fn receive(&mut self, from: NodeId, Count(number): Count, ctx: &mut Context<'_, Self>) {
            self.last = self.last.max(number);
            ctx.send(from, Count(number + 1));
        }
    }

    /// Two chains of messages; one of them has to be as long as `goal`, and no message of it can be left out.
    fn count_to(goal: u64, trial: &Trial) -> Sim<Counter> {
        let mut cluster = Cluster::new();
        let nodes = ["a", "b"].map(|name| cluster.node(name, || Counter { last: 0 }));
        let sim = Sim::new(trial.seed, &cluster);
        let mut sim = match &trial.way {
            Way::Chance => sim,
            Way::Logged => sim.logging(),
            Way::Without(items) => sim.without(items),
            Way::Scripted(script) => sim.scripted(script),
        };
        let reached = |sim: &Sim<Counter>| {
            nodes.iter().any(|node| sim.process(*node).is_some_and(|counter| counter.last >= goal))
        };
        if sim.run_until(Duration::from_secs(3600), reached) {
            sim.violate(Violation::new("nobody counts so far", "less", goal.to_string()));
        }
        sim
    }

    fn shortened(goal: u64, budget: Budget) -> Shrunk {
        shrink(3, "nobody counts so far", budget, &|trial| Some(count_to(goal, &trial))).expect("it fails")
    }

    #[test]
    fn one_of_two_chains_is_enough() {
        let short = shortened(12, Budget::shared_by(1));
        assert_eq!(short.script().expect("a schedule").steps.len(), 12);
        assert!(short.before.messages >= 20, "{:?}", short.before);
        assert_eq!(short.after.messages, 12);
    }

    #[test]
    fn it_ends_within_its_bound_where_nothing_can_be_left_out() {
        for budget in [Budget { runs: 100, events: u64::MAX }, Budget { runs: u32::MAX, events: 40_000 }] {
            let short = shortened(500, budget);
            let (runs, events) = short.spent;
            assert!(runs <= budget.runs.saturating_add(1), "{runs} runs");
            // The last run may be under way when the bound is reached, and what is found is tried once more.
            assert!(events <= budget.events.saturating_add(2 * short.before.events), "{events} events");
            assert!(short.after.messages >= 500, "{:?}", short.after);
        }
    }
}
