//! Lab 00's servers beside two others at the same work: a request of 8 bytes is answered by a reply of 17.
//!
//! ```text
//! cargo bench -p peers --bench echo              # the table
//! cargo bench -p peers --bench echo -- --test    # one tiny round: does it work?
//! ```
//!
//! - **Round trip**: one client asks, waits, asks again. Half the median is in system calls and wake-ups, so servers differ little.
//! - **Stream**: the client writes requests without waiting for replies, 64 KiB at a time, while another thread reads replies. What counts is
//!   how many replies a second arrive.
//!
//! Fair: all servers are a thread of this process, and each round measures all of them. The three on TCP have the same client, lab 00's own
//! (round trip) or a plain reader and writer of frames (stream), and frames of the same four bytes. Different: libzmq's client is libzmq's,
//! its sockets are REQ and REP (round trip) and two DEALERs (stream), and its I/O is in a thread of its own at either end.

#![allow(missing_docs, reason = "a benchmark")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    reason = "real time is measured"
)]

mod length_delimited;
mod libzmq_echo;
mod spread;

use comfy_table::{CellAlignment, Table, TableStyle};
use sockets::client::Client;
use sockets::frame;
use sockets::serve::{Model, Running, Settings};
use sockets::stream::read_frame;
use spread::Rounds;
use std::io::{BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What goes there.
pub const REQUEST: [u8; 8] = 5_u64.to_be_bytes();
/// How many bytes come back.
pub const REPLY: usize = 17;
const PATIENCE: Duration = Duration::from_secs(20);
const BUFFER: usize = 64 * 1024;

/// How much is measured.
#[derive(Clone, Copy)]
struct Work {
    rounds: usize,
    trips: usize,
    streamed: usize,
}

const FULL: Work = Work { rounds: 7, trips: 20_000, streamed: 500_000 };
const TINY: Work = Work { rounds: 1, trips: 100, streamed: 2_000 };

/// `cargo bench` passes `--bench`. Under `cargo test`, and with `--test`, a tiny round only shows that all runs.
fn is_measured() -> bool {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    has("--bench") && !has("--test")
}

fn main() {
    let work = if is_measured() { FULL } else { TINY };
    let mut trips: Vec<Rounds> = vec![Rounds::default(); 4];
    let mut streams: Vec<Rounds> = vec![Rounds::default(); 4];
    for _ in 0..work.rounds {
        for (place, model) in [Model::Poll, Model::Async].into_iter().enumerate() {
            let server = Running::start(model, Settings::default(), Arc::new(|_| {})).expect("a free port");
            trips[place].0.push(trip_us(server.address, work.trips));
            streams[place].0.push(stream_rate(server.address, work.streamed));
        }
        let server = length_delimited::Server::start();
        trips[2].0.push(trip_us(server.address, work.trips));
        streams[2].0.push(stream_rate(server.address, work.streamed));
        drop(server);
        trips[3].0.push(libzmq_echo::trip_us(work.trips));
        streams[3].0.push(libzmq_echo::stream_rate(work.streamed));
    }
    print(&trips, &streams, work);
}

/// The median round trip, in microseconds.
fn trip_us(address: SocketAddr, trips: usize) -> f64 {
    let mut client = Client::connect("127.0.0.1", address.port(), PATIENCE).expect("the server listens");
    let mut times = Vec::with_capacity(trips);
    for _ in 0..trips {
        let begun = Instant::now();
        client.ask(5).expect("an answer");
        times.push(begun.elapsed());
    }
    client.finish().expect("the server hangs up in order");
    median_us(times)
}

/// The time in the middle, in microseconds.
pub fn median_us(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_nanos() as f64 / 1000.0
}

/// Thousands of replies a second to requests that wait for nothing.
fn stream_rate(address: SocketAddr, requests: usize) -> f64 {
    let mut out = TcpStream::connect(address).expect("the server listens");
    let incoming = out.try_clone().expect("a second handle");
    incoming.set_read_timeout(Some(PATIENCE)).expect("a time that is not 0");
    let begun = Instant::now();
    let reader = thread::spawn(move || {
        let mut incoming = BufReader::with_capacity(BUFFER, incoming);
        let mut replies = 0;
        while let Some(reply) = read_frame(&mut incoming, 1024).expect("replies") {
            assert_eq!(reply.len(), REPLY);
            replies += 1;
        }
        replies
    });
    let mut waiting = Vec::with_capacity(BUFFER + 64);
    for _ in 0..requests {
        frame::encode(&REQUEST, &mut waiting);
        if waiting.len() >= BUFFER {
            out.write_all(&waiting).expect("the server reads");
            waiting.clear();
        }
    }
    out.write_all(&waiting).expect("the server reads");
    out.shutdown(Shutdown::Write).expect("a connection");
    let replies: usize = reader.join().expect("the reader does not panic");
    assert_eq!(replies, requests, "each request has its reply");
    rate(requests, begun.elapsed())
}

/// Thousands a second.
pub fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64() / 1000.0
}

fn print(trips: &[Rounds], streams: &[Rounds], work: Work) {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header(["server", "round trip µs", "in libzmq's", "replies k/s", "in libzmq's"]);
    let names = ["lab 00, poll", "lab 00, async", "tokio-util LengthDelimitedCodec", "libzmq"];
    for (place, name) in names.into_iter().enumerate() {
        let in_trips = trips[place].over(&trips[3]);
        let in_streams = streams[place].over(&streams[3]);
        table.add_row([
            name.to_string(),
            format!("{:.1}", trips[place].median()),
            in_trips.to_string(),
            format!("{:.0}", streams[place].median()),
            in_streams.to_string(),
        ]);
    }
    for column in 1..5 {
        table.column_mut(column).expect("five columns").set_cell_alignment(CellAlignment::Right);
    }
    let Work { rounds, trips, streamed } = work;
    println!(
        "Medians of {rounds} rounds of {trips} round trips and {streamed} streamed requests; ratios within a round (least to most)."
    );
    println!("{table}");
}
