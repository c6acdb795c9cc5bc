//! Part A: publications, filtered by prefix where they are sent.

mod beside;

use beside::{BOUND, beside, soon};
use simnet::rule::{expect, expect_ok, expect_that};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::AbortHandle;
use zeromq::{Socket, SocketRecv, SocketSend, SubSocket, XPubSocket, ZmqMessage};
use zmq::endpoint::{bind, connect};
use zmq::weather::average::Average;
use zmq::weather::publisher::{Heard, Pace, publish};
use zmq::weather::report::Report;
use zmq::weather::stations::Stations;
use zmq::weather::subscriber::{WeatherError, average};
use zmq::weather::subscription::Subscription;

fn mean(values: &[i32]) -> Average {
    let mut average = Average::default();
    values.iter().for_each(|value| average.add(*value));
    average
}

#[test]
fn part_a_a_report_is_three_numbers() {
    for (zip, temperature, humidity) in [(1, -80, 10), (10_001, 0, 0), (99_999, 134, 100)] {
        let report = Report { zip, temperature, humidity };
        let text = format!("{zip} {temperature} {humidity}");
        expect("a report goes as `zip temperature humidity`", text.clone(), report.to_string());
        expect("what was written is read", Ok(report), text.parse());
    }
    for wrong in
        ["", "1 2", "1 2 3 4", "1  2 3", "0 1 1", "100000 1 1", "1 1 101", "1 1 -1", "a 1 1", "1 2 3\n"]
    {
        let got = wrong.parse::<Report>();
        expect_that(format!("{wrong:?} is no report"), "an error", got.is_err(), got);
    }
}

#[test]
fn part_a_an_average_is_exact_to_the_tenth() {
    for (values, expected) in [
        (&[][..], "none"),
        (&[7], "7.0"),
        (&[1, 2], "1.5"),
        (&[1, 1, 2], "1.3"),
        (&[1, 2, 2], "1.7"),
        (&[-1, -1, -2], "-1.3"),
        (&[-1, -2, -2], "-1.7"),
        (&[-1, 0, 0], "-0.3"),
        (&[i32::MAX, i32::MAX, i32::MAX], "2147483647.0"),
    ] {
        let rule = format!("the mean of {values:?}, rounded to the nearest tenth");
        expect(rule, expected, mean(values).to_string().as_str());
    }
    let twenty: Vec<i32> = [0; 19].into_iter().chain([1]).collect();
    expect("a half of a tenth goes away from zero", "0.1", mean(&twenty).to_string().as_str());
    let twenty: Vec<i32> = twenty.iter().map(|value| -value).collect();
    expect("a half of a tenth goes away from zero", "-0.1", mean(&twenty).to_string().as_str());
}

#[test]
fn part_a_a_subscription_is_a_byte_and_a_topic() {
    for topic in [&b""[..], b"10001", b"\xff\0"] {
        for subscription in [Subscription::Begin(topic.to_vec()), Subscription::End(topic.to_vec())] {
            let bytes = subscription.to_bytes();
            expect("what was written is read", Ok(subscription), Subscription::from_frames(&[&bytes]));
        }
    }
    for wrong in [&[][..], &[&b""[..]], &[b"\x0210001"], &[b"\x01a", b"b"]] {
        let got = Subscription::from_frames(wrong);
        expect_that(format!("{wrong:?} is no subscription"), "an error", got.is_err(), got);
    }
}

/// A publisher of this process, which ends with the test.
struct Publisher {
    at: String,
    heard: UnboundedReceiver<Heard>,
    task: AbortHandle,
}

impl Publisher {
    async fn start(at: &str, seed: u64, pace: Pace) -> Self {
        let mut socket = XPubSocket::new();
        let at = bind(&mut socket, at).await.expect("a free address");
        let (tell, heard) = unbounded_channel();
        let publishing = async move {
            let told = |heard| _ = tell.send(heard);
            publish(&mut socket, Stations::new(seed), pace, told).await.expect("a socket that sends");
        };
        Publisher { at, heard, task: beside(publishing) }
    }

    /// The next but for connections that broke: who hangs up with unread reports does that.
    async fn next(&mut self) -> Heard {
        loop {
            match soon(self.heard.recv()).await.ok().flatten() {
                Some(Heard::Broken(_)) => {}
                Some(heard) => return heard,
                None => {
                    panic!("rule broken: a publisher hears subscriptions\n  expected: one\n  got: none")
                }
            }
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn pace(subscribers: usize) -> Pace {
    Pace { every: Duration::ZERO, subscribers }
}

/// The publisher waits for its subscriber, so the subscriber gets the first reports there are, and the result is known.
#[tokio::test]
async fn part_a_the_first_reports_of_a_prefix_are_averaged_over_tcp_and_ipc() {
    let folder = tempfile::tempdir().unwrap();
    let path = format!("ipc://{}", folder.path().join("weather").display());
    for (at, seed, prefix) in
        [("tcp://127.0.0.1:0", 7, "1"), (&*path, 8, "100"), ("tcp://127.0.0.1:0", 9, "")]
    {
        let expected: Vec<i32> = Stations::new(seed)
            .filter(|report| report.to_string().starts_with(prefix))
            .take(10)
            .map(|report| report.temperature)
            .collect();
        let mut publisher = Publisher::start(at, seed, pace(1)).await;
        let mut socket = SubSocket::new();
        connect(&mut socket, &publisher.at, BOUND).await.expect("a publisher");
        let got = soon(average(&mut socket, prefix, 10, BOUND)).await;
        let got = expect_ok("a subscriber gets its reports", "ten reports", got);
        let got = expect_ok("a subscriber gets its reports", "ten reports", got);
        let rule = format!("seed {seed}: the first 10 reports that begin with `{prefix}`, none missed");
        expect(rule, mean(&expected), got);
        for subscription in [Subscription::Begin(prefix.into()), Subscription::End(prefix.into())] {
            let rule = "a subscription is heard when it begins and when it ends";
            expect(rule, Heard::Subscription(subscription), publisher.next().await);
        }
    }
}

/// Before as many subscribers as were asked for are there, nothing is published: the one that is there would have got it.
#[tokio::test]
async fn part_a_nothing_is_published_before_the_subscribers_are_there() {
    let mut publisher = Publisher::start("tcp://127.0.0.1:0", 7, pace(2)).await;
    let mut early = SubSocket::new();
    connect(&mut early, &publisher.at, BOUND).await.unwrap();
    early.subscribe("").await.unwrap();
    publisher.next().await;
    // What is no subscription, and an end, are not counted as one.
    early.unsubscribe("nothing").await.unwrap();
    publisher.next().await;
    let mut late = SubSocket::new();
    connect(&mut late, &publisher.at, BOUND).await.unwrap();
    late.subscribe("").await.unwrap();
    let first = Stations::new(7).next().unwrap().to_string();
    for (who, socket) in [("early", &mut early), ("late", &mut late)] {
        let message = soon(socket.recv()).await;
        let message = expect_ok("once both are there, it is published", "a report", message).unwrap();
        let rule = format!("the subscriber that came {who} gets the first report");
        expect(rule, first.clone(), String::try_from(message).unwrap());
    }
}

#[tokio::test]
async fn part_a_a_publisher_publishes_on_whoever_comes_and_goes() {
    let mut publisher = Publisher::start("tcp://127.0.0.1:0", 7, pace(0)).await;
    for round in 0..5 {
        let mut gone = SubSocket::new();
        connect(&mut gone, &publisher.at, BOUND).await.unwrap();
        gone.subscribe("").await.unwrap();
        let rule = "a subscription is heard also while reports are published as fast as possible";
        expect(rule, Heard::Subscription(Subscription::Begin(Vec::new())), publisher.next().await);
        drop(gone);
        let mut socket = SubSocket::new();
        connect(&mut socket, &publisher.at, BOUND).await.unwrap();
        let got = soon(average(&mut socket, "2", 10, BOUND)).await;
        let holds = matches!(&got, Ok(Ok(average)) if average.count() == 10);
        let rule = format!("a subscriber that has gone stops nobody (round {round} of 5)");
        expect_that(rule, "an average of 10", holds, got);
        for _ in 0..2 {
            publisher.next().await;
        }
    }
}

/// A publisher of the test's own: what arrives at it, and what it sends, is known.
#[tokio::test]
async fn part_a_a_subscriber_asks_for_its_prefix_and_no_more() {
    let mut publisher = XPubSocket::new();
    let at = bind(&mut publisher, "tcp://127.0.0.1:0").await.unwrap();
    let mut socket = SubSocket::new();
    connect(&mut socket, &at, BOUND).await.unwrap();
    let asking = tokio::spawn(async move { (average(&mut socket, "10001", 3, BOUND).await, socket) });
    let asked = soon(publisher.recv()).await;
    let asked = expect_ok("a subscriber subscribes", "a subscription", asked).unwrap();
    let rule = "what nobody wants never leaves the publisher: the subscription has the prefix";
    expect(rule, Subscription::Begin(b"10001".to_vec()).to_bytes(), Vec::try_from(asked).unwrap());
    for temperature in [10, 20, 60, 1000] {
        publisher.send(ZmqMessage::from(format!("10001 {temperature} 50"))).await.unwrap();
    }
    let (got, socket) = soon(asking).await.expect("it ends").unwrap();
    let got = expect_ok("three reports are averaged", "30.0", got);
    expect("so many are averaged, and no more", mean(&[10, 20, 60]), got);
    drop(socket);
}

#[tokio::test]
async fn part_a_no_report_and_what_is_none_are_told_apart() {
    let mut publisher = XPubSocket::new();
    let at = bind(&mut publisher, "tcp://127.0.0.1:0").await.unwrap();
    let mut socket = SubSocket::new();
    connect(&mut socket, &at, BOUND).await.unwrap();
    let got = soon(average(&mut socket, "1", 10, Duration::from_millis(30))).await;
    let got = expect_ok("no wait is without a bound", "that it gives up", got);
    let holds = matches!(&got, Err(WeatherError::Silent(..)));
    expect_that("a publisher that says nothing is given up", "Silent", holds, got);
    let asking = tokio::spawn(async move { average(&mut socket, "1", 10, BOUND).await });
    soon(publisher.recv()).await.expect("a subscription").unwrap();
    soon(publisher.recv()).await.expect("a subscription").unwrap();
    publisher.send(ZmqMessage::from("10001 warm 50")).await.unwrap();
    let got = soon(asking).await.expect("it ends").unwrap();
    let holds = matches!(&got, Err(WeatherError::NoReport(_)));
    expect_that("what is no report is not averaged", "NoReport", holds, got);
}
