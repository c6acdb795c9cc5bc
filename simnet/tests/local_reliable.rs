//! The link over datagrams, in a loop with a network that loses, doubles and reorders: virtual time, seeds, no socket.
#![cfg(feature = "local")]

use simnet::NodeId;
use simnet::local::packet::{Envelope, Segment};
use simnet::local::reliable::{Link, Refused, Settings, WINDOW};
use simnet::random::{Chance, Purpose, Random, RandomSource};
use std::collections::BTreeMap;

/// Two links, and between them a network.
struct Pair {
    links: [Link; 2],
    now_us: u64,
    random: Random,
    drop: Chance,
    duplicate: Chance,
    /// Packets under way, by the time of their arrival.
    packets: BTreeMap<(u64, u64), (usize, Vec<u8>)>,
    sent: u64,
    longest_us: u64,
}

impl Pair {
    fn new(seed: u64, settings: Settings) -> Self {
        Pair {
            links: [Link::new(1, settings), Link::new(1, settings)],
            now_us: 0,
            random: Random::new(seed, Purpose::Network),
            drop: Chance::percent(30),
            duplicate: Chance::percent(10),
            packets: BTreeMap::new(),
            sent: 0,
            longest_us: 20_000,
        }
    }

    /// Puts on the network what both links have to say.
    fn flush(&mut self) {
        for side in 0..2 {
            while let Some(segment) = self.links[side].poll(self.now_us) {
                let copies = if self.random.happens(self.drop) {
                    0
                } else {
                    1 + u32::from(self.random.happens(self.duplicate))
                };
                let envelope = Envelope { run: 1, from: NodeId(side as u32), to: NodeId(1 - side as u32) };
                let bytes = segment.encode(envelope);
                for _ in 0..copies {
                    self.sent += 1;
                    let at = self.now_us + 100 + self.random.below(self.longest_us);
                    self.packets.insert((at, self.sent), (1 - side, bytes.clone()));
                }
            }
        }
    }

    /// Lets time pass to the next packet or timeout. False when nothing is left to wait for.
    fn step(&mut self) -> bool {
        self.flush();
        let packet = self.packets.keys().next().map(|(at, _)| *at);
        let wakes = self.links.iter().filter_map(Link::wakes_at).min();
        let Some(next) = packet.into_iter().chain(wakes).min() else { return false };
        self.now_us = self.now_us.max(next);
        if packet.is_some_and(|at| at <= self.now_us) {
            let (_, (side, bytes)) = self.packets.pop_first().unwrap();
            let (_, segment) = Segment::decode(&bytes).unwrap();
            self.links[side].receive(segment, self.now_us);
        }
        true
    }
}

/// A message that says which one it is, of some length.
fn message(number: u32, random: &mut Random) -> Vec<u8> {
    let length = match random.below(20) {
        0 => random.below(20_000),
        1 => *random.pick(&[0, 1200 - 4, 1200 - 3, 2400 - 4]),
        _ => random.below(100),
    };
    let mut message = number.to_le_bytes().to_vec();
    message.resize(4 + length as usize, number as u8);
    message
}

/// Sends so many messages both ways, and checks that each arrives once, in order. Returns the pair.
fn exchange(mut pair: Pair, count: u32) -> Pair {
    let mut random = Random::new(7, Purpose::Workload);
    let messages: Vec<Vec<u8>> = (0..count).map(|number| message(number, &mut random)).collect();
    let mut sent = [0_usize; 2];
    let mut received = [0_usize; 2];
    while received != [messages.len(); 2] {
        for side in 0..2 {
            while sent[side] < messages.len() && pair.links[side].send(messages[sent[side]].clone()).is_ok() {
                sent[side] += 1;
            }
        }
        assert!(pair.step(), "nothing is under way, but received {received:?} of {count}");
        for side in 0..2 {
            while let Some(message) = pair.links[side].take() {
                assert!(message == messages[received[side]], "message {} at side {side}", received[side]);
                received[side] += 1;
            }
        }
    }
    // What still arrives now was there before.
    while pair.step() {}
    assert!(pair.links.iter_mut().all(|link| link.take().is_none() && link.is_idle()));
    pair
}

#[test]
fn a_hundred_thousand_messages_arrive_once_and_in_order_through_a_bad_network() {
    let (mut sent, mut again, mut duplicates) = (0, 0, 0);
    for seed in 0..10 {
        // Half of the numbers begin so high that they wrap around.
        let first_seq = if seed % 2 == 0 { 0 } else { u32::MAX - 700 };
        let settings = Settings { first_seq, most_waiting: 100, ..Settings::default() };
        let pair = exchange(Pair::new(seed, settings), 5_000);
        for link in &pair.links {
            sent += link.counts().sent;
            again += link.counts().sent_again;
            duplicates += link.counts().duplicates;
        }
    }
    println!("{sent} fragments, {again} sent again, {duplicates} came more than once");
    assert!(again > sent / 10 && duplicates > sent / 20, "the network was too good");
}

#[test]
fn a_good_network_costs_no_retransmission() {
    let mut pair = Pair::new(1, Settings::default());
    (pair.drop, pair.duplicate, pair.longest_us) = (Chance::NEVER, Chance::NEVER, 1);
    let pair = exchange(pair, 3_000);
    assert!(pair.links.iter().all(|link| link.counts().sent_again == 0 && link.counts().duplicates == 0));
    // Round trips of 200 µs, 64 fragments each.
    assert!(pair.now_us < 500_000, "{} µs", pair.now_us);
}

#[test]
fn a_peer_that_starts_again_reads_no_message_twice_and_misses_none_that_was_not_begun() {
    let mut lost = 0;
    for seed in 0..200 {
        let settings = Settings { first_seq: u32::MAX - 20, ..Settings::default() };
        let mut pair = Pair::new(seed, settings);
        let mut random = Random::new(seed, Purpose::Workload);
        let count = 400_u32;
        let mut seen = vec![0_u32; count as usize];
        let (mut life, mut sent, mut newest) = (1, 0, None);
        for steps in 0.. {
            if sent < count && pair.links[0].send(message(sent, &mut random)).is_ok() {
                sent += 1;
            }
            if life < 4 && steps > 0 && random.below(150) == 0 {
                // The reader crashes and starts again; old packets are still under way.
                life += 1;
                pair.links[1] = Link::new(life, settings);
            }
            if !pair.step() && sent == count {
                break;
            }
            while let Some(message) = pair.links[1].take() {
                let number = u32::from_le_bytes(message[..4].try_into().unwrap());
                assert!(newest < Some(number), "seed {seed}: {number} after {newest:?}");
                newest = Some(number);
                seen[number as usize] += 1;
            }
        }
        let missed = seen.iter().filter(|times| **times == 0).count() as u64;
        // Some that were given up had been read by the earlier life.
        assert!(missed <= pair.links[0].counts().lost, "seed {seed}: missed {missed}");
        assert!(seen.iter().all(|times| *times <= 1), "seed {seed}");
        assert!(pair.links[0].is_idle());
        lost += missed;
    }
    println!("{lost} of 80000 messages fell between two lives");
    assert!(lost > 0, "no life ended while messages were under way");
}

#[test]
fn a_sender_that_starts_again_is_read_from_its_beginning() {
    let settings = Settings::default();
    let mut pair = Pair::new(5, settings);
    for life in 1..6 {
        pair.links[0] = Link::new(life, settings);
        for number in 0..50_u8 {
            pair.links[0].send(vec![life as u8, number]).unwrap();
        }
        let mut read = Vec::new();
        while read.len() < 50 {
            assert!(pair.step());
            while let Some(message) = pair.links[1].take() {
                read.push(message);
            }
        }
        // Packets of this life are still under way when the next one begins.
        assert!(
            read.iter().enumerate().all(|(at, message)| *message == [life as u8, at as u8]),
            "life {life}"
        );
    }
}

#[test]
fn a_link_to_nobody_is_quiet_and_bounded() {
    let settings = Settings { most_waiting: 10, ..Settings::default() };
    let mut link = Link::new(1, settings);
    for _ in 0..10 {
        link.send(vec![1]).unwrap();
    }
    assert_eq!(link.send(vec![1]), Err(Refused::Full { waiting: 10 }));
    let (mut now, mut packets) = (0, 0);
    while now < 60_000_000 {
        while link.poll(now).is_some() {
            packets += 1;
        }
        now = link.wakes_at().unwrap();
    }
    // Once a second after the first few.
    assert!(packets < 70, "{packets} packets in a minute");
}

#[test]
fn an_idle_link_sends_nothing_and_waits_for_nothing() {
    let pair = exchange(Pair::new(3, Settings::default()), 100);
    assert!(pair.links.iter().all(|link| link.wakes_at().is_none()));
}

#[test]
fn a_reader_keeps_no_more_than_the_window_and_the_longest_message() {
    use simnet::local::packet::Fragment;
    let settings = Settings { longest_message: 3_000, ..Settings::default() };
    let mut link = Link::new(1, settings);
    let segment = |seq: u32, more: bool| Segment {
        life: 1,
        to_life: 1,
        ack: 0,
        sack: 0,
        asks: false,
        fragment: Some(Fragment { seq, more, bytes: vec![0; 1000] }),
    };
    // A message of ten times the longest is passed over, and the next one is read.
    (0..30).for_each(|seq| link.receive(segment(seq, seq != 29), 0));
    link.receive(segment(30, false), 0);
    assert_eq!(link.take().map(|message| message.len()), Some(1000));
    assert_eq!(link.take(), None);
    // Fragments from anywhere else are not kept.
    for seq in (31 + WINDOW as u32..4_000_000_000).step_by(1_000_003) {
        link.receive(segment(seq, false), 0);
    }
    assert_eq!(link.take(), None);
}
