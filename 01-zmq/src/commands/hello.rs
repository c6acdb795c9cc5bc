//! Request and reply: `server`, `client`.

use super::terminal::{run, say};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use simnet::delay::Micros;
use simnet::report::wall_clock;
use std::process::ExitCode;
use std::time::Duration;
use zeromq::{RepSocket, ReqSocket, Socket};
use zmq::door::Door;
use zmq::endpoint;
use zmq::hello::client::ask;
use zmq::hello::server::{Event, serve};

/// The usual port.
const PORT: u16 = 5555;

/// The arguments of `zmq hello`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Answer `World` to each `Hello`.
    Server {
        /// The port; with 0 the system chooses a free one, and the first line says which.
        #[arg(long, default_value_t = PORT)]
        port: u16,
        /// The address to listen on, with port or path, instead of this machine's at --port.
        #[arg(long)]
        bind: Option<String>,
        /// How long each request takes.
        #[arg(long, default_value = "0us")]
        service_time: Micros,
    },
    /// Say `Hello`, and wait for `World`.
    Client {
        /// The server: a host, tcp://HOST:PORT or ipc://PATH.
        #[arg(default_value = "127.0.0.1")]
        ip: String,
        /// The server's port, where only a host is given.
        #[arg(long, default_value_t = PORT)]
        port: u16,
        /// How often to ask.
        #[arg(long, default_value_t = 10)]
        requests: u32,
        /// How long to wait for a connection, and for a reply.
        #[arg(long, default_value = "5s")]
        patience: Micros,
    },
}

/// Serves, or asks.
pub fn hello(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.role {
        Role::Server { port, bind, service_time } => {
            let at = endpoint::endpoint(bind.as_deref().unwrap_or("127.0.0.1"), *port)?;
            run(server(&at, (*service_time).into()))
        }
        Role::Client { ip, port, requests, patience } => {
            run(client(&endpoint::endpoint(ip, *port)?, *requests, (*patience).into()))
        }
    }
}

async fn server(at: &str, service_time: Duration) -> Result<ExitCode> {
    let mut socket = RepSocket::new();
    let door = Door::open(at, &mut socket).await?;
    say(&format!("listening on {} (REP)", door.address));
    let told = |event| match event {
        Event::Answered(reply) => say(&format!("answered: {reply}")),
        Event::Gone(why) => say(&format!("could not answer: {why}")),
        Event::Malformed(why) => say(&format!("passed over what is no request: {why}")),
    };
    match serve(&mut socket, service_time, told).await {}
}

async fn client(server: &str, requests: u32, patience: Duration) -> Result<ExitCode> {
    let mut socket = ReqSocket::new();
    endpoint::connect(&mut socket, server, patience).await?;
    let begun = wall_clock();
    for number in 1..=requests {
        if let Err(error) = ask(&mut socket, patience).await {
            bail!("request {number} of {requests}: {error}");
        }
        say(&format!("request {number}: World"));
    }
    let micros = wall_clock().saturating_sub(begun).as_micros();
    say(&format!("{requests} replies in {}.{:03} ms", micros / 1000, micros % 1000));
    Ok(ExitCode::SUCCESS)
}
