//! Part E: that something good happens in the end.

use paxos::invariants::situation;
use paxos::scene::{self, LIVENESS, Scene, Storms};
use paxos::{Pace, Roles};
use simnet::fault::{Fault, Plan};
use simnet::{Campaign, Chance, Delay, this_test};
use std::time::Duration;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Each proposer lives next door to one half of the acceptors and far from the other. A majority needs both halves, and each
/// proposer's Prepare is next door long before the other's Accept has come from afar: as long as their pauses are equal, each overtakes
/// the other for ever. All messages on a link take equally long, so nothing in the network ever breaks the symmetry.
#[test]
fn part_e_two_proposers_end_their_duel() {
    let pace = Pace {
        resend: ms(200),
        back_off: ms(5),
        ask: Duration::from_secs(3600),
        retry: Duration::from_secs(3600),
    };
    for (acceptors, left, right) in [(2, &["a1"][..], &["a2"][..]), (4, &["a1", "a2"], &["a3", "a4"])] {
        let mut scene = Scene::calm(Roles::new(2, acceptors, 1, &["red", "blue"], pace));
        scene.storm.weather.delay = Delay::fixed(ms(1));
        for (proposer, far) in [("p1", right), ("p2", left)] {
            let far: Vec<_> = far.iter().map(|name| (*name).into()).collect();
            let there = Fault::Slow { from: vec![proposer.into()], to: far.clone(), by: ms(9).into() };
            let back = Fault::Slow { from: far, to: vec![proposer.into()], by: ms(9).into() };
            scene.storm.plan = scene.storm.plan.at(ms(0), there).at(ms(0), back);
        }
        let who = [scene.roles.learners(), scene.roles.clients()].concat();
        Campaign::new(this_test!()).seeds(100).firing(&["slow"]).run(|trial| {
            let mut sim = scene.begin(trial);
            let rule = "proposers that duel decide in the end: random pauses let one of them through";
            sim.must_reach(rule, Duration::from_secs(20), |sim| scene::all_know(sim, &who));
            sim
        });
    }
}

#[test]
fn part_e_one_acceptor_is_a_majority_of_one() {
    let scene = Scene::calm(Roles::new(1, 1, 1, &["red"], Pace::default()));
    let who = [scene.roles.learners(), scene.roles.clients()].concat();
    Campaign::new(this_test!()).seeds(100).run(|trial| {
        let mut sim = scene.begin(trial);
        sim.must_reach("a cluster of one acceptor decides", ms(100), |sim| scene::all_know(sim, &who));
        sim
    });
}

#[test]
fn part_e_a_minority_never_decides() {
    for (acceptors, cut) in [(3, vec!["a1"]), (5, vec!["a1", "a2"]), (4, vec!["a1", "a2"])] {
        let mut scene = Scene::calm(Roles::new(2, acceptors, 1, &["red", "blue"], Pace::default()));
        // All proposers, learners and clients are on the side of at most half of the acceptors.
        let others: Vec<_> = (1..=acceptors).map(|number| format!("a{number}")).collect();
        let rest = others
            .iter()
            .filter(|name| !cut.contains(&name.as_str()))
            .map(|name| name.as_str().into())
            .collect();
        let mut side: Vec<_> = ["p1", "p2", "l1", "c1", "c2"].map(Into::into).to_vec();
        side.extend(cut.iter().map(|name| (*name).into()));
        let partition = Fault::Partition { sides: vec![side, rest] };
        scene.storm.plan = Plan::new().during(ms(0), Duration::from_secs(5), partition);
        let who = [scene.roles.learners(), scene.roles.clients()].concat();
        Campaign::new(this_test!()).seeds(20).firing(&["partition"]).run(|trial| {
            let mut sim = scene.begin(trial);
            sim.run_for(Duration::from_secs(5));
            if !sim.outputs().iter().all(|told| matches!(told.output, paxos::Output::Asked(_))) {
                let got = format!("{:?}", sim.outputs());
                let rule = "half of the acceptors, or fewer, never decide";
                sim.violate(simnet::Violation::new(
                    rule,
                    "nothing learned while the majority is cut off",
                    got,
                ));
            }
            // The cut heals, and everybody hears of one value.
            sim.must_reach(LIVENESS, Duration::from_secs(5), |sim| scene::all_know(sim, &who));
            sim
        });
    }
}

/// A Promise is lost, and nobody is there to overtake: the proposer must get its answer by asking again.
#[test]
fn part_e_a_lost_promise_is_asked_for_again() {
    let pace = Pace { retry: Duration::from_secs(3600), ..Pace::default() };
    let mut scene = Scene::calm(Roles::new(1, 3, 1, &["red"], pace));
    let lost = Fault::Filter { message: "Promise".into(), from: vec![], to: vec![], chance: Chance::ALWAYS };
    scene.storm.plan = Plan::new().during(ms(0), ms(60), lost);
    let who = [scene.roles.learners(), scene.roles.clients()].concat();
    Campaign::new(this_test!()).seeds(50).firing(&["filter"]).run(|trial| {
        let mut sim = scene.begin(trial);
        let rule = "a lost Promise is asked for again, and given again";
        sim.must_reach(rule, Duration::from_secs(1), |sim| scene::all_know(sim, &who));
        sim
    });
}

/// The learner is cut off while everything is decided, and nothing is ever sent again by itself.
#[test]
fn part_e_a_learner_that_missed_everything_catches_up() {
    let mut scene = Scene::calm(Roles::new(1, 3, 2, &["red"], Pace::default()));
    scene.storm.plan =
        Plan::new().during(ms(0), Duration::from_secs(2), Fault::Isolate { node: "l2".into() });
    let who = scene.roles.learners();
    Campaign::new(this_test!()).seeds(50).firing(&["isolate"]).reaching(&[situation::TOLD]).run(|trial| {
        let mut sim = scene.begin(trial);
        let rule = "a learner that was cut off learns the chosen value after the cut has healed";
        sim.must_reach(rule, Duration::from_secs(4), |sim| scene::all_know(sim, &who));
        sim
    });
}

/// Everyone who knew the value has crashed; only the acceptors remember. A learner that asks has it found out again.
#[test]
fn part_e_a_value_is_found_again_when_only_acceptors_remember() {
    let mut scene = Scene::calm(Roles::new(2, 3, 1, &["red"], Pace::default()));
    let mut plan = Plan::new();
    for node in ["p1", "p2", "l1"] {
        let crash = Fault::Crash { node: node.into(), disk: simnet::DiskFate::LoseUnsynced };
        plan = plan.during(Duration::from_secs(1), ms(50), crash);
    }
    // The client is gone: nobody asks for red any more.
    plan = plan.at(Duration::from_secs(1), Fault::Crash { node: "c1".into(), disk: simnet::DiskFate::Keep });
    scene.storm.plan = plan;
    let who = scene.roles.learners();
    Campaign::new(this_test!()).seeds(50).firing(&["crash"]).run(|trial| {
        let mut sim = scene.begin(trial);
        sim.run_for(ms(1_100));
        let rule = "what was chosen is found again as long as a majority of acceptors remembers";
        sim.must_reach(rule, Duration::from_secs(4), |sim| scene::all_know(sim, &who));
        sim
    });
}

#[test]
fn part_e_decides_after_any_storm() {
    Campaign::new(this_test!())
        .seeds(4_000)
        .reaching(&[situation::TOLD, situation::ADOPTED, situation::ACCEPTOR_RESTART_ACCEPTED])
        .firing(&["crash", "partition", "pause", "replay", "disk_bit_flipped", "disk_wiped"])
        .run(|trial| Scene::draw(trial.seed, Storms::ThenCalm).survive_and_decide(trial));
}
