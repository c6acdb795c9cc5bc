//! Chance is chance: as often as it says, on each link and for each name apart, and without memory, so that bursts occur.

mod toy;

use simnet::fault::Fault;
use simnet::hub::{Duplicate, Lossy, Reorder, Straggle};
use simnet::{Chance, Delay, NodeId, Sim};
use std::time::Duration;
use toy::{Heard, Puppet, Toy, puppets};

const MESSAGES: u64 = 100_000;
const PERCENTS: [u32; 4] = [1, 10, 50, 90];

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Something that strikes single messages by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Mute,
    Deaf,
    Loss,
    Filter,
    Drop,
    Duplicate,
    Straggle,
}

const SOURCES: [Source; 7] = [
    Source::Mute,
    Source::Deaf,
    Source::Loss,
    Source::Filter,
    Source::Drop,
    Source::Duplicate,
    Source::Straggle,
];

/// A run in which `source` strikes with `chance` what a sends to b.
fn struck_sim(source: Source, chance: Chance, seed: u64) -> (Sim<Puppet>, NodeId, NodeId) {
    let (cluster, [a, b, _], _) = puppets();
    let hub = Reorder::new(Delay::fixed(ms(10)));
    let sim = Sim::new(seed, &cluster);
    let fault = |fault| {
        let mut sim = Sim::new(seed, &cluster).with_hub(hub);
        sim.begin(fault);
        sim
    };
    let (from, to) = (vec!["a".into()], vec!["b".into()]);
    let sim = match source {
        Source::Mute => fault(Fault::Mute { node: "a".into(), chance }),
        Source::Deaf => fault(Fault::Deaf { node: "b".into(), from: vec![], chance }),
        Source::Loss => fault(Fault::Loss { from, to, chance }),
        Source::Filter => fault(Fault::Filter { message: "Plain".into(), from, to, chance }),
        Source::Drop => sim.with_hub(Lossy::new(chance, hub)),
        Source::Duplicate => sim.with_hub(Duplicate::new(chance, hub)),
        Source::Straggle => sim.with_hub(Straggle::new(chance, Delay::fixed(ms(50)), hub)),
    };
    (sim, a, b)
}

/// Sends so many messages, and returns which of them were struck: lost, doubled, or late.
fn struck(source: Source, chance: Chance, seed: u64, messages: u64) -> Vec<bool> {
    let (mut sim, a, b) = struck_sim(source, chance, seed);
    (0..messages).for_each(|number| sim.inject(a, b, Toy::Plain(number)));
    sim.run_for(ms(20));
    let in_time = copies_of(&sim, b, messages);
    sim.run_for(ms(100));
    let struck: Vec<bool> = match source {
        Source::Duplicate => in_time.iter().map(|copies| *copies == 2).collect(),
        _ => in_time.iter().map(|copies| *copies == 0).collect(),
    };
    if source == Source::Straggle {
        assert!(copies_of(&sim, b, messages).iter().all(|copies| *copies == 1), "late, not lost");
    } else {
        let kind = format!("{source:?}").to_lowercase();
        let count = struck.iter().filter(|struck| **struck).count() as u64;
        assert_eq!(
            sim.tally().faults().get(kind.as_str()).copied().unwrap_or(0),
            count,
            "{source:?} counts itself"
        );
    }
    struck
}

/// How many copies of each message have come to `node`.
fn copies_of(sim: &Sim<Puppet>, node: NodeId, messages: u64) -> Vec<u8> {
    let mut copies = vec![0; messages as usize];
    for told in sim.outputs().iter().filter(|told| told.node == node) {
        if let Heard::Plain(number) = told.output {
            copies[number as usize] += 1;
        }
    }
    copies
}

fn count(struck: &[bool]) -> u64 {
    struck.iter().filter(|struck| **struck).count() as u64
}

/// Whether `count` of `trials` is within so many standard deviations of the mean for this probability.
fn is_within(deviations: i128, count: u64, trials: u64, chance: Chance) -> bool {
    // |count - n·p|² ≤ d²·n·p·(1-p), times a million squared, in whole numbers.
    const MILLION: i128 = 1_000_000;
    let (count, trials, p) = (i128::from(count), i128::from(trials), i128::from(chance.as_millionths()));
    let off = count * MILLION - trials * p;
    off * off <= deviations * deviations * trials * p * (MILLION - p)
}

#[track_caller]
fn within_3_deviations(count: u64, trials: u64, chance: Chance, what: &str) {
    assert!(is_within(3, count, trials, chance), "{what}: {count} of {trials}, expected {chance}");
}

#[test]
fn each_chance_strikes_its_share_of_100_000_messages() {
    for source in SOURCES {
        for chance in PERCENTS.map(Chance::percent) {
            let struck = struck(source, chance, 1, MESSAGES);
            within_3_deviations(count(&struck), MESSAGES, chance, &format!("{source:?} {chance}"));
        }
    }
}

/// Without memory, a run of exactly `k` struck messages stands at a given place with probability p^k · (1-p)²: lengths are geometric.
#[test]
fn bursts_are_as_long_and_as_frequent_as_without_memory() {
    for source in SOURCES {
        for percent in PERCENTS {
            let struck = struck(source, Chance::percent(percent), 2, MESSAGES);
            let mut runs = vec![0u64; 400];
            let ends = struck.split(|struck| !struck).map(<[bool]>::len).filter(|len| *len > 0);
            ends.for_each(|len| runs[len.min(399)] += 1);
            // Expected numbers in millionths; p^k in parts of 10^12.
            let (p, one) = (u128::from(percent), 100u128);
            let mut power = 1_000_000_000_000u128;
            let (mut cells, mut chi_squared, mut longest) = (0u64, 0u128, 0);
            for (length, observed) in runs.iter().enumerate().skip(1) {
                power = power * p / one;
                let expected = u128::from(MESSAGES) * power * (one - p) * (one - p) / (one * one) / 1_000_000;
                if expected < 5_000_000 {
                    break;
                }
                let observed = u128::from(*observed) * 1_000_000;
                chi_squared += observed.abs_diff(expected).pow(2) / expected;
                (cells, longest) = (cells + 1, length);
            }
            let chi_squared = (chi_squared / 1_000_000) as u64;
            // The mean is the number of cells, the variance twice that; 3 deviations and a little for a tail that is not normal.
            let bound = cells + 3 * (2 * cells).isqrt() + 6;
            assert!(cells >= 2, "{source:?} {percent}%: {cells} lengths are frequent enough to compare");
            assert!(
                chi_squared <= bound,
                "{source:?} {percent}%: lengths up to {longest} are off by {chi_squared}, at most {bound} is chance; runs {:?}",
                &runs[..longest + 2]
            );
        }
    }
}

/// One fixed seed could be a lucky one. Over many, the share beyond a deviation is what chance makes it: no more, and no fewer.
#[test]
fn over_many_seeds_the_shares_spread_as_chance_does() {
    const SEEDS: u64 = 150;
    const TRIALS: u64 = 2_000;
    for source in SOURCES {
        let (mut beyond_1, mut beyond_3, mut all) = (0u64, 0, 0);
        for chance in [10, 50].map(Chance::percent) {
            for seed in 0..SEEDS {
                let count = count(&struck(source, chance, 1_000 + seed, TRIALS));
                beyond_1 += u64::from(!is_within(1, count, TRIALS, chance));
                beyond_3 += u64::from(!is_within(3, count, TRIALS, chance));
                all += 1;
            }
        }
        // 0.27 % of 300 is 0.8 beyond three deviations, and more than 6 happen once in 100,000 times.
        assert!(beyond_3 <= 6, "{source:?}: {beyond_3} of {all} seeds beyond three deviations");
        // 31.7 % of 300 is 95 beyond one, give or take 8. Chance that spreads its losses evenly has none.
        assert!(
            (95 - 32..=95 + 32).contains(&beyond_1),
            "{source:?}: {beyond_1} of {all} seeds beyond one deviation"
        );
    }
}

#[test]
fn each_direction_and_each_link_has_its_own_chance() {
    for (there, back) in PERCENTS.into_iter().zip([50, 90, 1, 10]) {
        directions(there, back);
    }
}

/// Loss from a to b, other loss from b to a, and half of what c sends to a, all at once.
fn directions(there: u32, back: u32) {
    let (cluster, [a, b, c], _) = puppets();
    let mut sim = Sim::new(3, &cluster).with_hub(Reorder::new(Delay::fixed(ms(10))));
    let loss =
        |from: &str, to: &str, chance| Fault::Loss { from: vec![from.into()], to: vec![to.into()], chance };
    let [there, back] = [there, back].map(Chance::percent);
    sim.begin(loss("a", "b", there));
    sim.begin(loss("b", "a", back));
    sim.begin(loss("c", "a", Chance::percent(50)));
    for number in 0..MESSAGES {
        sim.inject(a, b, Toy::Plain(number));
        sim.inject(b, a, Toy::Plain(number));
        sim.inject(c, a, Toy::Plain(MESSAGES + number));
        sim.inject(b, c, Toy::Plain(number));
    }
    sim.run_for(ms(20));
    let at_a = copies_of(&sim, a, 2 * MESSAGES);
    let lost = |copies: &[u8]| copies.iter().map(|copies| *copies == 0).collect::<Vec<_>>();
    let (from_b, from_c) = (lost(&at_a[..MESSAGES as usize]), lost(&at_a[MESSAGES as usize..]));
    within_3_deviations(count(&lost(&copies_of(&sim, b, MESSAGES))), MESSAGES, there, "a to b");
    within_3_deviations(count(&from_b), MESSAGES, back, "b to a");
    within_3_deviations(count(&from_c), MESSAGES, Chance::percent(50), "c to a");
    assert_eq!(count(&lost(&copies_of(&sim, c, MESSAGES))), 0, "b to c is healthy");
    // And what is lost on one link says nothing of another.
    let both = from_b.iter().zip(&from_c).filter(|(b, c)| **b && **c).count() as u64;
    within_3_deviations(both, count(&from_b), Chance::percent(50), "of those lost from b, also lost from c");
}

#[test]
fn each_name_has_its_own_chance() {
    for percent in PERCENTS {
        names(percent, 100 - percent);
    }
}

/// Of two messages that one node sends to another, each is lost with the probability of its name.
fn names(plain: u32, other: u32) {
    let (cluster, [a, b, _], _) = puppets();
    let mut sim = Sim::new(4, &cluster).with_hub(Reorder::new(Delay::fixed(ms(10))));
    let filter = |message: &str, percent| Fault::Filter {
        message: message.into(),
        from: vec![],
        to: vec![],
        chance: Chance::percent(percent),
    };
    sim.begin(filter("Plain", plain));
    sim.begin(filter("Do", other));
    for number in 0..MESSAGES {
        sim.inject(a, b, Toy::Plain(number));
        sim.inject(a, b, Toy::Do(vec![toy::Step::Output(number)]));
    }
    sim.run_for(ms(20));
    let heard = toy::heard(&sim, b);
    let arrived = heard.iter().filter(|heard| matches!(heard, Heard::Plain(_))).count() as u64;
    within_3_deviations(MESSAGES - arrived, MESSAGES, Chance::percent(plain), "messages named Plain");
    let arrived = heard.len() as u64 - arrived;
    within_3_deviations(MESSAGES - arrived, MESSAGES, Chance::percent(other), "messages named Do");
}

#[test]
fn copies_of_one_message_are_delayed_apart() {
    let (cluster, [a, b, _], _) = puppets();
    let delay = Delay::uniform(ms(1), ms(10));
    let mut sim = Sim::new(5, &cluster).with_hub(Duplicate::new(Chance::ALWAYS, Reorder::new(delay)));
    const SENT: u64 = 10_000;
    (0..SENT).for_each(|number| sim.inject(a, b, Toy::Plain(number)));
    sim.run_for(ms(20));
    let mut arrivals = vec![Vec::new(); SENT as usize];
    for (at, heard) in toy::heard_at(&sim, b) {
        let Heard::Plain(number) = heard else { panic!("{heard:?}") };
        arrivals[number as usize].push(at);
    }
    assert!(arrivals.iter().all(|arrivals| arrivals.len() == 2));
    // Two numbers from 1000 to 10,000, independent: the middle splits them with probability one half, and they are rarely equal.
    let split = arrivals.iter().filter(|at| (at[0] < 5_501) != (at[1] < 5_501)).count() as u64;
    within_3_deviations(split, SENT, Chance::percent(50), "copies in different halves");
    assert!(arrivals.iter().filter(|at| at[0] == at[1]).count() < 20);
}

#[test]
fn delays_are_distributed_as_they_say() {
    let (cluster, [a, b, _], _) = puppets();
    let arrivals = |delay| {
        let mut sim = Sim::new(6, &cluster).with_hub(Reorder::new(delay));
        (0..MESSAGES).for_each(|number| sim.inject(a, b, Toy::Plain(number)));
        sim.run_for(Duration::from_secs(10));
        let at: Vec<u64> = toy::heard_at(&sim, b).into_iter().map(|(at, _)| at).collect();
        assert_eq!(at.len() as u64, MESSAGES);
        at
    };
    assert!(arrivals(Delay::fixed(ms(7))).iter().all(|at| *at == 7_000));
    // Uniform: both ends occur, nothing beyond, and each tenth holds a tenth.
    let uniform = arrivals(Delay::Uniform { min_us: 101, max_us: 200 });
    assert_eq!((uniform.first(), uniform.last()), (Some(&101), Some(&200)));
    for tenth in 0..10 {
        let within = uniform.iter().filter(|at| (**at - 101) / 10 == tenth).count() as u64;
        within_3_deviations(
            within,
            MESSAGES,
            Chance::percent(10),
            &format!("tenth {tenth} of a uniform delay"),
        );
    }
    // Exponential: P(> mean) = 36.7879 %, P(> 3 means) = 4.9787 %.
    let exponential = arrivals(Delay::exponential(ms(10)));
    for (means, millionths) in [(1, 367_879), (3, 49_787)] {
        let longer = exponential.iter().filter(|at| **at > means * 10_000).count() as u64;
        let what = format!("exponential delays beyond {means} means");
        within_3_deviations(longer, MESSAGES, Chance::millionths(millionths), &what);
    }
}
