//! `metrics`: what happened, when, from the command line.

mod commands;

use clap::{Parser, Subcommand};
use commands::{publish, report, run, send, serve_check, subscribe};
use simnet::report::WRONG_USE;
use std::process::ExitCode;

/// Timestamps, latencies, time series.
#[derive(Parser)]
#[command(name = "metrics", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Publish messages that say when they were sent.
    Publish(publish::Arguments),
    /// Receive them, and record how long each was on the way.
    Subscribe(subscribe::Arguments),
    /// Print percentiles and rates, and draw them.
    Report(report::Arguments),
    /// Say what is wrong with a database's address, clock, token, bucket. Nothing is written.
    ServeCheck(serve_check::Arguments),
    /// Send what an earlier program has left in its spool.
    Send(send::Arguments),
    /// Run publisher and subscriber in one process, and report what happened.
    Run(run::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Publish(arguments) => publish::publish(&arguments),
        Command::Subscribe(arguments) => subscribe::subscribe(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::ServeCheck(arguments) => serve_check::serve_check(&arguments),
        Command::Send(arguments) => send::send(&arguments),
        Command::Run(arguments) => run::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        commands::terminal::warn(&format!("error: {error:#}"));
        ExitCode::from(WRONG_USE)
    })
}
