//! Our side of the table: one socket of the crate `zeromq`, as the programs of lab 01 use it.

use crate::libzmq::{BOUND, Peer};
use bytes::Bytes;
use std::future::Future;
use std::time::Duration;
use tokio::time::timeout;
use zeromq::{
    DealerSocket, PubSocket, PullSocket, PushSocket, RepSocket, ReqSocket, RouterSocket, Socket, SocketRecv,
    SocketSend, SubSocket, XPubSocket, XSubSocket, ZmqMessage,
};

const TOPIC: &str = "t";
const SIZES: [usize; 6] = [0, 1, 255, 256, 1000, 70_000];

/// The frames of message `number`, as libzmq's side makes them.
fn payload(number: usize) -> Vec<Vec<u8>> {
    vec![number.to_string().into_bytes(), vec![(number % 251) as u8; SIZES[number % SIZES.len()]]]
}

/// Frames as a message.
pub fn message(frames: Vec<Vec<u8>>) -> ZmqMessage {
    ZmqMessage::try_from(frames.into_iter().map(Bytes::from).collect::<Vec<_>>()).expect("at least one frame")
}

fn frames(message: ZmqMessage) -> Vec<Vec<u8>> {
    message.into_vec().into_iter().map(|frame| frame.to_vec()).collect()
}

/// Nothing may take longer than the bound.
pub async fn bounded<T, E: std::fmt::Display>(what: &str, done: impl Future<Output = Result<T, E>>) -> T {
    let done = timeout(BOUND, done).await.unwrap_or_else(|_| panic!("{what}: not within {BOUND:?}"));
    done.unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// One cell: `ours` against `theirs`; `bind` is whether ours binds.
pub struct Cell<'a> {
    pub python: &'a std::path::Path,
    pub theirs: &'a str,
    pub bind: bool,
    /// Where to bind: a port of 0 is any.
    pub endpoint: String,
    pub rounds: usize,
    pub more: &'a [&'a str],
}

impl Cell<'_> {
    /// Ours and theirs, joined.
    async fn join<S: Socket>(&self) -> (S, Peer) {
        let mut socket = S::new();
        let start = |way, at: &str| Peer::start(self.python, self.theirs, way, at, self.rounds, self.more);
        let peer = if self.bind {
            let at = bounded("bind", socket.bind(&self.endpoint)).await;
            start("connect", &at.to_string())
        } else {
            let peer = start("bind", &self.endpoint);
            bounded("connect", socket.connect(&peer.endpoint)).await;
            peer
        };
        (socket, peer)
    }

    /// Waits until a peer of ours is there: a socket of this crate that has none fails at once, where libzmq waits.
    async fn send_first<S: SocketSend>(&self, socket: &mut S, first: Vec<Vec<u8>>) {
        let sent = async {
            while socket.send(message(first.clone())).await.is_err() {
                tokio::task::yield_now().await;
            }
            Ok::<(), String>(())
        };
        bounded("the first message", sent).await;
    }

    async fn ask<S: Socket + SocketSend + SocketRecv>(&self, envelope: &[Vec<u8>]) {
        let (mut socket, peer) = self.join::<S>().await;
        for number in 0..self.rounds {
            let sent = [envelope, &payload(number)].concat();
            self.send_first(&mut socket, sent.clone()).await;
            let got = frames(bounded("an answer", socket.recv()).await);
            assert_eq!(got, sent, "answer {number}");
        }
        peer.is_content();
    }

    async fn answer<S: Socket + SocketSend + SocketRecv>(&self, envelope: usize) {
        let (mut socket, peer) = self.join::<S>().await;
        for number in 0..self.rounds {
            let got = bounded("a request", socket.recv()).await;
            assert_eq!(frames(got.clone())[envelope..], payload(number), "request {number}");
            bounded("our answer", socket.send(got)).await;
        }
        peer.is_content();
    }

    async fn push(&self) {
        let (mut socket, peer) = self.join::<PushSocket>().await;
        for number in 0..self.rounds {
            self.send_first(&mut socket, payload(number)).await;
        }
        peer.is_content();
    }

    async fn pull(&self) {
        let (mut socket, mut peer) = self.join::<PullSocket>().await;
        for number in 0..self.rounds {
            let got = frames(bounded("a message", socket.recv()).await);
            assert_eq!(got, payload(number), "message {number}");
        }
        peer.say("all is here");
        peer.is_content();
    }

    /// Publishes once the other side hears.
    async fn publish<S: Socket + SocketSend>(&self, mut socket: S, peer: Peer) {
        let hello = || message(vec![TOPIC.into(), b"hello".to_vec()]);
        let heard = async {
            while peer.heard().as_deref() != Some("heard") {
                socket.send(hello()).await?;
                // A pace, so that no queue fills: what ends the loop is the other side's word.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Ok::<(), zeromq::ZmqError>(())
        };
        bounded("somebody hears", heard).await;
        for number in 0..self.rounds {
            for topic in ["other", TOPIC] {
                let sent = [vec![topic.as_bytes().to_vec()], payload(number)].concat();
                bounded("publish", socket.send(message(sent))).await;
            }
        }
        peer.is_content();
    }

    /// An XPUB hears of the subscription, and need not ask.
    async fn publish_to_seen(&self) {
        let (mut socket, peer) = self.join::<XPubSocket>().await;
        let seen = frames(bounded("a subscription", socket.recv()).await);
        assert_eq!(seen, vec![b"\x01t".to_vec()], "the subscription");
        self.publish(socket, peer).await;
    }

    /// Hears, after it has subscribed.
    async fn hear<S: Socket + SocketRecv>(&self, mut socket: S, mut peer: Peer) {
        let mut got = frames(bounded("something published", socket.recv()).await);
        if got == [TOPIC.as_bytes(), b"hello"] {
            peer.say("heard");
            while got == [TOPIC.as_bytes(), b"hello"] {
                got = frames(bounded("something published", socket.recv()).await);
            }
        }
        for number in 0..self.rounds {
            let expected = [vec![TOPIC.as_bytes().to_vec()], payload(number)].concat();
            assert_eq!(got, expected, "publication {number}");
            if number + 1 < self.rounds {
                got = frames(bounded("something published", socket.recv()).await);
            }
        }
        peer.say("all is here");
        peer.is_content();
    }

    /// Fills the cell.
    pub async fn fill(&self, ours: &str) {
        match (ours, self.theirs) {
            ("REQ", _) => self.ask::<ReqSocket>(&[]).await,
            ("DEALER", "REP") => self.ask::<DealerSocket>(&[Vec::new()]).await,
            ("DEALER", _) => self.ask::<DealerSocket>(&[]).await,
            ("REP", _) => self.answer::<RepSocket>(0).await,
            ("ROUTER", "REQ") => self.answer::<RouterSocket>(2).await,
            ("ROUTER", _) => self.answer::<RouterSocket>(1).await,
            ("PUSH", _) => self.push().await,
            ("PULL", _) => self.pull().await,
            ("PUB", _) => {
                let (socket, peer) = self.join::<PubSocket>().await;
                self.publish(socket, peer).await;
            }
            ("XPUB", _) => self.publish_to_seen().await,
            ("SUB", _) => {
                let (mut socket, peer) = self.join::<SubSocket>().await;
                bounded("subscribe", socket.subscribe(TOPIC)).await;
                self.hear(socket, peer).await;
            }
            ("XSUB", _) => {
                let (mut socket, peer) = self.join::<XSubSocket>().await;
                self.send_first(&mut socket, vec![b"\x01t".to_vec()]).await;
                self.hear(socket, peer).await;
            }
            (other, _) => unreachable!("the table has no {other}"),
        }
    }
}
