//! `paxos`: single-decree Paxos from the command line.

mod check;
mod local;
mod run;
mod serve;
mod simulate;

use clap::{Parser, Subcommand};
use simnet::report::WRONG_USE;
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
    /// Be a proposer: gets a client's value chosen.
    Proposer(serve::Arguments),
    /// Be an acceptor: remembers, also over a crash when it has a data folder.
    Acceptor(serve::Arguments),
    /// Be a learner: finds out what was chosen.
    Learner(serve::Arguments),
    /// Be a client: asks until a value is chosen, and prints it.
    Client(serve::Arguments),
    /// Run many seeds of the swarm: storms of every kind, then a calm in which the cluster must decide.
    Simulate(simulate::Arguments),
    /// Explore every schedule of a small cluster, up to stated bounds.
    Check(check::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Proposer(arguments) => serve::run(serve::Role::Proposer, &arguments),
        Command::Acceptor(arguments) => serve::run(serve::Role::Acceptor, &arguments),
        Command::Learner(arguments) => serve::run(serve::Role::Learner, &arguments),
        Command::Client(arguments) => serve::run(serve::Role::Client, &arguments),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
        Command::Check(arguments) => check::check(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(WRONG_USE)
    })
}
