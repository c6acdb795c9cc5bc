//! `sockets simulate`: a campaign of the remote procedure calls.

#![allow(clippy::disallowed_types, reason = "how long the campaign took is reported, nothing depends on it")]

use simnet::Campaign;
use simnet::campaign::TestId;
use sockets::rpc::scene::Scene;
use std::process::ExitCode;
use std::time::Instant;

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
    let begun = Instant::now();
    let campaign = Campaign::new(id.clone()).seeds(arguments.seeds);
    let report = campaign.explore(|trial| Scene::draw(trial.seed, true).survive_and_answer(trial));
    let per_second = u128::from(report.seeds) * 1_000_000 / begun.elapsed().as_micros().max(1);
    println!("{} seeds, {per_second} a second, {} events", report.seeds, report.events);
    println!("\nsituations reached");
    for (situation, count) in report.marks.iter() {
        println!("  {count:>10}  {situation}");
    }
    println!("\nwhat faults did");
    for (kind, count) in &report.faults {
        println!("  {count:>10}  {kind}");
    }
    if report.failures.is_empty() {
        println!("\nno rule was broken");
        return Ok(ExitCode::SUCCESS);
    }
    for (rule, seeds) in report.by_rule() {
        println!("\nbroken under {} seeds, first under {}: {rule}", seeds.len(), seeds[0]);
        println!("  {}", id.replay_command(seeds[0]));
    }
    Ok(ExitCode::FAILURE)
}
