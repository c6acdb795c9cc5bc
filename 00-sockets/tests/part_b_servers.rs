//! Part B: one service, four servers: who waits for whom.

mod neighbours;

use neighbours::{BOUND, Peer, Watched, request};
use sockets::message::{Reply, factorial};
use sockets::serve::{Ending, Event, Model, Settings};
use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::time::Duration;

const SIDE_BY_SIDE: [Model; 3] = [Model::Threads, Model::Poll, Model::Async];

fn expected(number: u64) -> Reply {
    factorial(number).map_or(Reply::TooLarge(number), Reply::Factorial)
}

/// The beginning of a request, and never the rest.
fn stalled(server: &Watched) -> Peer {
    let mut peer = server.connect();
    peer.send(&request(5)[..7]);
    peer
}

fn answers(model: Model) {
    let server = Watched::start(model, Settings::default());
    let mut peer = server.connect();
    for number in [0, 1, 5, 12, 13, 20, 21, 34, 35, u64::MAX] {
        peer.send(&request(number));
        assert_eq!(peer.reply(), Some(expected(number)), "{model}: {number}!");
    }
    peer.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(peer.reply(), None, "{model}: the server closes when the client does");
    assert_eq!(server.ending(peer.address()), Ending::Done, "{model}");
}

#[test]
fn part_b_the_iterative_server_answers() {
    answers(Model::Iterative);
}

#[test]
fn part_b_the_server_with_threads_answers() {
    answers(Model::Threads);
}

#[test]
fn part_b_the_server_with_poll_answers() {
    answers(Model::Poll);
}

#[test]
fn part_b_the_async_server_answers() {
    answers(Model::Async);
}

/// A request comes byte by byte, then a hundred come at once; then the client closes its side, and reads.
#[test]
fn part_b_however_requests_are_cut_each_is_answered_once_in_order() {
    for model in Model::ALL {
        let server = Watched::start(model, Settings::default());
        let mut peer = server.connect();
        for byte in request(20) {
            peer.send(&[byte]);
        }
        assert_eq!(peer.reply(), Some(expected(20)), "{model}");
        let many: Vec<u8> = (0..100).flat_map(|number| request(number % 40)).collect();
        peer.send(&many);
        // Half closed: nothing comes from here any more, everything still goes there.
        peer.stream.shutdown(Shutdown::Write).unwrap();
        for number in 0..100 {
            assert_eq!(peer.reply(), Some(expected(number % 40)), "{model}: reply {number}");
        }
        assert_eq!(peer.reply(), None, "{model}");
        assert_eq!(server.ending(peer.address()), Ending::Done, "{model}");
    }
}

/// The second client is in the backlog until the first, which says nothing more, has gone.
#[test]
fn part_b_in_the_iterative_server_one_stalled_client_keeps_everybody_waiting() {
    let server = Watched::start(Model::Iterative, Settings::default());
    let first = stalled(&server);
    let mut second = server.connect();
    second.send(&request(5));
    assert_eq!(server.next(), Event::Accepted(first.address()));
    let gone = first.address();
    drop(first);
    assert!(matches!(server.next(), Event::Closed(who, Ending::Gone(_)) if who == gone));
    assert_eq!(
        server.next(),
        Event::Accepted(second.address()),
        "the second was accepted before the first was gone"
    );
    assert_eq!(second.reply(), Some(expected(5)));
}

#[test]
fn part_b_in_the_other_models_nobody_waits_for_stalled_clients() {
    for model in SIDE_BY_SIDE {
        let server = Watched::start(model, Settings::default());
        let stalled: Vec<Peer> = (0..50).map(|_| stalled(&server)).collect();
        let mut lively = server.connect();
        lively.send(&request(20));
        assert_eq!(lively.reply(), Some(expected(20)), "{model}: 50 stalled clients, and this one waits");
        // They were not forgotten either.
        for mut peer in stalled {
            peer.send(&request(5)[7..]);
            assert_eq!(peer.reply(), Some(expected(5)), "{model}");
        }
    }
}

/// A client that asks and asks, and reads nothing: the server must not collect its replies without end, nor let others wait.
#[test]
fn part_b_a_client_that_does_not_read_is_not_read_from() {
    for model in SIDE_BY_SIDE {
        let server = Watched::start(model, Settings::default());
        let mut greedy = server.connect();
        greedy.stream.set_nonblocking(true).unwrap();
        let whole: Vec<u8> = (0..1000).flat_map(|_| request(34)).collect();
        let (mut sent, most) = (0_usize, 64 << 20);
        let mut lively = server.connect();
        // Until nothing goes any more, also after another client was served in between.
        let mut stuck = 0;
        while stuck < 10 && sent < most {
            match greedy.stream.write(&whole[sent % whole.len()..]) {
                Ok(count) => (sent, stuck) = (sent + count, 0),
                Err(error) if error.kind() == ErrorKind::WouldBlock => stuck += 1,
                Err(error) => panic!("{model}: {error}"),
            }
            lively.send(&request(20));
            assert_eq!(
                lively.reply(),
                Some(expected(20)),
                "{model}: one client reads nothing, and this one waits"
            );
        }
        assert!(sent < most, "{model}: the server has taken {sent} bytes of a client that reads nothing");
        // And when it reads at last, nothing is missing.
        greedy.stream.set_nonblocking(false).unwrap();
        let whole_requests = sent / request(34).len();
        for number in 0..whole_requests {
            assert_eq!(greedy.reply(), Some(expected(34)), "{model}: reply {number} of {whole_requests}");
        }
    }
}

#[test]
fn part_b_a_silent_client_is_closed() {
    for model in Model::ALL {
        let patience = Duration::from_millis(50);
        let server = Watched::start(model, Settings { patience, ..Settings::default() });
        let silent = stalled(&server);
        assert_eq!(server.ending(silent.address()), Ending::Silent, "{model}, within {BOUND:?}");
        let mut next = server.connect();
        next.send(&request(5));
        assert_eq!(next.reply(), Some(expected(5)), "{model}: the next client");
    }
}
