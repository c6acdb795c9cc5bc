//! `sockets serve`: a server until it is ended.

use super::{Service, say, some_time};
use anyhow::Context;
use simnet::delay::Micros;
use sockets::serve::{Event, House, Model, Settings, listen};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[derive(clap::Args)]
pub struct Arguments {
    /// How connections are served: iterative, threads, poll, async.
    #[arg(long, default_value_t = Model::Threads)]
    model: Model,
    /// Which service.
    #[arg(long, value_enum, default_value_t = Service::Factorial)]
    service: Service,
    /// The address to listen on. Others than this machine reach it only with one of theirs, or 0.0.0.0.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// The port; with 0 the system chooses a free one, and the first line says which.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many connections may wait for being accepted.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(i32).range(1..))]
    backlog: i32,
    /// How long a connection may be silent.
    #[arg(long, default_value = "30s", value_parser = some_time)]
    patience: Micros,
}

/// Serves.
pub fn serve(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let address = SocketAddr::new(arguments.host, arguments.port);
    match arguments.service {
        Service::Factorial => factorial(arguments, address),
        Service::Count => count(address),
    }
}

fn factorial(arguments: &Arguments, address: SocketAddr) -> anyhow::Result<ExitCode> {
    let listener = listen(address, arguments.backlog).with_context(|| taken(address))?;
    say(&format!("listening on {} (tcp, {})", listener.local_addr()?, arguments.model));
    let settings = Settings { patience: arguments.patience.into(), ..Settings::default() };
    let observer = Arc::new(|event: Event| match event {
        Event::Accepted(peer) => say(&format!("{peer} connected")),
        Event::Answered(_) => {}
        Event::Closed(peer, ending) => say(&format!("{peer} {ending}")),
        Event::NotAccepted(why) => say(&format!("a connection waits: {why}")),
    });
    let house = House { settings, observer, stop: Arc::new(AtomicBool::new(false)) };
    sockets::serve::serve(arguments.model, listener, &house).context("the server cannot go on")?;
    Ok(ExitCode::SUCCESS)
}

fn count(address: SocketAddr) -> anyhow::Result<ExitCode> {
    let socket = UdpSocket::bind(address).with_context(|| taken(address))?;
    say(&format!("listening on {} (udp)", socket.local_addr()?));
    let told = |peer, counted: Result<sockets::datagram::Counted, _>| match counted {
        Ok(counted) => say(&format!("{peer} {} bytes, {} in all", counted.length, counted.total)),
        Err(why) => say(&format!("{peer} ignored: {why}")),
    };
    sockets::udp::serve(&socket, told, || false).context("the server cannot go on")?;
    Ok(ExitCode::SUCCESS)
}

fn taken(address: SocketAddr) -> String {
    format!("could not listen on {address}: is another server there? --port 0 takes a free port")
}
