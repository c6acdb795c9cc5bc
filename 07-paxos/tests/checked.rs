//! `paxos check`: every schedule of a small cluster, and what it says of it.

use std::path::PathBuf;
use std::process::{Command, Output};

fn check(arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_paxos"))
        .arg("check")
        .args(arguments.split_whitespace())
        .output()
        .expect("the binary was built with this test")
}

/// The numbers of the line that begins with `states=`.
fn figures(arguments: &str) -> (u64, u64) {
    let output = check(arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments}: {text}");
    assert!(text.ends_with("no schedule within these bounds breaks a rule\n"), "{arguments}: {text}");
    let number = |key: &str| {
        let at = text.find(key).unwrap_or_else(|| panic!("no {key} in {text}")) + key.len();
        let digits: String = text[at..].chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("digits make a number")
    };
    (number("unique="), number("depth="))
}

#[test]
fn one_acceptor_and_one_proposer_by_hand() {
    // With any number of duplicates the network holds what was ever sent. p1 has sent Prepare at the start. Then one after the other:
    // a1 promises, p1 proposes, a1 accepts, p1 is done. Each is a state, in the one order in which they can come.
    // Promise, Accepted and Prepare may come again at any time: a1 answers a Prepare again with what it has accepted since, a Promise that
    // is spent, and the same Accept changes nothing. So there are 5 states, and 4 steps.
    assert_eq!(figures("--acceptors 1 --proposers 1 --ballots 1"), (5, 4));
}

#[test]
fn reductions_and_threads_lose_nothing() {
    for bounds in ["", "--crashes 1", "--duplicates 0", "--duplicates 1"] {
        let bounds = format!("--acceptors 2 --ballots 1 {bounds}");
        let plain = figures(&format!("{bounds} --no-symmetry --keep-spent"));
        let symmetric = figures(&format!("{bounds} --keep-spent"));
        let forgetful = figures(&format!("{bounds} --no-symmetry"));
        let both = figures(&bounds);
        let by_two = figures(&format!("{bounds} --threads 2"));
        assert_eq!(both.0, by_two.0, "{bounds}");
        assert!(both.0 <= symmetric.0 && both.0 <= forgetful.0, "{bounds}");
        // Two acceptors have two orders.
        assert!(symmetric.0 < plain.0 && plain.0 <= 2 * symmetric.0, "{bounds}: {plain:?} {symmetric:?}");
        assert!(both.0 < forgetful.0 && forgetful.0 <= 2 * both.0, "{bounds}: {forgetful:?} {both:?}");
    }
}

#[test]
fn three_acceptors_and_two_proposers_within_one_ballot_each() {
    // As the handout says.
    assert_eq!(figures("--ballots 1"), (3_682, 20));
}

#[test]
fn a_search_that_gives_up_has_another_status() {
    let output = check("--ballots 1 --most-states 100");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("not complete: the search gave up"));
}

#[test]
fn wrong_bounds_are_refused() {
    for (arguments, says) in [
        ("--acceptors 0", "read acceptors = 0, expected 1 to 6"),
        ("--acceptors 7", "read acceptors = 7, expected 1 to 6"),
        ("--proposers 0", "read proposers = 0, expected 1 to 10"),
        ("--ballots 0", "read ballots = 0, expected 1 to 100"),
        ("--threads 0", "read threads = 0, expected 1 to 256"),
        ("--duplicates some", "read `some`, expected a number of duplicates, or `any`"),
    ] {
        let output = check(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {said}");
        assert!(said.contains(says), "{arguments}: {said}");
    }
    let nowhere = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("no/such/folder/trace.jsonl");
    let output = check(&format!("--acceptors 1 --proposers 1 --ballots 1 --trace {}", nowhere.display()));
    assert_eq!(output.status.code(), Some(0), "nothing is broken, so no trace is written: {output:?}");
}
