//! `messages rounds`: in how many rounds Ben-Or's algorithm decides, over many seeds in the calm.

use crate::run::LAB;
use anyhow::bail;
use messages::ben_or::{Bit, MOST_PROCESSES, Roles};
use messages::scene::{Episode, Scene};
use simnet::{NodeId, Observe, Trial};
use std::collections::BTreeMap;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Arguments {
    /// How many processes. They begin with 0 and 1 in turn, and as many as possible might crash, but none does.
    #[arg(long, default_value_t = 3)]
    processes: usize,
    /// How many seeds, from 0 on.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
}

/// How wide the longest bar is.
const WIDTH: u64 = 50;

/// Runs the seeds, and draws how many took how many rounds.
pub fn rounds(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.processes > MOST_PROCESSES {
        bail!("read --processes {}, expected 2 to {MOST_PROCESSES}", arguments.processes);
    }
    let values: Vec<Bit> = [Bit::Zero, Bit::One].into_iter().cycle().take(arguments.processes).collect();
    let roles = Roles::beginning_with(&values);
    roles.check().map_err(anyhow::Error::msg)?;
    let episode = Episode::calm(roles);
    let mut seeds_by_round: BTreeMap<u32, u64> = BTreeMap::new();
    for seed in 0..arguments.seeds {
        *seeds_by_round.entry(last_decision(&episode, seed)?).or_default() += 1;
    }
    println!(
        "{LAB}: {}, {} seeds in the calm: the round in which the last one decides",
        episode.scene, arguments.seeds
    );
    let most = seeds_by_round.values().copied().max().unwrap_or(1);
    for (round, seeds) in &seeds_by_round {
        let bar = "█".repeat((seeds * WIDTH).div_ceil(most) as usize);
        println!("{round:>4} {seeds:>7}  {bar}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The round in which the last process decides, under this seed.
fn last_decision(episode: &Episode<Roles>, seed: u64) -> anyhow::Result<u32> {
    let roles = &episode.scene;
    let mut sim = episode.begin(&Trial::new(seed, false));
    let has_decided = |process: &messages::ben_or::BenOr| process.view().decision.is_some();
    let all = |sim: &simnet::Sim<_>| {
        (0..roles.values.len() as u32).all(|node| sim.process(NodeId(node)).is_some_and(has_decided))
    };
    let done = sim.run_until(roles.patience(), all);
    if let Some(violation) = sim.violation() {
        bail!("seed {seed}: {violation}");
    }
    if !done {
        bail!("seed {seed}: some process has not decided within {:?} of virtual time", roles.patience());
    }
    Ok(sim.outputs().iter().map(|told| told.output.round).max().unwrap_or(0))
}
