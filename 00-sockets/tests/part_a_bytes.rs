//! Part A: numbers become bytes, bytes become frames, and a stream cuts frames anywhere.

use proptest::prelude::*;
use simnet::rule::{expect, expect_ok, expect_that};
use sockets::frame::{self, Decoder, TooLong};
use sockets::message::{Reply, Request, answer, factorial};
use sockets::naive;
use sockets::stream::{StreamError, read_frame, read_full, write_full};
use std::io::{self, ErrorKind, Read, Write};

const FACTORIAL_13: u64 = 6_227_020_800;
const FACTORIAL_20: u128 = 2_432_902_008_176_640_000;

/// A stream that gives and takes at most so many bytes at once, and is interrupted before each time.
struct Trickle {
    bytes: Vec<u8>,
    at_once: usize,
    interrupted: bool,
}

impl Trickle {
    fn of(bytes: &[u8], at_once: usize) -> Self {
        Trickle { bytes: bytes.to_vec(), at_once, interrupted: false }
    }

    fn interrupt(&mut self) -> io::Result<()> {
        self.interrupted = !self.interrupted;
        if self.interrupted { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupt()?;
        let count = buffer.len().min(self.at_once).min(self.bytes.len());
        buffer[..count].copy_from_slice(&self.bytes[..count]);
        self.bytes.drain(..count);
        Ok(count)
    }
}

impl Write for Trickle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.interrupt()?;
        let count = bytes.len().min(self.at_once);
        self.bytes.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn framed(payloads: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    payloads.iter().for_each(|payload| frame::encode(payload, &mut bytes));
    bytes
}

/// `htonl` is for 32 bits. The original service sends its 64-bit results through it, and 13! comes out wrong.
#[test]
fn part_a_thirteen_factorial_does_not_fit_through_htonl() {
    let through_htonl = u64::from(u32::from_be_bytes(naive::marshal_by_htonl(FACTORIAL_13)));
    expect("the mistake: through htonl the upper half of 13! is gone", 1_932_053_504, through_htonl);

    let reply = Reply::Factorial(FACTORIAL_13.into());
    let arrived = Reply::from_bytes(&reply.to_bytes());
    expect("a number has as many bytes on the wire as it needs: 13! arrives as 13!", Ok(reply), arrived);
}

/// Bytes as they stand in memory mean another number on a machine that keeps them the other way round.
#[test]
fn part_a_bytes_go_most_significant_first() {
    let foreign = naive::marshal_as_in_memory(5).into_iter().rev().collect::<Vec<_>>();
    let read = u64::from_ne_bytes(foreign.try_into().unwrap());
    expect("the mistake: on a machine with the other order 5 has become 5 · 2⁵⁶", 5 << 56, read);

    let rule = "a number goes most significant byte first, whatever this machine's own order is";
    expect(rule, vec![0, 0, 0, 0, 0, 0, 0, 5], Request { number: 5 }.to_bytes());
    expect(rule, Ok(Request { number: 5 }), Request::from_bytes(&[0, 0, 0, 0, 0, 0, 0, 5]));
    expect(rule, vec![1, 0, 0, 0, 0, 0, 0, 1, 2], Reply::TooLarge(0x0102).to_bytes());
    let mut reply = vec![0; 17];
    reply[15..].copy_from_slice(&[3, 0xE8]);
    expect(rule, reply, Reply::Factorial(1000).to_bytes());
    let text = Reply::Malformed("no".into()).to_bytes();
    expect("text goes as UTF-8, after the reply's kind", vec![2, b'n', b'o'], text);
}

#[test]
fn part_a_twenty_factorial_and_beyond_are_right() {
    expect("64 bits hold 20!", 2_432_902_008_176_640_000, naive::factorial(20));
    expect("the mistake: in 64 bits 21! wraps round", 14_197_454_024_290_336_768, naive::factorial(21));

    let rule = "a factorial is right, or is said not to fit; it never wraps round";
    expect(rule, Some(1), factorial(0));
    expect(rule, Some(FACTORIAL_20), factorial(20));
    expect(rule, Some(51_090_942_171_709_440_000), factorial(21));
    expect(rule, Some(295_232_799_039_604_140_847_618_609_643_520_000_000), factorial(34));
    expect(rule, None, factorial(35));
    expect("what does not fit is refused at once, however large the number", None, factorial(u64::MAX));
    expect(rule, Reply::TooLarge(35).to_bytes(), answer(&35_u64.to_be_bytes()));
}

#[test]
fn part_a_a_payload_that_is_no_message_is_refused_with_reasons() {
    let rule = "a payload that is no message is an error that says what was read and what was expected";
    for length in [0, 7, 9] {
        let said = Request::from_bytes(&vec![0; length]).map_err(|error| error.to_string());
        let why =
            format!("read a request of {length} bytes, expected 8: a number, most significant byte first");
        expect(rule, Err(why), said);
    }
    for reply in [&[][..], &[0], &[0; 16], &[0; 18], &[1; 8], &[1; 10], &[2, 0xFF], &[3]] {
        let said = Reply::from_bytes(reply).map_err(|error| error.to_string());
        let holds = said
            .as_ref()
            .is_err_and(|why| why.starts_with("read a") && why.contains("expected 00 and 16 bytes"));
        expect_that(format!("{rule}: {reply:?}"), "`read a …, expected 00 and 16 bytes, …`", holds, said);
    }
    let refused = Reply::from_bytes(&answer(&[1, 2, 3]));
    let holds = matches!(&refused, Ok(Reply::Malformed(why)) if why.contains("3 bytes"));
    expect_that("a malformed request is answered", "Malformed, and that 3 bytes came", holds, refused);
}

/// A read returns what is there, not what was asked for.
#[test]
fn part_a_a_short_read_is_not_the_whole() {
    let number = 5_u64.to_be_bytes();
    let mut stream = Trickle::of(&number, 3);
    let interrupted = naive::read_once(&mut stream, 8).map_err(|error| error.kind());
    expect("the mistake: an interruption is taken for an error", Err(ErrorKind::Interrupted), interrupted);
    let short = naive::read_once(&mut stream, 8).unwrap().len();
    expect("the mistake: one read of 8 bytes brings 3", 3, short);

    let rule = "a read may bring less than was asked for, and may be interrupted: read on until all is there";
    for at_once in 1..=8 {
        let mut buffer = [9; 8];
        let got = read_full(&mut Trickle::of(&number, at_once), &mut buffer).map_err(|error| error.kind());
        expect(format!("{rule} ({at_once} at once)"), (Ok(8), number), (got, buffer));
    }
    let got = read_full(&mut Trickle::of(&number[..5], 2), &mut [9; 8]).map_err(|error| error.kind());
    expect("where the stream ends, reading ends: it is said how many bytes came", Ok(5), got);
}

/// A write takes what there is room for.
#[test]
fn part_a_a_short_write_is_not_the_whole() {
    let bytes: Vec<u8> = (0..100).collect();
    let mut stream = Trickle::of(&[], 7);
    let interrupted = naive::write_once(&mut stream, &bytes).map_err(|error| error.kind());
    expect("the mistake: an interruption is taken for an error", Err(ErrorKind::Interrupted), interrupted);
    expect("the mistake: one write of 100 bytes takes 7", 7, naive::write_once(&mut stream, &bytes).unwrap());

    let rule =
        "a write may take less than it was given, and may be interrupted: write on until nothing is left";
    for at_once in [1, 7, 99, 100, 1000] {
        let mut stream = Trickle::of(&[], at_once);
        let written = write_full(&mut stream, &bytes).map_err(|error| error.kind());
        expect(rule, (Ok(()), &bytes), (written, &stream.bytes));
    }
    let mut full: &mut [u8] = &mut [0; 10];
    let refused = write_full(&mut full, &bytes).map_err(|error| error.kind());
    expect(
        "a stream that takes nothing is an error, not an endless loop",
        Err(ErrorKind::WriteZero),
        refused,
    );
}

/// Only an interruption is tried again.
#[test]
fn part_a_real_errors_come_through() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::ConnectionReset.into())
        }
    }
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let rule = "only an interruption is tried again, other errors are handed on";
    let read = read_full(&mut Broken, &mut [0; 4]).map_err(|error| error.kind());
    expect(rule, Err(ErrorKind::ConnectionReset), read);
    let written = write_full(&mut Broken, &[0; 4]).map_err(|error| error.kind());
    expect(rule, Err(ErrorKind::BrokenPipe), written);
}

/// Two messages may come in one read.
#[test]
fn part_a_messages_that_arrive_together_are_told_apart() {
    let bytes = framed(&[b"one", b"", b"three"]);
    let together = naive::read_once(&mut &bytes[..], 1024).unwrap().len();
    expect("the mistake: what one read brings is taken for one message", bytes.len(), together);

    let rule = "frames that arrive together are told apart by their lengths";
    let mut decoder = Decoder::new(16);
    decoder.push(&bytes);
    expect("bytes that were not given out belong to a frame", false, decoder.is_between_frames());
    for payload in [&b"one"[..], b"", b"three"] {
        expect(rule, Ok(Some(payload.to_vec())), decoder.next_frame());
    }
    expect(rule, Ok(None), decoder.next_frame());
    expect("after its last byte a stream is between frames", true, decoder.is_between_frames());

    let mut stream = &bytes[..];
    for payload in [&b"one"[..], b""] {
        let read = read_frame(&mut stream, 16).map_err(|error| error.to_string());
        expect("one frame is read, and not a byte of the next", Ok(Some(payload.to_vec())), read);
    }
}

#[test]
fn part_a_a_frame_is_its_length_and_its_payload() {
    let rule = "a frame is the payload's length in 4 bytes, most significant first, then the payload";
    expect(rule, vec![0, 0, 0, 3, b'a', b'b', b'c'], framed(&[b"abc"]));
    expect(rule, vec![0, 0, 1, 44, 7], framed(&[&[7; 300]])[..5].to_vec());
    expect("a length up to the limit is allowed", Ok(300), frame::announced([0, 0, 1, 44], 300));
    let refused = frame::announced([0, 0, 1, 45], 300);
    expect("a length above the limit is refused", Err(TooLong { announced: 301, limit: 300 }), refused);
}

/// Four bytes announce four gigabytes. Whoever believes them asks the system for that much.
#[test]
fn part_a_a_hostile_length_is_refused_before_anything_is_allocated() {
    let hostile = [0xFF; 4];
    expect("the mistake: four bytes ask for four gigabytes", 4_294_967_295, naive::room_for(hostile));

    let rule = "a length above the limit is refused before room is made for so much";
    let refused = TooLong { announced: 4_294_967_295, limit: 1024 };
    let mut decoder = Decoder::new(1024);
    decoder.push(&hostile);
    expect(rule, Err(refused), decoder.next_frame());
    let read = read_frame(&mut Trickle::of(&hostile, 4), 1024);
    let holds = matches!(&read, Err(StreamError::TooLong(why)) if *why == refused);
    expect_that(rule, &format!("{refused:?}"), holds, read);
    let words = "read a frame of 4294967295 bytes, expected at most 1024; does the peer speak this protocol?";
    expect("a refusal says what was read and what was expected", words.to_string(), refused.to_string());
}

/// A stream may end between frames. Elsewhere something is missing, and it is said how much.
#[test]
fn part_a_an_end_within_a_frame_is_an_error() {
    let bytes = framed(&[b"abc"]);
    let read = read_frame(&mut &bytes[..0], 16).map_err(|error| error.to_string());
    expect("a stream may end between frames", Ok(None), read);
    for cut in 1..bytes.len() {
        let mut stream = Trickle::of(&bytes[..cut], 2);
        let whole = if cut < 4 { 4 } else { bytes.len() };
        let read = read_frame(&mut stream, 16);
        let holds =
            matches!(read, Err(StreamError::CutOff { got, expected }) if (got, expected) == (cut, whole));
        let rule =
            "a stream that ends within a frame is cut off: it is said after how many bytes of how many";
        expect_that(rule, &format!("CutOff {{ got: {cut}, expected: {whole} }}"), holds, read);
        let mut decoder = Decoder::new(16);
        decoder.push(&bytes[..cut]);
        expect("a frame is given out when it is there whole", Ok(None), decoder.next_frame());
        expect("a part of a frame is not between frames", false, decoder.is_between_frames());
    }
}

proptest! {
    /// Any frames, cut anywhere, are the same frames.
    #[test]
    fn part_a_any_frames_survive_any_cuts(
        payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..12),
        cuts in proptest::collection::vec(1_usize..30, 1..40),
    ) {
        let parts: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
        let bytes = framed(&parts);
        let mut decoder = Decoder::new(40);
        let mut decoded = Vec::new();
        let mut rest = &bytes[..];
        let mut cuts = cuts.into_iter().cycle();
        let rule = "frames are the same frames wherever the stream cuts them";
        while !rest.is_empty() {
            let (now, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
            decoder.push(now);
            while let Some(payload) = expect_ok(rule, "no error", decoder.next_frame()) {
                decoded.push(payload);
            }
            rest = later;
        }
        expect(rule, payloads, decoded);
        expect("after its last byte a stream is between frames", true, decoder.is_between_frames());
    }

    /// Any message is the same after the wire, and any bytes are a message or an error.
    #[test]
    fn part_a_any_message_survives_the_wire(number: u64, product: u128, text: String, noise: Vec<u8>) {
        let rule = "a message is the same message after the wire";
        expect(rule, Ok(Request { number }), Request::from_bytes(&Request { number }.to_bytes()));
        for reply in [Reply::Factorial(product), Reply::TooLarge(number), Reply::Malformed(text)] {
            let arrived = Reply::from_bytes(&reply.to_bytes());
            expect(rule, Ok(reply), arrived);
        }
        if let Ok(reply) = Reply::from_bytes(&noise) {
            expect("bytes that are taken for a reply are that reply's bytes", noise, reply.to_bytes());
        }
    }
}
