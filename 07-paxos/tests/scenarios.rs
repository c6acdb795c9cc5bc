//! Short schedules that tell a right solution from a wrong one, a file each in `scenarios/`: what Paxos is careful about, step by step.
//! They are not graded. A failing test writes files of this kind; put yours beside them, with a line below.

use paxos::Roles;
use paxos::invariants::Invariants;
use simnet::Scenario;

fn holds(text: &str) {
    let scenario = Scenario::read(text).unwrap_or_else(|error| panic!("{error}"));
    let roles = Roles::named(scenario.nodes());
    scenario.run(&roles.cluster(), Invariants::new(&roles.acceptors(), &roles.values)).must_hold();
}

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                holds(include_str!(concat!("scenarios/", stringify!($name), ".txt")));
            }
        )*

        /// No file is forgotten.
        #[test]
        fn every_file_is_run() {
            let run = [$(stringify!($name)),*];
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
            for file in std::fs::read_dir(folder).expect("the folder is there") {
                let path = file.expect("it can be listed").path();
                let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
                assert!(run.contains(&name.as_str()), "{} is not run: name it in tests/scenarios.rs", path.display());
            }
        }
    };
}

scenarios! {
    the_value_that_promises_report
    the_highest_of_two_reports
    overtaken_between_the_phases
    an_accept_without_a_prepare
    two_proposers_begin_a_ballot
    two_of_four_acceptors
    one_acceptance_heard_twice
    a_promise_of_an_older_ballot
    acceptances_of_two_ballots
    one_value_under_two_ballots
    a_promise_over_a_crash
    an_acceptance_over_a_crash
    a_crash_amid_the_answer
    a_crash_amid_an_acceptance
    a_round_over_a_crash
}
