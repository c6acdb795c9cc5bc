//! The command `paxos`: the contract with the course's tool, and what it says to wrong use.

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

fn paxos(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paxos"));
    // What is asked of the tests' own campaigns is not asked of the program.
    for name in ["SIMNET_SEEDS", "SIMNET_SEED", "SIMNET_TRACE", "SIMNET_KEPT"] {
        command.env_remove(name);
    }
    command.args(arguments).output().expect("the binary was built with this test")
}

fn report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("the last line is no JSON ({error}): {last}"))
}

/// A file of this test's own, with this text.
fn file(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("cargo made the folder");
    path.display().to_string()
}

#[test]
fn a_run_reports_what_the_contract_says() {
    let trace = file("contract.jsonl", "");
    let output = paxos(&["run", "--on", "sim", "--seed", "0x2A", "--trace", &trace, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report = report(&output);
    let keys = [
        "lab",
        "world",
        "seed",
        "nodes",
        "outcome",
        "violations",
        "messages",
        "faults",
        "trace_hash",
        "virtual_us",
        "real_us",
    ];
    for key in keys {
        assert!(!report[key].is_null(), "{key} in {report}");
    }
    assert_eq!(
        (&report["lab"], &report["world"], &report["seed"]),
        (&"07-paxos".into(), &"sim".into(), &42.into())
    );
    assert_eq!(report["outcome"]["decided"], true);
    let value = report["outcome"]["value"].as_str().unwrap();
    assert!(["red", "blue"].contains(&value));
    assert!(report["outcome"]["learners"].as_object().unwrap().values().all(|learned| learned == value));
    assert!(report["messages"]["Prepare"]["count"].as_u64() > Some(0));
    assert!(report["messages"]["Prepare"]["bytes"].as_u64() > Some(0));
    assert_eq!(report["violations"], serde_json::json!([]));
    // The trace is there, and of this run.
    let recorded = simnet::trace::Trace::read(&std::fs::read(trace).unwrap()[..]).unwrap();
    assert_eq!(recorded.header.seed, 42);
}

#[test]
fn one_seed_is_one_run_recorded_or_not() {
    let hash = |arguments: &[&str]| report(&paxos(arguments))["trace_hash"].clone();
    let trace = file("hash.jsonl", "");
    let plain = hash(&["run", "--on", "sim", "--seed", "18446744073709551615", "--json"]);
    assert_eq!(
        plain,
        hash(&["run", "--on", "sim", "--seed", "0xffffffffffffffff", "--trace", &trace, "--json"])
    );
    assert_ne!(plain, hash(&["run", "--on", "sim", "--seed", "1", "--json"]));
}

#[test]
fn an_experiment_is_run_as_it_says() {
    let experiment = file(
        "seven.json",
        r#"{"title":"seven acceptors","roles":{"proposers":1,"acceptors":7,"learners":2,"values":["green"]},
            "weather":{"delay":"5ms"},"faults":[{"at":"0us","fault":"crash","node":"a7"}]}"#,
    );
    let report = report(&paxos(&["run", "--on", "sim", "--experiment", &experiment, "--json"]));
    assert_eq!(report["outcome"]["value"], "green");
    assert_eq!(report["nodes"].as_array().unwrap().len(), 11);
    assert_eq!(report["faults"]["crash"], 1);
}

#[test]
fn undecided_is_exit_status_3() {
    let experiment = file(
        "minority.json",
        r#"{"faults":[{"at":"0us","fault":"crash","node":"a1"},{"at":"0us","fault":"crash","node":"a2"}],"limit":"1s"}"#,
    );
    let output = paxos(&["run", "--on", "sim", "--experiment", &experiment, "--json"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let report = report(&output);
    assert_eq!((&report["outcome"]["decided"], &report["virtual_us"]), (&false.into(), &1_000_000.into()));
    // Who waits for what, a line a node, by name.
    let waits: Vec<&str> =
        report["waits"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(waits.len(), 8, "{waits:?}");
    assert!(waits[0].starts_with("p1 waits for a majority of promises for ballot "), "{waits:?}");
    assert!(waits[0].contains(", has a3 (Resend in "), "{waits:?}");
    assert_eq!(waits[2], "a1 is down (no alarm set)");
    assert_eq!(waits[4], "a3 waits for nothing (no alarm set)");
    assert!(waits[6].starts_with("c1 waits for an answer (Retry in "), "{waits:?}");
}

/// An experiment of this lab, as `cargo course run` hands it over: as JSON, in a file of the test's own.
fn experiment(name: &str, test: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("experiments").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file(&format!("{test}-{name}.json"), &serde_json::to_string(&table).unwrap())
}

#[test]
fn every_experiment_of_the_lab_decides_and_each_of_its_faults_does_something() {
    for name in ["default.toml", "duel.toml"] {
        for seed in ["1", "2", "3", "7"] {
            let path = experiment(name, "all");
            let output = paxos(&["run", "--on", "sim", "--experiment", &path, "--seed", seed, "--json"]);
            assert_eq!(output.status.code(), Some(0), "{name}, seed {seed}: {output:?}");
            assert_eq!(report(&output)["outcome"]["decided"], true, "{name}, seed {seed}");
        }
    }
}

#[test]
fn the_duel_is_a_duel() {
    let report =
        report(&paxos(&["run", "--on", "sim", "--experiment", &experiment("duel.toml", "duel"), "--json"]));
    // Without the distances both proposers would be done with one ballot each.
    assert!(report["messages"]["Nack"]["count"].as_u64() >= Some(2), "{report}");
    assert!(report["faults"]["slow"].as_u64() >= Some(8), "{report}");
    assert!(report.get("waits").is_none(), "nobody waits: {report}");
}

#[test]
fn a_fault_that_does_nothing_is_exit_status_1() {
    let experiment =
        file("idle.json", r#"{"faults":[{"at":"1us","lasts":"1us","fault":"isolate","node":"l1"}]}"#);
    let output = paxos(&["run", "--on", "sim", "--experiment", &experiment, "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let violations = &report(&output)["violations"];
    assert_eq!(violations[0]["rule"], "every fault of a scenario does something");
    assert!(violations[0]["got"].as_str().unwrap().contains("isolate l1"));
}

#[test]
fn wrong_use_is_exit_status_2_and_says_what_was_read_and_expected() {
    let bad = |name: &str, text: &str| {
        ["run", "--on", "sim", "--experiment", &file(name, text)].map(String::from).to_vec()
    };
    let plain = |arguments: &[&str]| arguments.iter().map(ToString::to_string).collect::<Vec<_>>();
    let cases = [
        (
            plain(&["run", "--on", "moon"]),
            "read the world `moon`, expected one that this lab runs in: sim, local",
        ),
        (plain(&["run", "--on", "sim", "--seed", "-1"]), "read the seed `-1`, expected a number from 0 to"),
        (
            plain(&["run", "--on", "sim", "--seed", "seven"]),
            "read the seed `seven`, expected a number from 0 to",
        ),
        (
            plain(&["run", "--on", "sim", "--seed", "18446744073709551616"]),
            "read the seed `18446744073709551616`",
        ),
        (plain(&["run", "--on", "sim", "--experiment", "/nowhere.json"]), "could not read /nowhere.json"),
        (bad("malformed.json", "{"), "is not an experiment"),
        (bad("unknown.json", r#"{"rolls":{}}"#), "unknown field `rolls`, expected one of"),
        (bad("typo.json", r#"{"faults":[{"at":"1ms","lats":"2ms","fault":"isolate","node":"a1"}]}"#), "lats"),
        (bad("nobody.json", r#"{"roles":{"acceptors":0}}"#), "read acceptors = 0, expected 1 to 100"),
        (bad("silent.json", r#"{"roles":{"values":[]}}"#), "read 0 values, expected 1 to 100"),
        (
            bad("stranger.json", r#"{"faults":[{"at":"1ms","fault":"isolate","node":"a9"}]}"#),
            "names the node `a9`, the nodes are p1 p2 a1 a2 a3 l1 c1 c2",
        ),
        (bad("delay.json", r#"{"weather":{"delay":"10ms..1ms"}}"#), "read the delay `10ms..1ms`"),
        (plain(&[]), "Usage"),
    ];
    for (arguments, complaint) in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = paxos(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(complaint), "{arguments:?}: expected `{complaint}` in: {said}");
    }
}

#[test]
fn a_campaign_prints_what_it_reached() {
    let output = paxos(&["simulate", "--seeds", "300"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for part in ["300 seeds in", "situations reached", "what faults did", "messages", "no rule was broken"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}
