//! `sockets stream`: what a system call costs, next to a message of a few bytes.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a sender and a receiver on real sockets are threads, and take real time"
)]

use super::say;
use comfy_table::Table;
use sockets::frame::{self, HEADER, announced};
use sockets::stream::{read_frame, write_frame, write_full};
use std::io::{BufReader, ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes go with one write, and come with one read, where messages are collected.
const BUFFER: usize = 64 * 1024;

/// How often each way is tried. Whatever else the machine does only makes a run slower, so the fastest counts.
const RUNS: u32 = 5;

/// How messages go from one thread to another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A message is one write, and two reads: its header, its payload.
    OneByOne,
    /// Many messages are one write, and one read; each is then copied out, as [`read_frame`] does it.
    Collected,
    /// So too, and each is looked at where it lies.
    InPlace,
}

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
    say(&format!("messages of {} bytes, the fastest of {RUNS} runs each", arguments.size));
    // The slow way gets a tenth of the messages, so as not to take ten times as long.
    let naive = fastest(arguments, arguments.messages.div_ceil(10), Way::OneByOne)?;
    table.add_row(["a write and two reads a message", &naive.to_string(), "1"]);
    for (what, way) in
        [("64 KiB a write and a read", Way::Collected), ("so too, and nothing copied out", Way::InPlace)]
    {
        let buffered = fastest(arguments, arguments.messages, way)?;
        let ratio = buffered * 10 / naive.max(1);
        table.add_row([what, &buffered.to_string(), &format!("{}.{}", ratio / 10, ratio % 10)]);
    }
    say(&table.to_string());
    Ok(ExitCode::SUCCESS)
}

/// Messages a second, in the fastest of some runs.
fn fastest(arguments: &Arguments, messages: u64, way: Way) -> anyhow::Result<u128> {
    let mut most = 0;
    for _ in 0..RUNS {
        let took = send(arguments.size as usize, messages, way)?;
        most = most.max(u128::from(messages) * 1_000_000_000 / took.as_nanos().max(1));
    }
    Ok(most)
}

/// Sends so many messages of `size` bytes to a thread that counts them, and says how long that took.
fn send(size: usize, messages: u64, way: Way) -> anyhow::Result<Duration> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut out = TcpStream::connect(listener.local_addr()?)?;
    let (mut incoming, _) = listener.accept()?;
    // As our client and servers have it: each write leaves at once. With Nagle's algorithm the system would collect.
    out.set_nodelay(true)?;
    let reader = thread::spawn(move || match way {
        Way::OneByOne => count_copied(&mut incoming, size),
        Way::Collected => count_copied(&mut BufReader::with_capacity(BUFFER, incoming), size),
        Way::InPlace => count_in_place(&mut incoming, size),
    });
    let payload = vec![0; size];
    let begun = Instant::now();
    let mut waiting = Vec::with_capacity(BUFFER + HEADER + size);
    for _ in 0..messages {
        if way == Way::OneByOne {
            write_frame(&mut out, &payload)?;
            continue;
        }
        frame::encode(&payload, &mut waiting);
        if waiting.len() >= BUFFER {
            write_full(&mut out, &waiting)?;
            waiting.clear();
        }
    }
    write_full(&mut out, &waiting)?;
    drop(out);
    let count: u64 = reader.join().expect("the reader does not panic")?;
    anyhow::ensure!(count == messages, "sent {messages} messages, and {count} arrived");
    Ok(begun.elapsed())
}

/// How many frames come, each given out on its own.
fn count_copied(from: &mut impl Read, limit: usize) -> anyhow::Result<u64> {
    let mut count = 0;
    while read_frame(from, limit)?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// How many frames come, each looked at where it lies.
fn count_in_place(from: &mut impl Read, limit: usize) -> anyhow::Result<u64> {
    let mut buffer = vec![0; BUFFER + HEADER + limit];
    let (mut held, mut count) = (0, 0);
    loop {
        match from.read(&mut buffer[held..]) {
            Ok(0) if held == 0 => return Ok(count),
            Ok(0) => anyhow::bail!("the stream ended within a frame, after {held} bytes of it"),
            Ok(got) => held += got,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        let mut at = 0;
        while let Some(header) = buffer[at..held].first_chunk() {
            let end = at + HEADER + announced(*header, limit)?;
            if end > held {
                break;
            }
            (at, count) = (end, count + 1);
        }
        // The beginning of a frame, whose rest comes with the next read.
        buffer.copy_within(at..held, 0);
        held -= at;
    }
}
