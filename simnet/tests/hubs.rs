//! The ready-made hubs: what each does to order, count and time.

mod toy;

use simnet::hub::{Duplicate, Fifo, Hold, Hub, Lossy, Reorder, Straggle, Wan};
use simnet::swarm::Weather;
use simnet::{Chance, Delay, Sim};
use std::collections::BTreeMap;
use std::time::Duration;
use toy::{Heard, Puppet, Toy, heard_at, puppets};

const MESSAGES: u64 = 10_000;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Sends so many messages from a to b at once, a microsecond apart from each other, and returns what arrived: when, which.
fn arrivals(hub: impl Hub<Toy> + 'static) -> (Vec<(u64, u64)>, Sim<Puppet>) {
    let (cluster, [a, b, _], _) = puppets();
    let mut sim = Sim::new(9, &cluster).with_hub(hub);
    for number in 0..MESSAGES {
        sim.inject(a, b, Toy::Plain(number));
        sim.run_for(Duration::from_micros(1));
    }
    sim.run_for(Duration::from_secs(100));
    let arrived = heard_at(&sim, b)
        .into_iter()
        .map(|(at, heard)| if let Heard::Plain(number) = heard { (at, number) } else { panic!("{heard:?}") })
        .collect();
    (arrived, sim)
}

fn numbers(arrived: &[(u64, u64)]) -> Vec<u64> {
    arrived.iter().map(|(_, number)| *number).collect()
}

#[test]
fn reorder_delivers_each_once_within_its_delays_in_another_order() {
    let (arrived, sim) = arrivals(Reorder::new(Delay::uniform(ms(1), ms(10))));
    for (at, number) in &arrived {
        assert!((1_000..=10_000).contains(&(at - number)), "message {number} took {} us", at - number);
    }
    let mut sorted = numbers(&arrived);
    assert!(!sorted.is_sorted());
    sorted.sort_unstable();
    assert_eq!(sorted, (0..MESSAGES).collect::<Vec<_>>());
    assert!(sim.tally().faults()["reorder"] > 0);
}

#[test]
fn fifo_delivers_each_once_in_order() {
    let (arrived, sim) = arrivals(Fifo::new(Delay::uniform(ms(1), ms(10))));
    assert_eq!(numbers(&arrived), (0..MESSAGES).collect::<Vec<_>>());
    assert_eq!(sim.tally().faults().get("reorder"), None);
    // A message may wait for those before it, and for no longer than the longest delay.
    assert!(arrived.iter().all(|(at, number)| (1_000..=10_000).contains(&(at - number))));
}

#[test]
fn fifo_keeps_links_apart() {
    let (cluster, [a, b, c], _) = puppets();
    let mut sim = Sim::new(3, &cluster).with_hub(Fifo::new(Delay::uniform(ms(1), ms(1_000))));
    for number in 0..100 {
        sim.inject(a, c, Toy::Plain(number));
        sim.inject(b, c, Toy::Plain(1_000 + number));
    }
    sim.run_for(Duration::from_secs(5));
    let all: Vec<u64> = heard_at(&sim, c)
        .into_iter()
        .map(|(_, heard)| if let Heard::Plain(number) = heard { number } else { panic!("{heard:?}") })
        .collect();
    let of_a: Vec<u64> = all.iter().copied().filter(|number| *number < 1_000).collect();
    assert!(of_a.is_sorted() && of_a.len() == 100);
    let interleaved = all.windows(2).filter(|pair| (pair[0] < 1_000) != (pair[1] < 1_000)).count();
    assert!(interleaved > 2, "one link does not wait for the other");
}

#[test]
fn lossy_loses_its_share_without_memory() {
    let (arrived, sim) = arrivals(Lossy::new(Chance::percent(20), Reorder::new(Delay::fixed(ms(1)))));
    // 8000 expected, deviation 40.
    assert!((7_880..=8_120).contains(&arrived.len()), "{}", arrived.len());
    assert_eq!(sim.tally().faults()["drop"], MESSAGES - arrived.len() as u64);
    assert_eq!(sim.tally().dropped, MESSAGES - arrived.len() as u64);
    // Runs of three losses in a row occur: a loss without memory has them, one that spreads its losses evenly has none.
    let arrived = numbers(&arrived);
    assert!(arrived.windows(2).any(|pair| pair[1] - pair[0] > 3), "bursts occur");
}

#[test]
fn duplicate_makes_copies_with_delays_of_their_own() {
    let (arrived, sim) =
        arrivals(Duplicate::new(Chance::percent(50), Reorder::new(Delay::uniform(ms(1), ms(10)))));
    let mut copies: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (at, number) in arrived {
        copies.entry(number).or_default().push(at);
    }
    assert_eq!(copies.len() as u64, MESSAGES);
    let doubled: Vec<_> = copies.values().filter(|copies| copies.len() == 2).collect();
    // 5000 expected, deviation 50.
    assert!((4_850..=5_150).contains(&doubled.len()), "{}", doubled.len());
    assert!(copies.values().all(|copies| copies.len() <= 2));
    assert_eq!(sim.tally().faults()["duplicate"], doubled.len() as u64);
    let together = doubled.iter().filter(|copies| copies[0] == copies[1]).count();
    assert!(
        together < doubled.len() / 100,
        "{together} of {} copies came at the very same time",
        doubled.len()
    );
}

#[test]
fn straggle_makes_some_late_beyond_all_others() {
    let straggle =
        Straggle::new(Chance::percent(1), Delay::fixed(ms(500)), Reorder::new(Delay::fixed(ms(1))));
    let (arrived, _) = arrivals(straggle);
    let late = arrived.iter().filter(|(at, number)| at - number == 501_000).count();
    // 100 expected, deviation 10.
    assert!((70..=130).contains(&late), "{late}");
    assert!(arrived.iter().all(|(at, number)| matches!(at - number, 1_000 | 501_000)));
}

#[test]
fn wan_knows_near_and_far() {
    let (cluster, [a, b, c], _) = puppets();
    let (near, far) = (Delay::fixed(ms(1)), Delay::fixed(ms(80)));
    // a and b at one site, c and the outsider at the other; the way back takes longer.
    let delays = vec![vec![near, far], vec![Delay::fixed(ms(120)), near]];
    let mut sim = Sim::new(1, &cluster).with_hub(Wan::new(vec![0, 0, 1, 1], delays));
    sim.inject(a, b, Toy::Plain(1));
    sim.inject(a, c, Toy::Plain(2));
    sim.inject(c, a, Toy::Plain(3));
    sim.run_for(ms(500));
    assert_eq!(heard_at(&sim, b), [(1_000, Heard::Plain(1))]);
    assert_eq!(heard_at(&sim, c), [(80_000, Heard::Plain(2))]);
    assert_eq!(heard_at(&sim, a), [(120_000, Heard::Plain(3))]);
}

#[test]
fn hold_keeps_messages_until_a_test_lets_them_go() {
    let (cluster, [a, b, _], _) = puppets();
    let mut sim = Sim::new(1, &cluster).with_hub(Hold);
    for number in 0..4 {
        sim.inject(a, b, Toy::Plain(number));
    }
    sim.run_for(Duration::from_secs(1));
    assert_eq!((sim.held().count(), sim.in_flight(), sim.tally().delivered), (4, 4, 0));
    sim.release(ms(5), |letter| letter.message == &Toy::Plain(2));
    sim.release(ms(6), |letter| letter.id < 2);
    sim.run_for(ms(10));
    let expected = [(1_005_000, Heard::Plain(2)), (1_006_000, Heard::Plain(0)), (1_006_000, Heard::Plain(1))];
    assert_eq!(heard_at(&sim, b), expected);
    assert_eq!(sim.held().map(|letter| (letter.from, letter.to)).collect::<Vec<_>>(), [(a, b)]);
}

#[test]
fn weather_is_the_hubs_that_it_names() {
    let weather = Weather {
        delay: Delay::uniform(ms(1), ms(10)),
        loss: Chance::percent(10),
        duplication: Chance::percent(10),
        straggling: Chance::percent(1),
        straggle_by: Delay::fixed(ms(300)),
        fifo: true,
    };
    assert_eq!(
        weather.to_string(),
        "delay 1ms..10ms, loss 10%, duplication 10%, 1% straggle by 300ms, links in order"
    );
    let (arrived, sim) = arrivals(weather.hub());
    assert!(numbers(&arrived).is_sorted());
    let faults = sim.tally().faults();
    assert!(faults["drop"] > 0 && faults["duplicate"] > 0);
    let read: Weather = serde_json::from_str(&serde_json::to_string(&weather).unwrap()).unwrap();
    assert_eq!(read, weather);
    assert!(
        serde_json::from_str::<Weather>(r#"{"los":"5%"}"#)
            .unwrap_err()
            .to_string()
            .contains("unknown field `los`")
    );
}

#[test]
fn sites_without_delays_are_refused() {
    let wrong = std::panic::catch_unwind(|| Wan::new(vec![0, 2], vec![vec![Delay::NONE]]));
    assert!(wrong.is_err());
}
