//! `messages`: the protocols of this lab from the command line.

mod check;
mod local;
mod rounds;
mod run;
mod simulate;
mod standstill;
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
    /// Be one node of a run on this machine.
    #[command(hide = true)]
    Node(local::Arguments),
    /// Let the link of part B carry real packets: one end of it.
    #[command(subcommand)]
    Link(wire::End),
    /// Explore every schedule of a small cluster, up to stated bounds.
    Check(check::Arguments),
    /// Find the schedule in which nobody gets on: of two-phase commit, or of Ben-Or's algorithm without a coin.
    Standstill(standstill::Arguments),
    /// Count the rounds that Ben-Or's algorithm takes, over many seeds.
    Rounds(rounds::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
        Command::Node(arguments) => local::node(&arguments),
        Command::Link(end) => wire::run(&end),
        Command::Check(arguments) => check::check(&arguments),
        Command::Standstill(arguments) => standstill::standstill(&arguments),
        Command::Rounds(arguments) => rounds::rounds(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(WRONG_USE)
    })
}
