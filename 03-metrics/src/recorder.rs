//! What a measured program holds in its hands: it never waits, and its memory has a bound. A shell: it has a clock.

#![allow(clippy::disallowed_types, reason = "a shell: it bounds real waits")]

use crate::clock::wall;
use crate::drain::{Drain, Event, Worker};
use crate::point::Point;
use crate::queue::{Counts, Offer, bounded};
use crate::sink::Sink;
use crate::stamp::Stamps;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use thiserror::Error;

/// The most counters, gauges and latencies that a recorder has.
pub const MOST_METERS: usize = 256;

/// How a recorder works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many points and latencies may wait for the background. What comes when so many wait is dropped, and counted.
    pub capacity: usize,
    /// How many points are handed to the sink at once.
    pub batch: usize,
    /// How often counters, gauges and latencies are written as points.
    pub interval: Duration,
    /// The clock, in nanoseconds since 1970, for points without a time.
    pub clock: fn() -> i64,
}

impl Default for Options {
    fn default() -> Self {
        Options { capacity: 65_536, batch: 1024, interval: Duration::from_secs(1), clock: wall::now_ns }
    }
}

/// Why there is no such counter, gauge or latency.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MeterError {
    /// There are too many.
    #[error(
        "there are {MOST_METERS} counters, gauges and latencies already; put what differs into the tags of points"
    )]
    TooMany,
    /// Its name or tags have no line.
    #[error(transparent)]
    NoLine(#[from] crate::line::LineError),
    /// There is one of another kind.
    #[error("`{0}` is there already, and is something else; take another name")]
    OtherKind(String),
}

/// What a counter, gauge or latency is called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Meter {
    /// Measurement and tags.
    pub(crate) point: Point,
    pub(crate) kind: Kind,
}

/// What a meter measures, and where the background finds it.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Counter(Arc<AtomicU64>),
    /// The bits of a float; NaN until it is set.
    Gauge(Arc<AtomicU64>),
    Latency,
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

pub(crate) struct Inner {
    pub(crate) offer: Offer<Event>,
    /// Set first at the end: whoever offers now is too late.
    ending: AtomicBool,
    /// Held for reading by whoever offers, without waiting; the end takes it for writing, and then no offer is under way.
    offering: RwLock<()>,
    /// Set after that: what is in the queue now is all.
    pub(crate) closing: AtomicBool,
    pub(crate) meters: Mutex<Vec<Meter>>,
    stamps: Stamps,
    clock: fn() -> i64,
}

impl Inner {
    /// Nobody offers after this. Offers that are under way end by themselves, at once; one that does not is waited for until `until`.
    pub(crate) fn close(&self, until: Instant) {
        self.ending.store(true, Ordering::SeqCst);
        while self.offering.try_write().is_err() && Instant::now() < until {
            std::thread::yield_now();
        }
        self.closing.store(true, Ordering::Release);
        self.offer.wake(Event::Wake);
    }

    fn offer(&self, event: Event) -> bool {
        if let Ok(_offering) = self.offering.try_read()
            && !self.ending.load(Ordering::SeqCst)
        {
            return self.offer.offer(event);
        }
        self.offer.count_dropped();
        false
    }

    /// The recorder's clock.
    pub(crate) fn now_ns(&self) -> i64 {
        (self.clock)()
    }
}

/// Records points, counts, gauges and latencies. Cheap to clone; may be used from any number of threads and tasks.
///
/// Nothing here waits: neither for a lock that another thread holds, nor for a disk, nor for a network. What has no room is dropped and
/// counted. [`Drain::finish`] says what became of everything.
///
/// ```
/// use metrics::{MemorySink, Options, Point, Recorder};
/// use std::time::Duration;
/// let sink = MemorySink::default();
/// let (recorder, drain) = Recorder::start(sink.clone(), Options::default());
/// let sent = recorder.counter("sent", &[("topic", "humidity")])?;
/// sent.add(1);
/// recorder.point(Point::new("delivery").tag("topic", "humidity").field("seq", 1_u64));
/// let summary = drain.finish(Duration::from_secs(5));
/// assert_eq!((summary.written, summary.dropped), (2, 0));
/// # Ok::<(), metrics::recorder::MeterError>(())
/// ```
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

impl Recorder {
    /// Starts the background thread that empties the recorder into `sink`.
    pub fn start(sink: impl Sink + 'static, options: Options) -> (Recorder, Drain) {
        let (offer, take) = bounded(options.capacity);
        let inner = Arc::new(Inner {
            offer,
            ending: AtomicBool::new(false),
            offering: RwLock::new(()),
            closing: AtomicBool::new(false),
            meters: Mutex::default(),
            stamps: Stamps::default(),
            clock: options.clock,
        });
        let worker = Worker::new(inner.clone(), take, Box::new(sink), options);
        (Recorder(inner.clone()), Drain::start(inner, worker))
    }

    /// Records a point. Without a time it gets the clock's, and no two such points have the same. Whether there was room.
    pub fn point(&self, point: Point) -> bool {
        let point = match point.time_ns() {
            Some(_) => point,
            None => point.at(self.0.stamps.next(self.0.now_ns())),
        };
        self.0.offer(Event::Point(point))
    }

    /// A counter. Every interval a point with the field `count`, the sum so far, is written. It never drops anything.
    ///
    /// To register one may wait for others that do so; to count never waits.
    ///
    /// # Errors
    /// When there are too many, the name has no line, or is that of something else.
    pub fn counter(&self, name: &str, tags: &[(&str, &str)]) -> Result<Counter, MeterError> {
        match self.meter(name, tags, Kind::Counter(Arc::default()))? {
            (_, Kind::Counter(count)) => Ok(Counter(count)),
            _ => Err(MeterError::OtherKind(name.to_string())),
        }
    }

    /// A gauge. Every interval a point with the field `value`, the one that was set last, is written.
    ///
    /// # Errors
    /// When there are too many, the name has no line, or is that of something else.
    pub fn gauge(&self, name: &str, tags: &[(&str, &str)]) -> Result<Gauge, MeterError> {
        match self.meter(name, tags, Kind::Gauge(Arc::new(AtomicU64::new(f64::NAN.to_bits()))))? {
            (_, Kind::Gauge(value)) => Ok(Gauge(value)),
            _ => Err(MeterError::OtherKind(name.to_string())),
        }
    }

    /// A latency. Every interval in which there were some a point with the fields `count`, `min`, `mean`, `p50`, `p90`, `p95`, `p99` and `max`
    /// is written, in nanoseconds.
    ///
    /// # Errors
    /// When there are too many, the name has no line, or is that of something else.
    pub fn latency(&self, name: &str, tags: &[(&str, &str)]) -> Result<Latency, MeterError> {
        match self.meter(name, tags, Kind::Latency)? {
            (meter, Kind::Latency) => Ok(Latency { meter, inner: self.0.clone() }),
            _ => Err(MeterError::OtherKind(name.to_string())),
        }
    }

    /// What was accepted and dropped so far, points and latencies.
    pub fn counts(&self) -> Counts {
        self.0.offer.counts()
    }

    /// The meter of this name and these tags: the one that is there, else this.
    fn meter(&self, name: &str, tags: &[(&str, &str)], kind: Kind) -> Result<(usize, Kind), MeterError> {
        let point = tags.iter().fold(Point::new(name), |point, (key, value)| point.tag(*key, *value));
        crate::line::write(&point.clone().field("count", 0_u64))?;
        let mut meters = self.0.meters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = meters.iter().position(|meter| meter.point == point) {
            return match meters[at].kind == kind {
                true => Ok((at, meters[at].kind.clone())),
                false => Err(MeterError::OtherKind(name.to_string())),
            };
        }
        if meters.len() == MOST_METERS {
            return Err(MeterError::TooMany);
        }
        meters.push(Meter { point, kind: kind.clone() });
        Ok((meters.len() - 1, kind))
    }
}

/// Counts.
#[derive(Clone, Debug)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}

/// What is so now, and may go up and down.
#[derive(Clone, Debug)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// It is this now. NaN and the infinities have no line, and are passed over.
    pub fn set(&self, value: f64) {
        if value.is_finite() {
            self.0.store(value.to_bits(), Ordering::Relaxed);
        }
    }
}

/// How long something takes, again and again.
#[derive(Clone)]
pub struct Latency {
    meter: usize,
    inner: Arc<Inner>,
}

impl Latency {
    /// It took so many nanoseconds. Whether there was room.
    pub fn record_ns(&self, ns: u64) -> bool {
        self.inner.offer(Event::Latency { meter: self.meter, ns })
    }

    /// It took so long. Whether there was room.
    pub fn record(&self, took: Duration) -> bool {
        self.record_ns(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX))
    }
}
