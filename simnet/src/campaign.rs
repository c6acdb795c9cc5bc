//! Campaigns: one test under many seeds, over all cores, with the same answer whatever the number of threads.

use crate::cluster::Cluster;
use crate::diagram;
use crate::fault::Fault;
use crate::monitor::{Marks, Violation};
use crate::page::{self, Explained};
use crate::panics;
use crate::process::{Observe, Process};
use crate::scenario::{End, Scenario, Script};
use crate::shrink::{Budget, Item, Shrunk, shrink};
use crate::sim::Sim;
use crate::tally::Count;
use crate::trace::Trace;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Which test this is: [`this_test!`](crate::this_test) knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestId {
    /// The lab's folder, `07-paxos`.
    pub lab: String,
    /// The test function.
    pub test: String,
}

impl TestId {
    /// From a package's folder and the path of something inside the test function.
    #[doc(hidden)]
    pub fn here(manifest_dir: &str, path: &str) -> Self {
        let lab = Path::new(manifest_dir)
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut parts = path.rsplit("::").filter(|part| !part.starts_with("{{"));
        let test = parts.nth(1).unwrap_or(path).to_string();
        TestId { lab, test }
    }

    /// The command that runs this test under one seed, and draws what happens.
    pub fn replay_command(&self, seed: u64) -> String {
        let number = self.lab.split('-').next().unwrap_or(&self.lab);
        format!("cargo course replay {number} --test {} --seed {seed}", self.test)
    }
}

/// The [`TestId`] of the function in which it stands.
#[macro_export]
macro_rules! this_test {
    () => {{
        fn inside() {}
        $crate::campaign::TestId::here(env!("CARGO_MANIFEST_DIR"), std::any::type_name_of_val(&inside))
    }};
}

/// One seed of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// The seed.
    pub seed: u64,
    /// Whether this run is to be recorded: a failing seed is run once more, with recording on.
    pub record: bool,
    /// By what the run goes: a failing seed is shortened.
    pub(crate) way: Way,
}

/// By what a run goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// By its seed.
    #[default]
    Chance,
    /// By its seed, and its steps are kept.
    Logged,
    /// By its seed, without these faults and nodes.
    Without(BTreeSet<Item>),
    /// By a script.
    Scripted(Arc<Script>),
}

impl Trial {
    /// The trial of a seed, recorded or not, with nothing left out.
    pub fn new(seed: u64, record: bool) -> Self {
        Trial { seed, record, way: Way::Chance }
    }

    /// The run of this trial.
    pub fn sim<P: Observe>(&self, cluster: &Cluster<P>) -> Sim<P> {
        let sim = Sim::new(self.seed, cluster);
        let sim = match &self.way {
            Way::Chance => sim,
            Way::Logged => sim.logging(),
            Way::Without(items) => sim.without(items),
            Way::Scripted(script) => sim.scripted(script),
        };
        if self.record { sim.recording(true).recording_views() } else { sim }
    }
}

/// A seed under which a rule was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The rule.
    pub violation: Violation,
}

/// What a campaign found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many seeds were run.
    pub seeds: u64,
    /// The seeds that broke a rule, lowest first. Where the campaign ends with the first failure: that one.
    pub failures: Vec<Failure>,
    /// The seeds that broke no rule as far as is known, lowest first, and what is not known.
    pub unknown: Vec<(u64, String)>,
    /// The situations reached.
    pub marks: Marks,
    /// How often each kind of fault did something.
    pub faults: BTreeMap<&'static str, u64>,
    /// Messages by name.
    pub messages: BTreeMap<&'static str, Count>,
    /// Events of all runs.
    pub events: u64,
    /// Virtual microseconds of all runs.
    pub virtual_us: u64,
}

impl Report {
    fn add<P: Process>(&mut self, sim: &Sim<P>) {
        self.marks.add(sim.marks());
        if let (None, Some(what)) = (sim.violation(), sim.unknown()) {
            self.unknown.push((sim.seed(), what.to_string()));
        }
        for (kind, count) in sim.tally().faults() {
            *self.faults.entry(kind).or_default() += count;
        }
        for (name, count) in sim.tally().by_name() {
            let total = self.messages.entry(name).or_default();
            total.count += count.count;
            total.bytes += count.bytes;
        }
        self.events += sim.events();
        self.virtual_us += sim.now().as_micros();
    }

    fn merge(&mut self, other: Report) {
        self.seeds += other.seeds;
        self.failures.extend(other.failures);
        self.unknown.extend(other.unknown);
        self.marks.add(&other.marks);
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (name, count) in other.messages {
            let total = self.messages.entry(name).or_default();
            total.count += count.count;
            total.bytes += count.bytes;
        }
        self.events += other.events;
        self.virtual_us += other.virtual_us;
    }

    /// The failures by the rule that was broken, each with its seeds.
    pub fn by_rule(&self) -> BTreeMap<&str, Vec<u64>> {
        let mut rules: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for failure in &self.failures {
            rules.entry(&failure.violation.rule).or_default().push(failure.seed);
        }
        rules
    }
}

thread_local! {
    /// The seeds that the campaigns of each test have tried so far: a test may be several, one after the other.
    static TRIED: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

impl fmt::Display for Report {
    /// What the seeds reached: situations, faults, messages; and the rules they broke, with the lowest seeds of each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} events, {} s of virtual time", self.events, self.virtual_us / 1_000_000)?;
        writeln!(f, "\nsituations reached")?;
        for (situation, count) in self.marks.iter() {
            writeln!(f, "  {count:>10}  {situation}")?;
        }
        writeln!(f, "\nwhat faults did")?;
        for (kind, count) in &self.faults {
            writeln!(f, "  {count:>10}  {kind}")?;
        }
        let idle: Vec<&str> =
            Fault::KINDS.into_iter().filter(|kind| !self.faults.contains_key(kind)).collect();
        if !idle.is_empty() {
            writeln!(f, "  faults that never did anything: {}", idle.join(", "))?;
        }
        writeln!(f, "\nmessages")?;
        for (name, count) in &self.messages {
            writeln!(f, "  {:>10}  {name}", count.count)?;
        }
        writeln!(f)?;
        if let Some((seed, what)) = self.unknown.first() {
            writeln!(f, "unknown under {} seeds, first under {seed}: {what}", self.unknown.len())?;
        }
        if self.failures.is_empty() {
            return f.write_str("no rule was broken");
        }
        for (rule, seeds) in self.by_rule() {
            let shown: Vec<String> = seeds.iter().take(10).map(ToString::to_string).collect();
            let more = if seeds.len() > shown.len() { " …" } else { "" };
            writeln!(f, "broken under {} seeds: {rule}\n  seeds {}{more}", seeds.len(), shown.join(" "))?;
        }
        Ok(())
    }
}

/// Many seeds of one test.
pub struct Campaign<'a> {
    id: TestId,
    seeds: u64,
    must_reach: Vec<&'static str>,
    must_fire: Vec<&'static str>,
    settings: Settings,
    progress: Option<&'a (dyn Fn(u64, u64) + Sync)>,
}

/// What the environment asks of a campaign.
#[derive(Clone, Debug, Default)]
struct Settings {
    /// `SIMNET_SEEDS`: how many seeds.
    seeds: Option<u64>,
    /// `SIMNET_SEED`: this one only.
    seed: Option<u64>,
    /// `SIMNET_TRACE`: where to record it.
    trace: Option<PathBuf>,
    /// `SIMNET_SCENARIO`: this schedule, instead of seeds.
    scenario: Option<PathBuf>,
    /// `SIMNET_KEPT=0`: do not try the kept failures first, keep none, and shorten none.
    forget: bool,
    threads: Option<usize>,
}

impl Settings {
    fn from_environment() -> Self {
        let number = |name: &str| {
            let text = std::env::var(name).ok()?;
            Some(parse_seed(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
        };
        Settings {
            seeds: number("SIMNET_SEEDS"),
            seed: number("SIMNET_SEED"),
            trace: std::env::var_os("SIMNET_TRACE").map(PathBuf::from),
            scenario: std::env::var_os("SIMNET_SCENARIO").map(PathBuf::from),
            forget: std::env::var("SIMNET_KEPT").is_ok_and(|kept| kept == "0"),
            threads: None,
        }
    }
}

/// Reads a seed: any number of 64 bits, decimal or `0x…`.
///
/// # Errors
/// Says what was read and what was expected.
pub fn parse_seed(text: &str) -> Result<u64, String> {
    let digits = text.trim();
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let all_digits = !digits.is_empty() && hex.unwrap_or(digits).bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = if all_digits {
        hex.map_or_else(|| digits.parse(), |hex| u64::from_str_radix(hex, 16)).ok()
    } else {
        None
    };
    number.ok_or_else(|| {
        format!(
            "read the seed `{text}`, expected a number from 0 to {}, decimal or in hexadecimal as 0x2a",
            u64::MAX
        )
    })
}

impl<'a> Campaign<'a> {
    /// A campaign of 200 seeds, unless [`Campaign::seeds`] or `SIMNET_SEEDS` says otherwise.
    pub fn new(id: TestId) -> Self {
        let settings = Settings::from_environment();
        Campaign { id, seeds: 200, must_reach: Vec::new(), must_fire: Vec::new(), settings, progress: None }
    }

    /// How many seeds, from 0 on.
    pub fn seeds(mut self, seeds: u64) -> Self {
        self.seeds = seeds;
        self
    }

    /// The test claims these situations: it fails when no seed reached one of them.
    pub fn reaching(mut self, situations: &[&'static str]) -> Self {
        self.must_reach.extend(situations);
        self
    }

    /// The test claims these kinds of faults: it fails when one never did anything under any seed.
    pub fn firing(mut self, faults: &[&'static str]) -> Self {
        self.must_fire.extend(faults);
        self
    }

    /// Uses so many threads instead of all cores. The report is the same.
    pub fn threads(mut self, threads: usize) -> Self {
        self.settings.threads = Some(threads.max(1));
        self
    }

    /// Tells `progress` how many seeds are done, of how many.
    pub fn progress(mut self, progress: &'a (dyn Fn(u64, u64) + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Runs all seeds, and collects every failure.
    pub fn explore<P: Process>(&self, trial: impl Fn(&Trial) -> Sim<P> + Sync) -> Report {
        self.sweep(self.count(), false, &trial)
    }

    /// Runs the seeds up to the first that breaks a rule. Failures of earlier runs come first.
    ///
    /// # Panics
    /// When a rule is broken, when of some seed it is not known whether one is, or when what the test claims was never reached. The panic
    /// is the explanation: the rule, what was expected and seen, the seed, how to replay it, and a picture of the run.
    pub fn run<P: Process>(&self, trial: impl Fn(&Trial) -> Sim<P> + Sync) -> Report {
        if let Some(path) = &self.settings.scenario {
            return self.run_scenario(path, &trial);
        }
        if let Some(seed) = self.settings.seed {
            return self.run_one(seed, &trial);
        }
        self.try_kept(&trial);
        let report = self.sweep(self.count(), true, &trial);
        if let Some(failure) = report.failures.first() {
            self.keep(failure.seed);
            panic!("{}", self.explain(failure, Some(failure.seed + 1), &trial));
        }
        self.check_known(&report);
        self.check_claims(&report);
        TRIED.with_borrow_mut(|tried| *tried.entry(self.id.test.clone()).or_default() += report.seeds);
        report
    }

    /// The seeds that were tried until one broke a rule: `here` by this campaign, after those of the same test before it.
    fn tried(&self, here: u64) -> String {
        let of = self.count();
        match TRIED.with_borrow(|tried| tried.get(&self.id.test).copied().unwrap_or(0)) {
            0 => format!(" (tried {here} of {of})"),
            earlier => {
                format!(" (tried {}: after {earlier} of earlier campaigns, {here} of {of})", earlier + here)
            }
        }
    }

    fn count(&self) -> u64 {
        self.settings.seeds.unwrap_or(self.seeds)
    }

    fn run_one<P: Process>(&self, seed: u64, trial: &(impl Fn(&Trial) -> Sim<P> + Sync)) -> Report {
        let mut report = Report { seeds: 1, ..Report::default() };
        match attempt(trial, Trial::new(seed, self.settings.trace.is_some())) {
            Ok(sim) => {
                if let (Some(path), Some(trace)) = (&self.settings.trace, sim.trace(&self.id.lab)) {
                    write_trace(&trace, path)
                        .unwrap_or_else(|error| panic!("could not write {}: {error}", path.display()));
                }
                if let Some(violation) = sim.violation() {
                    let failure = Failure { seed, violation: violation.clone() };
                    panic!("{}", self.explain(&failure, None, trial));
                }
                report.add(&sim);
                self.check_known(&report);
            }
            Err(violation) => panic!("{}", self.explain(&Failure { seed, violation }, None, trial)),
        }
        report
    }

    /// Runs a schedule that was kept, in the place of the seed it is from.
    fn run_scenario<P: Process>(&self, path: &Path, trial: &(impl Fn(&Trial) -> Sim<P> + Sync)) -> Report {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("could not read the scenario {shown}: {error}"));
        let scenario = Scenario::read(&text).unwrap_or_else(|error| panic!("{shown}: {error}"));
        let way = Way::Scripted(Arc::new(scenario.script.clone()));
        let sim = match attempt(trial, Trial { seed: scenario.seed, record: true, way }) {
            Ok(sim) => sim,
            Err(violation) => panic!("{violation}\n  scenario: {shown}"),
        };
        // A test of several campaigns has clusters of several kinds; the schedule is one of these.
        if !sim.node_names().eq(&scenario.nodes) {
            return Report { seeds: 1, ..Report::default() };
        }
        let trace = sim.trace(&self.id.lab);
        if let (Some(to), Some(trace)) = (&self.settings.trace, &trace) {
            write_trace(trace, to)
                .unwrap_or_else(|error| panic!("could not write {}: {error}", to.display()));
        }
        let said = match sim.end_of_script() {
            End::Held if sim.unknown().is_some() => {
                panic!("unknown: {}\n  scenario: {shown}", sim.unknown().unwrap_or_default())
            }
            End::Held => return Report { seeds: 1, ..Report::default() },
            End::Broken(violation) => violation.to_string(),
            End::Deviated(deviation) => deviation.to_string(),
        };
        let picture = trace.map(|trace| diagram::render(&trace, &diagram::Options::default()));
        panic!("{said}\n  scenario: {shown}\n\n{}", picture.unwrap_or_default())
    }

    fn sweep<P: Process>(
        &self,
        seeds: u64,
        stop_at_first: bool,
        trial: &(impl Fn(&Trial) -> Sim<P> + Sync),
    ) -> Report {
        let next = AtomicU64::new(0);
        let done = AtomicU64::new(0);
        // No seed above the lowest failure is started, every one below it is finished: the answer is the lowest.
        let lowest = AtomicU64::new(u64::MAX);
        let total = Mutex::new(Report::default());
        let panicked = AtomicBool::new(false);
        let threads = self
            .settings
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let work = || {
            let mut mine = Report::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                let above = stop_at_first && seed > lowest.load(Ordering::Relaxed);
                if seed >= seeds || above || panicked.load(Ordering::Relaxed) {
                    break;
                }
                let failed = match attempt(trial, Trial::new(seed, false)) {
                    Ok(sim) => {
                        mine.add(&sim);
                        sim.violation().cloned()
                    }
                    Err(violation) => Some(violation),
                };
                mine.seeds += 1;
                if let Some(violation) = failed {
                    lowest.fetch_min(seed, Ordering::Relaxed);
                    mine.failures.push(Failure { seed, violation });
                }
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if let Some(progress) = self.progress {
                    progress(done, seeds);
                }
            }
            total.lock().expect("no thread panics while it adds its report").merge(mine);
        };
        if threads == 1 {
            work();
        } else {
            std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        }
        let mut report = total.into_inner().expect("all threads have ended");
        report.failures.sort_by_key(|failure| failure.seed);
        report.unknown.sort();
        if stop_at_first {
            report.failures.truncate(1);
        }
        report
    }

    /// A test proves nothing by a run that could not be judged. It is no broken rule either.
    fn check_known(&self, report: &Report) {
        if let Some((seed, what)) = report.unknown.first() {
            panic!(
                "unknown: {what}\n  expected: each run is judged, as held or as broken\n  got: neither, under {} of {} seeds\n  seed: \
                 {seed}\n  replay: {}\n  no rule is known to be broken; next: a larger budget where the test calls the checker",
                report.unknown.len(),
                report.seeds,
                self.id.replay_command(*seed)
            );
        }
    }

    fn check_claims(&self, report: &Report) {
        // Fewer seeds than the test asks for, by `--seeds`, may miss what all of them reach.
        if report.seeds < self.seeds {
            return;
        }
        let missed: Vec<&str> =
            self.must_reach.iter().copied().filter(|mark| report.marks.count(mark) == 0).collect();
        let idle: Vec<&str> =
            self.must_fire.iter().copied().filter(|kind| !report.faults.contains_key(kind)).collect();
        if !missed.is_empty() || !idle.is_empty() {
            let list = |what: &[&str]| if what.is_empty() { "none".to_string() } else { what.join(", ") };
            panic!(
                "rule broken: a test reaches what it claims\n  expected: {} seeds reach each situation and fire each fault\n  \
                 got: situations never reached: {}; faults that never did anything: {}\n  \
                 the solution reaches all of them under these seeds: what in your process keeps it from happening?",
                report.seeds,
                list(&missed),
                list(&idle)
            );
        }
    }

    /// A failure as text, which says where its trace and its page are.
    fn explain<P: Process>(
        &self,
        failure: &Failure,
        tried: Option<u64>,
        trial: &impl Fn(&Trial) -> Sim<P>,
    ) -> String {
        let tried = tried.map(|here| self.tried(here)).unwrap_or_default();
        let mut text = format!(
            "{}\n  seed: {}{tried}\n  replay: {}\n",
            failure.violation,
            failure.seed,
            self.id.replay_command(failure.seed)
        );
        let original =
            attempt(trial, Trial::new(failure.seed, true)).ok().and_then(|sim| sim.trace(&self.id.lab));
        let Some(original) = original else { return text };
        let folder = failures_dir(&self.id.lab);
        let name = format!("{}-{}", self.id.test, failure.seed);
        let path = folder.join(format!("{name}.jsonl"));
        text.push_str(&kept("trace", &path, write_trace(&original, &path)));
        // Who runs many wrong programs one after the other looks at no picture of each.
        if self.settings.forget {
            return text;
        }
        let shortened = self.shorten(failure, trial);
        let replay = self.id.replay_command(failure.seed);
        let mut page = Explained::of(&original).in_test(&self.id.test).replayed_by(&replay);
        let mut drawn = &original;
        let mut removed = Vec::new();
        if let Some(short) = &shortened {
            let path = folder.join(format!("{name}-short.jsonl"));
            text.push_str(&kept("shortened", &path, write_trace(&short.trace, &path)));
            if let Some(scenario) = &short.scenario {
                let path = folder.join(format!("{name}.txt"));
                text.push_str(&kept("scenario", &path, std::fs::write(&path, scenario.to_string())));
            }
            removed.push(short.said.clone());
            page = page.shortened_to(&short.trace, &removed);
            drawn = &short.trace;
        }
        let path = folder.join(format!("{name}.html"));
        text.push_str(&kept("page", &path, page::write(&page, &path)));
        if let Some(short) = &shortened {
            text.push_str(&format!("\n{}.\n", short.said));
            if short.scenario.is_some() {
                text.push_str("Once you have changed something, the same replay says what has become of this very schedule.\n");
            }
        }
        let options = diagram::Options { max_lines: Some(60), ..diagram::Options::default() };
        text.push('\n');
        text.push_str(&diagram::render(drawn, &options));
        text
    }

    /// The seeds with the shortest runs that break the same rule, among some: one of them is often much simpler than the first.
    fn shortest<P: Process>(&self, failure: &Failure, trial: &impl Fn(&Trial) -> Sim<P>) -> Vec<u64> {
        const LOOKED_AT: u64 = 1_000;
        let seeds: BTreeSet<u64> = (0..self.count().min(LOOKED_AT)).chain([failure.seed]).collect();
        let broken = seeds.into_iter().filter_map(|seed| {
            let sim = attempt(trial, Trial::new(seed, false)).ok()?;
            let same = sim.violation().is_some_and(|violation| violation.rule == failure.violation.rule);
            same.then(|| (sim.events(), seed))
        });
        let mut broken: Vec<_> = broken.collect();
        broken.sort_unstable();
        broken.into_iter().map(|(_, seed)| seed).take(SHORTENED as usize).collect()
    }

    /// The shortest run found that breaks the same rule.
    fn shorten<P: Process>(&self, failure: &Failure, trial: &impl Fn(&Trial) -> Sim<P>) -> Option<Shortened> {
        let rule = &failure.violation.rule;
        let seeds = self.shortest(failure, trial);
        let budget = Budget::shared_by(seeds.len() as u32);
        let tries = seeds.into_iter().filter_map(|seed| {
            let short = shrink(seed, rule, budget, &|shorter| attempt(trial, shorter).ok())?;
            Some((seed, short))
        });
        // A schedule before a run that takes its time, the shorter one before the longer, the first before the others.
        let size = |short: &Shrunk| match short.script() {
            Some(script) => {
                (0, script.steps.len() as u64, script.steps.iter().filter(|step| step.act.is_fault()).count())
            }
            None => (1, short.after.events, 0),
        };
        let (seed, short) = tries.min_by_key(|(_, short)| size(short))?;
        if seed == failure.seed && !short.is_shorter() {
            return None;
        }
        let whose = if seed == failure.seed { String::new() } else { format!(", of seed {seed}") };
        let said = format!("The same rule is broken in a shorter run{whose}: {short}");
        let sim = attempt(trial, Trial { seed, record: true, way: short.way.clone() }).ok()?;
        let trace = sim.trace(&self.id.lab)?;
        let scenario = short.script().map(|script| {
            let mut scenario = Scenario {
                remarks: Vec::new(),
                lab: Some(self.id.lab.clone()),
                test: Some(self.id.test.clone()),
                seed,
                nodes: trace.header.nodes.clone(),
                script: (**script).clone(),
            };
            if let Some(violation) = sim.violation() {
                scenario.remark_on(violation);
            }
            scenario
        });
        Some(Shortened { said, trace, scenario })
    }

    /// Seeds that have failed before are tried first; those that pass now are forgotten.
    fn try_kept<P: Process>(&self, trial: &(impl Fn(&Trial) -> Sim<P> + Sync)) {
        if self.settings.forget {
            return;
        }
        let mut kept = self.kept();
        for seed in kept.clone() {
            let violation = match attempt(trial, Trial::new(seed, false)) {
                Ok(sim) => sim.violation().cloned(),
                Err(violation) => Some(violation),
            };
            if let Some(violation) = violation {
                let text = self.explain(&Failure { seed, violation }, None, trial);
                panic!("{}", text.replacen("\n  replay:", " (it has failed before)\n  replay:", 1));
            }
            kept.remove(&seed);
            self.write_kept(&kept);
        }
    }

    fn kept_path(&self) -> PathBuf {
        failures_dir(&self.id.lab).join(format!("{}.seeds", self.id.test))
    }

    fn kept(&self) -> BTreeSet<u64> {
        let text = std::fs::read_to_string(self.kept_path()).unwrap_or_default();
        text.lines().filter_map(|line| parse_seed(line).ok()).collect()
    }

    fn keep(&self, seed: u64) {
        if !self.settings.forget {
            let mut kept = self.kept();
            kept.insert(seed);
            self.write_kept(&kept);
        }
    }

    fn write_kept(&self, kept: &BTreeSet<u64>) {
        let path = self.kept_path();
        let text: String = kept.iter().map(|seed| format!("{seed}\n")).collect();
        // Where nothing can be written the failure is still reported; it is only not tried first next time.
        let written =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        if let Err(error) = written {
            eprintln!("could not keep the failing seeds in {}: {error}", path.display());
        }
    }
}

impl fmt::Debug for Campaign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Campaign").field("id", &self.id).field("seeds", &self.seeds).finish_non_exhaustive()
    }
}

/// How many seeds are shortened, to show the shortest.
const SHORTENED: u32 = 5;

/// A shorter run that breaks the same rule.
struct Shortened {
    /// What was left out for it, in words.
    said: String,
    trace: Trace,
    /// The same as a text, where the run is a schedule.
    scenario: Option<Scenario>,
}

/// Runs one trial. A panic of the test's own code, outside any process, is a failure of that seed.
fn attempt<P: Process>(run: &impl Fn(&Trial) -> Sim<P>, trial: Trial) -> Result<Sim<P>, Violation> {
    catch_unwind(AssertUnwindSafe(|| run(&trial))).map_err(|panic| {
        Violation::new("what the test asserts", "the assertion holds", panics::message(&*panic))
    })
}

/// The line of a failure that says where a file about it is. A file that cannot be written does not hide the failure.
fn kept(what: &str, path: &Path, written: std::io::Result<()>) -> String {
    match written {
        Ok(()) => format!("  {what}: {}\n", path.display()),
        Err(error) => format!("  {what}: could not write {}: {error}\n", path.display()),
    }
}

/// Writes a trace to a file, in folders that are made for it.
///
/// # Errors
/// What the file system answers.
pub fn write_trace(trace: &Trace, path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    trace.write(std::io::BufWriter::new(std::fs::File::create(path)?))
}

/// Where traces and seeds of failing tests are kept: `target/failures/<lab>`.
pub fn failures_dir(lab: &str) -> PathBuf {
    // The test runs from `target/<profile>/deps`; cargo marks the target folder.
    let executable = std::env::current_exe().unwrap_or_default();
    let target = executable.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    target.map_or_else(|| PathBuf::from("target"), Path::to_path_buf).join("failures").join(lab)
}
