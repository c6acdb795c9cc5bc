//! `paxos simulate`: a campaign of the swarm, with what it reached and what it found.

use indicatif::{ProgressBar, ProgressStyle};
use paxos::scene::{Scene, Storms};
use simnet::Campaign;
use simnet::campaign::TestId;
use simnet::report::{BROKEN, UNDECIDED};
use std::process::ExitCode;
use std::time::Duration;

#[derive(clap::Args)]
pub struct Arguments {
    /// How many seeds, from 0 on.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// How many threads; all cores when absent.
    #[arg(long)]
    threads: Option<usize>,
}

/// Runs the seeds and prints what they reached: situations, faults, messages, and the rules they broke with their seeds.
pub fn simulate(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let bar = ProgressBar::new(arguments.seeds);
    bar.set_style(ProgressStyle::with_template(
        "{bar:40} {human_pos} of {human_len} seeds, {per_sec}, {eta} left",
    )?);
    bar.enable_steady_tick(Duration::from_millis(200));
    let progress = |done: u64, _total: u64| {
        if done.is_multiple_of(256) {
            bar.set_position(done);
        }
    };
    let id = TestId { lab: "07-paxos".to_string(), test: "part_e_decides_after_any_storm".to_string() };
    let mut campaign = Campaign::new(id.clone()).seeds(arguments.seeds).progress(&progress);
    if let Some(threads) = arguments.threads {
        campaign = campaign.threads(threads);
    }
    let report =
        campaign.explore(|trial| Scene::draw(trial.seed, Storms::ThenCalm).survive_and_decide(trial));
    let took = bar.elapsed();
    bar.finish_and_clear();

    let per_second = u128::from(report.seeds) * 1_000_000 / took.as_micros().max(1);
    println!(
        "{} seeds in {}.{:01} s ({per_second} a second)\n\n{report}",
        report.seeds,
        took.as_secs(),
        took.subsec_millis() / 100
    );
    for (_, seeds) in report.by_rule() {
        println!("  {}", id.replay_command(seeds[0]));
    }
    Ok(ExitCode::from(match (report.failures.is_empty(), report.unknown.is_empty()) {
        (false, _) => BROKEN,
        (true, false) => UNDECIDED,
        (true, true) => 0,
    }))
}
