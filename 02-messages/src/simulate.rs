//! `messages simulate`: a campaign of the swarm, with what it reached, what it found, and how fast it was.

use crate::run::LAB;
use indicatif::{ProgressBar, ProgressStyle};
use messages::protocol::{Job, Protocol};
use messages::scene::{Episode, Scene};
use simnet::Campaign;
use simnet::campaign::{Report, TestId};
use simnet::report::{BROKEN, wall_clock};
use std::process::ExitCode;
use std::time::Duration;

/// Rounds of a comparison. An odd number.
const ROUNDS: usize = 5;

#[derive(clap::Args)]
pub struct Arguments {
    /// The protocol.
    #[arg(long, value_enum)]
    protocol: Protocol,
    /// How many seeds, from 0 on.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// How many threads; all cores when absent.
    #[arg(long)]
    threads: Option<usize>,
    /// Run the seeds five times by one thread and by all in turn, and say how much faster all are: medians, since a machine's speed wavers.
    #[arg(long)]
    speed_up: bool,
}

/// Runs the seeds and prints what they reached: situations, faults, messages, and the rules they broke with their seeds.
pub fn simulate(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.protocol.give(Simulate { arguments })
}

struct Simulate<'a> {
    arguments: &'a Arguments,
}

impl Job for Simulate<'_> {
    type Done = anyhow::Result<ExitCode>;

    fn with<S: Scene>(self) -> Self::Done {
        let arguments = self.arguments;
        let id = TestId { lab: LAB.to_string(), test: S::STORM_TEST.to_string() };
        let report = if arguments.speed_up {
            compare::<S>(&id, arguments)?
        } else {
            let (report, took) = campaign::<S>(&id, arguments.seeds, arguments.threads)?;
            println!("{} seeds in {}", report.seeds, pace(&report, took));
            report
        };
        println!("\n{report}");
        for (_, seeds) in report.by_rule() {
            println!("  {}", id.replay_command(seeds[0]));
        }
        Ok(ExitCode::from(if report.failures.is_empty() { 0 } else { BROKEN }))
    }
}

/// The campaign by all threads and by one in turn: prints the medians of the times, and of the ratios within a round.
fn compare<S: Scene>(id: &TestId, arguments: &Arguments) -> anyhow::Result<Report> {
    let (mut alone, mut together, mut hundredths) = (Vec::new(), Vec::new(), Vec::new());
    let report = loop {
        let (_, by_one) = campaign::<S>(id, arguments.seeds, Some(1))?;
        let (report, by_all) = campaign::<S>(id, arguments.seeds, arguments.threads)?;
        alone.push(by_one);
        together.push(by_all);
        hundredths.push(by_one.as_micros() * 100 / by_all.as_micros().max(1));
        if alone.len() == ROUNDS {
            break report;
        }
    };
    let ratio = median(&mut hundredths);
    println!("{} seeds in {}", report.seeds, pace(&report, median(&mut together)));
    println!(
        "by one thread {}: a speed-up of {}.{:02}; medians of {ROUNDS} rounds",
        pace(&report, median(&mut alone)),
        ratio / 100,
        ratio % 100
    );
    Ok(report)
}

/// The one in the middle. There is an odd number of them.
fn median<T: Ord + Copy>(values: &mut [T]) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

/// The campaign, and how long it took.
fn campaign<S: Scene>(id: &TestId, seeds: u64, threads: Option<usize>) -> anyhow::Result<(Report, Duration)> {
    let bar = ProgressBar::new(seeds);
    bar.set_style(ProgressStyle::with_template(
        "{bar:40} {human_pos} of {human_len} seeds, {per_sec}, {eta} left",
    )?);
    bar.enable_steady_tick(Duration::from_millis(200));
    let progress = |done: u64, _total: u64| {
        if done.is_multiple_of(256) {
            bar.set_position(done);
        }
    };
    let mut campaign = Campaign::new(id.clone()).seeds(seeds).progress(&progress);
    if let Some(threads) = threads {
        campaign = campaign.threads(threads);
    }
    let begun = wall_clock();
    let report = campaign.explore(|trial| Episode::<S>::draw(trial.seed).survive_and_reach_the_goal(trial));
    let took = wall_clock().saturating_sub(begun);
    bar.finish_and_clear();
    Ok((report, took))
}

fn pace(report: &Report, took: Duration) -> String {
    let per_second = u128::from(report.seeds) * 1_000_000 / took.as_micros().max(1);
    format!("{}.{:02} s ({per_second} a second)", took.as_secs(), took.subsec_millis() / 10)
}
