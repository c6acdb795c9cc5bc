//! Part A: numbers become bytes, bytes become frames, and a stream cuts frames anywhere.

use proptest::prelude::*;
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
    assert_eq!(through_htonl, 1_932_053_504, "the mistake: the upper half is gone");

    let payload = Reply::Factorial(FACTORIAL_13.into()).to_bytes();
    assert_eq!(Reply::from_bytes(&payload), Ok(Reply::Factorial(FACTORIAL_13.into())));
}

/// Bytes as they stand in memory mean another number on a machine that keeps them the other way round.
#[test]
fn part_a_bytes_go_most_significant_first() {
    let foreign = naive::marshal_as_in_memory(5).into_iter().rev().collect::<Vec<_>>();
    assert_eq!(u64::from_ne_bytes(foreign.try_into().unwrap()), 5 << 56, "the mistake: 5 has become 5 · 2⁵⁶");

    assert_eq!(Request { number: 5 }.to_bytes(), [0, 0, 0, 0, 0, 0, 0, 5]);
    assert_eq!(Reply::TooLarge(0x0102).to_bytes(), [1, 0, 0, 0, 0, 0, 0, 1, 2]);
    let mut reply = vec![0; 17];
    reply[15..].copy_from_slice(&[3, 0xE8]);
    assert_eq!(Reply::Factorial(1000).to_bytes(), reply);
    assert_eq!(Reply::Malformed("no".into()).to_bytes(), [2, b'n', b'o']);
}

#[test]
fn part_a_twenty_factorial_and_beyond_are_right() {
    assert_eq!(naive::factorial(20), 2_432_902_008_176_640_000);
    assert_eq!(naive::factorial(21), 14_197_454_024_290_336_768, "the mistake: it wraps round");

    assert_eq!(factorial(0), Some(1));
    assert_eq!(factorial(20), Some(FACTORIAL_20));
    assert_eq!(factorial(21), Some(51_090_942_171_709_440_000));
    assert_eq!(factorial(34), Some(295_232_799_039_604_140_847_618_609_643_520_000_000));
    assert_eq!(factorial(35), None);
    // A number that would take for ever is refused at once.
    assert_eq!(factorial(u64::MAX), None);
    assert_eq!(answer(&35_u64.to_be_bytes()), Reply::TooLarge(35).to_bytes());
}

#[test]
fn part_a_a_payload_that_is_no_message_is_refused_with_reasons() {
    let request = |bytes: &[u8]| Request::from_bytes(bytes).unwrap_err().to_string();
    assert_eq!(request(&[]), "read a request of 0 bytes, expected 8: a number, most significant byte first");
    assert_eq!(
        request(&[0; 9]),
        "read a request of 9 bytes, expected 8: a number, most significant byte first"
    );
    for reply in [&[][..], &[0], &[0; 16], &[0; 18], &[1; 8], &[1; 10], &[2, 0xFF], &[3]] {
        let said = Reply::from_bytes(reply).expect_err("no reply").to_string();
        assert!(said.starts_with("read a") && said.contains("expected 00 and 16 bytes"), "{reply:?}: {said}");
    }
    let refused = Reply::from_bytes(&answer(&[1, 2, 3])).expect("a reply");
    assert!(matches!(refused, Reply::Malformed(why) if why.contains("3 bytes")));
}

/// A read returns what is there, not what was asked for.
#[test]
fn part_a_a_short_read_is_not_the_whole() {
    let number = 5_u64.to_be_bytes();
    let mut stream = Trickle::of(&number, 3);
    assert_eq!(naive::read_once(&mut stream, 8).unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(naive::read_once(&mut stream, 8).unwrap().len(), 3, "the mistake: 3 bytes of 8");

    for at_once in 1..=8 {
        let mut buffer = [9; 8];
        assert_eq!(read_full(&mut Trickle::of(&number, at_once), &mut buffer).unwrap(), 8);
        assert_eq!(buffer, number);
    }
    let mut buffer = [9; 8];
    assert_eq!(read_full(&mut Trickle::of(&number[..5], 2), &mut buffer).unwrap(), 5, "the stream ends");
}

/// A write takes what there is room for.
#[test]
fn part_a_a_short_write_is_not_the_whole() {
    let bytes: Vec<u8> = (0..100).collect();
    let mut stream = Trickle::of(&[], 7);
    assert_eq!(naive::write_once(&mut stream, &bytes).unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(naive::write_once(&mut stream, &bytes).unwrap(), 7, "the mistake: 93 bytes are left behind");

    for at_once in [1, 7, 99, 100, 1000] {
        let mut stream = Trickle::of(&[], at_once);
        write_full(&mut stream, &bytes).unwrap();
        assert_eq!(stream.bytes, bytes);
    }
    let mut full: &mut [u8] = &mut [0; 10];
    assert_eq!(write_full(&mut full, &bytes).unwrap_err().kind(), ErrorKind::WriteZero, "no endless loop");
}

/// Anything but an interruption is an error, and comes through.
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
    assert_eq!(read_full(&mut Broken, &mut [0; 4]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(write_full(&mut Broken, &[0; 4]).unwrap_err().kind(), ErrorKind::BrokenPipe);
}

/// Two messages may come in one read.
#[test]
fn part_a_messages_that_arrive_together_are_told_apart() {
    let bytes = framed(&[b"one", b"", b"three"]);
    let together = naive::read_once(&mut &bytes[..], 1024).unwrap();
    assert_eq!(together.len(), bytes.len(), "the mistake: what one read brings is taken for one message");

    let mut decoder = Decoder::new(16);
    decoder.push(&bytes);
    assert!(!decoder.is_between_frames());
    assert_eq!(decoder.next_frame(), Ok(Some(b"one".to_vec())));
    assert_eq!(decoder.next_frame(), Ok(Some(vec![])));
    assert_eq!(decoder.next_frame(), Ok(Some(b"three".to_vec())));
    assert_eq!(decoder.next_frame(), Ok(None));
    assert!(decoder.is_between_frames());

    let mut stream = &bytes[..];
    assert_eq!(read_frame(&mut stream, 16).unwrap(), Some(b"one".to_vec()));
    assert_eq!(read_frame(&mut stream, 16).unwrap(), Some(vec![]));
}

#[test]
fn part_a_a_frame_is_its_length_and_its_payload() {
    assert_eq!(framed(&[b"abc"]), [0, 0, 0, 3, b'a', b'b', b'c']);
    assert_eq!(framed(&[&[7; 300]])[..5], [0, 0, 1, 44, 7]);
    assert_eq!(frame::announced([0, 0, 1, 44], 300), Ok(300));
    assert_eq!(frame::announced([0, 0, 1, 45], 300), Err(TooLong { announced: 301, limit: 300 }));
}

/// Four bytes announce four gigabytes. Whoever believes them asks the system for that much.
#[test]
fn part_a_a_hostile_length_is_refused_before_anything_is_allocated() {
    let hostile = [0xFF; 4];
    assert_eq!(naive::room_for(hostile), 4_294_967_295, "the mistake");

    let refused = TooLong { announced: 4_294_967_295, limit: 1024 };
    let mut decoder = Decoder::new(1024);
    decoder.push(&hostile);
    assert_eq!(decoder.next_frame(), Err(refused));
    let mut stream = Trickle::of(&hostile, 4);
    assert!(matches!(read_frame(&mut stream, 1024), Err(StreamError::TooLong(why)) if why == refused));
    assert_eq!(
        refused.to_string(),
        "read a frame of 4294967295 bytes, expected at most 1024; does the peer speak this protocol?"
    );
}

/// A stream may end between frames. Elsewhere something is missing, and it is said how much.
#[test]
fn part_a_an_end_within_a_frame_is_an_error() {
    let bytes = framed(&[b"abc"]);
    assert!(matches!(read_frame(&mut &bytes[..0], 16), Ok(None)));
    for cut in 1..bytes.len() {
        let mut stream = Trickle::of(&bytes[..cut], 2);
        let expected = if cut < 4 { 4 } else { bytes.len() };
        match read_frame(&mut stream, 16) {
            Err(StreamError::CutOff { got, expected: whole }) => assert_eq!((got, whole), (cut, expected)),
            other => panic!("cut after {cut} bytes: {other:?}"),
        }
        let mut decoder = Decoder::new(16);
        decoder.push(&bytes[..cut]);
        assert_eq!(decoder.next_frame(), Ok(None));
        assert!(!decoder.is_between_frames());
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
        while !rest.is_empty() {
            let (now, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
            decoder.push(now);
            while let Some(payload) = decoder.next_frame().unwrap() {
                decoded.push(payload);
            }
            rest = later;
        }
        prop_assert_eq!(decoded, payloads);
        prop_assert!(decoder.is_between_frames());
    }

    /// Any message is the same after the wire, and any bytes are a message or an error.
    #[test]
    fn part_a_any_message_survives_the_wire(number: u64, product: u128, text: String, noise: Vec<u8>) {
        prop_assert_eq!(Request::from_bytes(&Request { number }.to_bytes()), Ok(Request { number }));
        for reply in [Reply::Factorial(product), Reply::TooLarge(number), Reply::Malformed(text)] {
            prop_assert_eq!(Reply::from_bytes(&reply.to_bytes()), Ok(reply.clone()));
        }
        if let Ok(reply) = Reply::from_bytes(&noise) {
            prop_assert_eq!(reply.to_bytes(), noise);
        }
    }
}
