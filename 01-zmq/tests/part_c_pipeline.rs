//! Part C: ventilator, workers, sink.

mod beside;

use beside::{BOUND, soon};
use simnet::rule::{expect, expect_ok, expect_that};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use zeromq::{PullSocket, PushSocket, Socket, SocketRecv, SocketSend, ZmqMessage};
use zmq::endpoint::{bind, connect};
use zmq::monitor::ledger::{Connection, Event};
use zmq::monitor::watch::watch;
use zmq::pipeline::barrier::Barrier;
use zmq::pipeline::batch::{Batch, Report, Step};
use zmq::pipeline::deal::{deal, loads};
use zmq::pipeline::message::Message;
use zmq::pipeline::sink::{SinkError, collect};
use zmq::pipeline::source::{SourceError, send_batch, wait_for_workers};
use zmq::pipeline::task::{Cost, SpeedUp, Task, tasks};
use zmq::pipeline::worker::{Worked, work};

#[test]
fn part_c_the_best_speed_up_is_bounded_by_workers_and_by_the_longest_task() {
    let best = |total_ms, longest_ms, workers| Cost { total_ms, longest_ms }.best(workers).hundredths;
    let rule = "no faster than all workers together, nor than the longest task";
    expect(rule, 400, best(5000, 100, 4));
    expect(rule, 5000, best(5000, 100, 80));
    expect(rule, 150, best(150, 100, 4));
    expect(rule, 100, best(100, 100, 4));
    expect("a batch of nothing", 300, best(0, 0, 3));
}

/// For every seed, and any number of workers up to ten, nobody has much more to do than the others.
#[test]
fn part_c_every_worker_gets_as_much_to_do() {
    for seed in 0..200 {
        for workers in 1..=10 {
            let batch = tasks(seed, 100, 100);
            let cost = Cost::of(&batch);
            let dealt = deal(batch.clone(), workers);
            let ids: BTreeSet<u32> = dealt.iter().map(|task| task.id).collect();
            expect("each task is dealt once", (100, 100), (dealt.len(), ids.len()));
            expect("no task is changed", true, dealt.iter().all(|task| batch.contains(task)));
            let most = loads(&dealt, workers).into_iter().max().unwrap_or(0);
            let got = cost.speed_up(most * 1000);
            // Within 6 percent: a task cannot be cut.
            let holds = got.hundredths * 100 >= cost.best(workers).hundredths * 94;
            let rule = format!("seed {seed}: {workers} workers get about as much to do when dealt round");
            expect_that(rule, &format!("a speed-up of about {}", cost.best(workers)), holds, got.to_string());
        }
    }
    let same = [3, 1, 2].map(|id| Task { id, ms: 5 }).to_vec();
    let order: Vec<u32> = deal(same, 3).iter().map(|task| task.id).collect();
    expect("equal tasks go by their numbers: the order is the same everywhere", vec![1, 2, 3], order);
}

#[test]
fn part_c_a_message_is_read_as_it_was_written() {
    let done = Message::Done { batch: 7, id: 3, worker: "w1".to_string() };
    let begin = Message::Begin { batch: 7, tasks: 100, workers: 4, total_ms: 5000, longest_ms: 99 };
    for message in [done, begin, Message::Task { batch: 7, id: 0, ms: 1 }, Message::End { batch: u64::MAX }] {
        expect("what was written is read", Ok(message.clone()), message.to_string().parse());
    }
    for wrong in ["", "task", "task 1 2", "task 1 2 3 4", "task 1 2 -3", "done 1 2 ", "stop 1", "end  1"] {
        let got = wrong.parse::<Message>();
        expect_that(format!("`{wrong}` is no message"), "an error", got.is_err(), got);
    }
}

#[test]
fn part_c_a_worker_that_has_gone_does_not_count() {
    let accepted = |number| Event::Accepted(Connection(number), "there".to_string());
    let gone = |number| Event::Disconnected(Connection(number), "there".to_string());
    let mut barrier = Barrier::new(2);
    let rule = "the barrier opens when all are there at the same time";
    for (event, open) in [
        (Event::Listening("here".to_string()), false),
        (accepted(1), false),
        (Event::Refused("a stranger".to_string()), false),
        (gone(1), false),
        (accepted(2), false),
        (accepted(2), false),
        (accepted(3), true),
    ] {
        expect(format!("{rule} ({event})"), open, barrier.pass(&event));
    }
}

fn begin(batch: u64, tasks: u32) -> Message {
    Message::Begin { batch, tasks, workers: 2, total_ms: 100, longest_ms: 20 }
}

fn done(batch: u64, id: u32, worker: &str) -> Message {
    Message::Done { batch, id, worker: worker.to_string() }
}

#[test]
fn part_c_each_task_counts_once() {
    let mut batch = Batch::default();
    for (now, message, step) in [
        (1000, begin(7, 3), Step::Begun),
        (2000, done(7, 0, "a"), Step::Result),
        (3000, done(7, 0, "b"), Step::PassedOver),
        (4000, done(7, 3, "b"), Step::PassedOver),
        (5000, done(6, 1, "b"), Step::PassedOver),
        (6000, begin(7, 1), Step::PassedOver),
        (7000, Message::End { batch: 7 }, Step::PassedOver),
        (8000, done(7, 2, "b"), Step::Result),
        (51_000, done(7, 1, "b"), Step::Complete),
        (52_000, done(7, 1, "b"), Step::PassedOver),
    ] {
        let rule = format!("each task of this batch counts once, and nothing else ({message})");
        expect(rule, step, batch.take(&message, now));
    }
    let expected = Report {
        elapsed_us: 50_000,
        cost: Cost { total_ms: 100, longest_ms: 20 },
        speed_up: SpeedUp { hundredths: 200 },
        best: SpeedUp { hundredths: 200 },
        by_worker: BTreeMap::from([("a".to_string(), 1), ("b".to_string(), 2)]),
    };
    expect("a batch is reported from its first message to its last result", Some(expected), batch.report());
}

/// Whoever can reach the sink can announce what he likes. It costs no memory, and no panic.
#[test]
fn part_c_a_number_that_a_stranger_announces_is_not_believed() {
    let mut batch = Batch::default();
    let rule = "nobody has so many tasks";
    expect(rule, Step::PassedOver, batch.take(&begin(1, u32::MAX), 0));
    expect(rule, Step::PassedOver, batch.take(&done(1, u32::MAX, "x"), 0));
    let dear = Message::Begin { batch: 1, tasks: 1, workers: u32::MAX, total_ms: u64::MAX, longest_ms: 1 };
    expect("a batch that is dear is a batch", Step::Begun, batch.take(&dear, 0));
    expect("and its results count", Step::Complete, batch.take(&done(1, 0, "x"), 1));
    let report = batch.report();
    let holds = report.as_ref().is_some_and(|report| report.cost.total_ms == u64::MAX);
    expect_that("and are reported", "a report", holds, &report);

    let mut batch = Batch::default();
    let rule = "a result that overtakes the beginning counts, and is of no task once there are fewer";
    expect(rule, Step::Result, batch.take(&done(1, 9, "x"), 0));
    expect(rule, Step::Begun, batch.take(&begin(1, 1), 0));
    expect(rule, Step::Complete, batch.take(&done(1, 0, "x"), 0));
}

/// The source and a worker are different peers, so nothing says whose message comes first.
#[test]
fn part_c_a_result_may_overtake_the_beginning() {
    let mut batch = Batch::default();
    for (now, message, step) in [
        (1000, done(7, 1, "a"), Step::Result),
        (2000, done(7, 0, "a"), Step::Result),
        (3000, begin(7, 2), Step::Complete),
    ] {
        let got = batch.take(&message, now);
        expect(format!("a result that overtakes the beginning counts ({message})"), step, got);
    }
    let elapsed = batch.report().map(|report| report.elapsed_us);
    expect("time counts from the first message on", Some(1000), elapsed);
    let mut batch = Batch::default();
    batch.take(&done(7, 0, "a"), 0);
    expect("before the source has said how many there are, nothing is complete", None, batch.report());
}

/// A sink and a source of this process, bound.
struct Ends {
    to_workers: PushSocket,
    to_sink: PushSocket,
    results: PullSocket,
    at: (String, String),
}

async fn ends(tasks: &str, results: &str) -> Ends {
    let (mut to_workers, mut to_sink, mut sink) = (PushSocket::new(), PushSocket::new(), PullSocket::new());
    let at = (
        bind(&mut to_workers, tasks).await.expect("a free address"),
        bind(&mut sink, results).await.expect("a free address"),
    );
    connect(&mut to_sink, &at.1, BOUND).await.expect("a sink");
    Ends { to_workers, to_sink, results: sink, at }
}

async fn worker(at: &(String, String)) -> (PullSocket, PushSocket) {
    let (mut tasks, mut results) = (PullSocket::new(), PushSocket::new());
    connect(&mut results, &at.1, BOUND).await.expect("a sink");
    connect(&mut tasks, &at.0, BOUND).await.expect("a source");
    (tasks, results)
}

/// Runs a batch with so many workers of this process, which come one after the other.
async fn run(at: (&str, &str), workers: u32, batch: Vec<Task>) -> (Report, Vec<Worked>) {
    let (mut to_workers, mut to_sink, mut sink) = (PushSocket::new(), PushSocket::new(), PullSocket::new());
    let mut events = watch(&mut to_workers);
    let at = (
        bind(&mut to_workers, at.0).await.expect("a free address"),
        bind(&mut sink, at.1).await.expect("a free address"),
    );
    connect(&mut to_sink, &at.1, BOUND).await.expect("a sink");
    let mut working = Vec::new();
    for number in 0..workers {
        let (mut tasks, mut results) = worker(&at).await;
        working.push(tokio::spawn(async move {
            let name = format!("w{number}");
            let odd = |why| panic!("a worker gets tasks and nothing else: {why}");
            let worked = work(&mut tasks, &mut results, &name, odd).await.expect("a sink");
            // The sockets stay open until the sink has all.
            (worked, results)
        }));
    }
    wait_for_workers(&mut events, workers as usize, BOUND).await.expect("all workers");
    send_batch(&mut to_workers, &mut to_sink, 7, batch, workers).await.expect("workers and a sink");
    let odd = |why| panic!("a sink gets what belongs to the batch: {why}");
    let report = soon(collect(&mut sink, BOUND, |_| (), odd)).await;
    let rule = "a batch is done by whoever is there";
    let report = expect_ok(rule, "all results", expect_ok(rule, "all results", report));
    let mut worked = Vec::new();
    for working in working {
        let (by_one, _results) = soon(working).await.expect("it ends").expect("no panic");
        worked.push(by_one);
    }
    (report, worked)
}

#[tokio::test]
async fn part_c_workers_are_as_many_times_faster_as_they_are_over_tcp_and_ipc() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| format!("ipc://{}", folder.path().join(name).display());
    let (up, down) = (path("tasks"), path("results"));
    for (at, workers) in [(("tcp://127.0.0.1:0", "tcp://127.0.0.1:0"), 4), ((&*up, &*down), 8)] {
        let batch = tasks(7, 100, 100);
        let (mut expected, cost) = (loads(&deal(batch.clone(), workers), workers), Cost::of(&batch));
        let (report, worked) = run(at, workers, batch).await;
        let mut loads: Vec<u64> = worked.iter().map(|by_one| by_one.ms).collect();
        expected.sort_unstable();
        loads.sort_unstable();
        expect("each worker does what it was dealt", &expected, &loads);
        // What the clock says depends on what else this machine does; who does how much does not.
        let (by_loads, best) = (cost.speed_up(loads.last().unwrap_or(&0) * 1000), cost.best(workers));
        let rule = format!("{workers} workers: the busiest has no more to do than the best speed-up allows");
        let holds = by_loads.hundredths * 100 >= best.hundredths * 94;
        expect_that(rule, &format!("a speed-up of about {best}"), holds, by_loads.to_string());
        let rule = "workers work at the same time: sooner done than by one";
        expect_that(rule, "a speed-up of more than 1", report.speed_up.hundredths > 100, &report);
        let results: u32 = report.by_worker.values().sum();
        expect("every result is some worker's", (100, workers as usize), (results, report.by_worker.len()));
    }
}

/// One long task among short ones: no number of workers makes that shorter, so it must not wait.
#[tokio::test]
async fn part_c_the_longest_task_is_the_limit() {
    let batch: Vec<Task> = (0..9).map(|id| Task { id, ms: if id == 4 { 300 } else { 10 } }).collect();
    let best = Cost::of(&batch).best(4);
    expect("the longest task is the limit", SpeedUp { hundredths: 126 }, best);
    let mut ends = ends("tcp://127.0.0.1:0", "tcp://127.0.0.1:0").await;
    let mut events = watch(&mut ends.to_workers);
    let mut workers = Vec::new();
    for _ in 0..4 {
        workers.push(worker(&ends.at).await);
    }
    wait_for_workers(&mut events, 4, BOUND).await.expect("all workers");
    send_batch(&mut ends.to_workers, &mut ends.to_sink, 7, batch, 4).await.expect("workers and a sink");
    let mut first = BTreeSet::new();
    for (tasks, _) in &mut workers {
        let message = soon(tasks.recv()).await.expect("a task").expect("a task");
        first.insert(String::try_from(message).expect("text"));
    }
    let longest = Message::Task { batch: 7, id: 4, ms: 300 }.to_string();
    expect_that("the longest task is begun first", &longest, first.contains(&longest), &first);
}

#[tokio::test]
async fn part_c_no_task_is_dealt_before_all_workers_are_there() {
    let mut to_workers = PushSocket::new();
    let mut events = watch(&mut to_workers);
    let at = bind(&mut to_workers, "tcp://127.0.0.1:0").await.unwrap();
    let mut first = PullSocket::new();
    connect(&mut first, &at, BOUND).await.unwrap();
    let waited = wait_for_workers(&mut events, 2, Duration::from_millis(50)).await;
    let holds = matches!(waited, Err(SourceError::TooFew(0 | 1, 2, _)));
    expect_that("with too few workers nothing begins, and it is said", "TooFew(1, 2, 50ms)", holds, waited);
    let mut events = watch(&mut to_workers);
    let mut others = [PullSocket::new(), PullSocket::new()];
    for other in &mut others {
        connect(other, &at, BOUND).await.unwrap();
    }
    let waited = soon(wait_for_workers(&mut events, 2, BOUND)).await;
    expect_ok("workers that come open the barrier", "open", expect_ok("a barrier opens", "open", waited));
}

/// A sink that gets too little, or strange things.
#[tokio::test]
async fn part_c_a_sink_says_what_is_missing() {
    let Ends { mut to_sink, mut results, at, .. } = ends("tcp://127.0.0.1:0", "tcp://127.0.0.1:0").await;
    let patience = Duration::from_millis(50);
    let got = collect(&mut results, patience, |_| (), |_| ()).await;
    let holds = matches!(got, Err(SinkError::Nothing(_)));
    expect_that("that nothing comes is said", "Nothing", holds, got);
    let mut worker = PushSocket::new();
    connect(&mut worker, &at.1, BOUND).await.unwrap();
    to_sink.send(ZmqMessage::from(begin(7, 4).to_string())).await.unwrap();
    for text in ["done 7 1 a", "done 7 one a", "done 7 3 a"] {
        worker.send(ZmqMessage::from(text)).await.unwrap();
    }
    let mut odd = Vec::new();
    let got = collect(&mut results, Duration::from_millis(500), |_| (), |why| odd.push(why)).await;
    let holds = matches!(&got, Err(SinkError::Missing { done: 2, missing, .. }) if missing == "0 2");
    expect_that("which results are missing is said", "Missing: 2 came, missing 0 2", holds, got);
    expect_that("what is no result is told, and passed over", "one", odd.len() == 1, odd);
}

/// What the crate does: messages are dealt round, in the order of connecting, whatever their size.
#[tokio::test]
async fn part_c_a_push_deals_blindly() {
    let Ends { mut to_workers, at, .. } = ends("tcp://127.0.0.1:0", "tcp://127.0.0.1:0").await;
    let mut events = watch(&mut to_workers);
    let mut pulls = Vec::new();
    for number in 1..=3 {
        let mut pull = PullSocket::new();
        connect(&mut pull, &at.0, BOUND).await.unwrap();
        wait_until_accepted(&mut events, number).await;
        pulls.push(pull);
    }
    for number in 0..9 {
        to_workers.send(ZmqMessage::from(number.to_string())).await.unwrap();
    }
    for (place, pull) in pulls.iter_mut().enumerate() {
        for round in 0..3 {
            let got = soon(pull.recv()).await.expect("a message").unwrap();
            let expected = (round * 3 + place).to_string();
            expect("a PUSH deals round", expected, String::try_from(got).unwrap());
        }
    }
}

async fn wait_until_accepted(
    events: &mut (impl futures_util::Stream<Item = (Event, usize)> + Unpin),
    connected: usize,
) {
    use futures_util::StreamExt;
    let waiting = async { while events.next().await.expect("a monitor").1 < connected {} };
    soon(waiting).await.expect("it is accepted");
}
