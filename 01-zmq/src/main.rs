//! `zmq`: the patterns of ZeroMQ from the command line.

mod commands;

use clap::{Parser, Subcommand};
use commands::{
    broker, hello, joiner, middleware, monitor, pipeline, pirate, proxy, run, sensors, tiers, weather,
};
use simnet::report::WRONG_USE;
use std::process::ExitCode;

/// The patterns of ZeroMQ, a group of programs for each.
#[derive(Parser)]
#[command(name = "zmq", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Request and reply: `server`, `client`.
    Hello(hello::Arguments),
    /// Publish and subscribe: `publisher`, `subscriber`.
    Weather(weather::Arguments),
    /// Many to many through one address: `proxy`, `publisher`, `subscriber`; with `--inspect` and `--poller`.
    Proxy(proxy::Arguments),
    /// Several publishers, one subscriber with up-calls: `publisher`, `subscriber`.
    Sensors(sensors::Arguments),
    /// Ventilator, worker, sink: `source`, `worker`, `sink`.
    Pipeline(pipeline::Arguments),
    /// Show what happens to a socket.
    Monitor(monitor::Arguments),
    /// A chain of tiers: `server`, `client`.
    Tiers(tiers::Arguments),
    /// Requests through a broker, many in flight: `broker`, `server`, `client`.
    Broker(broker::Arguments),
    /// A client that survives its server, and a server that dies: `server`, `client`.
    Pirate(pirate::Arguments),
    /// Show the slow joiner losing, and the confirmed subscription that does not.
    Joiner(joiner::Arguments),
    /// Discovery, publishers, subscribers and broker: `discovery`, `publisher`, `subscriber`, `broker`.
    Middleware(middleware::Arguments),
    /// Run the middleware on this machine, and report what happened.
    Run(run::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Hello(arguments) => hello::hello(&arguments),
        Command::Weather(arguments) => weather::weather(&arguments),
        Command::Proxy(arguments) => proxy::proxy(&arguments),
        Command::Sensors(arguments) => sensors::sensors(&arguments),
        Command::Pipeline(arguments) => pipeline::pipeline(&arguments),
        Command::Monitor(arguments) => monitor::monitor(&arguments),
        Command::Tiers(arguments) => tiers::tiers(&arguments),
        Command::Broker(arguments) => broker::broker(&arguments),
        Command::Pirate(arguments) => pirate::pirate(&arguments),
        Command::Joiner(arguments) => joiner::joiner(&arguments),
        Command::Middleware(arguments) => middleware::middleware(&arguments),
        Command::Run(arguments) => run::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(WRONG_USE)
    })
}
