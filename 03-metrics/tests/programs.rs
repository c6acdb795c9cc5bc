//! The programs, side by side, as one would start them. Each is ended with its test, and each wait is bounded.

#![allow(
    clippy::disallowed_methods,
    reason = "what a program says is read by a thread, so that a wait can be bounded"
)]

mod scripted;

use scripted::{BOUND, Reply, Server};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// A program that runs.
struct Program {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Program {
    fn start(words: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_metrics"));
        for name in ["INFLUX_HOST", "INFLUX_ORG", "INFLUX_BUCKET", "INFLUX_TOKEN"] {
            command.env_remove(name);
        }
        command.args(words).envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary was built with this test");
        let (say, lines) = channel();
        let outputs: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("it was asked for")),
            Box::new(child.stderr.take().expect("it was asked for")),
        ];
        for output in outputs {
            let say = say.clone();
            thread::spawn(move || {
                BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| say.send(line))
            });
        }
        Program { child, lines, said: Vec::new() }
    }

    /// Its next line that contains this.
    fn says(&mut self, what: &str) -> String {
        loop {
            let line = self
                .lines
                .recv_timeout(BOUND)
                .unwrap_or_else(|_| panic!("expected a line with `{what}`, got {:?}", self.said));
            self.said.push(line.clone());
            if line.contains(what) {
                return line;
            }
        }
    }

    /// All that it says until it ends, and its exit status.
    fn ends(mut self) -> (Vec<String>, i32) {
        loop {
            match self.lines.recv_timeout(BOUND) {
                Ok(line) => self.said.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(_) => panic!("it has not ended, and said {:?}", self.said),
            }
        }
        let status = self.child.wait().expect("it can be waited for");
        (std::mem::take(&mut self.said), status.code().unwrap_or(-1))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(words: &[&str]) -> (Vec<String>, i32) {
    Program::start(words, &[]).ends()
}

/// The addresses in a publisher's first line.
fn addresses(line: &str) -> (String, String) {
    let mut words = line.split([' ', ',']).filter(|word| word.starts_with("tcp://"));
    let mut next = || words.next().expect("the first line says where").to_string();
    (next(), next())
}

#[test]
fn what_is_published_is_measured_and_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("run.lp").display().to_string();
    let server = Server::start([]);
    let spool = folder.path().join("spool").display().to_string();
    let mut publisher = Program::start(
        &["publish", "--port", "0", "--clock-port", "0", "--messages", "2000", "--name", "p 1"],
        &[],
    );
    let (at, clock) = addresses(&publisher.says("publishing on"));
    let url = server.url();
    let words = [
        "subscribe",
        "-p",
        &at,
        "-c",
        &clock,
        "--file",
        &file,
        "--url",
        &url,
        "--spool",
        &spool,
        "--bucket",
        "b",
    ];
    let (said, status) = Program::start(&words, &[("INFLUX_TOKEN", "s3cr3t")]).ends();
    assert_eq!(status, 0, "{said:?}");
    assert!(said.iter().any(|line| line == "humidity: 1000 messages"), "{said:?}");
    assert!(said.iter().any(|line| line.starts_with("clocks: ")), "{said:?}");
    assert!(said.contains(&format!("{file}: 2000 points written, 0 dropped")), "{said:?}");
    assert!(said.contains(&format!("{url}: 2000 points written, 0 dropped")), "{said:?}");
    assert!(!said.concat().contains("s3cr3t"), "{said:?}");
    let (said, status) = publisher.ends();
    assert_eq!(status, 0, "{said:?}");
    // What the server got is what is in the file, line by line.
    let mut sent: Vec<String> = server
        .all_asked()
        .iter()
        .flat_map(|asked| asked.body.lines().map(str::to_string).collect::<Vec<_>>())
        .collect();
    let mut written: Vec<String> =
        std::fs::read_to_string(&file).expect("a file").lines().map(str::to_string).collect();
    sent.sort();
    written.sort();
    assert!(sent == written && written.len() == 2000, "{} lines sent, {} written", sent.len(), written.len());
    let svg = folder.path().join("svg").display().to_string();
    let (said, status) = run(&["report", &file, "--json", "--by", "topic,publisher", "--svg", &svg]);
    assert_eq!(status, 0, "{said:?}");
    let report: Value = serde_json::from_str(&said[0]).expect("one object");
    assert_eq!(report["groups"].as_array().map(Vec::len), Some(2), "{report}");
    assert_eq!(report["groups"][0]["tags"]["publisher"], "p 1");
    assert_eq!(report["groups"][0]["figures"]["count"], 1000);
    for name in ["cdf.svg", "time.svg"] {
        let text = std::fs::read_to_string(folder.path().join("svg").join(name)).expect("it is drawn");
        assert!(
            text.starts_with("<svg")
                && text.contains("prefers-color-scheme: dark")
                && text.contains("polyline"),
            "{name}"
        );
    }
}

#[test]
fn an_offset_is_estimated_with_its_bound_where_that_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("run.lp").display().to_string();
    let mut publisher =
        Program::start(&["publish", "--port", "0", "--clock-port", "0", "--messages", "100"], &[]);
    let (at, clock) = addresses(&publisher.says("publishing on"));
    let (said, status) =
        run(&["subscribe", "-p", &at, "-c", &clock, "--file", &file, "--estimate", "-t", "temp"]);
    assert_eq!(status, 0, "{said:?}");
    assert!(
        said.iter().any(|line| line.contains("throughout offset") && line.contains("error at most")),
        "{said:?}"
    );
    assert!(said.contains(&"temperature: 50 messages".to_string()), "{said:?}");
    let text = std::fs::read_to_string(&file).expect("a file");
    assert!(text.lines().all(|line| line.contains("error_ns=") && !line.contains("error_ns=0i")), "{text}");
}

#[test]
fn what_an_earlier_program_has_left_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = folder.path().join("spool").display().to_string();
    std::fs::write(&spool, "m f=1 1\nm f=2 2\n").expect("a file");
    let (said, status) = run(&["send", &spool, "--url", "http://127.0.0.1:1", "--patience", "50ms"]);
    assert_eq!((said.len(), status), (1, 1), "{said:?}");
    assert!(said[0].starts_with("0 of 2 lines sent, 2 left: nobody listens at 127.0.0.1:1"), "{said:?}");
    let server = Server::start([Reply::Says(503, "Retry-After: 0\r\n", "")]);
    let (said, status) = run(&["send", &spool, "--url", &server.url(), "--pause", "5ms"]);
    assert_eq!((said.concat().as_str(), status), ("2 of 2 lines sent, 0 left", 0));
    assert_eq!(std::fs::read_to_string(&spool).expect("a file"), "");
}

#[test]
fn a_check_says_what_is_wrong_by_its_status() {
    let server = Server::start([Reply::Says(204, "", ""), Reply::Says(401, "", "no")]);
    let words = ["serve-check", "--url", &server.url()];
    let (said, status) = Program::start(&words, &[("INFLUX_TOKEN", "s3cr3t")]).ends();
    assert_eq!(status, 1, "{said:?}");
    assert!(said.iter().any(|line| line.starts_with("token    WRONG")), "{said:?}");
    let server = Server::start([Reply::Says(204, "", ""), Reply::Says(400, "", "unable to parse")]);
    let (said, status) = run(&["serve-check", "--url", &server.url()]);
    assert_eq!(status, 0, "{said:?}");
}

#[test]
fn what_cannot_be_done_is_one_line_and_status_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("token"), "s3cr3t token\n").expect("a file");
    std::fs::write(path("empty.lp"), "# nothing\n").expect("a file");
    let (token, empty, missing) = (path("token"), path("empty.lp"), path("no/such.lp"));
    for (words, begins) in [
        (vec!["report"], "error: no file and no database are named; "),
        (vec!["report", &missing], "error: could not read "),
        (vec!["report", &empty], "error: found no number in the field `latency_ns` of `delivery`"),
        (vec!["report", &empty, "--every", "0us"], "error: read windows of no length"),
        (
            vec!["subscribe", "--capacity", "18446744073709551615"],
            "error: invalid value '18446744073709551615'",
        ),
        (vec!["publish", "--capacity", "1000000000000"], "error: invalid value '1000000000000'"),
        (vec!["serve-check"], "error: no database is named; say where it is with --url"),
        (
            vec!["serve-check", "--url", "https://db"],
            "error: read the address `https://db`, expected one that begins with http://",
        ),
        (
            vec!["serve-check", "--url", "http://db", "--token", "s3cr3t token"],
            "error: the token has a space",
        ),
        (vec!["serve-check", "--url", "http://db", "--token-file", &token], "error: the token has a space"),
        (
            vec!["serve-check", "--url", "http://me:s3cr3t@db"],
            "error: read an address with a user or password in it",
        ),
        (vec!["send", &missing, "--url", "http://127.0.0.1:1"], "error: there is no spool "),
        (
            vec!["publish", "--port", "0", "--clock-port", "0", "--patience", "50ms"],
            "error: 0 of 1 subscribers have joined",
        ),
        (vec!["publish", "--topic", ""], "error: read the topics "),
        (
            vec!["subscribe", "-c", "127.0.0.1:1", "--patience", "50ms"],
            "error: nobody answers at tcp://127.0.0.1:1 within 50ms",
        ),
        (
            vec!["run", "--on", "moon"],
            "error: read the world `moon`, expected one that this lab runs in: local",
        ),
    ] {
        let (said, status) = run(&words);
        let error = said.iter().find(|line| line.starts_with("error")).cloned().unwrap_or_default();
        assert!(error.starts_with(begins), "metrics {words:?} should say `{begins}…`, and says {said:?}");
        assert!(!said.concat().contains("s3cr3t"), "metrics {words:?} shows the secret: {said:?}");
        assert_eq!(status, 2, "metrics {words:?}: {said:?}");
    }
}

#[test]
fn a_file_with_bad_lines_is_reported_without_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("run.lp").display().to_string();
    let lines = "delivery,topic=a latency_ns=1000000i 1\nnonsense\ndelivery,topic=a latency_ns=3000000i 1000000001\ndelivery,topic=a latency_ns=9";
    std::fs::write(&file, lines).expect("a file");
    let (said, status) = run(&["report", &file]);
    assert_eq!(status, 0, "{said:?}");
    assert!(said.iter().any(|line| line.contains("line 2: at byte 9: read the end of the line")), "{said:?}");
    assert!(
        said.iter().any(|line| line.contains("line 4: the line does not end; it is passed over")),
        "{said:?}"
    );
    let row = said.iter().find(|line| line.trim_start().starts_with("a ")).expect("a row");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["a", "2", "1.0", "2.000", "1.000", "3.000", "3.000", "3.000", "3.000"]);
}

/// A file with these lines, and what `metrics report` says of it with these words.
fn reported(lines: &str, words: &[&str]) -> (Vec<String>, i32) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("run.lp").display().to_string();
    std::fs::write(&file, lines).expect("a file");
    let svg = folder.path().join("svg").display().to_string();
    let words: Vec<&str> = words.iter().map(|word| if *word == "SVG" { &svg } else { *word }).collect();
    let (mut said, status) = run(&[&["report", &file], &words[..]].concat());
    if let Ok(picture) = std::fs::read_to_string(folder.path().join("svg").join("cdf.svg")) {
        said.push(picture);
    }
    (said, status)
}

#[test]
fn figures_stand_with_the_bound_of_their_error() {
    let lines = |errors: [u64; 3]| -> String {
        let line = |(at, error): (usize, &u64)| {
            format!("delivery,topic=a error_ns={error}i,latency_ns=1000000i {}\n", at * 1_000_000_000)
        };
        errors.iter().enumerate().map(line).collect()
    };
    let (said, status) = reported(&lines([2_000_000, 5_000_000, 3_000_000]), &[]);
    assert_eq!(status, 0, "{said:?}");
    assert!(said[0].ends_with("error ≤") && said[1].ends_with(" 5.000"), "{said:?}");
    assert!(said[3].starts_with("error: no latency is further from the truth"), "{said:?}");
    let (said, _) = reported(&lines([2_000_000, 5_000_000, 3_000_000]), &["--every", "1s"]);
    let last: Vec<&str> = said[1..4].iter().filter_map(|row| row.split(' ').next_back()).collect();
    assert_eq!(last, ["2.000", "5.000", "3.000"]);
    let (said, _) = reported(&lines([0, 0, 0]), &[]);
    assert!(!said[0].contains("error"), "{said:?}");
    assert_eq!(said[3], "one clock: latencies have no error from offsets");
    let (said, _) = reported(&lines([2, 7, 3]), &["--json", "--every", "2s"]);
    let report: Value = serde_json::from_str(&said[0]).expect("one object");
    let group = &report["groups"][0];
    assert_eq!(group["error_ns"], 7.0, "{report}");
    let windows: Vec<_> =
        group["windows"].as_array().into_iter().flatten().map(|window| window["from_ns"].as_i64()).collect();
    assert_eq!(windows, [Some(0), Some(2_000_000_000)], "{report}");
    assert_eq!(group["windows"][1]["error_ns"], 3.0, "{report}");
}

#[test]
fn a_file_of_bad_lines_only_says_why() {
    let (said, status) = reported("nonsense\n\u{1b}[2J\n", &[]);
    assert_eq!(status, 2, "{said:?}");
    assert!(said[0].contains("line 1: at byte 9"), "{said:?}");
    assert!(said.iter().any(|line| line.starts_with("error: found no number")), "{said:?}");
    assert!(!said.concat().contains('\u{1b}'), "{said:?}");
}

#[test]
fn values_times_and_tags_at_the_edge_are_reported() {
    let point =
        |tag: &str, value: &str, time: i64| format!("delivery,topic={tag} latency_ns={value} {time}\n");
    let first = -9_223_372_036_854_775_806;
    let (said, status) = reported(&point("a", "1i", first), &["--every", "9000000000s"]);
    assert_eq!(status, 0, "{said:?}");
    let far = point("a", "1e308", 1) + &point("a", "1.7e308", 2);
    let (said, status) = reported(&far, &["--svg", "SVG"]);
    assert_eq!(status, 2, "{said:?}");
    assert!(
        said.concat().contains("error: read a value of 1.0e302, expected at most 1e100 to draw"),
        "{said:?}"
    );
    for value in ["5e-324", "1e-310", "9e105"] {
        let (said, status) = reported(&point("a", value, 1), &["--svg", "SVG"]);
        assert_eq!(status, 0, "{value}: {said:?}");
    }
    let (said, status) = reported(&point("a\u{1}\u{1b}[2J\u{fffe}", "1i", 1), &["--svg", "SVG"]);
    assert_eq!(status, 0, "{said:?}");
    assert!(!said.concat().contains(['\u{1}', '\u{1b}']), "{said:?}");
    let picture = said.last().expect("it is drawn");
    assert!(picture.starts_with("<svg") && !picture.contains('\u{fffe}'), "{picture}");
}

#[test]
fn what_was_put_aside_is_not_delivered() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = folder.path().join("spool").display().to_string();
    std::fs::write(&spool, "m f=1 1\nm f=\"x\" 2\n").expect("a file");
    let conflict = || Reply::Says(422, "", "partial write: field type conflict");
    let server = Server::start([conflict(), Reply::Says(204, "", ""), conflict()]);
    let (said, status) = run(&["send", &spool, "--url", &server.url(), "--settle", "10ms"]);
    assert_eq!(status, 1, "{said:?}");
    assert!(
        said[0].starts_with(&format!("1 of 2 lines sent, 1 put aside in {spool}.rejected, 0 left: ")),
        "{said:?}"
    );
}
