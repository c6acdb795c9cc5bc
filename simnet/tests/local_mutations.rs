//! Whatever comes from a network or a disk: no decoder panics, and none takes memory for what a length merely claims.
//!
//! 100,000 inputs for each; `SIMNET_MUTATIONS=10000000` tries more. The seeds are fixed.
#![cfg(feature = "local")]

use simnet::NodeId;
use simnet::local::frame::{self, Decoder, Frame, Letter, MAX_BODY};
use simnet::local::journal::{self, Tag};
use simnet::local::mutation::Mutations;
use simnet::local::packet::{self, Envelope, Fragment, Segment};
use simnet::local::reliable::{Link, Settings};
use simnet::local::zmtp::Gate;
use simnet::random::{Chance, Purpose, Random, RandomSource};
use simnet::storage::Write;

const USUALLY: u64 = 100_000;

/// The most memory that this process has ever held, in KiB.
#[cfg(target_os = "linux")]
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// All in one test: the memory is that of the whole process.
#[test]
fn no_input_makes_a_decoder_panic_or_take_memory_without_bound() {
    frames();
    packets();
    journals();
    links();
    conversations();
    #[cfg(target_os = "linux")]
    assert!(peak_kib() < 64 << 10, "held {} KiB", peak_kib());
}

fn frames() {
    let letter =
        |size| Frame::Letter(Letter { from: NodeId(1), id: 9, clock: vec![7; 8], message: vec![3; size] });
    let good = [letter(20).encode(), letter(3_000).encode(), letter(0).encode()].concat();
    let mut mutations = Mutations::new(11);
    for _ in 0..mutations.bounded(USUALLY) {
        let mut decoder = Decoder::default();
        for part in mutations.mutate(&good).chunks(1_500) {
            decoder.push(part);
            while let Ok(Some(frame)) = decoder.next() {
                assert!(frame.encode().len() <= MAX_BODY);
            }
        }
    }
    // Behind a checksum that holds, so that the body is looked at.
    let body = letter(20).encode()[frame::HEAD..].to_vec();
    let mut understood = 0_u64;
    for _ in 0..mutations.bounded(USUALLY) {
        understood += u64::from(Frame::decode(&frame::seal(mutations.mutate(&body))).is_ok());
    }
    assert!(understood > USUALLY / 20, "{understood}");
}

fn packets() {
    let envelope = Envelope { run: 1, from: NodeId(0), to: NodeId(1) };
    let fragment = Some(Fragment { seq: 3, more: true, bytes: vec![5; 300] });
    let segment = Segment { life: 1, to_life: 1, ack: 2, sack: 3, asks: false, fragment };
    let good = segment.encode(envelope);
    let mut mutations = Mutations::new(12);
    for _ in 0..mutations.bounded(USUALLY) {
        if let Ok(read) = Segment::decode(mutations.mutate(&good)) {
            assert_eq!(read, (envelope, segment.clone()));
        }
    }
    for _ in 0..mutations.bounded(USUALLY) {
        let mut sealed = mutations.mutate(&good).to_vec();
        packet::seal(&mut sealed);
        if let Ok((envelope, segment)) = Segment::decode(&sealed) {
            assert_eq!(Segment::decode(&segment.encode(envelope)), Ok((envelope, segment)));
        }
    }
}

fn journals() {
    let mut good = journal::head(1, 0);
    for number in 0..20_u8 {
        let writes = [Write::Record { name: "n".into(), value: vec![number; number.into()] }];
        good.extend(journal::entry(1, good.len(), Tag::Writes, &writes));
        good.extend(journal::entry(1, good.len(), Tag::Synced, &[]));
    }
    let all = journal::recover(&good).unwrap().writes;
    let mut mutations = Mutations::new(13);
    for _ in 0..mutations.bounded(USUALLY) {
        if let Ok(found) = journal::recover(mutations.mutate(&good)) {
            assert!(all.starts_with(&found.writes));
        }
    }
    let body = postcard_of_one_write();
    for _ in 0..mutations.bounded(USUALLY) {
        let mut bytes = journal::head(1, 0);
        let offset = bytes.len();
        bytes.extend(journal::seal(1, offset, Tag::Writes, mutations.mutate(&body)));
        if let Ok(found) = journal::recover(&bytes) {
            assert_eq!(found.length + found.torn, bytes.len());
        }
    }
}

/// The body of an entry with one write.
fn postcard_of_one_write() -> Vec<u8> {
    let write = Write::Record { name: "promised".into(), value: vec![1, 2, 3] };
    journal::entry(0, 0, Tag::Writes, &[write])[9..].to_vec()
}

/// Segments that no link would send, with checksums that hold: a link keeps its bounds, and goes on.
fn links() {
    let mut random = Random::new(14, Purpose::Network);
    let settings = Settings { most_waiting: 100, longest_message: 5_000, ..Settings::default() };
    let mut link = Link::new(5, settings);
    let mut now_us = 0;
    for round in 0..Mutations::new(0).bounded(USUALLY) {
        let near = |random: &mut Random, value: u64| {
            if random.happens(Chance::percent(80)) { value + random.below(70) } else { random.bits() }
        };
        let fragment = random.happens(Chance::percent(70)).then(|| Fragment {
            seq: near(&mut random, round / 2) as u32,
            more: random.happens(Chance::percent(50)),
            bytes: vec![1; random.below(1_200) as usize],
        });
        let segment = Segment {
            life: *random.pick(&[1, 1, 1, 1, 1, 1, 1, 1, 1 + round / 5_000]),
            to_life: *random.pick(&[5, 5, 5, 5, 0, 4, 6]),
            ack: near(&mut random, round / 3) as u32,
            sack: random.bits(),
            asks: random.happens(Chance::percent(10)),
            fragment,
        };
        let _ = link.send(vec![2; random.below(4_000) as usize]);
        link.receive(segment, now_us);
        while link.take().is_some() {}
        for _ in 0..3 {
            link.poll(now_us);
        }
        now_us += random.below(2_000);
    }
}

/// What a ZeroMQ peer says, cut anywhere: no more passes than came, but for the identity that it is given.
fn conversations() {
    let mut good = vec![0; 64];
    (good[0], good[9], good[10]) = (0xFF, 0x7F, 3);
    good[12..16].copy_from_slice(b"NULL");
    good.extend(b"\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06DEALER\x00\x03ask\x02\0\0\0\0\0\0\x01\x00");
    good.extend([7; 256]);
    let mut mutations = Mutations::new(15);
    for _ in 0..mutations.bounded(USUALLY) {
        let said = mutations.mutate(&good);
        let (mut gate, mut passed) = (Gate::new(b"1"), 0);
        for part in said.chunks(90) {
            let Ok(out) = gate.pass(part) else { break };
            passed += out.len();
        }
        assert!(passed <= said.len() + 128);
    }
}
