//! The local world: the cluster as processes, over real sockets and files. Every wait is bounded, and nothing sleeps.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

const TRANSPORTS: [&str; 4] = ["tcp", "udp", "zmq", "datagram"];

fn paxos(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paxos"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    paxos(arguments).output().expect("the binary was built with this test")
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("cargo made the folder above");
    path
}

/// Runs, and returns the reports.
fn reports(arguments: &[&str], status: i32) -> Vec<Value> {
    let output = output(&[&["run", "--on", "local", "--json"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{arguments:?} said\n{said}");
    let lines = String::from_utf8_lossy(&output.stdout);
    lines.lines().map(|line| serde_json::from_str(line).expect("each line is a report")).collect()
}

fn assert_decided(report: &Value) {
    assert_eq!(report["violations"], serde_json::json!([]), "{report}");
    let value = &report["outcome"]["value"];
    assert!(value == "red" || value == "blue", "{report}");
    for who in ["learners", "clients"] {
        let known = report["outcome"][who].as_object().expect("an object");
        assert!(!known.is_empty() && known.values().all(|known| known == value), "{report}");
    }
}

#[test]
fn each_transport_decides_and_reports_what_the_contract_says() {
    for transport in TRANSPORTS {
        let trace = folder(transport).join("trace.jsonl");
        let report = &reports(&["--transport", transport, "--trace", trace.to_str().unwrap()], 0)[0];
        assert_decided(report);
        for key in ["lab", "seed", "nodes", "faults", "trace_hash", "virtual_us", "real_us"] {
            assert!(!report[key].is_null(), "{key} in {report}");
        }
        assert_eq!((&report["world"], &report["transport"]), (&"local".into(), &transport.into()));
        let messages = report["messages"].as_object().unwrap();
        let payload: u64 = messages.values().map(|count| count["bytes"].as_u64().unwrap()).sum();
        assert!(messages["Promise"]["count"].as_u64() >= Some(2), "{report}");
        assert!(report["wire"]["bytes_sent"].as_u64() > Some(payload), "{report}");
        assert_eq!(report["wire"]["refusals"], 0);

        // The merged trace is one of the format: causes before effects, clocks that grow.
        let trace = simnet::trace::Trace::read(&std::fs::read(trace).unwrap()[..]).unwrap();
        assert_eq!((trace.header.world.as_str(), trace.header.nodes.len()), ("local", 8));
        let mut sent = std::collections::BTreeSet::new();
        for event in &trace.events {
            match event.kind {
                simnet::trace::Kind::Send => assert!(sent.insert(event.id), "{event:?}"),
                simnet::trace::Kind::Deliver => assert!(sent.contains(&event.id), "{event:?}"),
                _ => {}
            }
        }
        let drawn = simnet::diagram::render(&trace, &simnet::diagram::Options::default());
        assert!(drawn.contains("Promise"), "{drawn}");
    }
}

#[test]
fn acceptors_killed_between_their_promise_and_the_accept_keep_their_promises() {
    for transport in TRANSPORTS {
        for report in reports(&["--transport", transport, "--kill-after", "Promise", "-i", "3"], 0) {
            assert_decided(&report);
            // No acceptor accepts before it was killed, so a majority was.
            assert!(report["faults"]["crash"].as_u64() >= Some(2), "{report}");
        }
    }
}

#[test]
fn acceptors_killed_after_they_have_accepted_still_know_it() {
    for report in reports(&["--kill-after", "Accepted", "-i", "3"], 0) {
        assert_decided(&report);
        // The run may be over before the second one is heard.
        assert!(report["faults"]["crash"].as_u64() >= Some(1), "{report}");
    }
}

/// The monitors have teeth here too.
#[test]
fn acceptors_that_forget_what_they_have_promised_are_caught() {
    let report = &reports(&["--kill-after", "Promise", "--forget"], 1)[0];
    let rule = report["violations"][0]["rule"].as_str().unwrap();
    assert!(
        rule.starts_with("(4) an acceptor takes part in no ballot below one it has promised"),
        "{report}"
    );
}

#[test]
fn a_crash_of_an_experiment_is_a_kill() {
    let path = folder("crash").join("crash.json");
    let text = r#"{"faults":[{"at":"1ms","lasts":"50ms","fault":"crash","node":"a1"},{"at":"1ms","fault":"crash","node":"p2"}]}"#;
    std::fs::write(&path, text).unwrap();
    let report = &reports(&["--experiment", path.to_str().unwrap()], 0)[0];
    assert_decided(report);
    assert_eq!(report["faults"]["crash"], 2, "{report}");
}

#[test]
fn undecided_within_the_limit_is_exit_status_3() {
    let path = folder("minority").join("minority.json");
    let text = r#"{"faults":[{"at":"0us","fault":"crash","node":"a1"},{"at":"0us","fault":"crash","node":"a2"}],
                   "limit":"300ms","roles":{"proposers":1,"values":["red"]}}"#;
    std::fs::write(&path, text).unwrap();
    let output = output(&["run", "--on", "local", "--delay", "400", "--experiment", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

/// A run that lasts until it is stopped, and what it says.
fn endless(name: &str) -> (Child, BufReader<std::process::ChildStderr>, PathBuf) {
    let folder = folder(name);
    let experiment = folder.with_extension("json");
    std::fs::write(&experiment, r#"{"limit":"50s"}"#).unwrap();
    let mut command = paxos(&["run", "--on", "local", "--delay", "40000", "--experiment"]);
    command.arg(experiment).env("TMPDIR", &folder).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("nodes run") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended before its nodes ran");
    }
    (child, said, folder)
}

/// Sends a signal to a process of this test.
#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_behind() {
    for name in ["-INT", "-TERM"] {
        let (mut child, mut said, folder) = endless(&format!("ctrl-c{name}"));
        signal(&child, name);
        // All nodes write to this pipe as well: it ends when the last of them has.
        said.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "no folder is left");
    }
}

#[cfg(unix)]
#[test]
fn nodes_do_not_outlive_a_parent_that_is_killed() {
    let (mut child, mut said, _folder) = endless("orphans");
    child.kill().unwrap();
    said.read_to_end(&mut Vec::new()).unwrap();
    child.wait().unwrap();
}

/// Loopback has many addresses: one of this test's own has all its ports free.
#[cfg(target_os = "linux")]
fn host() -> String {
    let id = std::process::id();
    format!("127.77.{}.{}", id >> 8 & 0xFF, 1 + id % 250)
}

/// A node that was started by hand. Dropped, it is killed.
struct Member(Child);

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One node of it.
#[cfg(target_os = "linux")]
fn member(transport: &str, port: &str, role: &str, number: &str) -> Member {
    let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("by-hand-{port}-{role}-{number}"));
    let (host, data) = (host(), data.to_str().unwrap().to_string());
    let arguments = [role, "-n", number, "-p", port, "--host", &host, "--transport", transport];
    let mut command = paxos(&[&arguments[..], &["--timeout", "60", "--data", &data]].concat());
    Member(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

/// The cluster that the flags' defaults describe: two proposers, three acceptors, one learner.
#[cfg(target_os = "linux")]
fn by_hand(transport: &str, port: &str) -> Vec<Member> {
    let members = [
        ("proposer", "1"),
        ("proposer", "2"),
        ("acceptor", "1"),
        ("acceptor", "2"),
        ("acceptor", "3"),
        ("learner", "1"),
    ];
    for (role, number) in members {
        folder(&format!("by-hand-{port}-{role}-{number}"));
    }
    members.map(|(role, number)| member(transport, port, role, number)).into()
}

#[cfg(target_os = "linux")]
#[test]
fn roles_started_by_hand_find_each_other_by_the_base_port() {
    for (transport, port) in TRANSPORTS.into_iter().zip(["5555", "5655", "5755", "6555"]) {
        let mut members = by_hand(transport, port);
        let client = |number: &str, value: &str| {
            let host = host();
            let arguments = [
                "client",
                "-n",
                number,
                "-p",
                port,
                "--host",
                &host,
                "-v",
                value,
                "--transport",
                transport,
                "-t",
                "30",
            ];
            let output = output(&arguments);
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let answer = said.lines().find(|line| line.contains("Answered")).map(str::to_string);
            answer.unwrap_or_else(|| panic!("no answer in {said}"))
        };
        let first = client("1", "green");
        assert_eq!(first, r#"{"output":{"Answered":"green"}}"#);
        // Two acceptors die without warning, and come back: the other proposer has to ask them.
        for (place, number) in [(2, "1"), (3, "2")] {
            members[place].0.kill().unwrap();
            members[place].0.wait().unwrap();
            members[place] = member(transport, port, "acceptor", number);
        }
        assert_eq!(client("2", "yellow"), first, "one value is chosen, for ever");
        for member in &members {
            signal(&member.0, "-TERM");
        }
        for mut member in members {
            assert_eq!(member.0.wait().unwrap().code(), Some(0));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_without_an_answer_gives_up_with_status_3() {
    let output = output(&["client", "-p", "5855", "--host", &host(), "-t", "1"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_data_folder_in_use_or_damaged_is_refused_in_one_line() {
    let folder = folder("data");
    let data = folder.to_str().unwrap().to_string();
    let host = host();
    let start = |port: &str, timeout: &str| {
        paxos(&["acceptor", "-p", port, "--host", &host, "--data", &data, "-t", timeout])
    };
    let mut first = Member(start("5955", "60").stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(first.0.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("a1 listens on"), "{line}");
    // The folder is taken before anything else is done; wait until it is.
    while !folder.join("journal").exists() {
        assert!(first.0.try_wait().unwrap().is_none(), "it ended without a journal");
        std::thread::yield_now();
    }
    let refused = start("6055", "1").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("belongs to a process that is running"), "{said}");
    drop(first);

    let journal = folder.join("journal");
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&journal, bytes).unwrap();
    let refused = start("6155", "1").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("{} is damaged at offset 0", journal.display())), "{said}");
}

#[test]
fn wrong_use_says_what_was_read_and_expected() {
    let cases: [(&[&str], &str); 3] = [
        (
            &["run", "--on", "local", "--transport", "pigeon"],
            "read the transport `pigeon`, expected one of: tcp udp zmq datagram",
        ),
        (&["acceptor", "-n", "4"], "read the number 4, expected 1 to 3"),
        (&["acceptor", "-p", "65535"], "read the base port 65535, expected one from 1 to 65528"),
    ];
    for (arguments, expected) in cases {
        let output = output(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
}

/// Processor time that a process has used, in clock ticks of 10 ms.
#[cfg(target_os = "linux")]
fn ticks(member: &Member) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", member.0.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "measures ten seconds a transport on an otherwise quiet machine; run: cargo test --release -p lab-paxos --test local -- --ignored --nocapture"]
fn idle_nodes_use_less_than_a_hundredth_of_a_processor() {
    for (transport, port) in TRANSPORTS.into_iter().zip(["6255", "6355", "6455", "6655"]) {
        let members = by_hand(transport, port);
        // A client without a quorum of its own kind: it fails after ten seconds, and so measures them.
        let client = [
            "client",
            "-n",
            "1",
            "-p",
            port,
            "--host",
            &host(),
            "-v",
            "red",
            "--transport",
            transport,
            "-t",
            "30",
        ];
        assert_eq!(output(&client).status.code(), Some(0));
        let before: Vec<u64> = members.iter().map(ticks).collect();
        assert_eq!(output(&["client", "-p", "7000", "--host", &host(), "-t", "10"]).status.code(), Some(3));
        let used: Vec<u64> =
            members.iter().zip(before).map(|(member, before)| ticks(member) - before).collect();
        println!("{transport}: in ten seconds the six nodes used {used:?} ticks of 10 ms");
        assert!(used.iter().all(|used| *used < 10), "{transport}: {used:?} ticks in ten seconds");
    }
}
