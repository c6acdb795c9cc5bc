//! Part A: what happens to a socket, as a typed stream of events.

mod beside;

use beside::{BOUND, soon};
use futures_util::{Stream, StreamExt};
use simnet::rule::{expect, expect_that};
use std::io::Write;
use std::net::TcpStream;
use zeromq::util::PeerIdentity;
use zeromq::{Endpoint, PullSocket, PushSocket, ReqSocket, Socket, SocketEvent, SocketRecv};
use zmq::endpoint::{bind, connect};
use zmq::monitor::ledger::{Connection, Event, Ledger};
use zmq::monitor::watch::watch;

fn at(port: u16) -> Endpoint {
    format!("tcp://10.0.0.1:{port}").parse().unwrap()
}

fn id(name: &str) -> PeerIdentity {
    name.parse().unwrap()
}

fn accepted(port: u16, name: &str) -> SocketEvent {
    SocketEvent::Accepted(at(port), id(name))
}

fn lost(name: &str) -> SocketEvent {
    SocketEvent::Disconnected(id(name))
}

fn address(port: u16) -> String {
    at(port).to_string()
}

#[test]
fn part_a_a_loss_names_the_connection_that_is_lost() {
    let mut ledger = Ledger::default();
    let rule = "each connection has a number, and its end says the number and the address";
    expect(rule, vec![Event::Accepted(Connection(1), address(1))], ledger.record(accepted(1, "a")));
    expect(rule, vec![Event::Accepted(Connection(2), address(2))], ledger.record(accepted(2, "b")));
    expect("open connections are counted", 2, ledger.connected());
    expect(rule, vec![Event::Disconnected(Connection(1), address(1))], ledger.record(lost("a")));
    let connected = SocketEvent::Connected(at(3), id("c"));
    expect(rule, vec![Event::Connected(Connection(3), address(3))], ledger.record(connected));
    expect(rule, vec![Event::Disconnected(Connection(2), address(2))], ledger.record(lost("b")));
    expect(rule, vec![Event::Disconnected(Connection(3), address(3))], ledger.record(lost("c")));
    expect("open connections are counted", 0, ledger.connected());
}

/// The crate tells of both from different tasks, so the end may overtake the beginning.
#[test]
fn part_a_a_loss_that_is_told_first_is_not_forgotten() {
    let mut ledger = Ledger::default();
    expect("there is nothing to tell of a connection not known yet", vec![], ledger.record(lost("a")));
    let both =
        vec![Event::Accepted(Connection(1), address(1)), Event::Disconnected(Connection(1), address(1))];
    expect("a loss that is told first is told again in its place", both, ledger.record(accepted(1, "a")));
    expect("what is lost is not counted as open", 0, ledger.connected());
    let rule = "the loss of one connection is not that of the next one";
    expect(rule, vec![Event::Accepted(Connection(2), address(2))], ledger.record(accepted(2, "a")));
    expect(rule, 1, ledger.connected());
}

/// The crate's REP tells the end of a connection twice.
#[test]
fn part_a_an_end_that_is_told_twice_is_one_end() {
    let mut ledger = Ledger::default();
    ledger.record(accepted(1, "a"));
    let rule = "an end is told once";
    expect(rule, vec![Event::Disconnected(Connection(1), address(1))], ledger.record(lost("a")));
    expect(rule, vec![], ledger.record(lost("a")));
    let rule = "the second word of an end does not end the next connection";
    expect(rule, vec![Event::Accepted(Connection(2), address(2))], ledger.record(accepted(2, "a")));
    expect(rule, 1, ledger.connected());
}

/// A peer with an identity of its own comes again, and the loss of its former connection was never told.
#[test]
fn part_a_who_comes_again_under_its_name_is_one_connection() {
    let mut ledger = Ledger::default();
    ledger.record(accepted(1, "a"));
    let both =
        vec![Event::Disconnected(Connection(1), address(1)), Event::Accepted(Connection(2), address(2))];
    expect("a name has one connection: the former one has ended", both, ledger.record(accepted(2, "a")));
    expect("a name has one connection", 1, ledger.connected());
}

async fn next(
    events: &mut (impl Stream<Item = (Event, usize)> + Unpin),
    socket: &mut PullSocket,
) -> (Event, usize) {
    let waiting = async {
        loop {
            tokio::select! {
                event = events.next() => return event.expect("a monitor that goes on"),
                _ = socket.recv() => {}
            }
        }
    };
    soon(waiting).await.unwrap_or_else(|_| {
        panic!("rule broken: what happens to a socket is told\n  expected: an event\n  got: none")
    })
}

#[tokio::test]
async fn part_a_a_sockets_life_is_told_in_order() {
    let mut socket = PullSocket::new();
    let mut events = watch(&mut socket);
    let here = bind(&mut socket, "tcp://127.0.0.1:0").await.unwrap();
    expect(
        "a socket that is bound tells where",
        (Event::Listening(here.clone()), 0),
        next(&mut events, &mut socket).await,
    );
    let mut addresses = Vec::new();
    let mut peers = Vec::new();
    for number in 1..=3 {
        let mut peer = PushSocket::new();
        connect(&mut peer, &here, BOUND).await.unwrap();
        peers.push(peer);
        let (event, connected) = next(&mut events, &mut socket).await;
        let Event::Accepted(connection, from) = event.clone() else {
            panic!("rule broken: a peer that connects is told\n  expected: Accepted\n  got: {event:?}")
        };
        let rule = "connections are numbered and counted";
        expect(rule, (Connection(number), number as usize), (connection, connected));
        addresses.push(from);
    }
    for number in [2_u32, 1, 3] {
        let place = number as usize - 1;
        drop(std::mem::replace(&mut peers[place], PushSocket::new()));
        let (event, _) = next(&mut events, &mut socket).await;
        let expected = Event::Disconnected(Connection(number), addresses[place].clone());
        expect("the connection that ends is told by its number and address", expected, event);
    }
}

/// Two that may not come in: one that does not speak ZeroMQ, one whose socket is of the wrong kind.
#[tokio::test]
async fn part_a_who_is_no_peer_is_refused_and_told() {
    let mut socket = PullSocket::new();
    let mut events = watch(&mut socket);
    let here = bind(&mut socket, "tcp://127.0.0.1:0").await.unwrap();
    next(&mut events, &mut socket).await;
    let mut stranger = TcpStream::connect(here.strip_prefix("tcp://").unwrap()).unwrap();
    stranger.write_all(&[b'G'; 64]).unwrap();
    let (event, connected) = next(&mut events, &mut socket).await;
    let holds = matches!(event, Event::Refused(_)) && connected == 0;
    expect_that("what is no ZeroMQ is refused, and told", "Refused", holds, event);
    let wrong = connect(&mut ReqSocket::new(), &here, BOUND).await;
    expect_that("a REQ does not talk to a PULL", "an error", wrong.is_err(), wrong);
    let (event, connected) = next(&mut events, &mut socket).await;
    let holds = matches!(event, Event::Refused(_)) && connected == 0;
    expect_that("a socket of the wrong kind is refused, and told", "Refused", holds, event);
    let mut peer = PushSocket::new();
    connect(&mut peer, &here, BOUND).await.unwrap();
    let (event, connected) = next(&mut events, &mut socket).await;
    let holds = matches!(event, Event::Accepted(Connection(1), _)) && connected == 1;
    expect_that("after that the right one comes in", "Accepted, connection 1", holds, event);
}
