//! Part B: a reliable, ordered link over a network that loses, doubles and reorders.

use messages::link::invariants::situation;
use messages::link::scene::Roles;
use messages::scene::Episode;
use simnet::{Campaign, this_test};

#[test]
fn part_b_carries_everything_through_any_storm() {
    Campaign::new(this_test!())
        .seeds(4_000)
        .reaching(&[
            situation::WRAPPED,
            situation::EARLY,
            situation::AGAIN,
            situation::RESENT,
            situation::FULL,
        ])
        .firing(&["drop", "duplicate", "partition", "replay", "late"])
        .run(|trial| Episode::<Roles>::draw(trial.seed).survive_and_reach_the_goal(trial));
}
