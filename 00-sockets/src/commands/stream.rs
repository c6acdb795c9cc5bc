//! `sockets stream`: what a system call costs, next to a message of a few bytes.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a sender and a receiver on real sockets are threads, and take real time"
)]

use comfy_table::Table;
use sockets::frame;
use sockets::stream::{read_frame, write_frame, write_full};
use std::io::BufReader;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes go with one write, and come with one read, where messages are collected.
const BUFFER: usize = 64 * 1024;

#[derive(clap::Args)]
pub struct Arguments {
    /// How many messages.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    messages: u64,
    /// How many bytes each has.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(..=65_536))]
    size: u32,
}

/// Sends, and prints messages a second.
pub fn stream(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut table = Table::new();
    table.load_style(comfy_table::TableStyle::new());
    table.set_header(["one way", "messages a second", "ratio"]);
    // The slow way gets a tenth of the messages, so as not to take ten times as long.
    let naive = per_second(send(arguments, arguments.messages.div_ceil(10), false)?);
    let buffered = per_second(send(arguments, arguments.messages, true)?);
    table.add_row(["a write and two reads a message", &naive.to_string(), "1"]);
    let ratio = buffered * 10 / naive.max(1);
    table.add_row([
        "64 KiB a write and a read",
        &buffered.to_string(),
        &format!("{}.{}", ratio / 10, ratio % 10),
    ]);
    println!("{table}");
    Ok(ExitCode::SUCCESS)
}

fn per_second((messages, took): (u64, Duration)) -> u128 {
    u128::from(messages) * 1_000_000_000 / took.as_nanos().max(1)
}

/// Sends so many messages to a thread that counts them, and says how long that took.
fn send(arguments: &Arguments, messages: u64, collected: bool) -> anyhow::Result<(u64, Duration)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut out = TcpStream::connect(listener.local_addr()?)?;
    let (mut incoming, _) = listener.accept()?;
    out.set_nodelay(true)?;
    let limit = arguments.size as usize;
    let reader = thread::spawn(move || {
        let mut count = 0;
        if collected {
            let mut incoming = BufReader::with_capacity(BUFFER, incoming);
            while read_frame(&mut incoming, limit)?.is_some() {
                count += 1;
            }
        } else {
            while read_frame(&mut incoming, limit)?.is_some() {
                count += 1;
            }
        }
        anyhow::Ok(count)
    });
    let payload = vec![0; limit];
    let begun = Instant::now();
    let mut waiting = Vec::with_capacity(BUFFER + limit);
    for _ in 0..messages {
        if collected {
            frame::encode(&payload, &mut waiting);
            if waiting.len() >= BUFFER {
                write_full(&mut out, &waiting)?;
                waiting.clear();
            }
        } else {
            write_frame(&mut out, &payload)?;
        }
    }
    write_full(&mut out, &waiting)?;
    drop(out);
    let count: u64 = reader.join().expect("the reader does not panic")?;
    anyhow::ensure!(count == messages, "sent {messages} messages, and {count} arrived");
    Ok((count, begun.elapsed()))
}
