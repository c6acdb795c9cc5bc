//! `sockets compare`: whom a slow client keeps waiting.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "slow clients of real servers are threads that sleep, and take real time"
)]

use super::say;
use comfy_table::Table;
use simnet::delay::Micros;
use sockets::client::{Client, ClientError};
use sockets::serve::{Event, Model, Running, Settings};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct Arguments {
    /// How many slow clients come at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=500))]
    clients: u16,
    /// How many requests each makes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    requests: u32,
    /// How long a client thinks before each request, an hour at most.
    #[arg(long, default_value = "20ms", value_parser = an_hour_at_most)]
    pause: Micros,
}

fn an_hour_at_most(text: &str) -> Result<Micros, String> {
    match text.parse()? {
        Micros(us) if us > 3_600_000_000 => Err(format!("read `{text}`, expected an hour at most")),
        pause => Ok(pause),
    }
}

/// What a model came to.
struct Measured {
    model: Model,
    took: Duration,
    /// The most connections that were open at the server at once.
    at_once: usize,
}

/// Compares, and prints a table.
pub fn compare(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let pause = Duration::from(arguments.pause);
    // What one client needs, when nobody keeps it waiting.
    let alone = pause * arguments.requests;
    say(&format!(
        "{} clients, each thinks {} before each of {} requests: {} for one alone",
        arguments.clients,
        arguments.pause,
        arguments.requests,
        Micros::from(alone)
    ));
    let mut table = Table::new();
    table.load_style(comfy_table::TableStyle::new());
    table.set_header(["model", "all done after", "× one alone", "connections at once"]);
    for model in Model::ALL {
        let measured = measure(model, arguments, pause)?;
        let ratio = measured.took.as_micros() * 10 / alone.as_micros().max(1);
        table.add_row([
            measured.model.name().to_string(),
            format!("{} ms", measured.took.as_millis()),
            format!("{}.{}", ratio / 10, ratio % 10),
            measured.at_once.to_string(),
        ]);
    }
    say(&table.to_string());
    Ok(ExitCode::SUCCESS)
}

fn measure(model: Model, arguments: &Arguments, pause: Duration) -> anyhow::Result<Measured> {
    let open = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let seen = Arc::clone(&open);
    let observer = Arc::new(move |event: Event| match event {
        Event::Accepted(_) => {
            let now = seen.0.fetch_add(1, Ordering::SeqCst) + 1;
            seen.1.fetch_max(now, Ordering::SeqCst);
        }
        Event::Closed(..) => _ = seen.0.fetch_sub(1, Ordering::SeqCst),
        Event::Answered(_) | Event::NotAccepted(_) => {}
    });
    // A client of the iterative server waits for all those before it.
    let patience = pause * arguments.requests * u32::from(arguments.clients) + Duration::from_secs(30);
    let server = Running::start(model, Settings { patience, ..Settings::default() }, observer)?;
    let (address, requests) = (server.address, arguments.requests);
    let go = Arc::new(Barrier::new(usize::from(arguments.clients) + 1));
    let clients: Vec<_> = (0..arguments.clients)
        .map(|_| {
            let go = Arc::clone(&go);
            thread::spawn(move || -> Result<(), ClientError> {
                go.wait();
                let mut client = Client::connect(&address.ip().to_string(), address.port(), patience)?;
                for _ in 0..requests {
                    thread::sleep(pause);
                    client.ask(20)?;
                }
                client.finish()
            })
        })
        .collect();
    go.wait();
    let begun = Instant::now();
    for client in clients {
        client.join().expect("a client does not panic")?;
    }
    Ok(Measured { model, took: begun.elapsed(), at_once: open.1.load(Ordering::SeqCst) })
}
