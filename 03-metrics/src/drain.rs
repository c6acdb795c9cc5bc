//! The background of a recorder: a thread that empties its queue into a sink. A shell.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a shell: a thread of its own, and the system's clock"
)]

use crate::histogram::Latencies;
use crate::percentile::Percentiles;
use crate::point::Point;
use crate::queue::Take;
use crate::recorder::{Inner, Kind, Meter, Options};
use crate::sink::{Sink, SinkError};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the background waits for something to do before it lets the sink flush.
const IDLE: Duration = Duration::from_millis(100);
/// How long a drain that is dropped, not finished, may take.
const DROPPED: Duration = Duration::from_secs(1);
/// What a sink may take beyond the bound that it is told.
const GRACE: Duration = Duration::from_secs(1);

/// What waits in the queue.
#[derive(Debug)]
pub(crate) enum Event {
    Point(Point),
    Latency {
        meter: usize,
        ns: u64,
    },
    /// The end has come.
    Wake,
}

/// What became of everything that was recorded.
///
/// `points = written + spooled + rejected + refused + lost + waiting`: each point is in one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Points that had room, and those that counters, gauges and latencies were written as.
    pub points: u64,
    /// Latencies that had room; they are in [`Summary::latencies`].
    pub samples: u64,
    /// Points and latencies that had no room, or came after the end.
    pub dropped: u64,
    /// Points in the file, or acknowledged by the server.
    pub written: u64,
    /// Points in a spool file, for the next program that opens it.
    pub spooled: u64,
    /// Points that the server does not want.
    pub rejected: u64,
    /// Points that have no line: a NaN, a line break in a tag.
    pub refused: u64,
    /// Points that the sink could not take: a full disk, a full spool.
    pub lost: u64,
    /// Points of which nobody knows yet, since there was no time. None when [`Summary::in_time`].
    pub waiting: u64,
    /// Whether all was done within the bound.
    pub in_time: bool,
    /// Why points are not written, in words; the last reason.
    pub reason: Option<String>,
    /// What each latency came to: measurement and tags, percentiles over the whole run.
    pub latencies: Vec<(Point, Percentiles)>,
}

impl Summary {
    /// Whether everything that was offered is where it was to go.
    pub fn is_complete(&self) -> bool {
        self.in_time && self.dropped == 0 && self.points == self.written
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} points written, {} dropped", self.written, self.dropped)?;
        let rest = [
            (self.spooled, "spooled"),
            (self.rejected, "rejected"),
            (self.refused, "without a line"),
            (self.lost, "lost"),
            (self.waiting, "unknown"),
        ];
        for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// The end of a recorder that belongs to whoever started it.
pub struct Drain {
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
    done: Receiver<Summary>,
    so_far: Arc<Mutex<Summary>>,
    until: Arc<Mutex<Option<Instant>>>,
}

impl Drain {
    pub(crate) fn start(inner: Arc<Inner>, worker: Worker) -> Self {
        let (tell, done) = channel();
        let (so_far, until) = (worker.so_far.clone(), worker.until.clone());
        let thread = std::thread::spawn(move || {
            // Whoever waits for it may have gone.
            let _ = tell.send(worker.run());
        });
        Drain { inner, thread: Some(thread), done, so_far, until }
    }

    /// Ends the recording, writes what is there within about `bound`, and says what became of everything. What is offered from now on is
    /// dropped and counted.
    ///
    /// # Panics
    /// When the background has panicked.
    pub fn finish(mut self, bound: Duration) -> Summary {
        self.end(bound)
    }

    fn end(&mut self, bound: Duration) -> Summary {
        let Some(thread) = self.thread.take() else { return Summary::default() };
        let until = Instant::now() + bound;
        *lock(&self.until) = Some(until);
        self.inner.close(until);
        match self.done.recv_timeout(bound.saturating_add(GRACE)) {
            Ok(summary) => {
                let _ = thread.join();
                summary
            }
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) if !std::thread::panicking() => std::panic::resume_unwind(panic),
                _ => lock(&self.so_far).clone(),
            },
            // The sink hangs. Its thread ends with the program.
            Err(RecvTimeoutError::Timeout) => {
                let counts = self.inner.offer.counts();
                let mut summary = lock(&self.so_far).clone();
                summary.dropped = counts.dropped;
                summary.points = summary.points.max(counts.accepted.saturating_sub(summary.samples));
                summary.waiting = summary.points - summary.refused - summary.lost;
                summary.reason = Some(format!("the sink has not ended within {bound:?}"));
                summary
            }
        }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.end(DROPPED);
    }
}

/// The thread's own.
pub(crate) struct Worker {
    inner: Arc<Inner>,
    take: Take<Event>,
    sink: Box<dyn Sink>,
    options: Options,
    /// For each meter that is a latency: since the last interval, and since the beginning.
    latencies: Vec<Option<(Latencies, Latencies)>>,
    so_far: Arc<Mutex<Summary>>,
    until: Arc<Mutex<Option<Instant>>>,
}

impl Worker {
    pub(crate) fn new(inner: Arc<Inner>, take: Take<Event>, sink: Box<dyn Sink>, options: Options) -> Self {
        let (latencies, so_far, until) = (Vec::new(), Arc::default(), Arc::default());
        Worker { inner, take, sink, options, latencies, so_far, until }
    }

    fn run(mut self) -> Summary {
        let mut next = Instant::now() + self.options.interval;
        loop {
            // Asked before the queue is looked at: if it is empty afterwards, it stays so.
            let closing = self.inner.closing.load(Ordering::Acquire);
            let wait = if closing { Duration::ZERO } else { IDLE.min(self.options.interval) };
            let events = self.take.take(self.options.batch.max(1), wait);
            if closing && events.is_empty() {
                break;
            }
            let idle = events.is_empty();
            self.handle(events);
            if Instant::now() >= next {
                self.write_meters();
                next = Instant::now() + self.options.interval;
            } else if idle {
                let flushed = self.sink.flush();
                self.note(flushed);
            }
        }
        self.write_meters();
        self.close()
    }

    fn handle(&mut self, events: Vec<Event>) {
        let mut points = Vec::with_capacity(events.len());
        for event in events {
            match event {
                Event::Point(point) => points.push(point),
                Event::Latency { meter, ns } => {
                    lock(&self.so_far).samples += 1;
                    if self.latencies.len() <= meter {
                        self.latencies.resize_with(meter + 1, || None);
                    }
                    self.latencies[meter].get_or_insert_default().0.record(ns);
                }
                Event::Wake => {}
            }
        }
        self.write(&points);
    }

    fn write(&mut self, points: &[Point]) {
        if points.is_empty() {
            return;
        }
        let taken = self.sink.write(points);
        let mut so_far = lock(&self.so_far);
        so_far.points += points.len() as u64;
        match taken {
            Ok(taken) => {
                so_far.refused += taken.refused;
                so_far.lost += taken.dropped;
            }
            Err(error) => {
                so_far.lost += points.len() as u64;
                so_far.reason = Some(error.to_string());
            }
        }
    }

    fn note(&mut self, done: Result<(), SinkError>) {
        if let Err(error) = done {
            lock(&self.so_far).reason = Some(error.to_string());
        }
    }

    /// Counters, gauges and latencies as points.
    fn write_meters(&mut self) {
        let meters: Vec<Meter> =
            self.inner.meters.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        let now_ns = self.inner.now_ns();
        let mut points = Vec::new();
        for (at, meter) in meters.into_iter().enumerate() {
            let point = meter.point.at(now_ns);
            match meter.kind {
                Kind::Counter(count) => points.push(point.field("count", count.load(Ordering::Relaxed))),
                Kind::Gauge(bits) => {
                    let value = f64::from_bits(bits.load(Ordering::Relaxed));
                    if value.is_finite() {
                        points.push(point.field("value", value));
                    }
                }
                Kind::Latency => points.extend(self.latency_point(at, point)),
            }
        }
        self.write(&points);
        let flushed = self.sink.flush();
        self.note(flushed);
    }

    /// The point of a latency for the interval that ends now, which is added to the whole.
    fn latency_point(&mut self, at: usize, point: Point) -> Option<Point> {
        let (interval, whole) = self.latencies.get_mut(at)?.as_mut()?;
        let of = interval.percentiles()?;
        whole.add(interval);
        interval.clear();
        let fields = [
            ("min", of.min),
            ("mean", of.mean),
            ("p50", of.p50),
            ("p90", of.p90),
            ("p95", of.p95),
            ("p99", of.p99),
            ("max", of.max),
        ];
        let point = point.field("count", of.count);
        #[allow(clippy::cast_possible_truncation, reason = "no longer than an hour")]
        Some(fields.into_iter().fold(point, |point, (key, value)| point.field(key, value as i64)))
    }

    fn close(mut self) -> Summary {
        let until = *lock(&self.until);
        let left = until.map_or(DROPPED, |until| until.saturating_duration_since(Instant::now()));
        let closed = self.sink.close(left);
        let in_time = until.is_none_or(|until| Instant::now() <= until + GRACE);
        let mut summary = lock(&self.so_far).clone();
        summary.dropped = self.inner.offer.counts().dropped;
        summary.in_time = in_time;
        match closed {
            Ok(delivered) => {
                (summary.written, summary.spooled, summary.rejected) =
                    (delivered.written, delivered.spooled, delivered.rejected);
                summary.reason = delivered.reason.or(summary.reason);
            }
            Err(error) => {
                summary.lost = summary.points - summary.refused;
                summary.reason = Some(error.to_string());
            }
        }
        let meters = self.inner.meters.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = |at: usize| self.latencies.get(at)?.as_ref()?.1.percentiles();
        summary.latencies = meters
            .iter()
            .enumerate()
            .filter_map(|(at, meter)| Some((meter.point.clone(), whole(at)?)))
            .collect();
        drop(meters);
        summary
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
