//! The programs, and those who mean them no good, or know them badly: one line each, and nobody else is stopped.

mod program;
mod stranger;

use program::Program;
use simnet::rule::{expect, expect_that};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(20);

/// A publisher of so many samples, which waits for one subscriber, and where it listens.
fn publisher(samples: &str, length: &str, name: &str) -> (Program, String) {
    let words = ["publish", "-p", "0", "-i", samples, "-l", length, "-n", name, "--interval", "1ms"];
    let rest = ["--subscribers", "1", "--patience", "30s", "--quiet"];
    let mut publisher = Program::start(&[&words[..], &rest].concat());
    let line = publisher.says("listening on tcp://127.0.0.1:");
    let address = line.split(' ').find_map(|word| word.strip_prefix("tcp://")).expect("it says where");
    (publisher, address.to_string())
}

fn subscribe(address: &str, rest: &[&str]) -> (Vec<String>, i32) {
    let endpoint = format!("tcp://{address}");
    Program::start(&[&["subscribe", &endpoint, "--patience", "30s", "--quiet"], rest].concat()).ends()
}

#[test]
fn nine_bytes_of_a_subscriber_end_no_publisher() {
    let (publisher, address) = publisher("3", "5", "DATA");
    let mut stranger = TcpStream::connect(&address).expect("it listens");
    stranger.set_read_timeout(Some(BOUND)).expect("a bound");
    // 2^62 bytes, says the head.
    let head = [2, 0x40, 0, 0, 0, 0, 0, 0, 0];
    stranger
        .write_all(&[stranger::greeting(), stranger::ready("SUB"), head.to_vec()].concat())
        .expect("it reads");
    let ended = std::io::copy(&mut stranger, &mut std::io::sink());
    let hung_up = !matches!(&ended, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
    expect_that("who announces 2^62 bytes is sent away", "the end of the connection", hung_up, ended);
    let (said, status) = subscribe(&address, &[]);
    let heard = said.iter().any(|line| line == "3 samples, 0 missed");
    expect_that("and somebody else hears every sample", "3 samples, 0 missed", heard, &said);
    expect("and ends well", 0, status);
    let (said, status) = publisher.ends();
    let line = "sent away: 1; the last one: read the head of a frame of 4611686018427387904 bytes, expected at most 1024";
    expect_that("it costs the publisher a line", line, said.iter().any(|said| said == line), &said);
    expect("and nothing else", 0, status);
}

#[test]
fn a_subscriber_that_says_nothing_holds_no_publisher() {
    let (publisher, address) = publisher("3", "5", "DATA");
    let mut silent = TcpStream::connect(&address).expect("it listens");
    // The greeting of the publisher has come: it is attended to.
    silent.set_read_timeout(Some(BOUND)).expect("a bound");
    silent.read_exact(&mut [0; 10]).expect("a greeting");
    expect("somebody else hears all", 0, subscribe(&address, &[]).1);
    let (said, status) = publisher.ends();
    expect_that("the publisher ends, though one has never said anything", "status 0", status == 0, &said);
}

/// 12 MB are more than the connections hold: a publisher that has written everything has not ended.
#[test]
fn all_that_was_published_is_heard_after_the_end() {
    let (publisher, address) = publisher("30", "100000", "DATA");
    let (said, status) = subscribe(&address, &[]);
    let heard = said.iter().any(|line| line == "30 samples, 0 missed");
    expect_that("every sample is heard", "30 samples, 0 missed", heard, &said);
    expect("and the end", 0, status);
    expect("and the publisher ends well", 0, publisher.ends().1);
}

#[test]
fn points_that_are_not_in_the_file_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, lost, expected) in [("DATA", None, 0), ("a\nb", Some(", 3 without a line"), 1)] {
        let (publisher, address) = publisher("3", "5", name);
        let file = folder.path().join("points");
        let (said, status) = subscribe(&address, &["--metrics", file.to_str().expect("a path")]);
        let line = said.iter().find(|line| line.starts_with("metrics: ")).expect("a line about the points");
        let told = lost.map_or(!line.contains("without"), |lost| line.contains(lost));
        expect_that(format!("points of {name:?} are counted"), &format!("{lost:?}"), told, line);
        expect("and whoever asked for them knows by the status", expected, status);
        expect("the publisher ends well", 0, publisher.ends().1);
    }
}

#[test]
fn the_greatest_limit_is_a_limit() {
    let buffer = concat!(env!("CARGO_MANIFEST_DIR"), "/buffers/topic-data.bin");
    for command in ["show", "read"] {
        let (said, status) = Program::start(&[command, buffer, "--longest", &usize::MAX.to_string()]).ends();
        expect_that(format!("{command} takes it"), "status 0", status == 0, &said);
    }
}
