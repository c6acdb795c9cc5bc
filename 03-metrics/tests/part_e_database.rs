//! Part E: a database that is slow, away, or says no, loses nothing.

#![allow(clippy::disallowed_methods, reason = "a thread that sends is waited for, with a bound")]
#![allow(clippy::disallowed_types, reason = "a thread that sends is waited for, with a bound")]

mod scripted;

use metrics::influx::address::{Address, AddressError, Target};
use metrics::influx::backoff::{Backoff, LONGEST_ASKED_US};
use metrics::influx::check::check;
use metrics::influx::delivery::{Answered, Batch, Bounds, Delivery, Step};
use metrics::influx::diagnosis::{Observed, Ping, clock_range_ns, diagnose, http_date};
use metrics::influx::flux;
use metrics::influx::request::{self, percent_encode};
use metrics::influx::response::{Body, NotHttp, head};
use metrics::influx::sink::{InfluxOptions, InfluxSink};
use metrics::influx::spool::{Spool, batch_length};
use metrics::influx::token::Token;
use metrics::influx::verdict::{Verdict, verdict};
use metrics::query::Query;
use metrics::{Delivered, Point, Sink};
use scripted::{BOUND, Reply, Server, TAKEN};
use simnet::rule::{expect, expect_ok, expect_that};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SECRET: &str = "s3cr3t-t0ken==";
const SECOND: u64 = 1_000_000;
/// What InfluxDB 2 says with 400 to a write without an organisation.
const NO_ORG: &str = r#"{"code":"invalid","message":"Please provide either orgID or org"}"#;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

fn target(url: &str) -> Target {
    let address = url.parse().expect("an address");
    let token = expect_ok("this may stand in a token", "a token", Token::new(SECRET));
    Target { address, org: "my org".into(), bucket: "a&b".into(), token }
}

// The secret.

#[test]
fn part_e_a_token_is_never_shown() {
    let token = expect_ok(
        "a line break at the end does not belong to it",
        "a token",
        Token::new(&format!("{SECRET}\n")),
    );
    let target = target("http://127.0.0.1:8086");
    for shown in [format!("{token:?}"), format!("{target:?}"), format!("{:?}", Token::default())] {
        expect_that("what is printed has no token in it", "no token", !shown.contains("s3cr3t"), shown);
    }
    let hidden = token.hide_in(&format!("unknown token {SECRET}, or {SECRET}?"));
    expect("nor have the words of others", "unknown token …, or …?".to_string(), hidden);
    expect("without a token nothing is hidden", "a b".to_string(), Token::default().hide_in("a b"));
    let bytes = String::from_utf8_lossy(&request::write(&target, b"", false)).into_owned();
    expect_that(
        "it is sent",
        "Authorization: Token …",
        bytes.contains(&format!("Authorization: Token {SECRET}\r\n")),
        "no such line",
    );
}

#[test]
fn part_e_a_token_that_no_header_can_hold_is_refused_unseen() {
    for wrong in ["s3cr3t token", "s3cr3t\r\nX-Evil: 1", "s3cr3tü", "s3cr3t\0", " s3cr3t"] {
        let error = Token::new(wrong).err();
        let unseen = error.clone().is_some_and(|error| !error.contains("s3cr3t"));
        expect_that("what cannot be a token is an error that does not show it", "an error", unseen, error);
    }
    expect("no token is none", Ok(true), Token::new("").map(|token| token.is_empty()));
}

// Addresses and requests.

#[test]
fn part_e_an_address_is_read_or_refused_with_what_to_do() {
    let read = |text: &str| {
        text.parse::<Address>()
            .map(|address| (address.host.clone(), address.port, address.prefix.clone(), address.to_string()))
    };
    let known = |host: &str, port, prefix: &str, all: &str| {
        Ok((host.to_string(), port, prefix.to_string(), all.to_string()))
    };
    expect("host and port", known("db", 8086, "", "http://db:8086"), read("http://db:8086"));
    expect("a slash at the end is nothing", known("db", 80, "", "http://db:80"), read("http://db/"));
    expect(
        "a path stands before each request's",
        known("db", 1, "/influx", "http://db:1/influx"),
        read("http://db:1/influx/"),
    );
    expect("IPv6 stands in brackets", known("::1", 8086, "", "http://[::1]:8086"), read("http://[::1]:8086"));
    expect("TLS is not spoken", Err(AddressError::Tls("https://db".into())), read("https://db"));
    expect(
        "a password does not belong here, and is not repeated",
        Err(AddressError::Secret),
        read("http://me:s3cr3t@db"),
    );
    for wrong in [
        "",
        "db:8086",
        "http://",
        "http://db:x",
        "http://db:0",
        "http://db:70000",
        "http://a b",
        "http://::1:80",
        "http://db?x=1",
        "http://db\r\nX: 1",
    ] {
        let malformed = matches!(read(wrong), Err(AddressError::Malformed(_)));
        expect(format!("{wrong:?} is no address"), true, malformed);
    }
}

#[test]
fn part_e_a_request_says_where_its_lines_belong() {
    expect(
        "what means something in a query is encoded",
        "a%26b%20%C3%BC%2F%25~-._0".to_string(),
        percent_encode("a&b ü/%~-._0"),
    );
    let bytes =
        String::from_utf8_lossy(&request::write(&target("http://db:8086/x"), b"m f=1\n", false)).into_owned();
    let (head, body) = bytes.split_once("\r\n\r\n").unwrap_or_default();
    let mut lines = head.split("\r\n");
    expect(
        "organisation, bucket, precision",
        Some("POST /x/api/v2/write?org=my%20org&bucket=a%26b&precision=ns HTTP/1.1"),
        lines.next(),
    );
    expect("the body is the lines", "m f=1\n", body);
    let lines: BTreeSet<&str> = lines.collect();
    expect(
        "the length is said, and the host",
        true,
        lines.contains("Content-Length: 6") && lines.contains("Host: db:8086"),
    );
}

// Answers.

#[test]
fn part_e_a_head_is_read_once_it_is_whole() {
    let bytes = b"HTTP/1.1 429 Too Many Requests\r\nretry-AFTER: 7\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 3\r\nX-Influxdb-Version: v2.7.1\r\n\r\nabcHTTP";
    for length in 0..bytes.len() - 7 {
        expect(format!("of {length} bytes more must come"), Ok(None), head(&bytes[..length]));
    }
    let read = expect_ok("a whole head is read", "a head", head(bytes));
    let read = read.map(|head| {
        (
            head.status,
            head.retry_after_s,
            head.body,
            head.keep,
            head.length,
            head.version,
            head.date.is_some(),
        )
    });
    expect(
        "status and headers, whatever their case",
        Some((429, Some(7), Body::Length(3), true, bytes.len() - 7, Some("v2.7.1".into()), true)),
        read,
    );
}

#[test]
fn part_e_a_body_ends_as_its_head_says() {
    let read = |text: &str| head(text.as_bytes()).ok().flatten().map(|head| (head.body, head.keep));
    expect("204 has none", Some((Body::Length(0), true)), read("HTTP/1.1 204 No Content\r\n\r\n"));
    expect(
        "in pieces",
        Some((Body::Chunked, true)),
        read("HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n"),
    );
    expect(
        "without a length it ends with the connection",
        Some((Body::ToTheEnd, false)),
        read("HTTP/1.1 400 Bad\r\n\r\n"),
    );
    expect(
        "a connection that is closed is not used again",
        Some((Body::Length(2), false)),
        read("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\n"),
    );
    expect(
        "nor is one of HTTP/1.0",
        Some((Body::Length(2), false)),
        read("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n"),
    );
    let after = |value: &str| {
        head(format!("HTTP/1.1 503 X\r\nRetry-After: {value}\r\n\r\n").as_bytes())
            .ok()
            .flatten()
            .and_then(|head| head.retry_after_s)
    };
    expect(
        "a date is no number of seconds",
        (Some(0), None, None),
        (after("0"), after("Fri, 31 Dec 1999 23:59:59 GMT"), after("-1")),
    );
}

#[test]
fn part_e_what_does_not_speak_http_is_found_out() {
    expect("an alert of TLS", Err(NotHttp::Tls), head(&[0x15, 0x03, 0x01, 0, 2, 2, 70]));
    for other in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"+PONG\r\n",
        b"\0\0\0",
        b"http/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 99 X\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2000 X\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
    ] {
        let got = head(other);
        expect_that(
            "what is no HTTP is said to be none",
            "NotHttp",
            matches!(got, Err(NotHttp::Other(_))),
            (String::from_utf8_lossy(other), got),
        );
    }
    let endless = [&b"HTTP/1.1 200 OK\r\n"[..], &vec![b'a'; 20_000]].concat();
    expect("a head without end is given up", Err(NotHttp::TooLong), head(&endless));
}

#[test]
fn part_e_a_status_says_what_to_do() {
    for status in [200, 204] {
        expect("the server has it", Verdict::Taken, verdict(status, None, ""));
    }
    for status in [429, 500, 503, 408] {
        expect(
            format!("{status}: try again, when the server says"),
            Verdict::Later(Some(3)),
            verdict(status, Some(3), ""),
        );
        expect(format!("{status}: try again"), Verdict::Later(None), verdict(status, None, ""));
    }
    for status in [502, 504] {
        expect(
            format!("{status}: a proxy answers, and the server behind it is away"),
            Verdict::Away,
            verdict(status, None, ""),
        );
    }
    for (status, body) in [
        (400, r#"{"code":"invalid","message":"unable to parse 'm f=': missing field value"}"#),
        (400, "Partial write of line protocol occurred"),
        (400, "invalid line protocol in bucket b: token 'm' has no field"),
        (400, "bad timestamp"),
        (422, "failure writing points to database: partial write: field type conflict"),
        (422, ""),
    ] {
        expect("a line is none, or does not fit", Verdict::Malformed, verdict(status, None, body));
    }
    for body in ["", NO_ORG, "<html>400 Bad Request</html>"] {
        expect("a request that is wrong is no line that is", Verdict::Refused, verdict(400, None, body));
    }
    expect("too much at once", Verdict::TooLarge, verdict(413, None, ""));
    for status in [401, 403, 404, 301, 405, 100] {
        expect(format!("{status}: nothing of ours is wanted"), Verdict::Refused, verdict(status, None, ""));
    }
}

// Pauses.

#[test]
fn part_e_pauses_double_up_to_the_longest_and_are_drawn() {
    let mut backoff = Backoff::new(100, 10_000, 7);
    for (failures, whole) in
        [(1, 100), (2, 200), (3, 400), (7, 6400), (8, 10_000), (9, 10_000), (u32::MAX, 10_000)]
    {
        let drawn: BTreeSet<u64> = (0..200).map(|_| backoff.pause_us(failures, None)).collect();
        let (least, most) = (drawn.first().copied().unwrap_or(0), drawn.last().copied().unwrap_or(0));
        expect_that(
            format!("after {failures} failures a pause is between half of {whole} µs and all of it"),
            "in between",
            least >= whole / 2 && most <= whole,
            (least, most),
        );
        expect_that(
            "senders that failed together do not come back together",
            "many pauses",
            drawn.len() > 20,
            drawn.len(),
        );
    }
}

#[test]
fn part_e_what_the_server_asks_for_is_heeded_up_to_a_bound() {
    let mut backoff = Backoff::new(100, 10_000, 7);
    expect("7 seconds are 7 seconds", 7 * SECOND, backoff.pause_us(1, Some(7)));
    let short = backoff.pause_us(9, Some(0));
    expect_that(
        "nothing asked for is no less than our own",
        "5000 to 10,000 µs",
        (5000..=10_000).contains(&short),
        short,
    );
    expect(
        "nobody makes us wait for ever",
        [LONGEST_ASKED_US; 2],
        [100_000, u64::MAX].map(|asked| backoff.pause_us(1, Some(asked))),
    );
}

// The delivery, in virtual time.

const BOUNDS: Bounds =
    Bounds { most_lines: 8, settle_us: 2 * SECOND, first_pause_us: 100_000, most_pause_us: SECOND };

/// Lines of ten bytes each.
fn delivery(lines: u64) -> Delivery {
    Delivery::new(BOUNDS, 0, lines * 10, 7)
}

/// What is to be sent now, as a batch.
#[track_caller]
fn sends(delivery: &Delivery, now_us: u64, end: u64) -> Batch {
    match delivery.next(now_us) {
        Step::Send { from, most_lines } => {
            let lines = most_lines.min(usize::try_from((end - from) / 10).unwrap_or(0));
            Batch { from, to: from + 10 * lines as u64, lines }
        }
        step => {
            panic!("rule broken: what is not sent is sent\n  expected: Send at {now_us} µs\n  got: {step:?}")
        }
    }
}

#[test]
fn part_e_lines_are_sent_in_order_and_once() {
    let mut delivery = delivery(20);
    for (from, to) in [(0, 80), (80, 160), (160, 200)] {
        let batch = sends(&delivery, 0, 200);
        expect("the next lines, at most so many", (from, to), (batch.from, batch.to));
        expect(
            "an acknowledged batch is done",
            Answered::Acknowledged,
            delivery.answered(0, batch, Verdict::Taken),
        );
    }
    expect(
        "when all is sent there is nothing to do",
        (Step::Idle, true),
        (delivery.next(0), delivery.is_done()),
    );
    delivery.grown(210);
    expect("until there is more", Step::Send { from: 200, most_lines: 8 }, delivery.next(0));
}

#[test]
fn part_e_a_server_that_cannot_now_is_asked_again_after_a_pause() {
    let mut delivery = delivery(5);
    let mut now = 0;
    for failure in 1..=6_u32 {
        let batch = sends(&delivery, now, 50);
        expect("the same lines again", (0, 50), (batch.from, batch.to));
        expect("they are not done", Answered::Again, delivery.answered(now, batch, Verdict::Later(None)));
        let whole = (100_000 << (failure - 1)).min(SECOND);
        let Step::Wait { until_us } = delivery.next(now) else {
            panic!(
                "rule broken: after a failure there is a pause\n  expected: Wait\n  got: {:?}",
                delivery.next(now)
            )
        };
        expect_that(
            format!("the pause after failure {failure} is up to {whole} µs"),
            "half of it at least",
            (whole / 2..=whole).contains(&(until_us - now)),
            until_us - now,
        );
        expect("before its end nothing is sent", Step::Wait { until_us }, delivery.next(until_us - 1));
        now = until_us;
    }
    let batch = sends(&delivery, now, 50);
    delivery.answered(now, batch, Verdict::Later(Some(5)));
    expect(
        "a pause that the server asks for is that long",
        Step::Wait { until_us: now + 5 * SECOND },
        delivery.next(now),
    );
    let batch = sends(&delivery, now + 5 * SECOND, 50);
    delivery.answered(now, batch, Verdict::Taken);
    expect(
        "after a success the failures are forgotten",
        (0, true),
        (delivery.failures(), delivery.is_done()),
    );
}

#[test]
fn part_e_what_a_dead_server_had_just_acknowledged_is_sent_again() {
    let mut delivery = delivery(24);
    let first = sends(&delivery, 0, 240);
    delivery.answered(0, first, Verdict::Taken);
    let second = sends(&delivery, 0, 240);
    delivery.answered(SECOND, second, Verdict::Taken);
    expect("what was acknowledged 2 s ago is settled", 80, delivery.settle(2 * SECOND));
    let third = sends(&delivery, 2 * SECOND, 240);
    delivery.answered(2 * SECOND, third, Verdict::Away);
    expect("what was acknowledged since is sent again", 80, delivery.sent());
    expect("nothing more is settled by waiting", 80, delivery.settle(100 * SECOND));
    expect("all that follows is sent again", 80, sends(&delivery, 100 * SECOND, 240).from);

    let again = sends(&delivery, 100 * SECOND, 240);
    delivery.answered(100 * SECOND, again, Verdict::Taken);
    delivery.broke(101 * SECOND);
    expect("a connection that ends in between is the same doubt", 80, delivery.sent());
    let Step::Wait { until_us } = delivery.next(101 * SECOND) else {
        panic!(
            "rule broken: it is not asked at once\n  expected: Wait\n  got: {:?}",
            delivery.next(101 * SECOND)
        )
    };
    let again = sends(&delivery, until_us, 240);
    delivery.answered(until_us, again, Verdict::Taken);
    expect("what lasts is settled", again.to, delivery.settle(until_us + 2 * SECOND));
    delivery.broke(until_us + 3 * SECOND);
    expect("and is not sent again when an idle connection ends", again.to, delivery.sent());
}

#[test]
fn part_e_a_server_that_ends_every_connection_is_got_past() {
    let mut delivery = delivery(40);
    let (mut now_us, mut requests) = (0, 0);
    while delivery.sent() < 400 {
        requests += 1;
        expect_that(
            "each batch is sent twice, and no more often",
            "at most 10 requests",
            requests <= 10,
            &delivery,
        );
        if let Step::Wait { until_us } = delivery.next(now_us) {
            now_us = until_us;
        }
        let batch = sends(&delivery, now_us, 400);
        delivery.answered(now_us, batch, Verdict::Taken);
        delivery.broke(now_us);
    }
    expect("and settles", 400, delivery.settle(now_us + 2 * SECOND));
}

#[test]
fn part_e_a_server_that_is_only_busy_has_lost_nothing() {
    let mut delivery = delivery(16);
    let first = sends(&delivery, 0, 160);
    delivery.answered(0, first, Verdict::Taken);
    let second = sends(&delivery, 0, 160);
    delivery.answered(0, second, Verdict::Later(None));
    expect("what was acknowledged is not sent again", 80, delivery.sent());
}

#[test]
fn part_e_what_is_settled_need_not_be_kept() {
    let mut delivery = delivery(16);
    expect("nothing is settled at first", (0, None), (delivery.settle(0), delivery.settles_at_us()));
    let batch = sends(&delivery, 5, 160);
    delivery.answered(5, batch, Verdict::Taken);
    expect("it is known when it will be", Some(2 * SECOND + 5), delivery.settles_at_us());
    expect("before that it is kept", 0, delivery.settle(2 * SECOND + 4));
    expect("then no more", 80, delivery.settle(2 * SECOND + 5));
}

#[test]
fn part_e_one_bad_line_is_put_aside_and_the_others_are_delivered() {
    // Line 5, from byte 50 to 60, is bad.
    let mut delivery = delivery(20);
    let (mut aside, mut taken, mut requests) = (Vec::new(), Vec::new(), 0);
    while !delivery.is_done() {
        let batch = sends(&delivery, 0, 200);
        let bad = batch.from <= 50 && 50 < batch.to;
        match delivery.answered(0, batch, if bad { Verdict::Malformed } else { Verdict::Taken }) {
            Answered::Acknowledged => taken.push((batch.from, batch.to)),
            Answered::PutAside => aside.push((batch.from, batch.to)),
            Answered::Again => {}
        }
        requests += 1;
        assert!(
            requests < 50,
            "rule broken: a bad line holds nobody up\n  expected: fewer than 50 requests\n  got: {delivery:?}"
        );
    }
    expect("only the bad line is put aside", vec![(50, 60)], aside);
    let lines: u64 = taken.iter().map(|(from, to)| (to - from) / 10).sum();
    expect("all others are delivered, once", 19, lines);
    expect("no pause is made for it", 0, delivery.failures());
}

#[test]
fn part_e_a_batch_that_is_too_large_is_halved_for_good() {
    let mut delivery = delivery(100);
    let (mut requests, mut refusals) = (0, 0);
    while !delivery.is_done() {
        let batch = sends(&delivery, 0, 1000);
        let too_large = batch.lines > 3;
        refusals += u32::from(too_large);
        delivery.answered(0, batch, if too_large { Verdict::TooLarge } else { Verdict::Taken });
        requests += 1;
        assert!(
            requests < 500,
            "rule broken: it comes to an end\n  expected: fewer requests\n  got: {delivery:?}"
        );
    }
    expect("what is too large is learnt: 8, 4, then 2 at a time", 2, refusals);
}

#[test]
fn part_e_who_is_refused_waits_long_and_loses_nothing() {
    let mut delivery = delivery(5);
    let batch = sends(&delivery, 0, 50);
    expect("nothing is put aside", Answered::Again, delivery.answered(0, batch, Verdict::Refused));
    expect("it is known that nothing is wanted", true, delivery.is_refused());
    expect(
        "it is tried again after the longest pause: somebody may put it right",
        Step::Wait { until_us: SECOND },
        delivery.next(0),
    );
    let batch = sends(&delivery, SECOND, 50);
    delivery.answered(SECOND, batch, Verdict::Taken);
    expect("and then it is delivered", (true, false), (delivery.is_done(), delivery.is_refused()));
}

// The spool.

#[test]
fn part_e_a_batch_is_whole_lines() {
    for (bytes, most, length) in [
        ("a\nb\nc\n", 2, Some(4)),
        ("a\nb\nc", 5, Some(4)),
        ("a\n", 0, Some(2)),
        ("abc", 1, None),
        ("", 1, None),
        ("\n\n\n", 3, Some(3)),
    ] {
        expect(
            "a batch is whole lines, at most so many, at least one",
            length,
            batch_length(bytes.as_bytes(), most),
        );
    }
}

fn spooled(spool: &mut Spool, most_lines: usize) -> String {
    let settled = spool.settled();
    let (bytes, _) = expect_ok("a spool can be read", "lines", spool.read(settled, most_lines));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn part_e_a_spool_outlives_its_program() {
    let folder = folder();
    let path = folder.path().join("s");
    let open = || expect_ok("a spool can be opened", "a spool", Spool::open(&path, 1000));
    let append =
        |spool: &mut Spool, lines: &str| expect_ok("lines are appended", "room", spool.append(lines));
    let mut spool = open();
    append(&mut spool, "m f=1\nm f=2\nm f=3\n");
    expect_ok("what is settled is written down", "it is", spool.settle(6));
    drop(spool);
    let mut spool = open();
    expect(
        "the next program goes on where this one was",
        "m f=2\nm f=3\n".to_string(),
        spooled(&mut spool, 10),
    );
    append(&mut spool, "m f=4\n");
    let settled = spool.settled() + 6;
    expect_ok("what is settled is written down", "it is", spool.settle(settled));
    expect("line by line", "m f=3\n".to_string(), spooled(&mut spool, 1));
    let end = spool.end();
    expect_ok("all is settled", "it is", spool.settle(end));
    expect("an empty spool is an empty file", Some(0), std::fs::metadata(&path).ok().map(|file| file.len()));
    append(&mut spool, "m f=5\n");
    expect("places go on", (end, end + 6), (spool.settled(), spool.end()));
    drop(spool);
    expect("nothing is sent twice, and nothing passed over", "m f=5\n".to_string(), spooled(&mut open(), 10));
}

#[test]
fn part_e_a_spool_has_a_bound_and_a_sound_mark() {
    let folder = folder();
    let path = folder.path().join("s");
    let mut spool = expect_ok("a spool can be opened", "a spool", Spool::open(&path, 12));
    let room: Vec<_> =
        ["m f=1\n", "m f=2\n", "m f=3\n"].into_iter().map(|line| spool.append(line).ok()).collect();
    expect("what has no room is not taken", vec![Some(true), Some(true), Some(false)], room);
    expect_ok("what is settled is written down", "it is", spool.settle(12));
    expect("then there is room again", Some(true), spool.append("m f=4\n").ok());
    drop(spool);
    for mark in ["99\n", "3\n", "x\n", "-1"] {
        std::fs::write(folder.path().join("s.mark"), mark).expect("a file can be written");
        let error = Spool::open(&path, 12).err().map(|error| error.to_string());
        let says = error.clone().is_some_and(|error| error.contains("s.mark") && error.contains("delete it"));
        expect_that("a mark that is none is an error that says what to do", "an error", says, error);
    }
    std::fs::remove_file(folder.path().join("s.mark")).expect("it was there");
    std::fs::write(&path, "m f=1\nm f=2\nm f").expect("a file can be written");
    let mut spool = expect_ok("a torn line is cut off", "a spool", Spool::open(&path, 12));
    expect("the whole ones are there", "m f=1\nm f=2\n".to_string(), spooled(&mut spool, 10));
}

// All of it, with a server on the loopback.

fn options(folder: &TempDir) -> InfluxOptions {
    let mut options = InfluxOptions::new(folder.path().join("spool"));
    options.patience = Duration::from_secs(5);
    options.bounds =
        Bounds { first_pause_us: 2_000, most_pause_us: 20_000, settle_us: 20_000, ..Bounds::default() };
    options
}

fn points(numbers: std::ops::Range<i64>) -> Vec<Point> {
    numbers.map(|number| Point::new("m").tag("t", "a b,c=d\\").field("n", number).at(number)).collect()
}

fn start(url: &str, options: &InfluxOptions) -> InfluxSink {
    expect_ok(
        "a sink can be started, whether the server is there or not",
        "a sink",
        InfluxSink::start(target(url), options.clone()),
    )
}

fn write(sink: &mut InfluxSink, numbers: std::ops::Range<i64>) {
    let points = points(numbers);
    let taken = expect_ok("points are taken at once", "they are", sink.write(&points));
    expect("all of them", points.len() as u64, taken.taken);
}

fn close(sink: &mut InfluxSink) -> Delivered {
    expect_ok("a sink can be closed", "what became of everything", sink.close(BOUND))
}

/// The points that the server took, by their numbers.
fn taken(server: &Server) -> BTreeSet<i64> {
    let mut taken = BTreeSet::new();
    for asked in server.all_asked().iter().filter(|asked| matches!(asked.reply, Reply::Says(204, ..))) {
        for line in asked.body.lines() {
            let point = metrics::line::parse(line).ok().flatten();
            let time = point.as_ref().and_then(|point| point.time_ns());
            let wanted = time.and_then(|time| points(time..time + 1).pop());
            expect("each line is a point as it was recorded", wanted, point);
            taken.extend(time);
        }
    }
    taken
}

/// How it stands once the sink has tried to send, and failed or not.
fn tried(sink: &InfluxSink) -> Delivered {
    let begun = Instant::now();
    loop {
        let so_far = expect_ok("it is known how it stands", "so far", sink.so_far());
        if so_far.reason.is_some() || so_far.written > 0 || begun.elapsed() > BOUND {
            return so_far;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn all(numbers: std::ops::Range<i64>) -> BTreeSet<i64> {
    numbers.collect()
}

fn written(written: u64) -> Delivered {
    Delivered { written, ..Delivered::default() }
}

#[test]
fn part_e_everything_arrives() {
    for gzip in [false, true] {
        let (folder, server) = (folder(), Server::start([]));
        let mut options = options(&folder);
        options.gzip = gzip;
        options.bounds.most_lines = 100;
        let mut sink = start(&server.url(), &options);
        (0..10).for_each(|batch| write(&mut sink, batch * 100..(batch + 1) * 100));
        expect("all is acknowledged", written(1000), close(&mut sink));
        let asked = server.asked();
        expect(
            "it is sent to its bucket",
            "POST /api/v2/write?org=my%20org&bucket=a%26b&precision=ns HTTP/1.1",
            asked.line.as_str(),
        );
        expect("with the token", Some(format!("Token {SECRET}").as_str()), asked.header("authorization"));
        expect("compressed if that was asked for", gzip, asked.header("content-encoding") == Some("gzip"));
        let mut arrived = taken(&server);
        arrived.extend(
            asked.body.lines().filter_map(|line| metrics::line::parse(line).ok().flatten()?.time_ns()),
        );
        expect("all has arrived", all(0..1000), arrived);
        expect("the spool is empty", Some(0), std::fs::metadata(&options.spool).ok().map(|file| file.len()));
    }
}

#[test]
fn part_e_a_busy_server_gets_everything_in_the_end() {
    let script = [
        Reply::Says(429, "Retry-After: 0\r\n", "slow down"),
        Reply::Says(503, "", ""),
        Reply::Says(500, "", "oops"),
        TAKEN,
        Reply::Says(502, "", ""),
    ];
    let (folder, server) = (folder(), Server::start(script));
    let mut options = options(&folder);
    options.bounds.most_lines = 50;
    let mut sink = start(&server.url(), &options);
    write(&mut sink, 0..200);
    expect("all is acknowledged, and there is no reason left", written(200), close(&mut sink));
    expect("all has arrived", all(0..200), taken(&server));
}

#[test]
fn part_e_a_server_that_asks_to_wait_is_not_asked_before() {
    let (folder, server) =
        (folder(), Server::start([Reply::Says(429, "Retry-After: 3600\r\n", "slow down")]));
    let mut sink = start(&server.url(), &options(&folder));
    write(&mut sink, 0..5);
    server.asked();
    let delivered = expect_ok(
        "a sink can be closed",
        "what became of everything",
        sink.close(Duration::from_millis(300)),
    );
    expect("until then all waits in the spool", (0, 5), (delivered.written, delivered.spooled));
    expect_that(
        "the reason is told",
        "429",
        delivered.reason.clone().is_some_and(|reason| reason.contains("429: slow down")),
        delivered.reason,
    );
    expect("nothing more was asked", 0, server.all_asked().len());
}

#[test]
fn part_e_a_connection_that_breaks_loses_nothing() {
    let script = [TAKEN, Reply::HangsUp, Reply::HangsUp, TAKEN, Reply::Raw(b"HTTP/1.1 20"), Reply::HangsUp];
    let (folder, server) = (folder(), Server::start(script));
    let mut options = options(&folder);
    options.bounds.most_lines = 20;
    let mut sink = start(&server.url(), &options);
    (0..10).for_each(|batch| write(&mut sink, batch * 20..(batch + 1) * 20));
    let delivered = close(&mut sink);
    expect("all is acknowledged", (200, 0, 0), (delivered.written, delivered.spooled, delivered.rejected));
    expect("all has arrived", all(0..200), taken(&server));
}

#[test]
fn part_e_a_server_that_comes_later_gets_what_was_written_before() {
    let folder = folder();
    let options = options(&folder);
    let place = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = place.local_addr().expect("it listens");
    // Bound, and nobody accepts: a connection to it would wait. Closed, it is refused.
    drop(place);
    let mut sink = start(&format!("http://{at}"), &options);
    write(&mut sink, 0..100);
    let so_far = tried(&sink);
    expect("nothing is written, and nothing lost", (0, 100), (so_far.written, so_far.spooled));
    let server = Server::listen(TcpListener::bind(at).expect("the port is free again"), []);
    write(&mut sink, 100..150);
    expect("now all is acknowledged", 150, close(&mut sink).written);
    expect("all has arrived", all(0..150), taken(&server));
}

#[test]
fn part_e_a_program_that_ends_leaves_its_points_to_the_next() {
    let folder = folder();
    let options = options(&folder);
    let mut sink = start("http://127.0.0.1:1", &options);
    write(&mut sink, 0..100);
    let delivered =
        expect_ok("a sink can be closed", "what became of everything", sink.close(Duration::from_millis(50)));
    expect("what is not sent stays in the spool", (0, 100), (delivered.written, delivered.spooled));
    expect_that(
        "the reason is told",
        "nobody listens",
        delivered.reason.clone().is_some_and(|reason| reason.contains("nobody listens at 127.0.0.1:1")),
        delivered.reason,
    );
    drop(sink);
    let server = Server::start([]);
    let mut sink = start(&server.url(), &options);
    expect("the next program finds them", 100, sink.earlier());
    write(&mut sink, 100..130);
    expect("it counts its own", written(30), close(&mut sink));
    expect("all has arrived", all(0..130), taken(&server));
}

#[test]
fn part_e_a_refusal_ends_the_wait_and_does_not_show_the_token() {
    let (folder, server) =
        (folder(), Server::start(vec![Reply::Says(401, "", "unauthorized: s3cr3t-t0ken== is unknown"); 100]));
    let mut sink = start(&server.url(), &options(&folder));
    write(&mut sink, 0..10);
    let delivered = close(&mut sink);
    expect(
        "all waits in the spool for the right token",
        (0, 10, 0),
        (delivered.written, delivered.spooled, delivered.rejected),
    );
    let reason = delivered.reason.unwrap_or_default();
    let says = reason.contains("401: unauthorized: … is unknown") && !reason.contains("s3cr3t");
    expect_that("the reason is told without the token", "401, and no token", says, reason);
}

#[test]
fn part_e_a_line_that_no_server_takes_is_put_aside() {
    let folder = folder();
    let mut options = options(&folder);
    options.bounds.most_lines = 4;
    // Batches of 0 to 3; 0 and 1; 2 to 5; 2 and 3; 2, the bad one.
    let bad = || Reply::Says(400, "", "field type conflict");
    let server = Server::start([bad(), TAKEN, bad(), bad(), bad()]);
    let mut sink = start("http://127.0.0.1:1", &options);
    write(&mut sink, 0..10);
    drop(sink);
    let mut sink = start(&server.url(), &options);
    write(&mut sink, 10..12);
    let delivered = close(&mut sink);
    expect("the others are acknowledged", (2, 0), (delivered.written, delivered.spooled));
    let arrived = taken(&server);
    expect(
        "all but the bad one have arrived",
        all(0..12).into_iter().filter(|number| *number != 2).collect::<BTreeSet<_>>(),
        arrived,
    );
    let aside = std::fs::read_to_string(folder.path().join("spool.rejected")).unwrap_or_default();
    let mut lines = aside.lines();
    expect_that(
        "the reason stands before it",
        "a comment",
        lines.next().is_some_and(|line| line.starts_with("# ") && line.contains("field type conflict")),
        &aside,
    );
    expect(
        "the line is kept",
        points(2..3).first().map(ToString::to_string),
        lines.next().map(str::to_string),
    );
}

#[test]
fn part_e_a_full_spool_drops_and_counts() {
    let folder = folder();
    let mut options = options(&folder);
    options.most_spooled = 1000;
    let mut sink = start("http://127.0.0.1:1", &options);
    let mut dropped = 0;
    for number in 0..100 {
        let taken = expect_ok("a full spool is no error", "a count", sink.write(&points(number..number + 1)));
        expect("each point is taken or dropped", 1, taken.taken + taken.dropped);
        dropped += taken.dropped;
    }
    let delivered =
        expect_ok("a sink can be closed", "what became of everything", sink.close(Duration::from_millis(10)));
    expect("each point is in one place", 100, delivered.spooled + dropped);
    expect_that(
        "the file is within its bound",
        "some dropped",
        dropped > 0 && std::fs::metadata(&options.spool).is_ok_and(|file| file.len() <= 1000),
        dropped,
    );
}

#[test]
fn part_e_a_silent_server_is_given_up_in_time() {
    let (folder, server) = (folder(), Server::start(vec![Reply::Silent; 100]));
    let mut options = options(&folder);
    options.patience = Duration::from_millis(50);
    let mut sink = start(&server.url(), &options);
    write(&mut sink, 0..5);
    server.asked();
    server.asked();
    let delivered =
        expect_ok("a sink can be closed", "what became of everything", sink.close(Duration::from_millis(50)));
    expect("nothing is lost", (0, 5), (delivered.written, delivered.spooled));
    expect_that(
        "the reason is told",
        "no answer",
        delivered.reason.clone().is_some_and(|reason| reason.contains("no answer from")),
        delivered.reason,
    );
}

// What is wrong?

fn findings(script: impl IntoIterator<Item = Reply>) -> Vec<(String, bool)> {
    let server = Server::start(script);
    let findings = check(&target(&server.url()), BOUND);
    for finding in &findings {
        expect_that(
            "no finding shows the token",
            "no token",
            !finding.says.contains("s3cr3t"),
            &finding.says,
        );
    }
    findings
        .into_iter()
        .map(|finding| (format!("{}: {}", finding.what, finding.says), finding.wrong))
        .collect()
}

#[track_caller]
fn finds(script: impl IntoIterator<Item = Reply>, wanted: &str, wrong: bool) {
    let found = findings(script);
    let there = found.iter().any(|(says, is)| says.contains(wanted) && *is == wrong);
    expect_that("a check names what is wrong, and what to do", wanted, there, found);
}

#[test]
fn part_e_a_check_tells_token_bucket_and_lines_apart() {
    let ping = || Reply::Says(204, "X-Influxdb-Version: v2.7.1\r\n", "");
    let good = findings([ping(), Reply::Says(400, "", "unable to parse")]);
    expect("where nothing is wrong nothing is said to be", false, good.iter().any(|(_, wrong)| *wrong));
    finds([ping(), Reply::Says(400, "", "unable to parse")], "InfluxDB v2.7.1", false);
    finds([ping(), Reply::Says(401, "", "unauthorized")], "token: the server does not know it (401)", true);
    finds([ping(), Reply::Says(403, "", "forbidden")], "token: it may not write", true);
    finds(
        [ping(), Reply::Says(404, "", r#"bucket "a&b" not found s3cr3t-t0ken=="#)],
        "bucket: there is no `a&b` of `my org` (404)",
        true,
    );
    finds([ping(), Reply::Says(404, "", "404 page not found")], "there is no /api/v2/write", true);
    finds([ping(), TAKEN], "a malformed line is answered 204", false);
    finds([ping(), Reply::Says(400, "", NO_ORG)], "org: what is asked for is refused before any line", true);
    finds([ping(), Reply::Says(503, "", "")], "it cannot now (503)", true);
    let no_token = Observed { write: Some(Ok((401, String::new()))), ..Observed::default() };
    expect_that(
        "a token that is missing is another matter",
        "wants one",
        diagnose(&no_token).iter().any(|finding| finding.wrong && finding.says.contains("INFLUX_TOKEN")),
        diagnose(&no_token),
    );
}

#[test]
fn part_e_a_check_tells_what_is_wrong_with_an_address() {
    finds(
        [Reply::Raw(b"SSH-2.0-OpenSSH_9.2\r\n")],
        "it does not speak HTTP: read `SSH-2.0-OpenSSH_9.2",
        true,
    );
    finds([Reply::Raw(&[0x15, 3, 1, 0, 2, 2, 70])], "it speaks TLS", true);
    finds([Reply::Says(400, "", "Client sent an HTTP request to an HTTPS server.")], "it speaks TLS", true);
    finds([Reply::HangsUp, Reply::HangsUp], "closed the connection without an answer", true);
    let says = |url: &str, patience| {
        check(&target(url), patience).into_iter().map(|finding| (finding.wrong, finding.says)).next()
    };
    let nobody = says("http://127.0.0.1:1", BOUND);
    expect_that(
        "nobody listens",
        "refused",
        nobody.clone().is_some_and(|(wrong, says)| wrong && says.contains("connection refused")),
        nobody,
    );
    let no_host = says("http://no-such-host.invalid:8086", BOUND);
    expect_that(
        "there is no such host",
        "no host",
        no_host.clone().is_some_and(|(wrong, says)| wrong && says.contains("no host `no-such-host.invalid`")),
        no_host,
    );
    let server = Server::start([Reply::Silent]);
    let silent = says(&server.url(), Duration::from_millis(50));
    expect_that(
        "nothing comes",
        "no answer",
        silent.clone().is_some_and(|(wrong, says)| wrong && says.contains("no answer from")),
        silent,
    );
}

#[test]
fn part_e_a_clock_that_is_wrong_is_found_to_the_second() {
    expect("a date of HTTP is read", Some(784_111_777), http_date("Sun, 06 Nov 1994 08:49:37 GMT"));
    expect("a leap day too", Some(1_709_164_800), http_date("Thu, 29 Feb 2024 00:00:00 GMT"));
    for wrong in [
        "",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "784111777",
        "Sun, 99 Nov 1994 08:49:37 GMT",
    ] {
        expect(format!("`{wrong}` is no date"), None, http_date(wrong));
    }
    let second = 1_000_000_000;
    expect(
        "the answer's second, between question and arrival",
        (-2 * second, 2 * second),
        clock_range_ns(10, 9 * second, 12 * second),
    );
    let found = |date_s: i64| {
        let ping = Ping {
            version: None,
            date_s: Some(date_s),
            before_ns: 1000 * second,
            after_ns: 1000 * second + 1,
        };
        diagnose(&Observed { ping: Some(Ok(ping)), ..Observed::default() })
            .into_iter()
            .filter(|finding| finding.what == "clock")
            .map(|finding| finding.wrong)
            .collect::<Vec<_>>()
    };
    expect("a clock within its second is right", (vec![false], vec![false]), (found(1000), found(999)));
    expect("one that is ahead or behind is wrong", (vec![true], vec![true]), (found(1002), found(900)));
}

// Questions.

#[test]
fn part_e_a_name_in_a_query_is_no_more_than_a_name() {
    for (name, quoted) in [
        ("a", r#""a""#),
        (r#"a"b"#, r#""a\"b""#),
        (r"a\", r#""a\\""#),
        ("a\nb", r#""a\nb""#),
        ("${x}", r#""\${x}""#),
    ] {
        expect("what would end or change a text is escaped", quoted.to_string(), flux::quoted(name));
    }
    let query = Query {
        measurement: Some("m".into()),
        field: "f".into(),
        from_ns: Some(5),
        until_ns: Some(9),
        filter: vec![("t".into(), "\")".into())],
        by: vec![],
    };
    let text = flux::flux(&query, "b");
    expect(
        "bucket, range and filters",
        "from(bucket: \"b\")\n  |> range(start: time(v: 5), stop: time(v: 9))\n  |> filter(fn: (r) => r[\"_measurement\"] == \"m\")\n  |> filter(fn: (r) => r[\"_field\"] == \"f\")\n  |> filter(fn: (r) => r[\"t\"] == \"\\\")\")\n",
        text.as_str(),
    );
}
