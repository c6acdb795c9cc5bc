//! Part B: one service, four servers: who waits for whom.

mod neighbours;

use neighbours::{Peer, Watched, request};
use simnet::rule::{expect, expect_that};
use sockets::message::{Reply, factorial};
use sockets::serve::{Ending, Event, Model, Settings};
use std::io::{BufReader, ErrorKind, Write};
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
        let rule = format!("{model}: a connection carries many requests, each is answered ({number}!)");
        expect(rule, Some(expected(number)), peer.reply());
    }
    peer.stream.shutdown(Shutdown::Write).unwrap();
    expect(format!("{model}: the server closes when the client has"), None, peer.reply());
    let rule = format!("{model}: a client that closes between two frames is done");
    expect(rule, Ending::Done, server.ending(peer.address()));
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
        let rule = format!("{model}: a request that comes byte by byte is a request");
        expect(rule, Some(expected(20)), peer.reply());
        let many: Vec<u8> = (0..100).flat_map(|number| request(number % 40)).collect();
        peer.send(&many);
        // Half closed: nothing comes from here any more, everything still goes there.
        peer.stream.shutdown(Shutdown::Write).unwrap();
        for number in 0..100 {
            let rule = format!(
                "{model}: requests that come together are answered each, in order, also after the client has closed \
                 its side (reply {number} of 100)"
            );
            expect(rule, Some(expected(number % 40)), peer.reply());
        }
        expect(format!("{model}: after the last answer the server closes"), None, peer.reply());
        let rule = format!("{model}: a client that closes between two frames is done");
        expect(rule, Ending::Done, server.ending(peer.address()));
    }
}

/// The second client is in the backlog until the first, which says nothing more, has gone.
#[test]
fn part_b_in_the_iterative_server_one_stalled_client_keeps_everybody_waiting() {
    let server = Watched::start(Model::Iterative, Settings::default());
    let first = stalled(&server);
    let mut second = server.connect();
    second.send(&request(5));
    let rule = "the iterative server serves one connection to its end before it accepts the next";
    expect(rule, Event::Accepted(first.address()), server.next());
    let gone = first.address();
    drop(first);
    let event = server.next();
    let holds = matches!(&event, Event::Closed(who, Ending::Gone(_)) if *who == gone);
    expect_that(rule, "the end of the first", holds, event);
    expect(rule, Event::Accepted(second.address()), server.next());
    expect("who waited in the backlog is served", Some(expected(5)), second.reply());
}

#[test]
fn part_b_in_the_other_models_nobody_waits_for_stalled_clients() {
    for model in SIDE_BY_SIDE {
        let server = Watched::start(model, Settings::default());
        let stalled: Vec<Peer> = (0..50).map(|_| stalled(&server)).collect();
        let mut lively = server.connect();
        lively.send(&request(20));
        let rule = format!("{model}: nobody waits for clients that stall, of which there are 50");
        expect(rule, Some(expected(20)), lively.reply());
        for mut peer in stalled {
            peer.send(&request(5)[7..]);
            let rule =
                format!("{model}: a client that stalls is not forgotten: when it goes on, it is answered");
            expect(rule, Some(expected(5)), peer.reply());
        }
    }
}

/// A client that asks and asks, and reads nothing: the server must not collect its replies without end, nor let others wait.
#[test]
fn part_b_a_client_that_does_not_read_is_not_read_from() {
    for model in SIDE_BY_SIDE {
        let server = Watched::start_with_small_buffers(model);
        let mut greedy = server.connect_with_small_buffers();
        greedy.stream.set_nonblocking(true).unwrap();
        let whole: Vec<u8> = (0..1000).flat_map(|_| request(34)).collect();
        // All that the systems and a server may hold for this client is far less.
        let (mut sent, most) = (0_usize, 4 << 20);
        let mut lively = server.connect();
        // Until nothing goes any more, also after another client was served in between.
        let mut stuck = 0;
        while stuck < 10 && sent < most {
            loop {
                match greedy.stream.write(&whole[sent % whole.len()..]) {
                    Ok(count) => (sent, stuck) = (sent + count, 0),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => {
                        expect_that("a server reads what its clients send", "no error", false, error)
                    }
                }
                if sent >= most {
                    break;
                }
            }
            stuck += 1;
            lively.send(&request(20));
            let rule = format!("{model}: nobody waits for a client that asks and does not read the answers");
            expect(rule, Some(expected(20)), lively.reply());
        }
        let rule = format!("{model}: a client that does not read its answers is not read from any more");
        expect_that(rule, &format!("at most {most} bytes taken from it"), sent < most, sent);
        // And when it reads at last, nothing is missing.
        greedy.stream.set_nonblocking(false).unwrap();
        let mut replies = BufReader::new(greedy.stream);
        let whole_requests = sent / request(34).len();
        for number in 0..whole_requests {
            let reply = neighbours::next_reply(&mut replies);
            let rule = format_args!(
                "{model}: no answer is lost when a write takes less ({number} of {whole_requests})"
            );
            expect(rule, Some(&expected(34)), reply.as_ref());
        }
    }
}

/// One says nothing, and one half of something. Whoever comes after them is accepted.
#[test]
fn part_b_a_silent_client_is_closed() {
    for model in Model::ALL {
        let patience = Duration::from_millis(50);
        let server = Watched::start(model, Settings { patience, ..Settings::default() });
        for stalls in [false, true] {
            let silent = if stalls { stalled(&server) } else { server.connect() };
            let rule =
                format!("{model}: a client that is silent for longer than the server's patience is closed");
            expect(rule, Ending::Silent, server.ending(silent.address()));
        }
    }
}
