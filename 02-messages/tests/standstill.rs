//! `messages standstill` and `messages rounds`, as the handout uses them.

use std::process::{Command, Output, Stdio};

fn messages(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_messages"));
    command.args(arguments).stdin(Stdio::null()).output().expect("the binary was built with this test")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_blocking_run_is_found_after_each_decision_and_drawn() {
    let output = messages(&["standstill", "--of", "commit"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for decision in ["commit", "abort"] {
        assert!(said.contains(&format!("the coordinator had decided {decision}")), "{said}");
        assert!(said.contains(&format!("● output {decision}")), "{said}");
    }
}

#[test]
fn the_round_that_changes_nothing_is_found() {
    let output = messages(&["standstill", "--of", "ben-or"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("each reports in round 2 what it reported in round 1"), "{said}");
}

#[test]
fn every_seed_is_in_the_histogram_once() {
    let output = messages(&["rounds", "--processes", "5", "--seeds", "300"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let rows = said.lines().skip(1).map(|line| {
        let mut words = line.split_whitespace().map(str::parse::<u64>);
        (words.next().unwrap().unwrap(), words.next().unwrap().unwrap())
    });
    let rows: Vec<(u64, u64)> = rows.collect();
    assert!(rows.len() > 3 && rows.is_sorted(), "{said}");
    assert_eq!(rows.iter().map(|(_, seeds)| seeds).sum::<u64>(), 300, "{said}");
}

#[test]
fn one_process_is_wrong_use() {
    let output = messages(&["rounds", "--processes", "1"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("read 1 values, expected 2 to 30"), "{told}");
}
