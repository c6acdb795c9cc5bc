//! Part A: request and reply, in turn.

mod beside;

use beside::{BOUND, beside, soon};
use simnet::rule::{expect, expect_ok, expect_that};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::AbortHandle;
use zeromq::{RepSocket, ReqSocket, Socket, SocketRecv, SocketSend, ZmqError, ZmqMessage};
use zmq::endpoint::{bind, connect};
use zmq::hello::answer::{NoReply, answer};
use zmq::hello::client::{HelloError, ask};
use zmq::hello::server::{Event, serve};

/// A server of this process, which ends with the test.
struct Server {
    at: String,
    events: UnboundedReceiver<Event>,
    task: AbortHandle,
}

impl Server {
    async fn start(at: &str) -> Self {
        let mut socket = RepSocket::new();
        let at = bind(&mut socket, at).await.expect("a free address");
        let (tell, events) = unbounded_channel();
        let serving = async move {
            serve(&mut socket, Duration::ZERO, |event| _ = tell.send(event)).await;
        };
        Server { at, events, task: beside(serving) }
    }

    async fn next(&mut self) -> Event {
        let event = soon(self.events.recv()).await.ok().flatten();
        event.unwrap_or_else(|| {
            panic!("rule broken: a server answers each request\n  expected: an event\n  got: none")
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn client(at: &str) -> ReqSocket {
    let mut socket = ReqSocket::new();
    connect(&mut socket, at, BOUND).await.expect("a server");
    socket
}

/// Sends whatever is wanted, and waits for a reply of one part.
async fn say(socket: &mut ReqSocket, message: ZmqMessage) -> String {
    socket.send(message).await.expect("a REQ whose turn it is to send");
    let reply = soon(socket.recv()).await;
    let rule = "each request gets one reply, whatever it says: without it the client waits for ever";
    let reply = expect_ok(rule, "a reply", reply).expect("a message");
    String::try_from(reply).expect("one part of text")
}

#[test]
fn part_a_hello_is_answered_by_world_and_all_else_by_a_reason() {
    expect("`Hello` is answered by `World`", "World", answer(&[b"Hello"]).as_str());
    for wrong in [&[&b"hello"[..]][..], &[b"Hello", b"Hello"], &[b""], &[b"Hello\xff"], &[]] {
        let reply = answer(wrong);
        let holds = reply.starts_with("error: read the request ") && reply.ends_with(", expected `Hello`");
        expect_that("what is no request is refused with a reason", "error: read the request …", holds, reply);
    }
}

/// Ten requests, over TCP and over a path.
#[tokio::test]
async fn part_a_each_request_gets_its_reply_over_tcp_and_ipc() {
    let folder = tempfile::tempdir().unwrap();
    let path = format!("ipc://{}", folder.path().join("hello").display());
    for at in ["tcp://127.0.0.1:0", &path] {
        let mut server = Server::start(at).await;
        let mut client = client(&server.at).await;
        for number in 1..=10 {
            let rule = format!("{at}: request {number} of 10 is answered");
            expect_ok(rule, "World", ask(&mut client, BOUND).await);
            expect(
                "the server tells of each reply",
                Event::Answered("World".to_string()),
                server.next().await,
            );
        }
    }
}

#[tokio::test]
async fn part_a_a_bad_request_is_answered_and_the_next_one_served() {
    let mut server = Server::start("tcp://127.0.0.1:0").await;
    let mut client = client(&server.at).await;
    let mut parts = ZmqMessage::from("Hello");
    parts.push_back("Hello".into());
    for wrong in [ZmqMessage::from("Hullo"), parts] {
        let reply = say(&mut client, wrong).await;
        expect_that("a bad request is refused", "error: …", reply.starts_with("error: "), &reply);
        expect("the server tells of each reply", Event::Answered(reply), server.next().await);
        expect_ok("after a bad request the next is served", "World", ask(&mut client, BOUND).await);
        expect("the server tells of each reply", Event::Answered("World".to_string()), server.next().await);
    }
}

/// One asks and goes before the answer; the server must not stop, nor get out of step with the others.
#[tokio::test]
async fn part_a_a_client_that_has_gone_stops_nobody() {
    let mut server = Server::start("tcp://127.0.0.1:0").await;
    for _ in 0..20 {
        let mut hasty = client(&server.at).await;
        hasty.send(ZmqMessage::from("Hello")).await.expect("it is its turn");
        let mut patient = client(&server.at).await;
        drop(hasty);
        expect_ok("a client that has gone stops nobody", "World", ask(&mut patient, BOUND).await);
    }
    let mut answered = 0;
    while answered < 20 {
        answered += usize::from(matches!(server.next().await, Event::Answered(_)));
    }
}

#[tokio::test]
async fn part_a_many_clients_are_each_answered() {
    let server = Server::start("tcp://127.0.0.1:0").await;
    let clients = (0..8).map(|_| async {
        let mut client = client(&server.at).await;
        for _ in 0..25 {
            expect_ok("each of 8 clients is answered 25 times", "World", ask(&mut client, BOUND).await);
        }
    });
    let all = soon(futures_util::future::join_all(clients)).await;
    expect_ok("each of 8 clients is answered 25 times", "200 replies", all);
}

/// A server that takes requests and says nothing.
#[tokio::test]
async fn part_a_a_silent_server_is_given_up() {
    let mut silent = RepSocket::new();
    let at = bind(&mut silent, "tcp://127.0.0.1:0").await.unwrap();
    let mut client = client(&at).await;
    let patience = Duration::from_millis(30);
    let got = soon(ask(&mut client, patience)).await;
    let got = expect_ok("no wait is without a bound", "that it gives up", got);
    let holds = matches!(got, Err(HelloError::Silent(told)) if told == patience);
    expect_that("a client says how long it has waited", "Silent(30ms)", holds, got);
    let again = ask(&mut client, patience).await;
    let holds = matches!(again, Err(HelloError::Broken(_)));
    expect_that("a REQ that has no reply yet cannot ask again", "Broken(…)", holds, again);
}

#[tokio::test]
async fn part_a_a_reply_that_is_none_is_not_taken_for_one() {
    let mut other = RepSocket::new();
    let at = bind(&mut other, "tcp://127.0.0.1:0").await.unwrap();
    let answering = tokio::spawn(async move {
        for reply in ["Wurld", "error: closed today"] {
            other.recv().await.expect("a request");
            other.send(ZmqMessage::from(reply)).await.expect("a client");
        }
        other
    });
    let mut client = client(&at).await;
    for expected in [NoReply::Malformed("`Wurld`".to_string()), NoReply::Refused("closed today".to_string())]
    {
        let got = ask(&mut client, BOUND).await;
        let holds = matches!(&got, Err(HelloError::NoReply(why)) if *why == expected);
        expect_that("a reply is looked at", &format!("{expected:?}"), holds, got);
    }
    drop(answering.await);
}

/// What the crate does and libzmq does not: with nobody connected, a REQ fails at once instead of waiting.
#[tokio::test]
async fn part_a_a_req_without_a_peer_fails_at_once() {
    let sent = soon(ReqSocket::new().send(ZmqMessage::from("Hello"))).await;
    let holds = matches!(sent, Ok(Err(ZmqError::ReturnToSender { .. })));
    expect_that("a REQ without a peer gets its message back", "ReturnToSender", holds, sent);
}
