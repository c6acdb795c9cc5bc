//! Part D: a latency between two clocks, and what it is worth.

use metrics::clock::message::{Reply, Request};
use metrics::clock::offset::{Exchange, Offset, best, one_way_ns, throughout};
use metrics::clock::same::{machine, same_clock};
use metrics::clock::service::{Asker, Clock};
use metrics::sample::{LONGEST, Sample};
use simnet::Random;
use simnet::random::Purpose;
use simnet::rule::{expect, expect_ok, expect_that};
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(20);

/// An exchange with a server whose clock is `offset` ahead: so long there, so long at the server, so long back.
fn exchange(offset: i64, there: i64, at: i64, back: i64) -> Exchange {
    let t1 = 1_000_000;
    let (t2, t3) = (t1 + there + offset, t1 + there + at + offset);
    Exchange { t1, t2, t3, t4: t3 - offset + back }
}

#[test]
fn part_d_the_delay_is_without_the_time_at_the_server() {
    expect("the delay is the way there and the way back", Some(300), exchange(0, 100, 5000, 200).delay_ns());
    expect(
        "how far apart the clocks are does not matter to it",
        Some(300),
        exchange(-7_000_000, 100, 5000, 200).delay_ns(),
    );
    expect("it may be nothing", Some(0), exchange(9, 0, 10, 0).delay_ns());
}

#[test]
fn part_d_equal_ways_give_the_offset_itself() {
    for offset in [0, 1, -1, 5_000_000_000, -5_000_000_000] {
        let got = exchange(offset, 400, 30, 400).offset().map(|offset| offset.offset_ns);
        expect("if both ways are as long the estimate is the offset", Some(offset), got);
    }
}

#[test]
fn part_d_the_error_is_half_the_delay() {
    let all_there = exchange(0, 1000, 0, 0).offset();
    expect_that(
        "if all of the delay is on one way, the estimate is half of it off: the bound says so",
        "an estimate of 500 with a bound of 500 or 501",
        all_there.is_some_and(|offset| offset.offset_ns == 500 && (500..=501).contains(&offset.error_ns)),
        all_there,
    );
}

#[test]
fn part_d_what_cannot_be_is_no_exchange() {
    let rule = "an exchange whose delay is negative is none: a clock was set meanwhile";
    for wrong in [
        Exchange { t1: 100, t2: 100, t3: 300, t4: 200 },
        Exchange { t1: 100, t2: 100, t3: 100, t4: 99 },
        Exchange { t1: 100, t2: 100, t3: 99, t4: 200 },
        Exchange { t1: i64::MIN, t2: 0, t3: 0, t4: i64::MAX },
    ] {
        expect(rule, (None, None), (wrong.delay_ns(), wrong.offset()));
    }
    let far = Exchange { t1: i64::MIN, t2: i64::MAX, t3: i64::MAX, t4: i64::MIN };
    expect("what does not fit is no estimate, and no overflow", None, far.offset());
}

#[test]
fn part_d_the_true_offset_is_within_the_bound() {
    let mut random = Random::new(7, Purpose::Network);
    let mut late = 0;
    for _ in 0..10_000 {
        let offset = random.between(0..2_000_000_000) as i64 - 1_000_000_000;
        let mut way = || random.between(0..1_000_000) as i64;
        let exchange = exchange(offset, way(), way(), way());
        let got = expect_ok("each such exchange can be", "an estimate", exchange.offset().ok_or(exchange));
        let off = (got.offset_ns - offset).abs();
        expect_that(
            "the true offset is within the bound",
            &format!("{offset}"),
            off <= got.error_ns,
            (exchange, got),
        );
        late += u32::from(off > got.error_ns / 2);
    }
    expect_that("the bound is not wider than need be", "some of 10,000 beyond half of it", late > 1000, late);
}

#[test]
fn part_d_the_best_of_several_is_the_quickest() {
    let several = [exchange(50, 900, 10, 100), exchange(50, 30, 10, 40), exchange(50, 0, 10, 3000)];
    let quickest = several[1].offset();
    expect("the quickest exchange has the smallest bound", quickest, best(&several));
    let with_wrong = [Exchange { t1: 100, t2: 0, t3: 500, t4: 200 }, several[0], several[1]];
    expect("what cannot be does not count", quickest, best(&with_wrong));
    expect("of none there is none", None, best(&[]));
    expect("of none that can be there is none", None, best(&with_wrong[..1]));
}

#[test]
fn part_d_what_holds_throughout_covers_before_and_after() {
    let offset = |offset_ns, error_ns| Offset { offset_ns, error_ns };
    for (before, after) in [
        (offset(0, 10), offset(0, 10)),
        (offset(100, 5), offset(140, 5)),
        (offset(140, 5), offset(100, 5)),
        (offset(0, 100), offset(10, 5)),
        (offset(-50, 3), offset(50, 60)),
        (offset(i64::MIN + 5, 25_000_000), offset(i64::MIN + 9, 30)),
        (offset(i64::MAX, 25_000_000), offset(i64::MAX - 7, 1)),
    ] {
        let whole = throughout(before, after);
        let least = |of: Offset| i128::from(of.offset_ns) - i128::from(of.error_ns);
        let most = |of: Offset| i128::from(of.offset_ns) + i128::from(of.error_ns);
        let (lower, upper) = (least(before).min(least(after)), most(before).max(most(after)));
        let (least, most) = (least(whole), most(whole));
        let covers = least <= lower && most >= upper;
        expect_that(
            "no offset that may have been is left out",
            &format!("{lower} to {upper}"),
            covers,
            whole,
        );
        expect_that(
            "and hardly any that may not",
            &format!("{lower} to {upper}"),
            most - least <= upper - lower + 2,
            whole,
        );
    }
}

#[test]
fn part_d_one_way_is_by_one_clock() {
    let rule = "the receiver's time is put on the sender's clock before the two are compared";
    expect(rule, 250, one_way_ns(1000, 250, Offset { offset_ns: 1000, error_ns: 5 }));
    expect(rule, 250, one_way_ns(1000, 2250, Offset { offset_ns: -1000, error_ns: 5 }));
    expect(
        "with one clock there is nothing to add",
        250,
        one_way_ns(1000, 1250, Offset { offset_ns: 0, error_ns: 0 }),
    );
    expect(
        "an offset that is a little wrong may make it negative",
        -3,
        one_way_ns(1000, 997, Offset { offset_ns: 0, error_ns: 5 }),
    );
}

#[test]
fn part_d_one_machine_has_one_clock() {
    expect("the same machine, the same clock", true, same_clock("a1b2", "a1b2"));
    expect("another machine, another clock", false, same_clock("a1b2", "a1b3"));
    expect("who does not know its machine is not taken for the same", false, same_clock("", ""));
    expect("this machine is always the same", machine(), machine());
}

#[test]
fn part_d_a_reply_is_to_its_request() {
    let reply = Reply { t1: 10, t2: 20, t3: 30, machine: "m".into() };
    expect(
        "it is the exchange of its request",
        Some(Exchange { t1: 10, t2: 20, t3: 30, t4: 40 }),
        reply.exchange(10, 40),
    );
    expect("a late reply to another request is none", None, reply.exchange(11, 40));
    expect("a reply is read as it was written", Ok(reply.clone()), Reply::read(&reply.to_bytes()));
    expect(
        "a request is read as it was written",
        Ok(Request::Time(-5)),
        Request::read(&Request::Time(-5).to_bytes()),
    );
    for bytes in
        [&b"clock! 1 2 3"[..], b"clock! 1 2 x m", b"hello", b"clock! 1 2 3 m n", &[0xff; 20], &[b'1'; 5000]]
    {
        expect("what is no reply is an error", true, Reply::read(bytes).is_err());
        expect("what is no request is an error", true, Request::read(bytes).is_err());
    }
}

#[test]
fn part_d_a_clock_of_this_machine_is_asked_and_is_ours() {
    let clock = expect_ok("a clock can be asked", "a clock", Clock::tell("tcp://127.0.0.1:0"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let answer = runtime.block_on(async {
        let mut asker = Asker::connect(&clock.endpoint, BOUND).await?;
        let answer = asker.ask(8).await?;
        asker.done().await?;
        Ok::<_, metrics::clock::service::ClockError>(answer)
    });
    let answer = expect_ok("a clock answers", "an estimate", answer);
    expect("it hears that its client is done", 1, clock.wait_for(1, BOUND));
    expect(
        "one machine has one clock, where the system says which machine it is",
        !machine().is_empty(),
        answer.same,
    );
    let Offset { offset_ns, error_ns } = answer.offset;
    expect_that("the truth, 0, is within the bound", "0", offset_ns.abs() <= error_ns, answer);
}

#[test]
fn part_d_a_sample_is_read_as_it_was_written() {
    for (end, number, sent_ns, publisher, size) in [
        (false, 1, 1_556_813_561_098_000_000, "pub1", 64),
        (true, u64::MAX, -1, "", 18),
        (false, 0, i64::MIN, "ü", 1000),
    ] {
        let sample = Sample { end, number, sent_ns, publisher: publisher.into(), size };
        let bytes = sample.to_bytes();
        expect("a message is as long as was asked for", size, bytes.len());
        expect("a sample is read as it was written", Ok(sample), Sample::read(&bytes));
    }
    let golden = [&[1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 1, 0, 2][..], b"ab..."].concat();
    let sample = Sample { end: false, number: 7, sent_ns: 256, publisher: "ab".into(), size: 23 };
    expect("numbers begin with their most significant byte", Ok(sample), Sample::read(&golden));
}

#[test]
fn part_d_what_is_no_sample_is_an_error() {
    let good = Sample { end: false, number: 1, sent_ns: 2, publisher: "pub1".into(), size: 40 }.to_bytes();
    for length in 0..22 {
        expect(format!("{length} bytes of it are none"), true, Sample::read(&good[..length]).is_err());
    }
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        Sample::read(&bytes).is_err()
    };
    expect("another kind is none", (true, true), (changed(0, 0), changed(0, 3)));
    expect("a name longer than the message is none", true, changed(17, 255));
    expect("a name that is no text is none", true, changed(18, 0xff));
    expect("a message of more than a mebibyte is none", true, Sample::read(&vec![1; LONGEST + 1]).is_err());
}
