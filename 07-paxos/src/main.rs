//! `paxos`: single-decree Paxos from the command line.

mod check;
mod run;
mod simulate;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Single-decree Paxos.
#[derive(Parser)]
#[command(name = "paxos", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run one cluster in one world, and report what happened.
    Run(run::Arguments),
    /// Run many seeds of the swarm: storms of every kind, then a calm in which the cluster must decide.
    Simulate(simulate::Arguments),
    /// Explore every schedule of a small cluster, up to stated bounds.
    Check(check::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
        Command::Check(arguments) => check::check(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(run::WRONG_USE)
    })
}
