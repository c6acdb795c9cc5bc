//! Part F: the programs, with ZeroMQ's sockets between them; and the local world.

mod cast;

use cast::{Program, discovery, unwritten};
use serde_json::Value;
use simnet::rule::{expect, expect_that};
use std::process::Command;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config.ini");

/// A `config.ini` of this test's own.
fn config(name: &str, text: &str) -> String {
    let path = format!("{}/{name}.ini", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, text).expect("cargo made the folder");
    path
}

fn broker_config(name: &str) -> String {
    config(name, "[Discovery]\nStrategy=Centralized\n[Dissemination]\nStrategy=Broker\n")
}

/// Two publishers and two subscribers of all topics, started before and after each other, hear all. Returns what the discovery said.
fn all_is_heard(config: &str, broker: bool) -> Vec<String> {
    let (desk, at) = discovery(&["-P", "2", "-S", "2", "-c", config]);
    let with = |words: &[&str]| Program::start(&[words, &["-d", &at, "-c", config]].concat());
    let early = with(&["subscriber", "-n", "sub1", "-T", "9"]);
    let publishers = ["pub1", "pub2"]
        .map(|name| with(&["publisher", "-n", name, "-p", "0", "-T", "4", "-f", "200", "-i", "25"]));
    let passing = broker.then(|| with(&["broker", "-n", "b", "-p", "0"]));
    let late = with(&["subscriber", "-n", "sub2", "-T", "9"]);
    for (name, program) in ["sub1", "sub2"].into_iter().zip([early, late]) {
        let (said, status) = program.ends();
        let rule = "a subscriber of all topics hears every sample: 2 publishers, 4 topics, 25 times";
        let heard = format!("{name} has heard 200 samples and missed 0");
        expect_that(rule, &heard, said.contains(&heard), &said);
        let states = ["CONFIGURE", "REGISTER", "ISREADY", "LOOKUP", "SUBSCRIBE", "DISSEMINATE", "COMPLETED"];
        let states: Vec<String> = states.map(|state| format!("{name} {state}")).to_vec();
        let entered: Vec<String> = said.iter().filter(|line| states.contains(line)).cloned().collect();
        expect("a subscriber goes through its states", states, entered);
        expect("a subscriber that has heard all ends with status 0", 0, status);
    }
    for publisher in publishers.into_iter().chain(passing) {
        let (said, status) = publisher.ends();
        expect_that(
            "publishers and the broker end when all are done",
            "status 0",
            status == 0,
            (&said, status),
        );
    }
    let (said, status) = desk.ends();
    expect_that("the discovery ends when all are done", "status 0", status == 0, &said);
    said
}

#[test]
fn part_f_direct_programs_lose_nothing_at_the_start_nor_the_end() {
    let said = all_is_heard(CONFIG, false);
    let order = ["all have registered", "all subscriptions are in force: publishers begin", "all are done"];
    let told: Vec<&String> = said.iter().filter(|line| order.contains(&line.as_str())).collect();
    expect(
        "all register, all subscribe, all are done",
        order.to_vec(),
        told.iter().map(|line| line.as_str()).collect(),
    );
}

#[test]
fn part_f_through_a_broker_programs_lose_nothing_either() {
    all_is_heard(&broker_config("broker"), true);
}

/// The original asked for a whole number, and its own generator of experiments wrote 0.25.
#[test]
fn part_f_a_frequency_on_the_command_line_may_be_a_fraction() {
    let (_desk, at) = discovery(&["-P", "1", "-S", "1", "-c", CONFIG]);
    let more = ["-d", &at, "-c", CONFIG];
    let slow = Program::start(
        &[&["publisher", "-n", "p", "-p", "0", "-f", "2.5", "-i", "2", "-T", "9"], &more[..]].concat(),
    );
    let (said, status) = Program::start(&[&["subscriber", "-n", "s", "-T", "1"], &more[..]].concat()).ends();
    let heard = said.iter().any(|line| line == "s has heard 2 samples and missed 0");
    expect_that("two measurements are heard", "2 samples", heard && status == 0, &said);
    expect("the publisher ends as well", 0, slow.ends().1);
}

/// One clear line on standard error, and status 2.
fn refused(words: &[&str], says: &[&str]) {
    let (said, status) = Program::start(words).ends();
    let errors: Vec<&String> = said.iter().filter(|line| line.starts_with("error: ")).collect();
    let holds = matches!(&errors[..], [line] if says.iter().all(|word| line.contains(word)));
    let rule = format!("`zmq middleware {}` says in one line what is wrong, with status 2", words.join(" "));
    expect_that(rule, &says.join(" … "), holds && status == 2, (&said, status));
}

#[test]
fn part_f_what_is_wrong_gets_one_line() {
    let (mut desk, at) = discovery(&["-P", "2", "-S", "1", "-c", CONFIG]);
    let port = at.rsplit(':').next().expect("a port");
    refused(&["discovery", "-p", port, "-c", CONFIG], &["could not listen", port, "-p"]);
    refused(&["publisher", "-f", "0", "-c", CONFIG], &["`0`", "0.25"]);
    refused(&["subscriber", "-d", "somewhere", "-c", CONFIG], &["`somewhere`", "HOST:PORT"]);
    refused(&["subscriber", "-c", "/there/is/no.ini"], &["/there/is/no.ini", "-c"]);
    let wrong = config("wrong", "[Discovery]\nStrategy=Centralized\n[Dissemination]\nStategy=Broker\n");
    refused(&["discovery", "-p", "0", "-c", &wrong], &["wrong.ini, line 4", "Stategy"]);
    // Nobody listens on port 1 of this machine.
    refused(
        &["subscriber", "-d", "127.0.0.1:1", "--patience", "1", "-c", CONFIG],
        &["no discovery answers at 127.0.0.1:1", "-d"],
    );

    let mut first = Program::start(&["publisher", "-n", "pub1", "-p", "0", "-d", &at, "-c", CONFIG]);
    first.says("pub1 ISREADY");
    desk.says("pub1 has registered");
    refused(&["publisher", "-n", "pub1", "-p", "0", "-d", &at, "-c", CONFIG], &["pub1 is taken", "-n"]);
    refused(&["broker", "-p", "0", "-d", &at, "-c", CONFIG], &["0 of 0 brokers"]);
    let other = broker_config("other");
    refused(&["subscriber", "-d", &at, "-c", &other], &["config.ini says Direct", "Broker"]);
    desk.says("refused: the discovery's config.ini says Direct");
}

#[test]
fn part_f_when_one_dies_the_others_are_told() {
    let (desk, at) = discovery(&["-P", "2", "-S", "1", "-c", CONFIG]);
    let start = |words: &[&str]| Program::start(&[words, &["-d", &at, "-c", CONFIG]].concat());
    let mut one = start(&["publisher", "-n", "one", "-p", "0"]);
    let mut two = start(&["publisher", "-n", "two", "-p", "0"]);
    let hears = start(&["subscriber", "-n", "hears"]);
    one.says("one DISSEMINATE");
    two.says("two DISSEMINATE");
    two.kill();
    for program in [one, hears, desk] {
        let (said, status) = program.ends();
        let told = said
            .iter()
            .any(|line| line.starts_with("error: ") && line.contains("two has gone before all were done"));
        expect_that(
            "whoever is left is told who has gone, and ends",
            "two has gone",
            told && status == 2,
            (&said, status),
        );
    }
}

#[test]
fn part_f_the_local_world_keeps_the_rules() {
    let folder = env!("CARGO_TARGET_TMPDIR");
    for dissemination in ["Direct", "Broker"] {
        let experiment = format!("{folder}/local-{dissemination}.json");
        let roles = format!(
            r#"{{"roles":{{"dissemination":"{dissemination}","frequency":"100","publisher_topics":9}}}}"#
        );
        std::fs::write(&experiment, roles).expect("cargo made the folder");
        let output = Command::new(env!("CARGO_BIN_EXE_zmq"))
            .args(["run", "--on", "local", "--json", "--experiment", &experiment])
            .output()
            .expect("the binary was built with this test");
        let text = String::from_utf8_lossy(&output.stdout);
        let report: Value =
            text.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        let rule =
            format!("{dissemination}: as processes with real sockets, too, the rules hold and all is heard");
        let heard = &report["outcome"]["heard"];
        let all =
            ["sub1", "sub2"].iter().all(|name| heard[name]["missed"] == 0 && heard[name]["received"] == 50);
        let said: Vec<String> = String::from_utf8_lossy(&output.stderr).lines().map(str::to_string).collect();
        if let Some(unwritten) = unwritten(&said) {
            panic!("{unwritten}");
        }
        expect_that(
            rule,
            "status 0, 50 samples each",
            all && output.status.code() == Some(0),
            (&report["violations"], heard, said),
        );
    }
}
