//! Part C: the other side is slow, gone, full or lying; and datagrams.

#![allow(clippy::disallowed_methods, reason = "a server by hand is a thread")]

mod neighbours;

use neighbours::{BOUND, Watched, request};
use simnet::rule::{expect, expect_ok, expect_that};
use socket2::{Domain, SockRef, Socket, Type};
use sockets::client::{Client, ClientError};
use sockets::datagram::{self, Counted, Counter, LONGEST};
use sockets::message::Reply;
use sockets::serve::{Ending, Model, Settings, listen};
use sockets::udp::{CountClient, CountError};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

const LOCALHOST: &str = "127.0.0.1";
const SHORT: Duration = Duration::from_millis(100);

fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A socket that has a port and does not listen: as long as it lives, nobody else can have the port, and nobody answers there.
fn nobody() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&anywhere().into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// The server has gone. A write succeeds all the same: it only means that the bytes are in this machine's buffer. Only a later one fails, with
/// `EPIPE`; in C that is preceded by a signal that ends the program, unless it is ignored. Rust ignores it.
#[test]
fn part_c_a_write_that_succeeds_says_nothing() {
    let listener = TcpListener::bind(anywhere()).unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_write_timeout(Some(BOUND)).unwrap();
    drop(listener.accept().unwrap());
    expect("the peer has closed", 0, stream.read(&mut [0; 1]).unwrap());
    let lost = stream.write_all(b"lost").map_err(|error| error.kind());
    expect("the mistake: this write looks as if it had arrived", Ok(()), lost);
    let noticed = (0..1_000_000).find_map(|_| stream.write_all(b"lost").err()).map(|error| error.kind());
    let holds = matches!(noticed, Some(ErrorKind::BrokenPipe | ErrorKind::ConnectionReset));
    expect_that("a later write fails", "BrokenPipe or ConnectionReset", holds, noticed);

    // The client of the service says what it means.
    let listener = TcpListener::bind(anywhere()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let rule = "a client connects to whoever listens";
    let mut client = expect_ok(rule, "a connection", Client::connect(LOCALHOST, port, BOUND));
    drop(listener.accept().unwrap());
    for _ in 0..3 {
        let answer = client.ask(5);
        let rule = "a connection that the server has closed is called so, whichever error shows it";
        expect_that(rule, "Closed after 0 answers", matches!(answer, Err(ClientError::Closed(0))), answer);
    }
}

#[test]
fn part_c_nobody_listens() {
    let (_held, address) = nobody();
    let rule = "where nobody listens, the client says where it asked, and what to do";
    let connected =
        Client::connect(LOCALHOST, address.port(), BOUND).map_err(|error| (error.to_string(), error));
    let holds = matches!(&connected, Err((said, ClientError::Unreachable(..)))
        if said.contains(&address.to_string()) && said.contains("is `sockets serve` running"));
    expect_that(rule, "Unreachable, with the address and a hint", holds, connected);
    // A name with an empty part is none, so nobody needs to be asked for it.
    let connected = Client::connect("no..name", 1, BOUND).map_err(|error| error.to_string());
    let holds =
        connected.as_ref().is_err_and(|said| said.starts_with("read the server `no..name`, expected a name"));
    expect_that("a name without an address is said to be none", "read the server …", holds, connected);
}

/// The server accepts and never answers.
#[test]
fn part_c_a_silent_server_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind(anywhere()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let connected = Client::connect(LOCALHOST, port, SHORT);
    let mut client = expect_ok("a client connects to whoever listens", "a connection", connected);
    let answer = client.ask(5);
    let rule = "a client waits for an answer for its patience, and no longer";
    expect_that(rule, "Silent", matches!(answer, Err(ClientError::Silent(SHORT))), answer);
    drop(listener);
}

/// What answers is no server of this service.
#[test]
fn part_c_a_server_that_speaks_something_else_is_told_from_ours() {
    for (says, words) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "read a frame of 1213486160 bytes"),
        (&[0, 0, 0, 1, 9], "read a reply of kind 09"),
        (&[0, 0, 0, 9, 1, 0], "the stream ended after 6 of 13 bytes of a frame"),
    ] {
        let listener = TcpListener::bind(anywhere()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 12]).unwrap();
            stream.write_all(says).unwrap();
        });
        let connected = Client::connect(LOCALHOST, port, BOUND);
        let mut client = expect_ok("a client connects to whoever listens", "a connection", connected);
        let answer = client.ask(5).map_err(|error| error.to_string());
        let holds = answer.as_ref().is_err_and(|said| said.contains(words));
        expect_that("what is not this protocol is told from it, with what was read", words, holds, answer);
        server.join().unwrap();
    }
}

/// Nobody accepts, and the backlog is full. The system does not say no: it says nothing. A `connect` without a bound waits for two minutes.
#[test]
#[cfg(target_os = "linux")]
fn part_c_a_full_backlog_answers_nothing() {
    let listener = listen(anywhere(), 1).unwrap();
    let port = listener.local_addr().unwrap().port();
    // Those that wait are connected as far as they know, though no server has seen them.
    let first = Client::connect(LOCALHOST, port, BOUND);
    let mut waiting =
        vec![expect_ok("a client that waits in the backlog is connected", "a connection", first)];
    let error = loop {
        match Client::connect(LOCALHOST, port, SHORT) {
            Ok(client) => waiting.push(client),
            Err(error) => break error,
        }
        let rule = "a backlog of 1 is soon full";
        expect_that(rule, "fewer than 10 connections", waiting.len() < 10, waiting.len());
    };
    let holds = matches!(&error, ClientError::Unreachable(_, cause) if cause.kind() == ErrorKind::TimedOut);
    expect_that("a full backlog answers nothing: connecting ends by its bound", "TimedOut", holds, error);
}

/// An address of this machine that no other test uses: nobody takes its ports between two lives of a server. Elsewhere than on Linux a
/// machine has one such address only.
const OWN: Ipv4Addr =
    if cfg!(target_os = "linux") { Ipv4Addr::new(127, 0, 0, 77) } else { Ipv4Addr::LOCALHOST };

/// A connection that the server has closed first stays in `TIME_WAIT` on its port, for a minute. A server that starts again then is refused the port.
#[test]
fn part_c_a_server_can_start_again_at_once() {
    let naive = |address: SocketAddr| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let listening = socket.bind(&address.into()).and_then(|()| socket.listen(1));
        listening.map(|()| TcpListener::from(socket)).map_err(|error| error.kind())
    };
    let ours = |address: SocketAddr| listen(address, 1).map_err(|error| error.kind());
    // A server's life: one connection, which it closes first.
    let lived = |listener: TcpListener| {
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        drop(listener.accept().unwrap());
        expect("the server has closed first", 0, client.read(&mut [0; 1]).unwrap());
        address
    };
    let refused = naive(lived(naive((OWN, 0).into()).unwrap()));
    let holds = matches!(refused, Err(ErrorKind::AddrInUse));
    expect_that("the mistake: the port is kept by a connection that is over", "AddrInUse", holds, refused);

    let first = expect_ok("a server gets a port", "a listener", ours((OWN, 0).into()));
    let address = lived(first);
    let again = expect_ok("a server that starts again gets its port at once", "a listener", ours(address));
    let second = ours(address);
    let holds = matches!(second, Err(ErrorKind::AddrInUse));
    expect_that("two servers at once do not get one port", "AddrInUse", holds, second);
    drop(again);
}

/// Four gigabytes are announced, and half a megabyte follows. The client is told, and can read what it is told.
#[test]
fn part_c_a_hostile_client_is_told_and_closed() {
    for model in Model::ALL {
        let server = Watched::start(model, Settings::default());
        let mut peer = server.connect();
        peer.send(&request(5));
        peer.send(&[0xFF; 4]);
        expect(
            format!("{model}: a request before it is answered"),
            Some(Reply::Factorial(120)),
            peer.reply(),
        );
        // A server that has closed would answer these with a reset, which ends this client's writing, and may destroy the reply.
        for _ in 0..128 {
            peer.send(&[7; 4096]);
        }
        let reply = peer.reply();
        let words = "4294967295 bytes, expected at most 1024";
        let holds = matches!(&reply, Some(Reply::Malformed(why)) if why.contains(words));
        expect_that(format!("{model}: a client that is refused can read why"), words, holds, reply);
        expect(format!("{model}: what follows a frame that is too long is not answered"), None, peer.reply());
        let address = peer.address();
        drop(peer);
        let ending = server.ending(address);
        let holds = matches!(ending, Ending::Refused(_));
        expect_that(format!("{model}: its session ends"), "Refused", holds, ending);
        let mut next = server.connect();
        next.send(&request(5));
        expect(format!("{model}: the next client is served"), Some(Reply::Factorial(120)), next.reply());
    }
}

/// A client that is refused sends on, a byte now and then. Each byte is a sign of life, but it has been told all that there is to tell.
#[test]
fn part_c_a_client_that_is_refused_is_not_held_for_ever() {
    for model in Model::ALL {
        let patience = Duration::from_millis(200);
        let server = Watched::start(model, Settings { patience, ..Settings::default() });
        let mut peer = server.connect();
        peer.send(&[0xFF; 4]);
        let reply = peer.reply();
        expect_that(
            format!("{model}: a client that is refused is told"),
            "Malformed",
            matches!(reply, Some(Reply::Malformed(_))),
            reply,
        );
        // Four bytes for each time of patience, for as long as a test waits for anything. Where the server has closed, none arrives.
        let pause = patience / 4;
        let ending = (0..BOUND.as_millis() / pause.as_millis()).find_map(|_| {
            let _ = peer.stream.write_all(&[7]);
            server.ending_within(peer.address(), pause)
        });
        let rule =
            format!("{model}: the farewell to a client that is refused has one bound, whatever it sends");
        expect_that(rule, "Refused", matches!(ending, Some(Ending::Refused(_))), ending);
    }
}

/// A payload that is no request is answered, and the connection goes on: its frame was whole.
#[test]
fn part_c_a_malformed_request_costs_one_answer() {
    for model in Model::ALL {
        let server = Watched::start(model, Settings::default());
        let mut peer = server.connect();
        peer.send(&[0, 0, 0, 2, 1, 2]);
        let reply = peer.reply();
        let holds = matches!(&reply, Some(Reply::Malformed(why)) if why.contains("2 bytes"));
        expect_that(format!("{model}: a malformed request is answered"), "Malformed, 2 bytes", holds, reply);
        peer.send(&request(5));
        let rule = format!("{model}: after a whole frame the next one begins, whatever was in it");
        expect(rule, Some(Reply::Factorial(120)), peer.reply());
    }
}

/// A client vanishes within a frame: with a reset, as a crashed program's system sends it, or with an end.
#[test]
fn part_c_a_client_that_vanishes_costs_nothing() {
    for model in Model::ALL {
        let server = Watched::start(model, Settings::default());
        for reset in [true, false] {
            let mut peer = server.connect();
            peer.send(&request(5)[..6]);
            if reset {
                SockRef::from(&peer.stream).set_linger(Some(Duration::ZERO)).unwrap();
            }
            let address = peer.address();
            drop(peer);
            let ending = server.ending(address);
            let rule =
                format!("{model}: a client that vanishes within a frame is gone, not done (reset: {reset})");
            expect_that(rule, "Gone", matches!(ending, Ending::Gone(_)), ending);
        }
        let mut next = server.connect();
        next.send(&request(5));
        expect(format!("{model}: the next client is served"), Some(Reply::Factorial(120)), next.reply());
    }
}

#[test]
fn part_c_a_datagram_is_counted_whole() {
    let mut counter = Counter::default();
    let counted = counter.count(&datagram::request(0x0102_0304, 100));
    let first = Counted { sequence: 0x0102_0304, length: 100, total: 100 };
    expect("a datagram is counted, and answered with its sequence number", Ok(first), counted);
    let total = counter.count(&datagram::request(7, LONGEST)).map(|counted| counted.total);
    expect("the longest datagram is counted whole", Ok(100 + LONGEST as u64), total);
    let said = counter.count(&[1, 2, 3]).map_err(|error| error.to_string());
    let words = "read a datagram of 3 bytes, expected 4 or more: a sequence number, then anything";
    expect("a datagram without a sequence number is refused", Err(words.to_string()), said);
    expect("what is refused is not counted", 100 + LONGEST as u64, counter.total);
    expect("a reply is the same after the wire", Ok(first), Counted::from_bytes(&first.to_bytes()));
    expect(
        "numbers go most significant byte first",
        vec![1, 2, 3, 4, 0, 0, 0, 100],
        first.to_bytes()[..8].to_vec(),
    );
    expect("a reply has 16 bytes", true, Counted::from_bytes(&[0; 15]).is_err());
}

/// A buffer that is too small cuts a datagram off, and nobody says so.
#[test]
fn part_c_a_datagram_that_does_not_fit_is_cut_off_without_a_word() {
    let (here, there) = (UdpSocket::bind(anywhere()).unwrap(), UdpSocket::bind(anywhere()).unwrap());
    there.set_read_timeout(Some(BOUND)).unwrap();
    let to = there.local_addr().unwrap();
    here.send_to(&[1; 1000], to).unwrap();
    expect("the mistake: 488 bytes are gone, and it looks well", 512, there.recv(&mut [0; 512]).unwrap());
    here.send_to(&[1; 1000], to).unwrap();
    let got = there.recv(&mut vec![0; LONGEST]).unwrap();
    expect("a buffer for the longest datagram holds every one", 1000, got);
}

/// A server by hand, that loses the first request, answers the second twice, and is late. How often the client asks meanwhile depends on
/// how fast this machine is; nothing here does.
#[test]
fn part_c_a_lost_datagram_is_sent_again_and_a_late_answer_is_ignored() {
    let socket = UdpSocket::bind(anywhere()).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let mut buffer = vec![0; LONGEST];
        let mut counter = Counter::default();
        let mut receive = || {
            let (length, peer) = socket.recv_from(&mut buffer).expect("the client asks until it is answered");
            (counter.count(&buffer[..length]).unwrap(), peer)
        };
        let (lost, _) = receive();
        let (again, peer) = receive();
        expect("what was not answered is sent again, under its number", lost.sequence, again.sequence);
        let stale = Counted { sequence: again.sequence.wrapping_sub(1), length: 1, total: 1 };
        for reply in [stale.to_bytes(), again.to_bytes(), again.to_bytes()] {
            socket.send_to(&reply, peer).unwrap();
        }
        socket.send_to(b"noise", peer).unwrap();
        // Copies that were on their way meanwhile.
        let (next, peer) = loop {
            match receive() {
                (copy, _) if copy.sequence == again.sequence => {}
                next => break next,
            }
        };
        expect("the next request has the next number", again.sequence.wrapping_add(1), next.sequence);
        socket.send_to(&next.to_bytes(), peer).unwrap();
    });
    let mut client = CountClient::new(LOCALHOST, port, SHORT, 100).unwrap();
    let first = expect_ok("a client asks until it is answered", "an answer", client.count(500));
    let rule = "the answer to another request is not the answer (here one of 1 byte came first)";
    // Counted twice: the server cannot know that it was the same one.
    expect(rule, (500, 1000), (first.length, first.total));
    expect_that("what was not answered is sent again", "sent again", client.resent > 0, client.resent);
    let second = expect_ok("a client asks until it is answered", "an answer", client.count(20));
    let rule = "a late copy of the first answer is not the answer to the second request";
    expect(rule, (first.sequence.wrapping_add(1), 20), (second.sequence, second.length));
    server.join().unwrap();
}

#[test]
fn part_c_a_server_of_datagrams_that_is_not_there_is_noticed() {
    let silent = UdpSocket::bind(anywhere()).unwrap();
    let port = silent.local_addr().unwrap().port();
    let counted = CountClient::new(LOCALHOST, port, Duration::from_millis(10), 3).unwrap().count(10);
    let holds = matches!(counted, Err(CountError::Silent(_, 3, _)));
    expect_that("a server that is silent is asked 3 times, and given up", "Silent", holds, counted);
    // A socket that is connected hears its peer only, here itself: the port is taken, and for this client nobody is there.
    silent.connect(silent.local_addr().unwrap()).unwrap();
    let counted = CountClient::new(LOCALHOST, port, BOUND, 1).unwrap().count(10);
    let holds = matches!(counted, Err(CountError::Unreachable(..)));
    expect_that(
        "a port without a server is noticed at once, where the system tells",
        "Unreachable",
        holds,
        counted,
    );
    let counted = CountClient::new(LOCALHOST, port, SHORT, 5).unwrap().count(LONGEST + 1);
    let said = counted.map_err(|error| error.to_string());
    let holds = said.as_ref().is_err_and(|said| said.contains("expected 4 to 65507"));
    expect_that("a length that no datagram has is refused", "expected 4 to 65507", holds, said);
}
