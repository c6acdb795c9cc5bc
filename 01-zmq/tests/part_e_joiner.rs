//! Part E: the slow joiner, and a subscription that is confirmed.

mod raw;
mod stage;

use raw::Raw;
use simnet::rule::{expect, expect_ok, expect_that};
use stage::{ANYWHERE, BOUND, Tasks, act, play};
use std::time::Duration;
use zeromq::{PubSocket, Socket, SocketSend};
use zmq::attach;
use zmq::endpoint;
use zmq::envelope::Frames;
use zmq::joiner::gate::Gate;
use zmq::joiner::publisher::{PublishError, Publisher};
use zmq::joiner::subscriber::{SubscribeError, Subscriber};

const SHORT: Duration = Duration::from_millis(100);

fn numbered(number: u64) -> Frames {
    vec![format!("n {number}").into_bytes()]
}

fn topics() -> Vec<String> {
    vec!["n".to_string()]
}

/// The subscriber has connected, and its subscription is on the way: here it is held back.
#[test]
fn part_e_a_publisher_that_begins_at_once_is_not_heard() {
    play(async {
        let mut publisher = PubSocket::new();
        let endpoint = endpoint::bind(&mut publisher, ANYWHERE).await.unwrap();
        let mut subscriber = Raw::connect(&endpoint).await;
        subscriber.handshake("SUB").await;
        for number in 1..=5 {
            let sent = publisher.send(attach::message(numbered(number))).await;
            expect_ok("the mistake: nothing tells the publisher that nobody listens", "Ok", sent);
        }
        subscriber.send(&[b"\x01n"]).await;
        let first = async { subscriber.recv().await };
        let more = async {
            for number in 6.. {
                publisher.send(attach::message(numbered(number))).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let first = tokio::select! { first = first => first, () = more => None };
        let number = first.and_then(|frames| str::from_utf8(&frames[0][2..]).unwrap().parse::<u64>().ok());
        let rule = "what was published before the subscription arrived is lost";
        expect_that(rule, "6 or later", number.is_some_and(|number| number >= 6), number);
    });
}

#[test]
fn part_e_a_gate_welcomes_who_has_subscribed_last_to_its_own() {
    let mut gate = Gate::default();
    for (frame, welcome, joined, why) in [
        (&b"\x01temperature"[..], None, 0, "a subscription to a topic of the application is no joining"),
        (b"\x01", None, 0, "a subscription to everything is no joining"),
        (b"\x01join/1", Some(&b"join/1"[..]), 1, "who joins is welcomed on its own topic"),
        (b"\x01join/2", Some(b"join/2"), 2, "the next, too"),
        (b"\x01join/1", Some(b"join/1"), 2, "who joins again is welcomed again, and counted once"),
        (b"\x00join/1", None, 2, "the end of a subscription is no joining"),
        (b"join/3", None, 2, "a message that is no subscription is no joining"),
        (b"", None, 2, "an empty frame is nothing"),
    ] {
        expect(why, welcome.map(<[u8]>::to_vec), gate.hear(frame));
        expect(why, joined, gate.joined());
    }
}

#[test]
fn part_e_nothing_is_published_before_all_have_joined() {
    play(async {
        let mut publisher = Publisher::bind(ANYWHERE, BOUND).await.unwrap();
        publisher.patience = SHORT;
        let mut held = Raw::connect(&publisher.endpoint).await;
        held.handshake("SUB").await;
        let waited = publisher.wait_for(1).await;
        let missing = matches!(waited, Err(PublishError::Missing { joined: 0, expected: 1, .. }));
        let rule = "who has connected and not subscribed has not joined";
        expect_that(rule, "0 of 1 have joined", missing, waited.map_err(|error| error.to_string()));
        publisher.patience = BOUND;
        held.send(&[b"\x01n"]).await;
        held.send(&[b"\x01join/me"]).await;
        expect_ok("who has subscribed has joined", "", publisher.wait_for(1).await);
        for number in 1..=3 {
            publisher.publish(numbered(number)).await.unwrap();
        }
        let welcome = vec![b"join/me".to_vec()];
        expect("the welcome comes before all that is published then", Some(welcome), held.recv().await);
        for number in 1..=3 {
            expect("and all of that comes, from the first", Some(numbered(number)), held.recv().await);
        }
    });
}

/// The publisher is running; its messages come between subscription and welcome.
#[test]
fn part_e_what_comes_before_the_welcome_is_kept() {
    play(async {
        let (listener, endpoint) = raw::listen().await;
        let publish = async {
            let mut publisher = Raw::accept(&listener).await;
            publisher.handshake("XPUB").await;
            let first = publisher.recv().await.expect("a subscription");
            expect("the topics come first", vec![b"\x01n".to_vec()], first);
            let own = publisher.recv().await.expect("a subscription").remove(0);
            expect_that("its own topic comes last", "01 join/…", own.starts_with(b"\x01join/"), &own);
            publisher.send(&[b"n 1"]).await;
            publisher.send(&[b"join/somebody else"]).await;
            publisher.send(&[b"n 2"]).await;
            publisher.send(&[&own[1..]]).await;
            publisher.send(&[b"n 3"]).await;
            publisher
        };
        let topics = topics();
        let (joined, _publisher) = tokio::join!(Subscriber::join(&endpoint, &topics, BOUND), publish);
        let mut subscriber = expect_ok("who is welcomed has joined", "a subscriber", joined);
        for number in 1..=3 {
            let got = subscriber.recv().await;
            expect("nothing that was published since is lost", Some(numbered(number)), got.ok());
        }
    });
}

#[test]
fn part_e_a_publisher_that_does_not_confirm_is_not_waited_for_for_ever() {
    play(async {
        let mut publisher = PubSocket::new();
        let endpoint = endpoint::bind(&mut publisher, ANYWHERE).await.unwrap();
        // The same patience has to be enough to connect, however busy the machine is.
        let joined = Subscriber::join(&endpoint, &topics(), 20 * SHORT).await;
        let none = matches!(&joined, Err(SubscribeError::NoWelcome { .. }));
        let said = joined.err().map(|error| error.to_string());
        expect_that("a PUB confirms nothing, and the subscriber says so", "NoWelcome", none, said);
    });
}

/// A publisher that never stops, and one that joins it: what it gets has no gap.
#[test]
fn part_e_who_joins_a_running_publisher_misses_nothing_from_then_on() {
    play(async {
        let mut tasks = Tasks::new();
        let mut publisher = Publisher::bind(ANYWHERE, BOUND).await.unwrap();
        let endpoint = publisher.endpoint.clone();
        tasks.spawn(async move {
            for number in 1.. {
                publisher.publish(numbered(number)).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        for _ in 0..10 {
            let topics = topics();
            let joined = act(&mut tasks, Subscriber::join(&endpoint, &topics, BOUND)).await;
            let mut subscriber = expect_ok("a running publisher welcomes", "a subscriber", joined);
            let mut expected = None;
            for _ in 0..200 {
                let got = act(&mut tasks, subscriber.recv()).await.unwrap();
                let number: u64 = str::from_utf8(&got[0][2..]).unwrap().parse().unwrap();
                expect("after the first there is no gap", expected.unwrap_or(number), number);
                expected = Some(number + 1);
            }
        }
    });
}

/// So many publishers, each with three subscribers and ten messages; the endpoints in turn.
fn start_ups(count: u64, endpoint: impl Fn(u64) -> String) {
    play_for(BOUND * (1 + count as u32 / 500), async {
        for start_up in 0..count {
            let mut publisher = Publisher::bind(&endpoint(start_up), BOUND).await.unwrap();
            let at = publisher.endpoint.clone();
            let topics = topics();
            let join = || Subscriber::join(&at, &topics, BOUND);
            let (waited, a, b, c) = tokio::join!(publisher.wait_for(3), join(), join(), join());
            expect_ok("all three join", "", waited);
            for number in 1..=10 {
                publisher.publish(numbered(number)).await.unwrap();
            }
            for joined in [a, b, c] {
                let mut subscriber = expect_ok("all three are welcomed", "", joined);
                for number in 1..=10 {
                    let rule = format!("start-up {start_up}: nothing is lost, from the first message");
                    expect(rule, Some(numbered(number)), subscriber.recv().await.ok());
                }
            }
        }
    });
}

fn play_for(bound: Duration, test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let done = runtime.block_on(async { tokio::time::timeout(bound, test).await.is_ok() });
    runtime.shutdown_background();
    expect_that("no wait is without a bound", "an end in time", done, bound);
}

/// How many start-ups are tried: 200, or what the variable says (`.ci/deep` tries 10,000).
fn tries() -> u64 {
    match std::env::var("ZMQ_START_UPS") {
        Ok(text) => text.parse().expect("ZMQ_START_UPS is a whole number, such as 10000"),
        Err(_) => 200,
    }
}

#[test]
fn part_e_the_first_message_is_never_lost() {
    let folder = tempfile::tempdir().unwrap();
    start_ups(tries(), |number| {
        // Some of them over TCP: each leaves ports behind that wait for a minute.
        if number % 2 == 0 {
            ANYWHERE.to_string()
        } else {
            format!("ipc://{}/{number}", folder.path().display())
        }
    });
}
