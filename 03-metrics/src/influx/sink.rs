//! A database as a sink: lines go into the spool at once, and from there to the server by a thread of its own. A shell.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a shell: a thread of its own, and the system's clock"
)]

use super::address::Target;
use super::connection::{Connection, NoAnswer};
use super::delivery::{Answered, Batch, Bounds, Delivery, Step};
use super::request;
use super::spool::{MOST_BYTES, Spool};
use super::verdict::{Verdict, verdict};
use crate::clock::wall;
use crate::file::lines_of;
use crate::point::Point;
use crate::sink::{Delivered, Sink, SinkError, Taken};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the thread that sends may take to end, once it should.
const GRACE: Duration = Duration::from_millis(500);
/// How much of a server's words is kept.
const WORDS: usize = 300;

/// How a database is written to.
#[derive(Clone, Debug)]
pub struct InfluxOptions {
    /// Where lines wait.
    pub spool: PathBuf,
    /// The most bytes that may wait there. What comes when it is full is dropped, and counted.
    pub most_spooled: u64,
    /// How long one request may take, from connecting to the end of the answer.
    pub patience: Duration,
    /// Batches, pauses, and how long acknowledged lines are kept.
    pub bounds: Bounds,
    /// Whether bodies are compressed.
    pub gzip: bool,
}

impl InfluxOptions {
    /// The usual ones, with this spool: 1 GiB, 10 s.
    pub fn new(spool: impl Into<PathBuf>) -> Self {
        InfluxOptions {
            spool: spool.into(),
            most_spooled: 1 << 30,
            patience: Duration::from_secs(10),
            bounds: Bounds::default(),
            gzip: false,
        }
    }
}

struct State {
    spool: Spool,
    delivery: Delivery,
    /// Lines of this program, and those that were there before.
    taken: u64,
    earlier: u64,
    /// Where lines of this program begin.
    own: u64,
    /// Where lines that were put aside begin, as far as they may be sent again: each is put aside once.
    aside: BTreeSet<u64>,
    /// How many were put aside, whoever wrote them; of those that are settled, how many are this program's own.
    put_aside: u64,
    rejected: u64,
    /// Why not all is written.
    reason: Option<String>,
    /// Something that a file said no to: no more is sent.
    broken: bool,
    until: Option<Instant>,
}

impl State {
    /// Forgets what need not be kept any more.
    fn settle(&mut self, now_us: u64) {
        let settled = self.delivery.settle(now_us);
        if let Err(error) = self.spool.settle(settled) {
            self.reason = Some(error.to_string());
        }
        let kept = self.aside.split_off(&settled);
        let forgotten = std::mem::replace(&mut self.aside, kept);
        self.rejected += forgotten.range(self.own..).count() as u64;
    }

    /// A batch was answered so, in these words.
    fn answered(&mut self, now_us: u64, batch: Batch, verdict: Verdict, words: Option<String>) {
        match self.delivery.answered(now_us, batch, verdict) {
            Answered::Acknowledged => {
                if self.put_aside == 0 && self.delivery.is_done() {
                    self.reason = None;
                }
            }
            Answered::PutAside => self.set_aside(batch, words.unwrap_or_default()),
            Answered::Again => self.reason = words,
        }
    }

    /// Puts the line of a batch aside, unless that was done before the connection broke.
    fn set_aside(&mut self, batch: Batch, why: String) {
        self.reason = Some(why.clone());
        if self.aside.insert(batch.from) {
            self.put_aside += 1;
            if let Err(error) = self.spool.put_aside(batch.from, batch.to, &why) {
                self.reason = Some(error.to_string());
                self.broken = true;
            }
        }
    }
}

#[derive(Clone)]
struct Shared(Arc<(Mutex<State>, Condvar)>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes points to a database that speaks InfluxDB's API, version 2: `/api/v2/write`.
///
/// A point is taken once its line stands in the spool file. From there it is sent, in batches; what the server cannot take now is tried again
/// after a pause; what it never will take is put aside, in a file beside the spool. What has not been sent at the end stays in the spool, for the
/// next program that opens it: each point arrives **at least once**, and points are such that twice is the same as once.
pub struct InfluxSink {
    shared: Shared,
    thread: Option<JoinHandle<()>>,
    done: Receiver<()>,
}

impl InfluxSink {
    /// Opens the spool, and begins to send what is there. The server need not be there.
    ///
    /// # Errors
    /// When the spool cannot be opened.
    pub fn start(target: Target, options: InfluxOptions) -> Result<Self, SinkError> {
        let mut spool = Spool::open(&options.spool, options.most_spooled)?;
        let (settled, end) = (spool.settled(), spool.end());
        let earlier = spool.lines_after(settled)?;
        // Not a secret, only not the same in two programs that start together.
        let seed = wall::now_ns().unsigned_abs() ^ u64::from(std::process::id()) << 32;
        let delivery = Delivery::new(options.bounds, settled, end, seed);
        let state = State {
            spool,
            delivery,
            taken: 0,
            earlier,
            own: end,
            aside: BTreeSet::new(),
            put_aside: 0,
            rejected: 0,
            reason: None,
            broken: false,
            until: None,
        };
        let shared = Shared(Arc::new((Mutex::new(state), Condvar::new())));
        let (tell, done) = channel::<()>();
        let sender = Sender {
            shared: shared.clone(),
            connection: Connection::new(target.address.clone()),
            target,
            options,
            begun: Instant::now(),
        };
        let thread = std::thread::spawn(move || {
            let _tell = tell;
            sender.run();
        });
        Ok(InfluxSink { shared, thread: Some(thread), done })
    }

    /// How many lines an earlier program had left in the spool.
    pub fn earlier(&self) -> u64 {
        self.shared.lock().earlier
    }

    /// How many lines are in the spool and not acknowledged, whoever wrote them.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn left(&self) -> Result<u64, SinkError> {
        let mut state = self.shared.lock();
        let sent = state.delivery.sent();
        state.spool.lines_after(sent)
    }

    /// How many lines were put aside, whoever wrote them.
    pub fn put_aside(&self) -> u64 {
        self.shared.lock().put_aside
    }

    /// What has become of everything so far.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn so_far(&self) -> Result<Delivered, SinkError> {
        delivered(&mut self.shared.lock())
    }
}

/// What has become of the lines of this program.
fn delivered(state: &mut State) -> Result<Delivered, SinkError> {
    let left = state.spool.lines_after(state.delivery.sent())?;
    let passed = (state.earlier + state.taken - left).saturating_sub(state.earlier);
    let aside = state.aside.range(state.own..).filter(|place| **place < state.delivery.sent()).count() as u64;
    let rejected = state.rejected + aside;
    let spooled = state.taken - passed;
    let reason = state.reason.clone();
    Ok(Delivered { written: passed - rejected, spooled, rejected, reason })
}

impl Sink for InfluxSink {
    fn write(&mut self, points: &[Point]) -> Result<Taken, SinkError> {
        let (lines, mut taken) = lines_of(points);
        let mut state = self.shared.lock();
        if state.spool.append(&lines)? {
            state.taken += taken.taken;
            let end = state.spool.end();
            state.delivery.grown(end);
        } else {
            state.reason = Some("the spool is full".to_string());
            (taken.taken, taken.dropped) = (0, taken.taken);
        }
        drop(state);
        self.shared.0.1.notify_one();
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn close(&mut self, bound: Duration) -> Result<Delivered, SinkError> {
        self.end(bound);
        // What was acknowledged and has not settled within the bound is left to the next program: it may be lost with the server.
        delivered(&mut self.shared.lock())
    }
}

impl InfluxSink {
    fn end(&mut self, bound: Duration) {
        let Some(thread) = self.thread.take() else { return };
        self.shared.lock().until = Some(Instant::now() + bound);
        self.shared.0.1.notify_one();
        match self.done.recv_timeout(bound.saturating_add(GRACE)) {
            // It waits for an answer that was asked for before, and ends with the program.
            Err(RecvTimeoutError::Timeout) => {}
            _ => {
                if let Err(panic) = thread.join()
                    && !std::thread::panicking()
                {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
}

impl Drop for InfluxSink {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

/// The thread that sends.
struct Sender {
    shared: Shared,
    connection: Connection,
    target: Target,
    options: InfluxOptions,
    begun: Instant,
}

impl Sender {
    fn now_us(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn run(mut self) {
        while let Some((batch, lines)) = self.next_batch() {
            let (verdict, words) = self.send(&lines);
            let now_us = self.now_us();
            self.shared.lock().answered(now_us, batch, verdict, words);
        }
    }

    /// Waits until there is something to send. `None` when no more is to be sent.
    fn next_batch(&mut self) -> Option<(Batch, Vec<u8>)> {
        let shared = self.shared.clone();
        let mut state = shared.lock();
        loop {
            if state.broken {
                return None;
            }
            let now_us = self.now_us();
            // First a look at the connection: nothing settles by waiting for a server that has gone meanwhile.
            if self.connection.broke() {
                state.delivery.broke(now_us);
            }
            state.settle(now_us);
            let closing = state.until.is_some();
            let late = state.until.is_some_and(|until| Instant::now() >= until);
            let over = state.delivery.is_settled() || state.delivery.is_refused();
            if late || (closing && over) {
                return None;
            }
            let next = match state.delivery.next(now_us) {
                Step::Send { from, most_lines } => match state.spool.read(from, most_lines) {
                    Ok((none, to)) if none.is_empty() => {
                        let why = format!("the line is longer than a batch of {MOST_BYTES} bytes");
                        let batch = Batch { from, to, lines: 1 };
                        state.answered(now_us, batch, Verdict::TooLarge, Some(why));
                        continue;
                    }
                    Ok((lines, to)) => {
                        let count = lines.iter().filter(|byte| **byte == b'\n').count();
                        return Some((Batch { from, to, lines: count }, lines));
                    }
                    Err(error) => {
                        state.reason = Some(error.to_string());
                        state.broken = true;
                        continue;
                    }
                },
                Step::Wait { until_us } => Some(until_us),
                Step::Idle => None,
            };
            let wake_us = [next, state.delivery.settles_at_us()].into_iter().flatten().min();
            let wait = wake_us
                .map_or(Duration::from_secs(3600), |at| Duration::from_micros(at.saturating_sub(now_us)));
            let left = state.until.map(|until| until.saturating_duration_since(Instant::now()));
            let wait = wait.min(left.unwrap_or(wait)).max(Duration::from_micros(100));
            state = shared.0.1.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Sends lines, and says what the answer means, with the server's own words.
    fn send(&mut self, lines: &[u8]) -> (Verdict, Option<String>) {
        let left = self.shared.lock().until.map(|until| until.saturating_duration_since(Instant::now()));
        let bound =
            self.options.patience.min(left.unwrap_or(self.options.patience)).max(Duration::from_millis(10));
        let body = if self.options.gzip { gzipped(lines) } else { lines.to_vec() };
        let request = request::write(&self.target, &body, self.options.gzip);
        match self.connection.ask(&request, bound) {
            Ok(answer) => {
                let verdict = verdict(answer.head.status, answer.head.retry_after_s, &answer.body);
                let words = self.target.token.hide_in(answer.body.trim());
                let words: String = words.chars().take(WORDS).collect();
                let said = format!("{} answered {}: {words}", self.target.address, answer.head.status);
                (verdict, (verdict != Verdict::Taken).then_some(said))
            }
            Err(NoAnswer::NotHttp(place, not)) => {
                (Verdict::Refused, Some(NoAnswer::NotHttp(place, not).to_string()))
            }
            Err(error) => (Verdict::Away, Some(error.to_string())),
        }
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}
