//! One seed is one run, of every protocol: each twice in one thread and once in a new one, compared event by event.

use clap::ValueEnum;
use messages::protocol::{Job, Protocol};
use messages::scene::{Episode, Scene};
use simnet::{Trial, determinism};

struct OneSeedIsOneRun;

impl Job for OneSeedIsOneRun {
    type Done = ();

    fn with<S: Scene>(self) {
        for seed in 0..25 {
            let episode = Episode::<S>::draw(seed);
            let run = || episode.survive_and_reach_the_goal(&Trial::new(seed, true));
            if let Err(difference) = determinism::check("02-messages", run) {
                panic!("{}, seed {seed}: {difference}", S::PROTOCOL);
            }
            assert_eq!(episode.to_string(), Episode::<S>::draw(seed).to_string());
        }
    }
}

#[test]
fn one_seed_is_one_run() {
    for protocol in Protocol::value_variants() {
        protocol.give(OneSeedIsOneRun);
    }
}
