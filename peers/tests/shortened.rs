//! Shortened runs of real bugs: each wrong solution of lab 07 is built, the seeds find it, and the schedule that the failing test writes is
//! compared with the shortest one that was made by hand, `07-paxos/tests/scenarios/…`.
//!
//! It builds the lab fourteen times, so it takes minutes; `.ci/deep` runs it.

#![cfg(target_os = "linux")]

use simnet::Scenario;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How much longer than the one made by hand a shortened schedule may be.
const A_FEW: usize = 3;

/// How many seconds the first build may take, and how many a test of a wrong solution with the build of its lab: machines may be busy.
const BUILD_LIMIT: &str = "1800";
const TEST_LIMIT: &str = "600";
/// How `timeout` ends when the time is up.
const TIMED_OUT: i32 = 124;

const WEATHER: (&str, &str) = ("part_c_learner", "part_c_keeps_all_invariants_in_any_weather");
const CRASHES: (&str, &str) = ("part_d_crashes", "part_d_keeps_all_invariants_through_crashes");

/// The wrong solution, the campaign that catches it, the schedule made by hand.
const BUGS: [(&str, (&str, &str), &str); 14] = [
    ("s01-own-value-despite-promises", WEATHER, "the_value_that_promises_report"),
    ("s02-first-report-not-highest-ballot", WEATHER, "the_highest_of_two_reports"),
    ("s03-accept-not-checked", WEATHER, "overtaken_between_the_phases"),
    ("s04-accept-does-not-promise", WEATHER, "an_accept_without_a_prepare"),
    ("s05-ballots-not-unique", WEATHER, "two_proposers_begin_a_ballot"),
    ("s06-half-is-a-majority", WEATHER, "two_of_four_acceptors"),
    ("s07-counts-messages", WEATHER, "one_acceptance_heard_twice"),
    ("s08-promise-of-an-older-ballot", WEATHER, "a_promise_of_an_older_ballot"),
    ("s09-learner-adds-up-ballots", WEATHER, "acceptances_of_two_ballots"),
    ("s10-learner-counts-by-value", WEATHER, "one_value_under_two_ballots"),
    ("s11-promise-not-durable", CRASHES, "a_promise_over_a_crash"),
    ("s12-acceptance-not-durable", CRASHES, "an_acceptance_over_a_crash"),
    ("s13-answers-before-it-is-durable", CRASHES, "a_crash_amid_an_acceptance"),
    ("s14-round-not-durable", CRASHES, "a_round_over_a_crash"),
];

/// A copy of the workspace, with builds of its own.
struct Copy {
    root: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn new() -> Self {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shortened");
        let (root, target) = (folder.join("course"), folder.join("target"));
        let _ = fs::remove_dir_all(&root);
        let listed = Command::new("git")
            .current_dir(&from)
            .args(["ls-files", "-z"])
            .output()
            .expect("git lists files");
        let listed = String::from_utf8(listed.stdout).expect("names are text");
        for name in listed.split('\0').filter(|name| from.join(name).is_file()) {
            let to = root.join(name);
            fs::create_dir_all(to.parent().expect("a file is in a folder")).expect("a folder can be made");
            fs::copy(from.join(name), to).expect("a file can be copied");
        }
        // The lab's program is left out: no test here starts it, and it would be built again for each bug.
        let manifest = root.join("07-paxos/Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("the lab has a manifest");
        let (before, rest) = text.split_once("[[bin]]").expect("the lab has a program");
        let (_, after) = rest.split_once("\n\n").expect("and dependencies");
        fs::write(&manifest, format!("{before}{after}")).expect("a file can be written");
        fs::remove_file(root.join("07-paxos/src/main.rs")).expect("a file can be removed");
        let copy = Copy { root, target };
        // All that the bugs have in common is built first: what comes after is one lab and its tests each time.
        let mut build = vec!["test", "-p", "lab-paxos", "--no-run"];
        ["scenarios", WEATHER.0, CRASHES.0].iter().for_each(|file| build.extend(["--test", file]));
        let (built, said) = copy.cargo(BUILD_LIMIT, &build, None);
        assert!(built, "the solution does not build:\n{said}");
        copy
    }

    fn patch(&self, bug: &str, back: bool) {
        let mut git = Command::new("git");
        // Without a repository of its own `git apply` would look for the one around it.
        git.current_dir(&self.root).env("GIT_CEILING_DIRECTORIES", self.root.parent().expect("a folder"));
        git.args(["apply", "--whitespace=nowarn"]).args(back.then_some("-R"));
        let applied = git.arg(format!("07-paxos/bugs/{bug}.patch")).output().expect("git runs");
        assert!(applied.status.success(), "{bug}: {}", String::from_utf8_lossy(&applied.stderr));
    }

    /// Runs tests of the lab; what they printed, and whether they passed.
    fn test(&self, file: &str, name: &str, scenario: Option<&Path>) -> (bool, String) {
        let arguments = ["test", "-p", "lab-paxos", "--test", file, "--", "--exact", name];
        let (passed, said) = self.cargo(TEST_LIMIT, &arguments, scenario);
        assert!(said.contains("running 1 test"), "{file} has no {name}, or is not built:\n{said}");
        (passed, said)
    }

    /// Runs cargo for at most so many seconds; whether it succeeded, and what it printed.
    fn cargo(&self, limit: &str, arguments: &[&str], scenario: Option<&Path>) -> (bool, String) {
        let mut cargo = Command::new("timeout");
        cargo.args([limit, "cargo"]).args(arguments);
        cargo
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("RUST_BACKTRACE", "0");
        for variable in ["SIMNET_SEED", "SIMNET_SEEDS", "SIMNET_KEPT", "SIMNET_TRACE", "SIMNET_SCENARIO"] {
            cargo.env_remove(variable);
        }
        if let Some(path) = scenario {
            cargo.env("SIMNET_SCENARIO", path);
        }
        let Output { status, stdout, stderr } = cargo.output().expect("cargo runs");
        let said = format!("{}{}", String::from_utf8_lossy(&stderr), String::from_utf8_lossy(&stdout));
        assert!(
            status.code() != Some(TIMED_OUT),
            "cargo {arguments:?} had not ended after {limit} s:\n{said}"
        );
        (status.success(), said)
    }
}

fn rule(said: &str) -> &str {
    said.lines()
        .find_map(|line| line.strip_prefix("rule broken: "))
        .unwrap_or_else(|| panic!("no rule in\n{said}"))
}

#[test]
#[ignore = "builds lab 07 fourteen times; run: cargo test -p peers --test shortened -- --ignored --nocapture"]
fn deep_shortened_runs_are_at_most_a_few_steps_longer_than_those_made_by_hand() {
    let copy = Copy::new();
    let mut table = String::from("  wrong solution                        by hand  shortened\n");
    let mut written = Vec::new();
    for (bug, (file, test), by_hand) in BUGS {
        let text = fs::read_to_string(copy.root.join(format!("07-paxos/tests/scenarios/{by_hand}.txt")));
        let by_hand_text = text.unwrap_or_else(|error| panic!("{by_hand}: {error}"));
        let shortest =
            Scenario::read(&by_hand_text).unwrap_or_else(|error| panic!("{by_hand}: {error}")).len();
        let failures = copy.target.join("failures/07-paxos");
        let _ = fs::remove_dir_all(&failures);
        copy.patch(bug, false);
        let (passed, said) = copy.test("scenarios", by_hand, None);
        assert!(!passed, "{bug} passes the scenario that was made for it:\n{said}");
        let (passed, said) = copy.test(file, test, None);
        assert!(!passed, "{bug} passes {test}");
        assert!(
            said.contains("The same rule is broken in a shorter run"),
            "{bug}: what was left out is not said:\n{said}"
        );
        let path = said.lines().find_map(|line| line.strip_prefix("  scenario: "));
        let path = PathBuf::from(path.unwrap_or_else(|| panic!("{bug}: no schedule was written:\n{said}")));
        let text = fs::read_to_string(&path).expect("the scenario is there");
        let steps = Scenario::read(&text).unwrap_or_else(|error| panic!("{bug}: {error}\n{text}")).len();
        // From text to a run again: the same rule.
        let kept = copy.target.join(format!("{bug}.txt"));
        fs::copy(&path, &kept).expect("it can be kept");
        let (passed, again) = copy.test(file, test, Some(&kept));
        assert!(!passed, "{bug}: read from its text, the schedule breaks nothing:\n{text}");
        assert_eq!(rule(&said), rule(&again), "{bug}: read from its text, the schedule breaks another rule");
        copy.patch(bug, true);
        table.push_str(&format!("  {bug:<36} {shortest:>8} {steps:>10}\n"));
        written.push((bug, file, test, kept, text, steps, shortest));
    }
    println!("{table}");
    for (bug, file, test, kept, text, steps, shortest) in written {
        assert!(steps <= shortest + A_FEW, "{bug}: {steps} steps, {shortest} made by hand:\n{text}");
        // The right solution goes the same way, or another one; it breaks nothing.
        let (passed, said) = copy.test(file, test, Some(&kept));
        assert!(
            passed || !said.contains("rule broken: "),
            "the solution breaks a rule on the schedule of {bug}:\n{said}"
        );
    }
}
