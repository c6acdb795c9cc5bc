//! The command `messages`: the contract with the course's tool, in both worlds, and what it says to wrong use.

use clap::ValueEnum;
use messages::protocol::Protocol;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

fn messages(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_messages"))
        .args(arguments)
        .output()
        .expect("the binary was built with this test")
}

fn report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last)
        .unwrap_or_else(|error| panic!("the last line is no JSON ({error}): {output:?}"))
}

/// A file of this test's own, with this text.
fn file(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("cargo made the folder");
    path.display().to_string()
}

fn protocols() -> Vec<String> {
    let names = Protocol::value_variants().iter().filter_map(|protocol| protocol.to_possible_value());
    names.map(|name| name.get_name().to_string()).collect()
}

/// The same processes, simulated and as real ones over real sockets, each under the same monitors.
#[test]
fn every_protocol_runs_in_both_worlds() {
    for protocol in protocols() {
        for world in ["sim", "local"] {
            let output = messages(&["run", "--on", world, "--protocol", &protocol, "--json"]);
            let what = format!("{protocol} on {world}: {output:?}");
            assert_eq!(output.status.code(), Some(0), "{what}");
            let report = report(&output);
            assert_eq!((&report["lab"], &report["world"]), (&"02-messages".into(), &world.into()), "{what}");
            assert_eq!(report["violations"], serde_json::json!([]), "{what}");
            for key in
                ["seed", "nodes", "outcome", "messages", "faults", "trace_hash", "virtual_us", "real_us"]
            {
                assert!(!report[key].is_null(), "{key} in {what}");
            }
            // What went over each link adds up to what was sent.
            let sum = |counts: &mut dyn Iterator<Item = &Value>| -> u64 {
                counts.map(|count| count["bytes"].as_u64().unwrap()).sum()
            };
            let by_name = sum(&mut report["messages"].as_object().unwrap().values());
            let by_link = sum(&mut report["links"].as_array().unwrap().iter());
            assert!(by_name > 0, "{what}");
            assert_eq!(by_name, by_link, "{what}");
        }
    }
}

/// What assumes that links keep the order of sending has it, however late messages are.
#[test]
fn every_protocol_bears_late_messages_on_real_sockets() {
    for protocol in protocols() {
        let output = messages(&["run", "--on", "local", "--protocol", &protocol, "--delay", "30", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{protocol}: {output:?}");
        assert_eq!(report(&output)["violations"], serde_json::json!([]), "{protocol}: {output:?}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_at_once() {
    for (arguments, said) in [
        (
            &["check", "--protocol", "mutex", "--crashes", "1"][..],
            "read --crashes 1, expected none: processes of `mutex` write nothing to a disk",
        ),
        (
            &["rounds", "--processes", "18446744073709551615"],
            "read --processes 18446744073709551615, expected 2 to 30",
        ),
        (
            &["check", "--protocol", "link", "--roles", r#"{"numbers":4294967295,"window":4294967294}"#],
            "read window = 4294967294, expected 1 to 100000",
        ),
        (
            &["check", "--protocol", "link", "--roles", r#"{"messages":1000000,"longest_message":1000000}"#],
            "read 1000000 messages of up to 1000000 bytes, expected at most 67108864 bytes in all",
        ),
        (
            &["check", "--protocol", "clocks", "--roles", r#"{"processes":100,"actions":10000}"#],
            "expected 1 to 100 with at most 2000 in all",
        ),
        (
            &["link", "send", "0.0.0.0:7"],
            "read the address 0.0.0.0:7, expected that of one machine; on the receiver's it is 127.0.0.1:7",
        ),
    ] {
        let output = messages(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(words.contains(said), "{arguments:?}\n  expected: {said}\n  got: {words}");
    }
}

#[test]
fn every_protocol_survives_a_few_storms_and_a_search() {
    for protocol in protocols() {
        let output = messages(&["simulate", "--protocol", &protocol, "--seeds", "50"]);
        assert_eq!(output.status.code(), Some(0), "{protocol}: {output:?}");
        // Some of the searches take minutes: here only that they begin. Their whole stands in the graded tests.
        let output = messages(&["check", "--protocol", &protocol, "--most-states", "2000"]);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{protocol}: {output:?}");
    }
}

#[test]
fn an_experiment_names_its_protocol() {
    let experiment = file("three.json", r#"{"title":"three","protocol":"link","roles":{"messages":3}}"#);
    let output = messages(&["run", "--on", "sim", "--experiment", &experiment, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(report(&output)["outcome"]["delivered"], 3);
}

#[test]
fn undecided_is_exit_status_3() {
    let experiment = file(
        "cut.json",
        r#"{"protocol":"link","faults":[{"at":"0us","fault":"isolate","node":"r"}],"limit":"1s"}"#,
    );
    let output = messages(&["run", "--on", "sim", "--experiment", &experiment, "--json"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn a_link_that_reuses_its_numbers_too_soon_is_exit_status_1() {
    let output = messages(&["check", "--protocol", "link", "--roles", r#"{"window":3}"#]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text.contains("rule broken: (B1)"), "{text}");
}

#[test]
fn wrong_use_is_exit_status_2_and_says_what_was_read_and_expected() {
    let bad = |name: &str, text: &str| {
        ["run", "--on", "sim", "--experiment", &file(name, text)].map(String::from).to_vec()
    };
    let cases = [
        (
            ["run", "--on", "mars"].map(String::from).to_vec(),
            "read the world `mars`, expected one that this lab runs in",
        ),
        (
            bad("paxos.json", r#"{"protocol":"paxos"}"#),
            "read protocol = \"paxos\" in the experiment, expected one of: link",
        ),
        (bad("number.json", r#"{"protocol":3}"#), "read protocol = 3 in the experiment, expected a name"),
        (bad("none.json", r#"{"roles":{"messages":0}}"#), "read messages = 0, expected 1 to 1000000"),
        (bad("key.json", r#"{"wether":{}}"#), "this is not an experiment for the protocol link"),
        (bad("text.json", "link"), "is not an experiment"),
        (
            bad("node.json", r#"{"faults":[{"at":"0us","fault":"isolate","node":"x"}]}"#),
            "names the node `x`, the nodes are s r",
        ),
        (
            ["check", "--protocol", "link", "--roles", "3"].map(String::from).to_vec(),
            "read --roles 3, expected an object",
        ),
    ];
    for (arguments, expected) in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = messages(&arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: expected `{expected}`, got {text}");
    }
}
