//! Part D: the programs, as one types them.

mod program;

use program::Program;
use simnet::rule::{expect, expect_that};
#[test]
fn part_d_two_programs_and_every_sample() {
    let words =
        ["publish", "-p", "0", "-i", "200", "--interval", "1ms", "--subscribers", "1", "--patience", "30s"];
    let mut publisher = Program::start(&words);
    let line = publisher.says("listening on tcp://127.0.0.1:");
    let endpoint =
        line.split(' ').find(|word| word.starts_with("tcp://")).expect("it says where").to_string();
    let subscriber = Program::start(&["subscribe", &endpoint, "--patience", "30s"]);
    let (said, status) = subscriber.ends();
    expect("the subscriber ends well", 0, status);
    let samples: Vec<&String> = said.iter().filter(|line| line.contains(" DATA [0, 1, 2, 3, 4] ")).collect();
    expect("it has shown each sample", 200, samples.len());
    for (number, line) in samples.iter().enumerate() {
        expect_that("in order", &number.to_string(), line.starts_with(&format!("{number} ")), line);
    }
    let counted = said.iter().any(|line| line == "200 samples, 0 missed");
    expect_that("and has counted them", "200 samples, 0 missed", counted, said.last());
    let ended = said.iter().any(|line| line == "201 END");
    expect_that("the end has the number of the original", "201 END", ended, said.last());
    let latency = said.iter().any(|line| line.starts_with("latency: p50 ") && !line.contains("max 0.000 ms"));
    expect_that(
        "the latency comes from lab 03's recorder, and takes time",
        "latency: p50 …",
        latency,
        said.last(),
    );
    let (said, status) = publisher.ends();
    expect(
        "the publisher ends well",
        (Some("published 200 samples and END".to_string()), 0),
        (said.last().cloned(), status),
    );
}

#[test]
fn part_d_what_is_wrong_gets_one_line_and_status_2() {
    for (words, starts) in [
        (
            &["subscribe", "tcp://127.0.0.1:1", "--patience", "100ms"][..],
            "error: nobody answers at tcp://127.0.0.1:1 within 100ms; ",
        ),
        (&["subscribe", "udp://127.0.0.1:1"], "error: read the address `udp://127.0.0.1:1`, expected "),
        (&["publish", "-n", "END"], "error: read --name END, expected another"),
        (&["publish", "-l", "1000001"], "error: read --vec-len 1000001, expected at most 1000000"),
        (&["show", "no-such-file"], "error: could not read no-such-file: "),
        (
            &["compatible", "Cargo.toml", "Cargo.toml"],
            "error: Cargo.toml is no binary schema; make one with: flatc --binary --schema FILE.fbs: ",
        ),
        (&["run", "--on", "moon"], "error: read the world `moon`, expected one that this lab runs in: local"),
    ] {
        let (said, status) = Program::start(words).ends();
        let one = said.len() == 1 && said[0].starts_with(starts);
        expect_that(format!("{words:?} says what it read, and what to do"), starts, one, &said);
        expect("and ends with status 2", 2, status);
    }
}

#[test]
fn part_d_the_local_world_hears_every_sample() {
    let (said, status) = Program::start(&["run", "--on", "local", "--seed", "3", "--json"]).ends();
    expect("nothing is missed", 0, status);
    let report: serde_json::Value =
        said.last().and_then(|line| serde_json::from_str(line).ok()).expect("its last line is an object");
    let outcome = &report["outcome"];
    expect(
        "two subscribers hear 200 samples each",
        (400, 0),
        (outcome["received"].as_u64().unwrap_or(0), outcome["missed"].as_u64().unwrap_or(99)),
    );
    // 80 bytes with a number, 76 or so without: counted from the buffers themselves.
    expect(
        "its bytes are those of the buffers",
        Some(2 * 200),
        report["messages"]["Topic"]["count"].as_u64(),
    );
}
