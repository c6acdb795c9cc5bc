//! `sockets client`: asks, and reports.

use super::{Service, round_trips, say, some_time};
use simnet::delay::Micros;
use sockets::client::Client;
use sockets::message::Reply;
use sockets::udp::CountClient;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Arguments {
    /// The server's name or address.
    ip: String,
    /// The server's port.
    port: u16,
    /// What to ask for: the factorial of this number, or how many bytes to have counted.
    #[arg(allow_negative_numbers = true)]
    number: u64,
    /// How often to ask.
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    iterations: u64,
    /// Which service.
    #[arg(long, value_enum, default_value_t = Service::Factorial)]
    service: Service,
    /// How long to wait for a connection, and for an answer.
    #[arg(long, default_value = "5s", value_parser = some_time)]
    patience: Micros,
    /// Over UDP: how often to send a datagram that is not answered.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    tries: u32,
}

/// Asks.
pub fn ask(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match arguments.service {
        Service::Factorial => factorial(arguments),
        Service::Count => count(arguments),
    }
}

fn factorial(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut client = Client::connect(&arguments.ip, arguments.port, arguments.patience.into())?;
    let (reply, times) = client.ask_often(arguments.number, arguments.iterations)?;
    client.finish()?;
    let answered = match reply {
        Reply::Factorial(product) => {
            say(&format!("{}! = {product}", arguments.number));
            true
        }
        Reply::TooLarge(number) => {
            say(&format!("{number}! does not fit into 128 bits; 34! is the last that does"));
            false
        }
        Reply::Malformed(why) => {
            say(&format!("the server refused: {why}"));
            false
        }
    };
    say(&round_trips::report(&times));
    Ok(if answered { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn count(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let each = Micros(arguments.patience.0 / u64::from(arguments.tries));
    let mut client = CountClient::new(&arguments.ip, arguments.port, each.into(), arguments.tries)?;
    let length = usize::try_from(arguments.number).unwrap_or(usize::MAX);
    let (last, times) = client.count_often(length, arguments.iterations)?;
    if let Some(counted) = last {
        say(&format!(
            "{} datagrams of {} bytes, {} sent again; the server has counted {} bytes in all",
            arguments.iterations, counted.length, client.resent, counted.total
        ));
    }
    say(&round_trips::report(&times));
    Ok(ExitCode::SUCCESS)
}
