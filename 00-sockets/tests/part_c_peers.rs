//! Part C: the other side is slow, gone, full or lying; and datagrams.

mod neighbours;

use neighbours::{BOUND, Watched, request};
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

/// A port on which nobody listens: somebody did, and has gone.
fn nobody() -> SocketAddr {
    TcpListener::bind(anywhere()).unwrap().local_addr().unwrap()
}

/// The server has gone. A write succeeds all the same: it only means that the bytes are in this machine's buffer. Only a later one fails, with
/// `EPIPE`; in C that is preceded by a signal that ends the program, unless it is ignored. Rust ignores it.
#[test]
fn part_c_a_write_that_succeeds_says_nothing() {
    let listener = TcpListener::bind(anywhere()).unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    drop(listener.accept().unwrap());
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "the peer has closed");
    stream.write_all(b"lost").expect("the mistake: this looks as if it had arrived");
    let error = (0..1000).find_map(|_| stream.write_all(b"lost").err()).expect("it is noticed in the end");
    assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");

    // The client of the service says what it means.
    let listener = TcpListener::bind(anywhere()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut client = Client::connect(LOCALHOST, port, BOUND).unwrap();
    drop(listener.accept().unwrap());
    for _ in 0..3 {
        let error = client.ask(5).unwrap_err();
        assert!(matches!(error, ClientError::Closed(0)), "{error:?}");
    }
}

#[test]
fn part_c_nobody_listens() {
    let address = nobody();
    let error = Client::connect(LOCALHOST, address.port(), BOUND).unwrap_err();
    assert!(matches!(error, ClientError::Unreachable(..)), "{error:?}");
    let said = error.to_string();
    assert!(said.contains(&address.to_string()) && said.contains("is `sockets serve` running"), "{said}");
    let error = Client::connect("no such host", 1, BOUND).unwrap_err();
    assert!(error.to_string().starts_with("read the server `no such host`, expected a name"), "{error}");
}

/// The server accepts and never answers.
#[test]
fn part_c_a_silent_server_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind(anywhere()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut client = Client::connect(LOCALHOST, port, SHORT).unwrap();
    let error = client.ask(5).unwrap_err();
    assert!(matches!(error, ClientError::Silent(SHORT)), "{error:?}");
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
        let error = Client::connect(LOCALHOST, port, BOUND).unwrap().ask(5).unwrap_err();
        assert!(error.to_string().contains(words), "expected `{words}` in: {error}");
        server.join().unwrap();
    }
}

/// Nobody accepts, and the backlog is full. The system does not say no: it says nothing. A `connect` without a bound waits for two minutes.
#[test]
#[cfg(target_os = "linux")]
fn part_c_a_full_backlog_answers_nothing() {
    let listener = listen(anywhere(), 1).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut waiting = Vec::new();
    let error = loop {
        match Client::connect(LOCALHOST, port, SHORT) {
            Ok(client) => waiting.push(client),
            Err(error) => break error,
        }
        assert!(waiting.len() < 10, "a backlog of 1 takes 10 connections");
    };
    assert!(
        matches!(&error, ClientError::Unreachable(_, cause) if cause.kind() == ErrorKind::TimedOut),
        "{error:?}"
    );
    // Those that wait are connected as far as they know, though no server has seen them.
    assert!(!waiting.is_empty());
}

/// A connection that the server has closed first stays in `TIME_WAIT` on its port, for a minute. A server that starts again then is refused the port.
#[test]
fn part_c_a_server_can_start_again_at_once() {
    let naive = |address: SocketAddr| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&address.into()).and_then(|()| socket.listen(1)).map(|()| TcpListener::from(socket))
    };
    // A server's life: one connection, which it closes first.
    let lived = |listener: TcpListener| {
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        drop(listener.accept().unwrap());
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0, "the server has closed first");
        address
    };
    let refused = naive(lived(naive(anywhere()).unwrap()));
    let refused = refused.expect_err("the mistake: the port is taken by a connection that is over");
    assert_eq!(refused.kind(), ErrorKind::AddrInUse);

    let address = lived(listen(anywhere(), 1).unwrap());
    let again = listen(address, 1).expect("the port can be had at once");
    // Two servers at once are refused all the same.
    assert_eq!(listen(address, 1).unwrap_err().kind(), ErrorKind::AddrInUse);
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
        peer.send(&vec![7; 512 * 1024]);
        assert_eq!(peer.reply(), Some(Reply::Factorial(120)), "{model}: the request before it");
        match peer.reply() {
            Some(Reply::Malformed(why)) => {
                assert!(why.contains("4294967295 bytes, expected at most 1024"), "{why}")
            }
            other => panic!("{model}: {other:?}"),
        }
        assert_eq!(peer.reply(), None, "{model}: nothing after it is understood");
        let address = peer.address();
        drop(peer);
        assert!(matches!(server.ending(address), Ending::Refused(_)), "{model}");
        let mut next = server.connect();
        next.send(&request(5));
        assert_eq!(next.reply(), Some(Reply::Factorial(120)), "{model}: the next client");
    }
}

/// A payload that is no request is answered, and the connection goes on: its frame was whole.
#[test]
fn part_c_a_malformed_request_costs_one_answer() {
    for model in Model::ALL {
        let server = Watched::start(model, Settings::default());
        let mut peer = server.connect();
        peer.send(&[0, 0, 0, 2, 1, 2]);
        assert!(matches!(peer.reply(), Some(Reply::Malformed(why)) if why.contains("2 bytes")), "{model}");
        peer.send(&request(5));
        assert_eq!(peer.reply(), Some(Reply::Factorial(120)), "{model}");
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
            assert!(matches!(ending, Ending::Gone(_)), "{model}, reset {reset}: {ending}");
        }
        let mut next = server.connect();
        next.send(&request(5));
        assert_eq!(next.reply(), Some(Reply::Factorial(120)), "{model}: the next client");
    }
}

#[test]
fn part_c_a_datagram_is_counted_whole() {
    let mut counter = Counter::default();
    let counted = counter.count(&datagram::request(0x0102_0304, 100)).unwrap();
    assert_eq!(counted, Counted { sequence: 0x0102_0304, length: 100, total: 100 });
    assert_eq!(counter.count(&datagram::request(7, LONGEST)).unwrap().total, 100 + LONGEST as u64);
    let said = counter.count(&[1, 2, 3]).unwrap_err().to_string();
    assert_eq!(said, "read a datagram of 3 bytes, expected 4 or more: a sequence number, then anything");
    assert_eq!(counter.total, 100 + LONGEST as u64, "what is refused is not counted");
    assert_eq!(Counted::from_bytes(&counted.to_bytes()), Ok(counted));
    assert_eq!(counted.to_bytes()[..8], [1, 2, 3, 4, 0, 0, 0, 100]);
    assert!(Counted::from_bytes(&[0; 15]).is_err());
}

/// A buffer that is too small cuts a datagram off, and nobody says so.
#[test]
fn part_c_a_datagram_that_does_not_fit_is_cut_off_without_a_word() {
    let (here, there) = (UdpSocket::bind(anywhere()).unwrap(), UdpSocket::bind(anywhere()).unwrap());
    there.set_read_timeout(Some(BOUND)).unwrap();
    let to = there.local_addr().unwrap();
    here.send_to(&[1; 1000], to).unwrap();
    assert_eq!(
        there.recv(&mut [0; 512]).unwrap(),
        512,
        "the mistake: 488 bytes are gone, and this looks well"
    );
    here.send_to(&[1; 1000], to).unwrap();
    assert_eq!(there.recv(&mut vec![0; LONGEST]).unwrap(), 1000);
}

/// A server by hand, that loses the first request, answers the second twice, and is late.
#[test]
fn part_c_a_lost_datagram_is_sent_again_and_a_late_answer_is_ignored() {
    let socket = UdpSocket::bind(anywhere()).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let mut buffer = vec![0; LONGEST];
        let mut counter = Counter::default();
        let mut receive = || {
            let (length, peer) = socket.recv_from(&mut buffer).unwrap();
            (counter.count(&buffer[..length]).unwrap(), peer)
        };
        let (lost, _) = receive();
        let (again, peer) = receive();
        assert_eq!(lost.sequence, again.sequence, "the same request, sent again");
        let stale = Counted { sequence: again.sequence.wrapping_sub(1), length: 1, total: 1 };
        for reply in [stale.to_bytes(), again.to_bytes(), again.to_bytes()] {
            socket.send_to(&reply, peer).unwrap();
        }
        socket.send_to(b"noise", peer).unwrap();
        let (next, peer) = receive();
        assert_eq!(next.sequence, again.sequence.wrapping_add(1));
        socket.send_to(&next.to_bytes(), peer).unwrap();
    });
    let mut client = CountClient::new(LOCALHOST, port, SHORT, 100).unwrap();
    let first = client.count(500).unwrap();
    // Counted twice: the server cannot know that it was the same one.
    assert_eq!((first.length, first.total, client.resent), (500, 1000, 1));
    let second = client.count(20).unwrap();
    assert_eq!(
        (second.length, second.total),
        (20, 1020),
        "the late copy of the first answer was taken for the second"
    );
    server.join().unwrap();
}

#[test]
fn part_c_a_server_of_datagrams_that_is_not_there_is_noticed() {
    let silent = UdpSocket::bind(anywhere()).unwrap();
    let port = silent.local_addr().unwrap().port();
    let error =
        CountClient::new(LOCALHOST, port, Duration::from_millis(10), 3).unwrap().count(10).unwrap_err();
    assert!(matches!(error, CountError::Silent(_, 3, _)), "{error:?}");
    drop(silent);
    let error = CountClient::new(LOCALHOST, port, SHORT, 5).unwrap().count(10).unwrap_err();
    assert!(matches!(error, CountError::Unreachable(..) | CountError::Silent(..)), "{error:?}");
    let error = CountClient::new(LOCALHOST, port, SHORT, 5).unwrap().count(LONGEST + 1).unwrap_err();
    assert!(error.to_string().contains("expected 4 to 65507"), "{error}");
}
