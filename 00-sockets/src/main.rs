//! `sockets`: raw sockets from the command line.

mod commands;

use clap::{Parser, Subcommand};
use commands::{client, compare, run, serve, simulate, stream};
use simnet::report::WRONG_USE;
use std::process::ExitCode;

/// Raw sockets: a service over TCP in four models, one over UDP, and remote procedure calls.
#[derive(Parser)]
#[command(name = "sockets", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Be a server: of factorials over TCP, or of byte counts over UDP.
    Serve(serve::Arguments),
    /// Be a client: ask a server, and report the round trips.
    Client(client::Arguments),
    /// Let slow clients come to each model of the server, and compare how long they take.
    Compare(compare::Arguments),
    /// Send small messages one way: a write for each, and many to a write.
    Stream(stream::Arguments),
    /// Run the remote procedure calls in the simulated world, and report what happened.
    Run(run::Arguments),
    /// Run many seeds of the remote procedure calls: storms of every kind, then a calm in which every call must be answered.
    Simulate(simulate::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(arguments) => serve::serve(&arguments),
        Command::Client(arguments) => client::ask(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Stream(arguments) => stream::stream(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(WRONG_USE)
    })
}
