//! The random streams: uniform, independent, the same for ever.

use simnet::random::Purpose;
use simnet::{Chance, Random, RandomSource};
use std::collections::BTreeMap;

const PURPOSES: [Purpose; 7] = [
    Purpose::Network,
    Purpose::Faults,
    Purpose::Workload,
    Purpose::Swarm,
    Purpose::Storage,
    Purpose::Node(0),
    Purpose::Node(1),
];

/// The sum of squared deviations, over the mean: for 99 degrees of freedom it is above 161 once in ten thousand times.
fn chi_squared(counts: &BTreeMap<u64, u64>, cells: u64, draws: u64) -> u64 {
    let mean = draws / cells;
    (0..cells).map(|cell| counts.get(&cell).copied().unwrap_or(0).abs_diff(mean).pow(2)).sum::<u64>() / mean
}

#[test]
fn one_stream_is_uniform() {
    for purpose in PURPOSES {
        let mut random = Random::new(7, purpose);
        let mut counts = BTreeMap::new();
        (0..100_000).for_each(|_| *counts.entry(random.below(100)).or_default() += 1);
        assert!((60..161).contains(&chi_squared(&counts, 100, 100_000)), "{purpose:?}");
    }
}

#[test]
fn the_first_draws_of_neighbouring_seeds_are_uniform() {
    for purpose in PURPOSES {
        let mut counts = BTreeMap::new();
        (0..100_000).for_each(|seed| *counts.entry(Random::new(seed, purpose).below(100)).or_default() += 1);
        assert!((60..161).contains(&chi_squared(&counts, 100, 100_000)), "{purpose:?}");
    }
}

#[test]
fn streams_of_one_seed_differ() {
    let mut firsts: Vec<u64> = PURPOSES.map(|purpose| Random::new(7, purpose).bits()).to_vec();
    firsts.sort_unstable();
    firsts.dedup();
    assert_eq!(firsts.len(), PURPOSES.len());
}

/// Pinned: seeds mean what they mean because of these values.
#[test]
fn the_values_are_the_same_for_ever() {
    let mut random = Random::new(42, Purpose::Network);
    let drawn = [random.bits(), random.bits(), random.below(1_000), random.between(10..20)];
    assert_eq!(drawn, [18_183_147_227_428_793_444, 16_505_251_536_789_924_710, 593, 16]);
}

#[test]
fn bounds_are_kept() {
    let mut random = Random::new(1, Purpose::Faults);
    for _ in 0..1_000 {
        assert!(random.below(7) < 7);
        assert!((5..9).contains(&random.between(5..9)));
    }
    assert_eq!((random.below(0), random.below(1), random.between(4..4)), (0, 0, 4));
    assert!((0..100).all(|_| random.happens(Chance::ALWAYS) && !random.happens(Chance::NEVER)));
    let mut items: Vec<u64> = (0..50).collect();
    random.shuffle(&mut items);
    assert!(!items.is_sorted());
    items.sort_unstable();
    assert_eq!(items, (0..50).collect::<Vec<_>>());
}

#[test]
fn chances_are_read_as_they_are_written() {
    for text in ["0%", "20%", "0.5%", "99.9999%", "100%", "0.0001%"] {
        assert_eq!(text.parse::<Chance>().unwrap().to_string(), text);
    }
    for bad in ["", "20", "-1%", "101%", "0.00001%", "1,5%", "half", "1.%", "%", "1..2%"] {
        assert!(bad.parse::<Chance>().unwrap_err().contains("expected a percentage"), "{bad}");
    }
}
