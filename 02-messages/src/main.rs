//! `messages`: the protocols of this lab from the command line.

mod check;
mod run;
mod simulate;
mod wire;

use clap::{Parser, Subcommand};
use simnet::report::WRONG_USE;
use std::process::ExitCode;

/// The papers as they are written: links, clocks, snapshots, agreement before Paxos.
#[derive(Parser)]
#[command(name = "messages", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run one protocol in one world, and report what happened.
    Run(run::Arguments),
    /// Run many seeds of one protocol: storms of every kind, then a calm in which its goal must be reached.
    Simulate(simulate::Arguments),
    /// Let the link of part B carry real packets: one end of it.
    #[command(subcommand)]
    Link(wire::End),
    /// Explore every schedule of a small cluster, up to stated bounds.
    Check(check::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
        Command::Link(end) => wire::run(&end),
        Command::Check(arguments) => check::check(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(WRONG_USE)
    })
}
