//! Lab 04's buffers beside postcard, JSON and Protocol Buffers: the same sample, in the same run.
//!
//! ```text
//! cargo bench -p peers --bench codecs              # the tables
//! cargo bench -p peers --bench codecs -- --test    # one tiny round: does it work?
//! ```
//!
//! - **encode**: the bytes of a sample, into memory that is kept.
//! - **decode**: verified (FlatBuffers, by lab 04's limits) or unpacked (the others), and every number looked at.
//! - **one field**: the same, and only `seq_no` is looked at.
//! - **access**: one field of a buffer that has been verified before; the others have a struct by then, and it costs a load.
//! - **pub/sub**: written, sent, received, read; messages a second.
//!
//! Fair: one thread, the same values, every format in each round, results that are used. Different: JSON and postcard borrow the name, prost copies
//! it; prost's struct is made of the sample first, as a program would whose own type it is not.

#![allow(missing_docs, reason = "a benchmark")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    reason = "real time is measured"
)]

mod pubsub;
mod sample;
#[path = "../echo/spread.rs"]
mod spread;

use comfy_table::{CellAlignment, Table, TableStyle};
use flatbuf::limits::Limits;
use flatbuf::sample::Sample;
use flatbuf::topic::read::read;
use sample::{ALL, Codec, Encoder};
use spread::Rounds;
use std::hint::black_box;
use std::time::Instant;

/// Nanoseconds for one of `count`.
fn nanoseconds(count: u32, mut work: impl FnMut(u32)) -> f64 {
    let begun = Instant::now();
    (0..count).for_each(&mut work);
    begun.elapsed().as_nanos() as f64 / f64::from(count)
}

/// What is measured of one format in one round.
fn measure(codec: Codec, sample: &Sample, count: u32, messages: u32) -> [f64; 4] {
    let mut encoder = Encoder::new(codec);
    let mut changing = sample.clone();
    let encode = nanoseconds(count, |number| {
        changing.seq_no = number;
        black_box(encoder.encode(black_box(&changing)));
    });
    let bytes = encoder.encode(sample).to_vec();
    let decode = nanoseconds(count, |_| {
        black_box(codec.read_all(black_box(&bytes)));
    });
    let one = nanoseconds(count, |_| {
        black_box(codec.read_one(black_box(&bytes)));
    });
    [encode, decode, one, pubsub::measure(codec, sample, messages)]
}

/// A field of a buffer that has been verified.
fn access(sample: &Sample, count: u32) -> f64 {
    let bytes = Encoder::new(Codec::FlatBuffers).encode(sample).to_vec();
    let topic = read(&bytes, &Limits::default()).expect("we wrote it");
    nanoseconds(count, |_| {
        black_box(black_box(&topic).seq_no());
    })
}

/// `cargo bench` passes `--bench`. Under `cargo test`, and with `--test`, a tiny round only shows that all runs.
fn is_measured() -> bool {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    has("--bench") && !has("--test")
}

fn main() {
    let (rounds, part) = if is_measured() { (7, 1) } else { (1, 100) };
    println!(
        "Medians of {rounds} rounds; in brackets: in parts of FlatBuffers', median of the ratios within a round. Of a time less is better."
    );
    for (length, count, messages) in [(5, 200_000, 100_000), (1000, 20_000, 20_000)] {
        let sample = Sample { ts: 1_700_000_000.25, ..Sample::numbered(1_000_000, "DATA", length) };
        // Numbers of all sizes: those of the original, 0 to 4, take a byte each where numbers are short.
        let sample =
            Sample { data: (0..length).map(|at| at.wrapping_mul(2_654_435_761)).collect(), ..sample };
        table(&sample, rounds, count / part, messages / part);
    }
}

fn table(sample: &Sample, rounds: usize, count: u32, messages: u32) {
    let mut measured: Vec<[Rounds; 4]> = ALL.map(|_| Default::default()).to_vec();
    let mut accesses = Rounds::default();
    for _ in 0..rounds {
        for (codec, of) in ALL.into_iter().zip(&mut measured) {
            for (rounds, value) in of.iter_mut().zip(measure(codec, sample, count, messages)) {
                rounds.0.push(value);
            }
        }
        accesses.0.push(access(sample, count));
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header([
        "format",
        "bytes",
        "encode, ns",
        "decode, ns",
        "one field, ns",
        "pub/sub, k messages/s",
    ]);
    let (base, first) = (measured[0].clone(), Encoder::new(ALL[0]).encode(sample).len() as f64);
    for (codec, of) in ALL.into_iter().zip(&measured) {
        let length = Encoder::new(codec).encode(sample).len();
        let cell = |place: usize| {
            format!("{:.0} ({:.2})", of[place].median(), of[place].over(&base[place]).median())
        };
        let size = format!("{length} ({:.2})", length as f64 / first);
        table.add_row([codec.name().to_string(), size, cell(0), cell(1), cell(2), cell(3)]);
    }
    for column in 1..6 {
        table.column_mut(column).expect("six columns").set_cell_alignment(CellAlignment::Right);
    }
    println!("\nA sample of {} numbers:\n{table}", sample.data.len());
    println!("access to one field of a buffer that has been verified: {:.1} ns", accesses.median());
}
