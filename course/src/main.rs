//! `cargo course`: the tool of the course. This file is the command line; each subcommand has a file of its own.

mod bug;
mod bugs;
mod cargo;
mod check;
mod exhaustive;
mod experiment;
mod failure;
mod finding;
mod graded;
mod lab;
mod labs;
mod libtest;
mod limits;
mod manifest;
mod outcome;
mod picture;
mod regions;
mod replay;
mod run;
mod seed;
mod show;
mod slice;
mod standing;
mod starter;
mod table;
mod test;
mod tree;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use workspace::Workspace;

/// The tool of the course. LAB is a number, a folder, or a topic: `7`, `07-paxos`, `paxos`.
#[derive(Parser)]
#[command(name = "course", bin_name = "cargo course", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The ladder: labs, parts, points, hours, and what is done
    Labs(labs::Args),
    /// Run a lab's graded tests and count the points
    Test(test::Args),
    /// Run a lab's program in a world and draw what happened
    Run(run::Args),
    /// Draw a recorded run, or run one seed of one test again and draw it
    Replay(replay::Args),
    /// Write the student's workspace: the labs without their solutions
    Starter(starter::Args),
    /// The kill matrix: apply each wrong solution of a lab and see which tests catch it
    Bugs(bugs::Args),
    /// The course's own linter
    Check(check::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = Workspace::find().and_then(|workspace| match cli.command {
        Command::Labs(args) => labs::run(&args, &workspace),
        Command::Test(args) => test::run(&args, &workspace),
        Command::Run(args) => run::run(&args, &workspace),
        Command::Replay(args) => replay::run(&args, &workspace),
        Command::Starter(args) => {
            workspace.not_in_a_starter("starter").and_then(|()| starter::run(&args, &workspace))
        }
        Command::Bugs(args) => workspace.not_in_a_starter("bugs").and_then(|()| bugs::run(&args, &workspace)),
        Command::Check(args) => {
            workspace.not_in_a_starter("check").and_then(|()| check::run(&args, &workspace))
        }
    });
    match done {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
