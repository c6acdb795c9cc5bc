//! Servers that are killed, that say no, or that are no servers; lines and clocks at the edge. Nothing of it is graded: the code that is
//! written here is given.

#![allow(clippy::disallowed_methods, reason = "a thread that sends is waited for, with a bound")]
#![allow(clippy::disallowed_types, reason = "a thread that sends is waited for, with a bound")]

mod scripted;

use metrics::clock::message::{Reply as Told, Request};
use metrics::clock::service::{Asker, Clock};
use metrics::influx::address::Target;
use metrics::influx::check::check;
use metrics::influx::delivery::{Batch, Bounds, Delivery, Step};
use metrics::influx::sink::{InfluxOptions, InfluxSink};
use metrics::influx::token::Token;
use metrics::influx::verdict::Verdict;
use metrics::line::LONGEST_LINE;
use metrics::{Delivered, Point, Sink};
use scripted::{BOUND, Reply, Server, TAKEN};
use simnet::rule::{expect, expect_ok, expect_that};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zeromq::{RepSocket, Socket, SocketRecv, SocketSend, ZmqMessage};

const SECRET: &str = "s3cr3t-t0ken==";
/// What InfluxDB 2 says with 400 to a write without an organisation.
const NO_ORG: &str = r#"{"code":"invalid","message":"Please provide either orgID or org"}"#;
const SECOND: u64 = 1_000_000;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

fn target(url: &str) -> Target {
    let token = Token::new(SECRET).expect("a token");
    Target { address: url.parse().expect("an address"), org: String::new(), bucket: "b".into(), token }
}

fn options(folder: &TempDir) -> InfluxOptions {
    let mut options = InfluxOptions::new(folder.path().join("spool"));
    options.patience = Duration::from_secs(5);
    options.bounds =
        Bounds { first_pause_us: 2_000, most_pause_us: 20_000, settle_us: 20_000, ..Bounds::default() };
    options
}

fn start(url: &str, options: &InfluxOptions) -> InfluxSink {
    expect_ok("a sink can be started", "a sink", InfluxSink::start(target(url), options.clone()))
}

fn write(sink: &mut InfluxSink, numbers: std::ops::Range<i64>) {
    let points: Vec<Point> = numbers.map(|number| Point::new("m").field("n", number).at(number)).collect();
    expect_ok("points are taken at once", "they are", sink.write(&points));
}

fn close(sink: &mut InfluxSink) -> Delivered {
    expect_ok("a sink can be closed", "what became of everything", sink.close(BOUND))
}

/// The points in a body, by their numbers.
fn numbers(body: &str) -> impl Iterator<Item = i64> {
    body.lines().filter_map(|line| metrics::line::parse(line).ok().flatten()?.time_ns())
}

// A server that is killed.

/// It takes what it is sent, and is gone.
const TAKEN_IN_VAIN: Reply = Reply::Raw(b"HTTP/1.1 204 No Content\r\n\r\n");

#[test]
fn what_a_server_took_with_it_is_sent_again() {
    let (folder, server) = (folder(), Server::start([TAKEN_IN_VAIN]));
    let mut options = options(&folder);
    options.bounds.settle_us = 3600 * SECOND;
    let mut sink = start(&server.url(), &options);
    write(&mut sink, 0..5);
    server.asked();
    write(&mut sink, 5..6);
    // The server is another one now, so all comes again that may be lost. If not, `asked` waits in vain.
    let mut again = BTreeSet::new();
    while again.len() < 6 {
        let body = server.asked().body;
        again.extend(numbers(&body));
    }
}

#[test]
fn a_sender_that_has_nothing_to_do_looks_before_it_settles() {
    let (folder, server) = (folder(), Server::start([TAKEN_IN_VAIN]));
    let mut options = options(&folder);
    options.bounds.settle_us = SECOND;
    let mut sink = start(&server.url(), &options);
    write(&mut sink, 0..5);
    expect("all is acknowledged in the end", 5, close(&mut sink).written);
    let taken = server.all_asked().into_iter().filter(|asked| matches!(asked.reply, Reply::Says(204, ..)));
    let taken: BTreeSet<i64> = taken.flat_map(|asked| numbers(&asked.body).collect::<Vec<_>>()).collect();
    expect("by a server that is there", (0..5).collect(), taken);
}

#[test]
fn what_has_not_settled_is_left_to_the_next_program() {
    let (folder, server) = (folder(), Server::start([]));
    let mut options = options(&folder);
    options.bounds.settle_us = 3600 * SECOND;
    let mut sink = start(&server.url(), &options);
    write(&mut sink, 0..5);
    server.asked();
    let closed = sink.close(Duration::from_millis(50));
    let delivered = expect_ok("an end has its bound", "what became of everything", closed);
    expect("each point is in one place", 5, delivered.written + delivered.spooled);
    drop(sink);
    expect("all wait in the spool: they may be lost with the server", 5, earlier(&options));
}

/// How many lines the next program finds, once the last one has let the spool go.
fn earlier(options: &InfluxOptions) -> u64 {
    let begun = Instant::now();
    loop {
        match InfluxSink::start(target("http://127.0.0.1:1"), options.clone()) {
            Ok(sink) => return sink.earlier(),
            Err(error) => assert!(begun.elapsed() < BOUND, "the spool is still in use: {error}"),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

// A server that says no.

#[test]
fn what_blames_no_line_puts_none_aside() {
    let (folder, server) = (folder(), Server::start(vec![Reply::Says(400, "", NO_ORG); 100]));
    let mut sink = start(&server.url(), &options(&folder));
    write(&mut sink, 0..8);
    let delivered = close(&mut sink);
    expect("all lines are good, and wait", (8, 0), (delivered.spooled, delivered.rejected));
    let reason = delivered.reason.unwrap_or_default();
    expect_that("the reason is told", "the server's words", reason.contains("orgID or org"), reason);
}

#[test]
fn a_line_is_sent_or_put_aside_however_long_it_is() {
    let (folder, server) = (folder(), Server::start([]));
    let options = options(&folder);
    let (longest, longer) = ("x".repeat(LONGEST_LINE), "y".repeat(3 * LONGEST_LINE));
    std::fs::write(&options.spool, format!("m f=1\n{longest}\n{longer}\nm f=2\n"))
        .expect("a file can be written");
    let mut sink = start(&server.url(), &options);
    close(&mut sink);
    let arrived: String = server.all_asked().iter().map(|asked| asked.body.as_str()).collect();
    expect_that(
        "the longest line is sent, and what stands around",
        "three lines",
        arrived == format!("m f=1\n{longest}\nm f=2\n"),
        arrived.len(),
    );
    expect(
        "the one that fits into no batch is put aside",
        (1, Some(0)),
        (sink.put_aside(), sink.left().ok()),
    );
    let aside = std::fs::read_to_string(folder.path().join("spool.rejected")).unwrap_or_default();
    expect_that("as it was", "the line", aside.ends_with(&format!(" bytes\n{longer}\n")), aside.len());
}

#[test]
fn a_run_of_bad_lines_has_a_pace_and_costs_a_request_each() {
    let bounds = Bounds { most_lines: 8, first_pause_us: 100_000, ..Bounds::default() };
    let (mut delivery, mut now_us, mut requests) = (Delivery::new(bounds, 0, 1000, 7), 0, 0);
    while !delivery.is_done() {
        match delivery.next(now_us) {
            Step::Wait { until_us } => now_us = until_us,
            Step::Send { from, most_lines } => {
                // Lines of ten bytes each.
                let to = (from + 10 * most_lines as u64).min(1000);
                let lines = usize::try_from((to - from) / 10).expect("at most 8");
                delivery.answered(now_us, Batch { from, to, lines }, Verdict::Malformed);
                requests += 1;
            }
            Step::Idle => unreachable!("it is not done"),
        }
    }
    expect("8, 4, 2, then each line alone", 3 + 100, requests);
    expect_that("half of the first pause before each", "98 pauses at least", now_us >= 98 * 50_000, now_us);
}

// Strangers.

#[test]
fn a_stranger_can_make_a_check_neither_panic_nor_show_the_token() {
    let says = |reply: Reply| {
        let server = Server::start([TAKEN, reply]);
        check(&target(&server.url()), BOUND)
            .into_iter()
            .map(|finding| finding.says)
            .collect::<Vec<_>>()
            .concat()
    };
    let body: &'static str = format!("{}{SECRET}", "x".repeat(190)).leak();
    let said = says(Reply::Says(503, "", body));
    expect_that("not even a part of the token is shown", "x…", !said.contains("s3cr3t"), &said);
    let endless = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nffffffffffffffff\r\nabc";
    let said = says(Reply::Raw(endless));
    expect_that("a piece without end is not read", "x", said.contains("it cannot now (503): x;"), &said);
}

#[test]
fn a_clock_of_another_age_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let error = runtime.block_on(async {
        let mut socket = RepSocket::new();
        let at = zmq::endpoint::bind(&mut socket, "tcp://127.0.0.1:0").await.expect("a port");
        let mut asker = Asker::connect(&at, BOUND).await.expect("it listens");
        let tell = async {
            let message = socket.recv().await.expect("a request");
            let request = Request::read(&zmq::attach::frames(message).concat());
            let Ok(Request::Time(t1)) = request else { panic!("expected a request, got {request:?}") };
            let long_ago = i64::MIN + t1 + 37_500_000;
            let reply = Told { t1, t2: long_ago, t3: long_ago, machine: "m".into() };
            socket.send(ZmqMessage::from(reply.to_bytes())).await.expect("it is read");
        };
        tokio::join!(asker.ask(1), tell).0.err().map(|error| error.to_string())
    });
    let says = error.as_deref().is_some_and(|error| error.contains(" 292 years away from ours"));
    expect_that("nobody's clock is 292 years away", "an error that says so", says, error);
}

/// What a REQ says first: the greeting of ZMTP 3.0 with the mechanism NULL, and READY.
fn handshake() -> Vec<u8> {
    let mut bytes = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0];
    bytes.extend(b"NULL");
    bytes.resize(64, 0);
    bytes.extend(b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ");
    bytes
}

#[tokio::test]
async fn nine_bytes_of_a_stranger_stop_no_clock() {
    let clock = Clock::tell("tcp://127.0.0.1:0").expect("a clock");
    let mut stranger = TcpStream::connect(clock.endpoint.trim_start_matches("tcp://")).unwrap();
    stranger.write_all(&handshake()).unwrap();
    // A long frame, and that it has 2^62 bytes.
    stranger.write_all(&[2, 0x40, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    stranger.set_read_timeout(Some(BOUND)).unwrap();
    let hung_up = stranger.read_to_end(&mut Vec::new());
    expect_that(
        "the clock hangs up on it",
        "the end, or a reset",
        !matches!(&hung_up, Err(why) if why.kind() == std::io::ErrorKind::WouldBlock),
        &hung_up,
    );

    let mut asker = Asker::connect(&clock.endpoint, BOUND).await.expect("it is still there");
    asker.ask(3).await.expect("and tells its time");
    asker.done().await.expect("and hears that no more is needed");
    expect("one client is done", 1, clock.wait_for(1, BOUND));
}
