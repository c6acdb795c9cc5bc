//! `sockets simulate`: a campaign of the remote procedure calls.

use super::say;
use simnet::Campaign;
use simnet::campaign::TestId;
use simnet::report::{BROKEN, real_us_since, wall_clock};
use sockets::rpc::scene::Scene;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Arguments {
    /// How many seeds, from 0 on.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
}

/// Runs the seeds and prints what they reached, and the rules they broke.
pub fn simulate(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let id = TestId {
        lab: super::run::LAB.to_string(),
        test: "part_d_calls_survive_any_storm_with_crashes".to_string(),
    };
    let begun = wall_clock();
    let campaign = Campaign::new(id.clone()).seeds(arguments.seeds);
    let report = campaign.explore(|trial| Scene::draw(trial.seed, true).survive_and_answer(trial));
    let per_second = u128::from(report.seeds) * 1_000_000 / u128::from(real_us_since(begun)).max(1);
    say(&format!("{} seeds, {per_second} a second\n\n{report}", report.seeds));
    for (_, seeds) in report.by_rule() {
        say(&format!("  {}", id.replay_command(seeds[0])));
    }
    Ok(ExitCode::from(if report.failures.is_empty() { 0 } else { BROKEN }))
}
