//! The transports over real sockets on loopback: every port is 0, every wait is bounded, nothing sleeps.
#![cfg(feature = "local")]

use simnet::local::frame::{Frame, Hello, Letter};
use simnet::local::mischief::{BadWire, Mischief};
use simnet::local::transport::{Addresses, Bound, Place, QUEUE, Transport, TransportKind, Wire};
use simnet::local::udp::Udp;
use simnet::{Chance, NodeId};
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

const ANY: &str = "127.0.0.1:0";

fn block<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), test).await.expect("done in a minute")
    })
}

fn place(me: u32, life: u64) -> Place {
    Place { run: 77, me: NodeId(me), nodes: 2, life }
}

fn letter(from: u32, number: u64, length: usize) -> Letter {
    Letter { from: NodeId(from), id: number, clock: vec![number, 0], message: vec![number as u8; length] }
}

/// Two nodes that know each other.
struct Two {
    book: watch::Sender<Vec<Option<SocketAddr>>>,
    wires: Vec<Wire>,
}

impl Two {
    async fn start(kind: TransportKind) -> Self {
        let bound = [bind(kind).await, bind(kind).await];
        let (book, addresses) = watch::channel(bound.iter().map(|bound| Some(bound.address())).collect());
        let started = bound.into_iter().zip(0..);
        let wires = started.map(|(bound, me)| bound.start(place(me, 1), addresses.clone())).collect();
        Two { book, wires }
    }

    fn addresses(&self) -> Addresses {
        self.book.subscribe()
    }

    fn address(&self, node: usize) -> SocketAddr {
        self.book.borrow()[node].unwrap()
    }
}

async fn bind(kind: TransportKind) -> Bound {
    Bound::bind(kind, ANY.parse().unwrap()).await.unwrap()
}

#[test]
fn letters_arrive_in_order_both_ways_by_every_transport_that_promises_it() {
    for kind in TransportKind::ALL.iter().filter(|kind| **kind != TransportKind::Datagram) {
        block(async {
            let Two { mut wires, book: _book } = Two::start(*kind).await;
            let (mut b, mut a) = (wires.pop().unwrap(), wires.pop().unwrap());
            // A few large ones among many small ones: up to 100 packets, or several reads.
            let length = |number: u64| if number % 100 == 7 { 120_000 } else { number as usize % 50 };
            for number in 0..1_000 {
                assert!(a.send(NodeId(1), letter(0, number, length(number))), "{kind}");
                assert!(b.send(NodeId(0), letter(1, number, length(number))), "{kind}");
            }
            for number in 0..1_000 {
                assert_eq!(b.receive().await, letter(0, number, length(number)), "{kind}");
                assert_eq!(a.receive().await, letter(1, number, length(number)), "{kind}");
            }
            assert_eq!((a.counts().messages_dropped(), a.counts().refusals()), (0, 0), "{kind}");
            assert!(a.counts().bytes_sent() > 1_200_000 && b.counts().bytes_received() > 1_200_000, "{kind}");
        });
    }
}

/// Sends until one arrives: what is lost while a peer is away is the protocol's to send again.
async fn gets_through(from: &Wire, to: &mut Wire, first: u64) -> u64 {
    for number in first..first + 600 {
        from.send(NodeId(1), letter(0, number, 10));
        if let Ok(received) = tokio::time::timeout(Duration::from_millis(100), to.receive()).await {
            return received.id;
        }
    }
    panic!("nothing got through");
}

#[test]
fn a_peer_that_starts_again_elsewhere_is_reached_by_every_transport() {
    for kind in TransportKind::ALL {
        block(async {
            let mut two = Two::start(*kind).await;
            let (b, a) = (two.wires.pop().unwrap(), two.wires.pop().unwrap());
            let mut b = b;
            assert_eq!(gets_through(&a, &mut b, 0).await, 0, "{kind}");
            for life in 2..5 {
                drop(b);
                let again = bind(*kind).await;
                two.book.send_modify(|book| book[1] = Some(again.address()));
                b = again.start(place(1, life), two.addresses());
                assert!(
                    gets_through(&a, &mut b, life * 1_000).await >= life * 1_000,
                    "{kind}: a letter to an earlier life"
                );
            }
        });
    }
}

#[test]
fn a_peer_that_starts_again_on_its_port_is_reached_by_every_transport() {
    for kind in TransportKind::ALL {
        block(async {
            let mut two = Two::start(*kind).await;
            let (mut b, a) = (two.wires.pop().unwrap(), two.wires.pop().unwrap());
            assert_eq!(gets_through(&a, &mut b, 0).await, 0, "{kind}");
            drop(b);
            // The tasks that hold the port end when the runtime next runs them.
            let again = loop {
                match Bound::bind(*kind, two.address(1)).await {
                    Ok(bound) => break bound,
                    Err(_) => tokio::task::yield_now().await,
                }
            };
            let mut b = again.start(place(1, 2), two.addresses());
            gets_through(&a, &mut b, 1_000).await;
        });
    }
}

#[test]
fn what_does_not_fit_a_queue_is_dropped_and_counted() {
    for kind in TransportKind::ALL {
        block(async {
            let (_book, addresses) = watch::channel(vec![None, None]);
            // The peer's address is not known, so nothing leaves.
            let wire = bind(*kind).await.start(place(0, 1), addresses);
            let taken =
                (0..3 * QUEUE as u64).filter(|number| wire.send(NodeId(1), letter(0, *number, 10))).count();
            assert!(taken <= QUEUE + 1, "{kind} took {taken}");
            assert_eq!(wire.counts().messages_dropped() as usize + taken, 3 * QUEUE, "{kind}");
        });
    }
}

#[test]
fn udp_is_exactly_once_and_in_order_over_a_bad_wire() {
    block(async {
        let mut bound = Vec::new();
        for seed in 0..2 {
            let [drop, duplicate, reorder] = [30, 10, 20].map(Chance::percent);
            let mischief = Mischief::new(seed, BadWire { drop, duplicate, reorder });
            bound.push(Udp::bind(ANY.parse().unwrap()).await.unwrap().over(mischief));
        }
        let (_book, addresses) = watch::channel(bound.iter().map(|udp| Some(udp.address())).collect());
        let mut wires: Vec<Wire> =
            bound.into_iter().zip(0..).map(|(udp, me)| udp.start(place(me, 1), addresses.clone())).collect();
        let (mut b, mut a) = (wires.pop().unwrap(), wires.pop().unwrap());
        let length = |number: u64| if number % 50 == 7 { 5_000 } else { 20 };
        let (count, mut sent) = (3_000, 0);
        for number in 0..count {
            // So many under way that none is dropped for want of room.
            while sent < count && sent < number + 1_000 {
                assert!(a.send(NodeId(1), letter(0, sent, length(sent))));
                assert!(b.send(NodeId(0), letter(1, sent, length(sent))));
                sent += 1;
            }
            assert_eq!(b.receive().await, letter(0, number, length(number)));
            assert_eq!(a.receive().await, letter(1, number, length(number)));
        }
        let late = tokio::time::timeout(Duration::from_millis(50), b.receive()).await;
        assert!(late.is_err(), "one more came: {late:?}");
        assert!(a.counts().bytes_sent() > b.counts().bytes_received(), "the wire lost nothing");
    });
}

#[test]
fn datagrams_are_lost_doubled_and_overtaken_and_nobody_mends_it() {
    block(async {
        let [drop, duplicate, reorder] = [30, 20, 20].map(Chance::percent);
        let wire = BadWire { drop, duplicate, reorder };
        let bound = [bind(TransportKind::Datagram).await.over(1, wire), bind(TransportKind::Datagram).await];
        let (book, addresses) = watch::channel(bound.iter().map(|bound| Some(bound.address())).collect());
        let mut wires: Vec<Wire> = bound
            .into_iter()
            .zip(0..)
            .map(|(bound, me)| bound.start(place(me, 1), addresses.clone()))
            .collect();
        let (mut b, a) = (wires.pop().unwrap(), wires.pop().unwrap());
        // The last ones come from another socket, whose wire is good: loopback keeps order, so all that came is before them.
        let last = bind(TransportKind::Datagram).await.start(place(0, 2), book.subscribe());
        let mut received = Vec::new();
        for number in 0..1_000 {
            a.send(NodeId(1), letter(0, number, 20));
            // Few under way: the system's own buffer loses nothing.
            last.send(NodeId(1), letter(0, u64::MAX, 0));
            loop {
                match b.receive().await {
                    letter if letter.id == u64::MAX => break,
                    letter => received.push(letter.id),
                }
            }
        }
        let done = a.counts().mischief_done();
        assert!((200..400).contains(&done.dropped), "{done:?}");
        assert!(done.duplicated > 50 && done.reordered > 50, "{done:?}");
        let held = 1_000 + done.duplicated - done.dropped - received.len() as u64;
        assert!(held <= 6, "{done:?}, and {} came", received.len());
        assert!(!received.is_sorted(), "some overtake others");
        assert_eq!((b.counts().refusals(), a.counts().messages_dropped()), (0, 0));
    });
}

#[test]
fn a_message_that_fits_no_datagram_is_dropped_and_counted() {
    block(async {
        let mut two = Two::start(TransportKind::Datagram).await;
        let (mut b, a) = (two.wires.pop().unwrap(), two.wires.pop().unwrap());
        a.send(NodeId(1), letter(0, 1, 70_000));
        a.send(NodeId(1), letter(0, 2, 60_000));
        assert_eq!(b.receive().await, letter(0, 2, 60_000));
        assert_eq!(a.counts().messages_dropped(), 1);
    });
}

/// Connects as anyone may, says this, and waits until the connection is closed.
async fn say(address: SocketAddr, bytes: &[u8]) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    // It may be closed before all is said.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

#[test]
fn strangers_are_refused_and_peers_still_heard() {
    block(async {
        let two = Two::start(TransportKind::Tcp).await;
        let mut wires = two.wires;
        let (mut b, a) = (wires.pop().unwrap(), wires.pop().unwrap());
        let address = two.book.borrow()[1].unwrap();
        let hello = |run, from, to, nodes| {
            Frame::Hello(Hello { run, from: NodeId(from), to: NodeId(to), nodes }).encode()
        };
        let forged = Frame::Letter(letter(1, 1, 1)).encode();
        let strangers = [
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            b"SIM\x01\xFF\xFF\xFF\xFF\0\0\0\0".to_vec(),
            hello(78, 0, 1, 2),                      // another run
            hello(77, 5, 1, 2),                      // no such node
            hello(77, 1, 1, 2),                      // the node itself
            hello(77, 0, 0, 2),                      // meant for another node
            hello(77, 0, 1, 3),                      // another cluster
            Frame::Letter(letter(0, 1, 1)).encode(), // no hello
            [hello(77, 0, 1, 2), forged].concat(),   // in someone else's name
            [hello(77, 0, 1, 2), b"garbage".to_vec()].concat(),
        ];
        for (before, stranger) in strangers.iter().enumerate() {
            say(address, stranger).await;
            while b.counts().refusals() < before as u64 + 1 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(b.counts().refusals(), strangers.len() as u64);
        gets_through(&a, &mut b, 0).await;
    });
}

#[test]
fn more_connections_than_nodes_need_are_refused() {
    block(async {
        let two = Two::start(TransportKind::Tcp).await;
        let address = two.address(1);
        let mut idle = Vec::new();
        while two.wires[1].counts().refusals() == 0 {
            idle.push(tokio::net::TcpStream::connect(address).await.unwrap());
            assert!(idle.len() < 100, "a hundred strangers were let in");
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn strange_datagrams_are_refused() {
    let hello = |to| Frame::Hello(Hello { run: 77, from: NodeId(0), to: NodeId(to), nodes: 2 }).encode();
    let letter_of = |from| Frame::Letter(letter(from, 1, 1)).encode();
    let strangers = [
        vec![],
        vec![b'S'; 1],
        vec![b'S'; 56],
        vec![b'S'; 57],
        vec![b'S'; 2000],
        hello(1),
        letter_of(0),
        [hello(0), letter_of(0)].concat(),
        [hello(1), letter_of(1)].concat(),
        [hello(1), letter_of(0), letter_of(0)].concat(),
        [hello(1), letter_of(0)[..9].to_vec()].concat(),
    ];
    for kind in [TransportKind::Udp, TransportKind::Datagram] {
        block(async {
            let mut two = Two::start(kind).await;
            let (mut b, a) = (two.wires.pop().unwrap(), two.wires.pop().unwrap());
            let socket = tokio::net::UdpSocket::bind(ANY).await.unwrap();
            for stranger in &strangers {
                socket.send_to(stranger, two.address(1)).await.unwrap();
            }
            while b.counts().refusals() < strangers.len() as u64 {
                tokio::task::yield_now().await;
            }
            assert_eq!(gets_through(&a, &mut b, 0).await, 0, "{kind}");
        });
    }
}

/// ZeroMQ peers that are no nodes, and what is no ZeroMQ at all.
#[cfg(feature = "zmq")]
mod zmq {
    use super::*;
    use zeromq::util::PeerIdentity;
    use zeromq::{DealerSocket, ReqSocket, Socket, SocketOptions, SocketSend, ZmqMessage};

    fn greeting() -> Vec<u8> {
        let mut greeting = vec![0; 64];
        (greeting[0], greeting[9], greeting[10]) = (0xFF, 0x7F, 3);
        greeting[12..16].copy_from_slice(b"NULL");
        greeting
    }

    fn ready() -> Vec<u8> {
        b"\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06DEALER".to_vec()
    }

    async fn until_refused(wire: &Wire, times: u64) {
        while wire.counts().refusals() < times {
            tokio::task::yield_now().await;
        }
        assert_eq!(wire.counts().refusals(), times);
    }

    async fn two() -> (Wire, Wire, SocketAddr, watch::Sender<Vec<Option<SocketAddr>>>) {
        let mut two = Two::start(TransportKind::Zmq).await;
        let address = two.address(1);
        let (b, a) = (two.wires.pop().unwrap(), two.wires.pop().unwrap());
        (a, b, address, two.book)
    }

    #[test]
    fn what_speaks_no_zmtp_is_refused_and_hung_up_on() {
        block(async {
            let (a, mut b, address, _book) = two().await;
            let announced = |length: u64| [&[2][..], &length.to_be_bytes()].concat();
            let strangers = [
                b"GET / HTTP/1.1\r\n\r\n".to_vec(),
                Frame::Hello(Hello { run: 77, from: NodeId(0), to: NodeId(1), nodes: 2 }).encode(),
                [greeting(), b"\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03SUB".to_vec()].concat(),
                [greeting(), ready(), announced(u64::MAX)].concat(),
                [greeting(), ready(), announced(1 << 40)].concat(),
                [greeting(), ready(), b"\x04\x07\x04PING\0\0".to_vec()].concat(),
                [greeting(), ready(), b"\x01\x01a\0\x01b".to_vec()].concat(),
            ];
            for (before, stranger) in strangers.iter().enumerate() {
                say(address, stranger).await;
                until_refused(&b, before as u64 + 1).await;
            }
            gets_through(&a, &mut b, 0).await;
        });
    }

    /// What a frame announces, here 64 GiB, is not set aside.
    #[test]
    #[cfg(target_os = "linux")]
    fn an_oversized_message_takes_no_memory() {
        block(async {
            let (a, mut b, address, _book) = two().await;
            for before in 0..100 {
                let announced = [&greeting()[..], &ready(), &[2], &(1_u64 << 36).to_be_bytes()].concat();
                say(address, &announced).await;
                until_refused(&b, before + 1).await;
            }
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|line| line.starts_with("VmPeak:")).unwrap();
            let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            assert!(kib < 32 << 20, "{line}");
            gets_through(&a, &mut b, 0).await;
        });
    }

    async fn dealer(address: SocketAddr, identity: &str) -> DealerSocket {
        let mut options = SocketOptions::default();
        if !identity.is_empty() {
            options.peer_identity(identity.parse::<PeerIdentity>().unwrap());
        }
        let mut dealer = DealerSocket::with_options(options);
        dealer.connect(&format!("tcp://{address}")).await.unwrap();
        dealer
    }

    #[test]
    fn zeromq_peers_that_do_not_speak_our_frames_are_refused() {
        block(async {
            let (a, mut b, address, _book) = two().await;
            let hello =
                |run, from| Frame::Hello(Hello { run, from: NodeId(from), to: NodeId(1), nodes: 2 }).encode();
            let messages = [
                b"hello".to_vec(),
                vec![],
                hello(78, 0),
                hello(77, 5),
                Frame::Letter(letter(0, 1, 1)).encode(),
                [hello(77, 0), Frame::Letter(letter(0, 1, 1)).encode()].concat(),
            ];
            let mut kept = Vec::new();
            for (before, message) in messages.into_iter().enumerate() {
                let mut stranger = dealer(address, "").await;
                // Whatever it says after the first is passed over: one line each.
                for _ in 0..20 {
                    let _ = stranger.send(ZmqMessage::from(message.clone())).await;
                }
                until_refused(&b, before as u64 + 1).await;
                kept.push(stranger);
            }
            // A socket of another kind does not get as far as that.
            let mut req = ReqSocket::new();
            let endpoint = format!("tcp://{address}");
            tokio::select! {
                _ = req.connect(&endpoint) => {}
                () = until_refused(&b, 7) => {}
            }
            until_refused(&b, 7).await;
            gets_through(&a, &mut b, 0).await;
        });
    }

    /// An identity is a wish: the node numbers its callers by itself, so two of the same name are two.
    #[test]
    fn peers_of_the_same_identity_are_told_apart() {
        block(async {
            let (a, mut b, address, _book) = two().await;
            gets_through(&a, &mut b, 0).await;
            let hello = Frame::Hello(Hello { run: 77, from: NodeId(0), to: NodeId(1), nodes: 2 }).encode();
            let mut peer = dealer(address, "same").await;
            peer.send(ZmqMessage::from(hello)).await.unwrap();
            peer.send(ZmqMessage::from(Frame::Letter(letter(0, 500, 1)).encode())).await.unwrap();
            assert_eq!(b.receive().await.id, 500);
            // One that takes its name, and even the name that the node gave the first one, is not taken for it.
            for (before, name) in ["same", "1", "2"].into_iter().enumerate() {
                let mut thief = dealer(address, name).await;
                thief.send(ZmqMessage::from(Frame::Letter(letter(0, 600, 1)).encode())).await.unwrap();
                until_refused(&b, before as u64 + 1).await;
            }
            peer.send(ZmqMessage::from(Frame::Letter(letter(0, 501, 1)).encode())).await.unwrap();
            assert_eq!(b.receive().await.id, 501);
            gets_through(&a, &mut b, 1_000).await;
        });
    }

    #[test]
    fn silent_callers_and_too_many_are_turned_away() {
        block(async {
            let (_a, b, address, _book) = two().await;
            let mut idle = Vec::new();
            while b.counts().refusals() == 0 {
                idle.push(tokio::net::TcpStream::connect(address).await.unwrap());
                assert!(idle.len() < 100, "a hundred strangers were let in");
                tokio::task::yield_now().await;
            }
            // Those that were let in and say nothing have to go.
            let mut first = idle.remove(0);
            first.read_to_end(&mut Vec::new()).await.ok();
        });
    }
}
