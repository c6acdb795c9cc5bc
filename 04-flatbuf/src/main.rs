//! `flatbuf`: FlatBuffers over ZeroMQ from the command line.

mod commands;

use clap::{Parser, Subcommand};
use commands::{compatible, publish, read, run, show, subscribe, write};
use simnet::report::WRONG_USE;
use std::process::ExitCode;

/// FlatBuffers over ZeroMQ: publish, subscribe, and look at the bytes.
#[derive(Parser)]
#[command(name = "flatbuf", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Publish samples, and then the end.
    Publish(publish::Arguments),
    /// Subscribe to samples, and look at each where it lies, until the end.
    Subscribe(subscribe::Arguments),
    /// Print a buffer byte by byte, with what each of them is.
    Show(show::Arguments),
    /// Verify a buffer of `Topic` or of `Station.Message`, and say what is in it, or why it is refused.
    Read(read::Arguments),
    /// Write the buffer of a sample to a file.
    Write(write::Arguments),
    /// Say whether a schema may follow another.
    Compatible(compatible::Arguments),
    /// Run a publisher and its subscribers on this machine, and report what happened.
    Run(run::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Publish(arguments) => publish::publish(&arguments),
        Command::Subscribe(arguments) => subscribe::subscribe(&arguments),
        Command::Show(arguments) => show::show(&arguments),
        Command::Read(arguments) => read::read(&arguments),
        Command::Write(arguments) => write::write(&arguments),
        Command::Compatible(arguments) => compatible::compatible(&arguments),
        Command::Run(arguments) => run::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(WRONG_USE)
    })
}
