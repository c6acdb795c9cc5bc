//! Part B: several publishers, one subscriber: a poller and up-calls.

mod beside;

use beside::{BOUND, soon};
use simnet::rule::{expect, expect_ok, expect_that};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::time::Duration;
use zeromq::{Socket, SocketRecv, SocketSend, XPubSocket, ZmqMessage, ZmqResult};
use zmq::endpoint::bind;
use zmq::sensors::poller::Poller;
use zmq::sensors::reading::{Reading, Station, Wanted};
use zmq::sensors::subscriber::{SensorsError, open, run};
use zmq::sensors::upcall::{Quantity, Upcalls, call};
use zmq::weather::subscription::Subscription;

fn reading(name: &str, value: u32, station: &str) -> Reading {
    Reading { name: name.to_string(), value, station: station.to_string() }
}

fn wanted(exactly: bool) -> [Wanted; 3] {
    [("temp", 7), ("pressure", 30), ("humidity", 50)].map(|(name, value)| Wanted {
        name: name.to_string(),
        value,
        exactly,
    })
}

/// Remembers what it is called with.
#[derive(Default)]
struct Application(Vec<String>);

impl Upcalls for Application {
    fn temperature(&mut self, reading: &Reading) {
        self.0.push(format!("T {reading}"));
    }

    fn pressure(&mut self, reading: &Reading) {
        self.0.push(format!("P {reading}"));
    }

    fn humidity(&mut self, reading: &Reading) {
        self.0.push(format!("H {reading}"));
    }

    fn unexpected(&mut self, why: String) {
        self.0.push(format!("? {why}"));
    }
}

#[test]
fn part_b_a_reading_is_a_topic_and_a_station() {
    for written in [reading("temp", 70, "s1"), reading("pressure", 0, "x"), reading("é", u32::MAX, "s:1")] {
        expect("what was written is read", Ok(written.clone()), written.to_string().parse());
    }
    for wrong in ["", "temp:70", "temp 70", "temp:x s1", ":70 s1", "temp:70 ", "temp:70 s 1", "temp:-1 s1"] {
        let got = wrong.parse::<Reading>();
        expect_that(format!("`{wrong}` is no reading"), "an error", got.is_err(), got);
    }
}

#[test]
fn part_b_a_value_is_a_beginning_unless_it_is_meant_exactly() {
    let matches = |exactly, value, came: u32| {
        let topic = Wanted { name: "temp".to_string(), value, exactly }.topic();
        reading("temp", came, "s1").to_string().starts_with(&topic)
    };
    for (value, came, prefix) in [(7, 7, true), (7, 70, true), (7, 79, true), (70, 700, true), (70, 7, false)]
    {
        let rule = format!("{value} as a beginning, when {came} has come");
        expect(rule, prefix, matches(false, value, came));
        let rule = format!("{value} exactly, when {came} has come");
        expect(rule, value == came, matches(true, value, came));
    }
}

#[test]
fn part_b_the_application_is_called_with_what_has_come() {
    let mut application = Application::default();
    for (quantity, name) in Quantity::ALL.into_iter().zip(["temp", "pressure", "humidity"]) {
        call(&mut application, quantity, name, &format!("{name}:7 s1"));
    }
    expect(
        "each quantity has a call of its own",
        vec!["T temp:7 s1", "P pressure:7 s1", "H humidity:7 s1"],
        application.0.iter().map(String::as_str).collect(),
    );
    let mut application = Application::default();
    for text in ["temp:7", "temperature:7 s1", "pressure:7 s1"] {
        call(&mut application, Quantity::Temperature, "temp", text);
    }
    let unexpected = application.0.iter().filter(|called| called.starts_with("? ")).count();
    let rule = "what was not asked for, or is no reading, is told as unexpected";
    expect_that(rule, "three calls of `unexpected`", unexpected == 3, application.0);
}

/// A socket of the test: what it has, it gives at once; when it has nothing, it never does.
struct Socketlike(VecDeque<&'static str>);

impl SocketRecv for Socketlike {
    fn recv<'a, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ZmqResult<ZmqMessage>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async {
            match self.0.pop_front() {
                Some(text) => Ok(ZmqMessage::from(text)),
                None => std::future::pending().await,
            }
        })
    }
}

#[tokio::test]
async fn part_b_a_busy_socket_keeps_no_other_waiting() {
    let has = |count| Socketlike(std::iter::repeat_n("x", count).collect());
    let mut sockets = [has(100), has(0), has(100), has(1)];
    let mut poller = Poller::default();
    let mut served = BTreeMap::<usize, u32>::new();
    let mut order = Vec::new();
    for _ in 0..41 {
        let polled = soon(poller.poll(&mut sockets)).await;
        let (place, message) = expect_ok("what is there is taken", "a message", polled);
        expect("the message is the one of the socket that is named", true, message.is_ok());
        *served.entry(place).or_default() += 1;
        order.push(place);
    }
    let rule = "where several have something, each is served in its turn";
    expect(rule, vec![0, 2, 3, 0, 2, 0, 2], order[..7].to_vec());
    expect(rule, BTreeMap::from([(0, 20), (2, 20), (3, 1)]), served);
    let left: Vec<usize> = sockets.iter().map(|socket| socket.0.len()).collect();
    expect("what was not taken is still there", vec![80, 0, 80, 0], left);
}

/// Two stations of the test's own. What arrives at them is known, and so is what they send.
#[tokio::test]
async fn part_b_readings_of_all_stations_reach_their_calls() {
    for exactly in [false, true] {
        let wanted = wanted(exactly);
        let mut stations = [XPubSocket::new(), XPubSocket::new()];
        let mut addresses = Vec::new();
        for station in &mut stations {
            addresses.push(bind(station, "tcp://127.0.0.1:0").await.unwrap());
        }
        let mut sockets = open(&addresses, &wanted, BOUND).await.expect("publishers");
        for station in &mut stations {
            let mut topics = Vec::new();
            for _ in 0..3 {
                let heard = soon(station.recv()).await;
                let heard = expect_ok("each publisher hears what is wanted", "3 topics", heard).unwrap();
                let heard = Subscription::from_frames(&[heard.get(0).unwrap()]).unwrap();
                topics.push(String::from_utf8(heard.topic().to_vec()).unwrap());
            }
            topics.sort();
            let mut expected: Vec<String> = wanted.iter().map(Wanted::topic).collect();
            expected.sort();
            expect("each publisher hears what is wanted, and no more", expected, topics);
        }
        let mut expected = Vec::new();
        for (number, station) in stations.iter_mut().enumerate() {
            for reading in Station::new(&format!("s{number}"), number as u64).take(3000) {
                let calls = wanted.iter().zip(["T", "P", "H"]);
                for (wanted, name) in calls {
                    if reading.to_string().starts_with(&wanted.topic()) {
                        expected.push(format!("{name} {reading}"));
                    }
                }
                station.send(ZmqMessage::from(reading.to_string())).await.unwrap();
            }
        }
        let mut application = Application::default();
        let count = expected.len() as u64;
        let ran = soon(run(&mut sockets, &wanted, count, BOUND, &mut application)).await;
        let rule = "every reading that is wanted reaches its call, of every station";
        expect_ok(rule, "as many calls", expect_ok(rule, "as many calls", ran));
        expected.sort();
        application.0.sort();
        assert!(count > 20, "the stations measure what is wanted: {count}");
        expect(rule, expected, application.0);
    }
}

#[tokio::test]
async fn part_b_silence_and_strange_readings_are_told() {
    let wanted = wanted(false);
    let mut station = XPubSocket::new();
    let at = bind(&mut station, "tcp://127.0.0.1:0").await.unwrap();
    let mut sockets = open(&[at], &wanted, BOUND).await.expect("a publisher");
    for _ in 0..3 {
        soon(station.recv()).await.expect("a subscription").unwrap();
    }
    let mut application = Application::default();
    let patience = Duration::from_millis(30);
    let ran = soon(run(&mut sockets, &wanted, 1, patience, &mut application)).await;
    let ran = expect_ok("no wait is without a bound", "that it gives up", ran);
    let holds = matches!(ran, Err(SensorsError::Silent(..)));
    expect_that("silence is told", "Silent", holds, ran);
    station.send(ZmqMessage::from("temp:7x s1")).await.unwrap();
    let mut parts = ZmqMessage::from("temp:7 s1");
    parts.push_back("and more".into());
    station.send(parts).await.unwrap();
    station.send(ZmqMessage::from("temp:7 s1")).await.unwrap();
    run(&mut sockets, &wanted, 3, BOUND, &mut application).await.expect("three messages");
    let told: Vec<char> = application.0.iter().map(|called| called.chars().next().unwrap()).collect();
    expect("what is no reading is told, and the next one served", vec!['?', '?', 'T'], told);
}
