//! Part E: what zeromq 0.7 does otherwise than libzmq, each shown for certain. Only the sockets of the library are at work here.

mod raw;
mod stage;

use futures_util::{FutureExt, StreamExt};
use raw::Raw;
use simnet::rule::{expect, expect_ok, expect_that};
use stage::{ANYWHERE, BOUND, play};
use std::time::Duration;
use tokio::time::timeout;
use zeromq::{
    DealerSocket, PubSocket, PullSocket, PushSocket, RepSocket, ReqSocket, RouterSocket, Socket, SocketEvent,
    SocketRecv, SocketSend, SubSocket, ZmqError,
};
use zmq::attach::{frames, message};
use zmq::endpoint;

const SHORT: Duration = Duration::from_millis(100);

async fn bound<S: Socket>() -> (S, String) {
    let mut socket = S::new();
    let endpoint = endpoint::bind(&mut socket, ANYWHERE).await.unwrap();
    (socket, endpoint)
}

/// What a bound socket receives from a peer of this kind that sends a message, a PING, and another message; whether it hangs up; and itself.
async fn pinged<S: Socket + SocketRecv>(kind: &str) -> (Vec<bool>, bool, S, Raw) {
    let (mut socket, endpoint) = bound::<S>().await;
    let mut peer = Raw::connect(&endpoint).await;
    peer.handshake(kind).await;
    peer.send(&[b"", b"before"]).await;
    peer.ping().await;
    peer.send(&[b"", b"after"]).await;
    // Whatever comes, comes before the connection ends, if it ends.
    let (mut got, mut hung_up) = (Vec::new(), false);
    let all = async {
        while got.len() < 3 && !hung_up {
            tokio::select! {
                biased;
                came = socket.recv() => got.push(came.is_ok()),
                said = peer.recv() => hung_up = said.is_none(),
            }
        }
    };
    expect_ok("a PING has consequences", "three things, or the end", timeout(BOUND / 2, all).await);
    hung_up = hung_up || timeout(3 * SHORT, peer.recv()).await == Ok(None);
    (got, hung_up, socket, peer)
}

/// A libzmq peer with `ZMQ_HEARTBEAT_IVL` sends PING. zeromq knows no command but READY.
#[test]
fn part_e_a_heartbeat_of_libzmq_ends_the_connection() {
    play(async {
        let (got, hung_up, ..) = pinged::<PullSocket>("PUSH").await;
        let rule = "a PULL reports a PING as an error, and hangs up: what comes after it does not come";
        expect(rule, (vec![true, false], true), (got, hung_up));
        let (got, hung_up, ..) = pinged::<RouterSocket>("DEALER").await;
        expect("a ROUTER hangs up without a word", (vec![true], true), (got, hung_up));
        let (got, hung_up, mut rep, _peer) = pinged::<RepSocket>("REQ").await;
        let rule = "a REP goes on to receive";
        expect(rule, (vec![true, false, true], false), (got, hung_up));
        let sent = rep.send("answer".into()).await;
        expect_that("and can answer nobody any more", "an error", sent.is_err(), sent);
        let (got, hung_up, ..) = pinged::<DealerSocket>("ROUTER").await;
        expect("a DEALER reports it, and goes on", (vec![true, false, true], false), (got, hung_up));
    });
}

/// Whether the peer of a bound socket hears of its end within this time, when the socket is dropped.
async fn hangs_up<S: Socket + SocketRecv>(kind: &str, within: Duration) -> bool {
    let (mut socket, endpoint) = bound::<S>().await;
    let mut peer = Raw::connect(&endpoint).await;
    peer.handshake(kind).await;
    peer.send(&[b"", b"hello"]).await;
    socket.recv().await.unwrap();
    drop(socket);
    timeout(within, peer.recv()).await == Ok(None)
}

#[test]
fn part_e_a_pull_that_is_dropped_keeps_its_connections() {
    play(async {
        let router = hangs_up::<RouterSocket>("DEALER", BOUND / 2).await;
        expect("a ROUTER that is dropped hangs up", true, router);
        let rule = "a PULL does not: whoever pushes goes on, until the program ends, and all of it is lost";
        expect(rule, false, hangs_up::<PullSocket>("PUSH", 3 * SHORT).await);
    });
}

#[test]
fn part_e_without_a_peer_a_send_fails_at_once() {
    play(async {
        let mut results = Vec::new();
        results.push(PushSocket::new().send("a".into()).await);
        results.push(DealerSocket::new().send("a".into()).await);
        results.push(ReqSocket::new().send("a".into()).await);
        for result in results {
            let back = matches!(&result, Err(ZmqError::ReturnToSender { message, .. }) if message.len() == 1);
            let rule = "PUSH, DEALER and REQ give the message back; libzmq's wait";
            expect_that(rule, "ReturnToSender, the message in it", back, result);
        }
        let sent = PubSocket::new().send("a".into()).await;
        expect_ok("a PUB without a subscriber drops it, as libzmq's does", "Ok", sent);
    });
}

#[test]
fn part_e_connect_waits_for_the_handshake() {
    play(async {
        let (listener, endpoint) = raw::listen().await;
        let mut socket = ReqSocket::new();
        let connecting = socket.connect(&endpoint);
        let accepting = async {
            let mut peer = Raw::accept(&listener).await;
            // The system has connected the two. The greeting is held back.
            peer.greet().await;
            peer
        };
        let mut connecting = std::pin::pin!(connecting);
        let mut peer = tokio::select! {
            peer = accepting => peer,
            done = &mut connecting => panic!("rule broken: connect waits for the handshake\n  expected: no end before READY\n  got: {done:?}"),
        };
        let early = (&mut connecting).now_or_never();
        let rule = "after the greeting, and before READY, nobody is connected";
        expect_that(rule, "still connecting", early.is_none(), early);
        let (done, ()) = tokio::join!(&mut connecting, peer.ready("REP"));
        expect_ok("with READY it is", "Ok", done);

        // So a `connect` to somebody who says nothing has to be bounded.
        let (_listener, endpoint) = raw::listen().await;
        let mut socket = ReqSocket::new();
        let silent = endpoint::connect(&mut socket, &endpoint, SHORT).await;
        let nobody = matches!(silent, Err(endpoint::EndpointError::Unreachable(..)));
        expect_that("a listener that says nothing is given up", "Nobody", nobody, silent);
    });
}

#[test]
fn part_e_a_router_says_when_it_knows_nobody_of_that_name() {
    play(async {
        let (mut router, _) = bound::<RouterSocket>().await;
        let sent = router.send(message(vec![b"nobody".to_vec(), Vec::new(), b"a".to_vec()])).await;
        expect_that(
            "an unknown identity is an error; libzmq drops silently",
            "an error",
            sent.is_err(),
            sent,
        );
    });
}

/// 100,000 for each peer, and as many before they are sorted by subscriber; and a PUB never waits.
#[test]
fn part_e_a_burst_is_lost_beyond_what_the_queue_holds() {
    const QUEUE: usize = 100_000;
    play(async {
        let (mut publisher, endpoint) = bound::<PubSocket>().await;
        let mut subscriber = SubSocket::new();
        subscriber.connect(&endpoint).await.unwrap();
        subscriber.subscribe("").await.unwrap();
        // Until the subscription is known for certain.
        let known = async {
            loop {
                publisher.send("ready?".into()).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::select! { () = known => {}, _ = subscriber.recv() => {} }
        publisher.send("begin".into()).await.unwrap();
        while frames(subscriber.recv().await.unwrap()) != [b"begin".to_vec()] {}
        for number in 0..QUEUE + 50_000 {
            let sent = publisher.send(number.to_string().into()).await;
            expect_ok("the mistake: each of them was sent, it says", "Ok", sent);
        }
        for expected in 0..QUEUE {
            let came = subscriber.recv().await.unwrap();
            let number: usize = str::from_utf8(came.get(0).unwrap()).unwrap().parse().unwrap();
            expect("what comes is the beginning, in order", expected, number);
        }
        let more = timeout(3 * SHORT, subscriber.recv()).await;
        expect_that("and the rest was dropped", "no more", more.is_err(), more);
    });
}

#[test]
fn part_e_a_publisher_dropped_after_a_burst_has_published_nothing() {
    play(async {
        let (mut publisher, endpoint) = bound::<PubSocket>().await;
        let mut subscriber = Raw::connect(&endpoint).await;
        subscriber.handshake("SUB").await;
        subscriber.send(&[b"\x01"]).await;
        let known = async {
            loop {
                publisher.send("ready?".into()).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::select! { () = known => {}, _ = subscriber.recv() => {} }
        publisher.send("begin".into()).await.unwrap();
        while subscriber.recv().await != Some(vec![b"begin".to_vec()]) {}
        for number in 0..10 {
            publisher.send(format!("{number}").into()).await.unwrap();
        }
        drop(publisher);
        let came = subscriber.recv().await;
        expect("all ten went through `send`, and none to the subscriber", None, came);
    });
}

/// Nobody connects again but SUB and XSUB. What the others notice of it:
#[test]
fn part_e_a_server_that_has_gone_is_noticed_late_or_never() {
    play(async {
        // PUSH never reads: the first send after the end looks as if it had arrived.
        let (listener, endpoint) = raw::listen().await;
        let mut push = PushSocket::new();
        let mut events = push.monitor();
        let accepting = async {
            let mut peer = Raw::accept(&listener).await;
            peer.handshake("PULL").await;
            peer
        };
        let (connected, mut peer) = tokio::join!(push.connect(&endpoint), accepting);
        connected.unwrap();
        push.send("first".into()).await.unwrap();
        expect("the peer is there", Some(vec![b"first".to_vec()]), peer.recv().await);
        drop(peer);
        let sent = push.send("lost".into()).await;
        expect_ok("the mistake: a PUSH whose peer has gone sends", "Ok", sent);
        let disconnected = async {
            loop {
                let _ = push.send("lost".into()).await;
                let event = timeout(SHORT, events.next()).await;
                if matches!(event, Ok(Some(SocketEvent::Disconnected(_)))) {
                    return;
                }
            }
        };
        let noticed = timeout(BOUND / 2, disconnected).await;
        expect_ok("a later write fails, and then the monitor says so", "Disconnected", noticed);
        let sent = push.send("late".into()).await;
        expect_that("from then on a send fails", "an error", sent.is_err(), sent);

        // REQ: the monitor never says anything.
        let (server, endpoint) = bound::<RepSocket>().await;
        let mut req = ReqSocket::new();
        let mut events = req.monitor();
        req.connect(&endpoint).await.unwrap();
        let event = events.next().await;
        let connected = matches!(event, Some(SocketEvent::Connected(..)));
        expect_that("the monitor of a REQ tells that it has connected", "Connected", connected, event);
        server.close().await;
        let failed = async {
            while req.send("a".into()).await.is_ok() {
                if req.recv().await.is_ok() {
                    return false;
                }
            }
            true
        };
        expect("requests to a server that has gone fail", Ok(true), timeout(BOUND / 2, failed).await);
        let event = events.next().now_or_never();
        expect_that("and the monitor has not said why", "nothing", event.is_none(), event);
    });
}
