//! One seed is one run: each twice in one thread and once in a new one, compared event by event.

use paxos::scene::{Scene, Storms};
use simnet::{Trial, determinism};

#[test]
fn one_seed_is_one_run() {
    for seed in 0..100 {
        let scene = Scene::draw(seed, Storms::ThenCalm);
        let run = || scene.survive_and_decide(&Trial::new(seed, true));
        if let Err(difference) = determinism::check("07-paxos", run) {
            panic!("seed {seed}: {difference}");
        }
    }
}

#[test]
fn a_storm_is_drawn_anew_from_its_seed() {
    for seed in 0..1_000 {
        let draw = || Scene::draw(seed, Storms::WithCrashes).to_string();
        assert_eq!(draw(), draw());
    }
}
