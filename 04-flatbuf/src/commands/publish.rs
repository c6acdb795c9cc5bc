//! Publish samples, and then the end.

use super::terminal::{PORT, now, run, say};
use anyhow::{Result, bail};
use clap::Args;
use flatbuf::door::SentAway;
use flatbuf::pubsub::publisher::{Plan, Publisher};
use flatbuf::sample::{END, Sample};
use simnet::delay::Micros;
use std::process::ExitCode;
use zmq::endpoint::endpoint;

/// The most numbers in a sample: then a buffer has 4 MB.
const MOST_NUMBERS: u32 = 1_000_000;

/// The arguments of `flatbuf publish`.
#[derive(Args)]
pub struct Arguments {
    /// The address to listen on. Others than this machine reach it only with one of theirs, or 0.0.0.0; also tcp://HOST:PORT or ipc://PATH.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port; with 0 the system chooses a free one, and the first line says which.
    #[arg(short, long, default_value_t = PORT)]
    port: u16,
    /// How many samples.
    #[arg(short = 'i', long, default_value_t = 1000)]
    num_iters: u32,
    /// How many numbers are in each.
    #[arg(short = 'l', long, default_value_t = 5)]
    vec_len: u32,
    /// The pause after each.
    #[arg(long, default_value = "50ms")]
    interval: Micros,
    /// What they are called.
    #[arg(short, long, default_value = "DATA")]
    name: String,
    /// Publish nothing before so many subscriptions have arrived.
    #[arg(long, default_value_t = 0)]
    subscribers: usize,
    /// How long anything is waited for.
    #[arg(long, default_value = "60s")]
    patience: Micros,
    /// Say nothing of each sample.
    #[arg(short, long)]
    quiet: bool,
}

/// Publishes.
pub fn publish(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.vec_len > MOST_NUMBERS {
        bail!("read --vec-len {}, expected at most {MOST_NUMBERS}", arguments.vec_len);
    }
    if arguments.num_iters == u32::MAX {
        bail!("read --num-iters {}, expected at most {}: the end has a number, too", u32::MAX, u32::MAX - 1);
    }
    if arguments.name == END {
        bail!("read --name {END}, expected another: {END} is the name of the end");
    }
    let at = endpoint(&arguments.host, arguments.port)?;
    let plan = Plan {
        samples: arguments.num_iters,
        length: arguments.vec_len,
        name: arguments.name.clone(),
        interval: arguments.interval.into(),
    };
    run(async {
        let mut publisher = Publisher::bind(&at, arguments.patience.into()).await?;
        say(&format!("listening on {} (XPUB)", publisher.endpoint));
        let told = |sample: &Sample| {
            if !arguments.quiet {
                say(&format!("{} {}", sample.seq_no, sample.name.escape_debug()));
            }
        };
        let published = match publisher.wait_for(arguments.subscribers).await {
            Ok(()) => publisher.publish(&plan, now, told).await,
            missing => missing,
        };
        if let SentAway { count, last: Some(why) } = publisher.sent_away() {
            say(&format!("sent away: {count}; the last one: {why}"));
        }
        published?;
        publisher.close().await?;
        say(&format!("published {} samples and {END}", plan.samples));
        Ok(ExitCode::SUCCESS)
    })
}
