//! Part B: recording never waits, has a bound, and counts what it drops.

#![allow(clippy::disallowed_methods, reason = "threads that record at once, and a bound on each wait")]
#![allow(clippy::disallowed_types, reason = "that something waits is seen by a clock")]

use metrics::histogram::{LONGEST_NS, Latencies};
use metrics::queue::{Counts, bounded};
use metrics::recorder::{MOST_METERS, MeterError};
use metrics::stamp::Stamps;
use metrics::{Delivered, MemorySink, Options, Point, Recorder, Sink, SinkError, Summary, Taken, Value};
use simnet::rule::{expect, expect_ok, expect_that};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits before it is sure that nothing comes.
const BOUND: Duration = Duration::from_secs(20);
const NOW: Duration = Duration::ZERO;

/// Runs something that must not wait; it fails the test when it does, or panics.
fn at_once<T: Send + 'static>(rule: &str, act: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = channel();
    let thread = thread::spawn(move || {
        let _ = tell.send(act());
    });
    match told.recv_timeout(BOUND) {
        Ok(done) => done,
        Err(_) if thread.is_finished() => {
            std::panic::resume_unwind(thread.join().expect_err("it told nothing"))
        }
        Err(_) => panic!("rule broken: {rule}\n  expected: an end at once\n  got: none within {BOUND:?}"),
    }
}

#[test]
fn part_b_what_has_no_room_is_dropped_and_counted() {
    let (offer, take) = bounded(3);
    let offers = offer.clone();
    let room = at_once("to offer never waits", move || {
        (0..5).map(|number| offers.offer(number)).collect::<Vec<_>>()
    });
    expect("the first that come have room", vec![true, true, true, false, false], room);
    expect("what has no room is counted", Counts { accepted: 3, dropped: 2 }, offer.counts());
    expect(
        "what is in comes out, in order",
        vec![0, 1, 2],
        at_once("what is there is taken at once", move || take.take(10, NOW)),
    );
}

#[test]
fn part_b_what_is_taken_makes_room() {
    let (offer, take) = bounded(2);
    let (first, second) = at_once("to take what is there never waits", move || {
        assert!(offer.offer(1) && offer.offer(2));
        let first = take.take(1, BOUND);
        let room = (offer.offer(3), offer.offer(4));
        (first, (room, take.take(5, BOUND)))
    });
    expect("at most so many are taken", vec![1], first);
    expect(
        "what is left comes next, and room is for as many as were taken",
        ((true, false), vec![2, 3]),
        second,
    );
}

#[test]
fn part_b_to_take_waits_for_the_first_and_no_longer_than_its_bound() {
    let (offer, take) = bounded::<u32>(2);
    const WAIT: Duration = Duration::from_millis(20);
    let (nothing, took, take) = at_once("no wait is without a bound", move || {
        let begun = Instant::now();
        (take.take(5, WAIT), begun.elapsed(), take)
    });
    expect("where nothing is, nothing comes", Vec::<u32>::new(), nothing);
    expect_that("it waits for the first, as long as it may", "20 ms", took >= WAIT, took);
    let offers = thread::spawn(move || offer.offer(7));
    let taken = at_once("what is offered ends the wait", move || take.take(5, 2 * BOUND));
    expect("what comes within the wait is taken", vec![7], taken);
    expect("the offer was taken", Some(true), offers.join().ok());
}

#[test]
fn part_b_after_the_end_all_is_dropped_and_counted() {
    let (offer, take) = bounded(2);
    drop(take);
    let room = offer.offer(1);
    expect("with nobody to take it there is no room", false, room);
    expect("it is counted", Counts { accepted: 0, dropped: 1 }, offer.counts());
}

#[test]
fn part_b_nothing_is_counted_twice_by_many_threads() {
    const EACH: u64 = 20_000;
    let (offer, take) = bounded(64);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let offer = offer.clone();
            thread::spawn(move || (0..EACH).filter(|number| offer.offer(*number)).count() as u64)
        })
        .collect();
    let (taken, accepted) = at_once("to take waits no longer than its bound", move || {
        let mut taken = 0;
        while threads.iter().any(|thread| !thread.is_finished()) {
            taken += take.take(1000, Duration::from_millis(1)).len() as u64;
        }
        taken += take.take(1000, NOW).len() as u64;
        let accepted: u64 = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .sum();
        (taken, accepted)
    });
    expect("what was accepted is what is taken", accepted, taken);
    expect("each is either", Counts { accepted, dropped: 4 * EACH - accepted }, offer.counts());
}

#[test]
fn part_b_no_two_stamps_are_the_same() {
    let stamps = Stamps::default();
    let given: Vec<i64> =
        [100, 100, 100, 200, 150, 201, 202, -5].into_iter().map(|now| stamps.next(now)).collect();
    expect(
        "a stamp is the clock's, or a nanosecond after the last",
        vec![100, 101, 102, 200, 201, 202, 203, 204],
        given,
    );
    let stamps = std::sync::Arc::new(Stamps::default());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let stamps = stamps.clone();
            thread::spawn(move || (0..5000).map(|_| stamps.next(7)).collect::<Vec<i64>>())
        })
        .collect();
    let mut all: Vec<i64> = Vec::new();
    for thread in threads {
        all.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    }
    all.sort_unstable();
    expect("many threads get different stamps, without a gap", (7..7 + 20_000).collect::<Vec<i64>>(), all);
}

/// Latencies that are neither even nor round.
fn uneven(count: u64) -> Vec<u64> {
    (1..=count).map(|number| number * number * 37 % 9_999_991 + number).collect()
}

#[test]
fn part_b_a_histogram_knows_percentiles_to_one_in_a_thousand() {
    let mut values = uneven(10_000);
    let mut latencies = Latencies::default();
    values.iter().for_each(|ns| latencies.record(*ns));
    values.sort_unstable();
    let of = latencies.percentiles().unwrap_or_default();
    expect("all are counted", 10_000, of.count);
    let sum: u64 = values.iter().sum();
    expect("the mean is exact", sum as f64 / 10_000.0, of.mean);
    for (name, hundredths, got) in [
        ("p50", 5000, of.p50),
        ("p90", 9000, of.p90),
        ("p95", 9500, of.p95),
        ("p99", 9900, of.p99),
        ("max", 10_000, of.max),
    ] {
        let exact = values[(values.len() * hundredths).div_ceil(10_000) - 1];
        let near = got >= exact as f64 && got <= exact as f64 * 1.001 + 1.0;
        expect_that(
            format!("{name} is the nearest rank, at most 0.1 % too high"),
            &format!("{exact}"),
            near,
            got,
        );
    }
    let near = of.min <= values[0] as f64 && of.min >= values[0] as f64 * 0.999 - 1.0;
    expect_that("the least is known too", &values[0].to_string(), near, of.min);
}

#[test]
fn part_b_of_nothing_there_are_no_percentiles() {
    let mut latencies = Latencies::default();
    expect("of nothing there are none", None, latencies.percentiles());
    latencies.record(0);
    expect("a latency of 0 is one", Some((1, 0.0)), latencies.percentiles().map(|of| (of.count, of.max)));
    latencies.clear();
    expect("what is forgotten is nothing", None, latencies.percentiles());
}

#[test]
fn part_b_what_is_too_long_counts_as_the_longest_and_is_counted() {
    let mut latencies = Latencies::default();
    for ns in [5, LONGEST_NS, LONGEST_NS + 1, u64::MAX] {
        latencies.record(ns);
    }
    expect("what is longer than an hour is counted", 2, latencies.beyond());
    let longest = LONGEST_NS as f64;
    expect("it counts as an hour", Some((4, longest)), latencies.percentiles().map(|of| (of.count, of.max)));
}

#[test]
fn part_b_histograms_add_up() {
    let (mut one, mut two, mut all) = (Latencies::default(), Latencies::default(), Latencies::default());
    for (at, ns) in uneven(999).into_iter().chain([u64::MAX]).enumerate() {
        if at % 3 == 0 {
            one.record(ns)
        } else {
            two.record(ns)
        }
        all.record(ns);
    }
    one.add(&two);
    expect("two together are as if all had been recorded in one", all.percentiles(), one.percentiles());
    expect("what was too long is added too", all.beyond(), one.beyond());
}

/// Options under which counters, gauges and latencies are written once, at the end.
fn options(capacity: usize) -> Options {
    Options { capacity, interval: Duration::from_secs(3600), clock: || 1_000, ..Options::default() }
}

fn point(number: u64) -> Point {
    Point::new("m").field("number", number).at(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A sink that takes nothing before it is let.
struct Held {
    waits: Sender<()>,
    let_go: Receiver<()>,
    held: bool,
    inner: MemorySink,
}

impl Sink for Held {
    fn write(&mut self, points: &[Point]) -> Result<Taken, SinkError> {
        if !self.held {
            self.held = true;
            let _ = self.waits.send(());
            let _ = self.let_go.recv();
        }
        self.inner.write(points)
    }
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
    fn close(&mut self, bound: Duration) -> Result<Delivered, SinkError> {
        self.inner.close(bound)
    }
}

#[test]
fn part_b_a_sink_that_hangs_stops_nobody() {
    let (waits, waiting) = channel();
    let (go, let_go) = channel();
    let inner = MemorySink::default();
    let (recorder, drain) =
        Recorder::start(Held { waits, let_go, held: false, inner: inner.clone() }, options(10));
    recorder.point(point(0));
    expect_ok("the background takes what is offered", "the sink is asked", waiting.recv_timeout(BOUND));
    let offers = recorder.clone();
    let room = at_once("to record never waits, whatever the sink does", move || {
        (1..=100).filter(|number| offers.point(point(*number))).count()
    });
    expect("there is room for as many as were asked for", 10, room);
    let _ = go.send(());
    let summary = drain.finish(BOUND);
    let complete = (summary.points, summary.written, summary.dropped, summary.in_time);
    expect("each point is written, or counted as dropped", (11, 11, 90, true), complete);
    expect(
        "those that had room are written, in order",
        (0..=10).map(point).collect::<Vec<_>>(),
        inner.points(),
    );
}

#[test]
fn part_b_what_comes_after_the_end_is_dropped_and_counted() {
    let (recorder, drain) = Recorder::start(MemorySink::default(), options(10));
    let latency = expect_ok("a latency can be had", "one", recorder.latency("l", &[]));
    let summary = drain.finish(BOUND);
    expect(
        "nothing was dropped before, and the end is in time",
        (0, true),
        (summary.dropped, summary.in_time),
    );
    expect(
        "after the end there is no room",
        (false, false),
        (recorder.point(point(1)), latency.record_ns(1)),
    );
    expect("it is counted", 2, recorder.counts().dropped);
}

#[test]
fn part_b_counters_gauges_and_latencies_become_points() {
    let sink = MemorySink::default();
    let (recorder, drain) = Recorder::start(sink.clone(), options(100));
    let tags = [("topic", "a")];
    let counter = expect_ok("a counter can be had", "one", recorder.counter("sent", &tags));
    let gauge = expect_ok("a gauge can be had", "one", recorder.gauge("depth", &[]));
    let never = expect_ok("a gauge can be had", "one", recorder.gauge("never", &[]));
    let latency = expect_ok("a latency can be had", "one", recorder.latency("took", &tags));
    let again =
        expect_ok("the same name and tags are the same counter", "it", recorder.counter("sent", &tags));
    counter.add(2);
    again.add(3);
    gauge.set(2.5);
    gauge.set(f64::NAN);
    never.set(f64::INFINITY);
    for ns in 1..=100 {
        latency.record(Duration::from_nanos(ns));
    }
    let summary = drain.finish(BOUND);
    let wanted = vec![
        Point::new("sent").tag("topic", "a").field("count", 5_u64).at(1_000),
        Point::new("depth").field("value", 2.5).at(1_000),
    ];
    let points = sink.points();
    expect(
        "a counter is its sum, a gauge what was set last",
        wanted,
        points.iter().take(2).cloned().collect(),
    );
    let of = |key| points.get(2).and_then(|point| point.field_value(key)).cloned();
    let got = (of("count"), of("min"), of("p50"), of("p99"), of("max"));
    let number = |value: i64| Some(Value::Integer(value));
    expect(
        "a latency is its percentiles",
        (Some(Value::Unsigned(100)), number(1), number(50), number(99), number(100)),
        got,
    );
    expect("what was never set is not written", 3, points.len());
    let samples = (
        summary.samples,
        summary.latencies.first().map(|(point, of)| (point.measurement().to_string(), of.count)),
    );
    expect(
        "the summary has each latency over the whole run",
        (100, Some(("took".to_string(), 100))),
        samples,
    );
}

#[test]
fn part_b_points_without_a_time_get_different_ones() {
    let sink = MemorySink::default();
    let (recorder, drain) = Recorder::start(sink.clone(), options(10));
    for _ in 0..3 {
        recorder.point(Point::new("m").field("f", 1.0));
    }
    drain.finish(BOUND);
    let times: Vec<_> = sink.points().iter().map(|point| point.time_ns()).collect();
    expect(
        "within one tick of the clock each has its own",
        vec![Some(1_000), Some(1_001), Some(1_002)],
        times,
    );
}

#[test]
fn part_b_there_are_so_many_meters_and_each_is_of_one_kind() {
    let (recorder, drain) = Recorder::start(MemorySink::default(), options(10));
    expect_ok("a counter can be had", "one", recorder.counter("a", &[]));
    expect("a name is of one kind", Some(MeterError::OtherKind("a".into())), recorder.gauge("a", &[]).err());
    let no_line = matches!(recorder.counter("a\nb", &[]), Err(MeterError::NoLine(_)));
    expect("a name without a line is refused at once", true, no_line);
    for number in 1..MOST_METERS {
        expect_ok(
            "so many can be had",
            "a counter",
            recorder.counter("b", &[("number", &number.to_string())]),
        );
    }
    expect("one more is refused", Some(MeterError::TooMany), recorder.counter("c", &[]).err());
    expect("with nothing to do the end is in time", true, drain.finish(BOUND).in_time);
}

/// A sink that takes nothing, or never ends.
struct Broken {
    hangs: Option<Receiver<()>>,
}

impl Sink for Broken {
    fn write(&mut self, _points: &[Point]) -> Result<Taken, SinkError> {
        match &self.hangs {
            Some(never) => {
                let _ = never.recv();
                Ok(Taken::default())
            }
            None => Err(SinkError::Other("the disk is full".into())),
        }
    }
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
    fn close(&mut self, _bound: Duration) -> Result<Delivered, SinkError> {
        Ok(Delivered::default())
    }
}

#[test]
fn part_b_what_a_sink_cannot_take_is_counted_as_lost() {
    let (recorder, drain) = Recorder::start(Broken { hangs: None }, options(10));
    (0..5).for_each(|number| {
        recorder.point(point(number));
    });
    let summary = drain.finish(BOUND);
    let wanted = Summary {
        points: 5,
        lost: 5,
        in_time: true,
        reason: Some("the disk is full".into()),
        ..Summary::default()
    };
    expect("each point is in one place, and the reason is told", wanted, summary);
}

#[test]
fn part_b_an_end_is_bounded_also_where_the_sink_hangs() {
    let (_never, hangs) = channel();
    let (recorder, drain) = Recorder::start(Broken { hangs: Some(hangs) }, options(10));
    recorder.point(point(1));
    let summary = at_once("no wait is without a bound", move || drain.finish(Duration::from_millis(50)));
    expect(
        "what nobody knows is said to be unknown",
        (false, 1, 0),
        (summary.in_time, summary.waiting, summary.written),
    );
}
