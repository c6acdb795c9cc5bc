//! The command `sockets`: what the handout shows, and what is said to wrong use.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

fn sockets(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the binary was built with this test")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockets"));
    // What is asked of the tests' own campaigns is not asked of the program.
    for name in ["SIMNET_SEEDS", "SIMNET_SEED", "SIMNET_TRACE", "SIMNET_KEPT"] {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// A server in a process of its own; it ends with the test.
struct Server {
    child: Child,
    lines: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(&[&["serve", "--port", "0"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built with this test");
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let address =
            first.strip_prefix("listening on 127.0.0.1:").unwrap_or_else(|| panic!("first line: {first}"));
        let port = address.split_whitespace().next().and_then(|port| port.parse().ok()).expect("a port");
        Server { child, lines, port }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client(port: u16, arguments: &[&str]) -> Output {
    let port = port.to_string();
    sockets(&[&["client", "127.0.0.1", &port], arguments].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_model_serves_what_the_handout_shows() {
    for model in ["iterative", "threads", "poll", "async"] {
        let mut server = Server::start(&["--model", model]);
        let output = client(server.port, &["20", "100"]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{model}: {said}{}", text(&output.stderr));
        assert!(said.starts_with("20! = 2432902008176640000\n100 round trips: min "), "{said}");
        assert!(server.line().ends_with(" connected\n"), "{model}");
        assert!(server.line().ends_with(" done\n"), "{model}");
        let output = client(server.port, &["35", "1"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stdout).starts_with("35! does not fit into 128 bits; 34! is the last that does\n")
        );
    }
}

#[test]
fn bytes_are_counted_over_udp() {
    let mut server = Server::start(&["--service", "count"]);
    let output = client(server.port, &["1000", "3", "--service", "count"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    assert!(
        said.starts_with(
            "3 datagrams of 1000 bytes, 0 sent again; the server has counted 3000 bytes in all\n"
        ),
        "{said}"
    );
    assert!(server.line().ends_with(" 1000 bytes, 1000 in all\n"));
}

/// A stopped program that goes on again finds its system calls interrupted: with a bound on the time it waits, Linux's `recv` says `EINTR`
/// then, without any handler.
#[test]
fn a_server_that_is_stopped_and_goes_on_has_lost_nothing() {
    for model in ["iterative", "threads", "poll", "async"] {
        let mut server = Server::start(&["--model", model]);
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&[0, 0, 0, 8, 0, 0]).unwrap();
        assert!(server.line().ends_with(" connected\n"));
        for _ in 0..3 {
            server.signal(Signal::STOP);
            server.signal(Signal::CONT);
        }
        stream.write_all(&[0, 0, 0, 0, 0, 5]).unwrap();
        let mut reply = [0; 21];
        stream.read_exact(&mut reply).unwrap_or_else(|error| panic!("{model}: {error}"));
        assert_eq!((reply[3], reply[20]), (17, 120), "{model}");
    }
}

/// `sockets serve | head -1`: nobody reads what the server says any more. It serves all the same.
#[test]
fn a_server_whose_reader_has_gone_goes_on() {
    let mut server = Server::start(&["--model", "threads"]);
    let nobody = Command::new("true").stdout(Stdio::piped()).spawn().unwrap().stdout.take().unwrap();
    server.lines = BufReader::new(nobody);
    for _ in 0..3 {
        let output = client(server.port, &["5", "1"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    assert!(server.child.try_wait().unwrap().is_none(), "the server has ended");
}

/// `sockets stream | head -1`: what nobody reads is no reason to panic.
#[test]
fn a_program_whose_reader_has_gone_ends_well() {
    let server = Server::start(&[]);
    let port = server.port.to_string();
    for arguments in [
        &["compare", "--clients", "1", "--requests", "1", "--pause", "1ms"][..],
        &["stream", "--messages", "1"],
        &["client", "127.0.0.1", &port, "5", "1"],
        &["simulate", "--seeds", "1"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn wrong_use_is_exit_status_2_and_says_what_to_do() {
    let server = Server::start(&[]);
    let port = server.port.to_string();
    let cases: [(&[&str], &str); 15] = [
        (
            &["serve", "--model", "fork"],
            "read the model `fork`, expected one of: iterative, threads, poll, async",
        ),
        (&["serve", "--port", "70000"], "70000 is not in 0..=65535"),
        (&["serve", "--port", &port], "is another server there? --port 0 takes a free port"),
        (&["serve", "--host", "here"], "invalid IP address syntax"),
        (&["serve", "--patience", "0s"], "read `0s`, expected a time that is longer than none"),
        (&["client", "127.0.0.1", &port, "5", "1", "--patience", "0s"], "expected a time that is longer"),
        (&["compare", "--pause", "1000000000000s"], "read `1000000000000s`, expected an hour at most"),
        (&["compare", "--requests", "100000000"], "100000000 is not in 1..=1000000"),
        (&["client", "127.0.0.1", &port, "-5", "1"], "invalid value '-5'"),
        (&["client", "127.0.0.1", &port, "5", "0"], "0 is not in 1.."),
        (&["client", "no..name", "1", "5", "1"], "read the server `no..name`, expected a name or an address"),
        (&["client", "127.0.0.1", &port, "1", "1", "--service", "count"], "expected 4 to 65507"),
        (&["run", "--on", "moon"], "read the world `moon`, expected one that this lab runs in: sim"),
        (&["run", "--on", "sim", "--experiment", "/nowhere.json"], "could not read /nowhere.json"),
        (&[], "Usage"),
    ];
    for (arguments, complaint) in cases {
        let output = sockets(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(complaint), "{arguments:?}: expected `{complaint}` in: {said}");
    }
    // It has a port and does not listen: nobody else can have it meanwhile.
    let nobody = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    nobody.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let output = client(nobody.local_addr().unwrap().as_socket().unwrap().port(), &["5", "1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("is `sockets serve` running, and on this port?"));
}

#[test]
fn a_run_reports_what_the_contract_says() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let trace = folder.join("contract.jsonl").display().to_string();
    let experiment = folder.join("experiment.json").display().to_string();
    std::fs::write(&experiment, r#"{"roles":{"clients":3},"weather":{"loss":"10%"},"faults":[]}"#).unwrap();
    let output = sockets(&[
        "run",
        "--on",
        "sim",
        "--experiment",
        &experiment,
        "--seed",
        "42",
        "--trace",
        &trace,
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = text(&output.stdout);
    let report: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!((&report["lab"], &report["seed"]), (&"00-sockets".into(), &42.into()));
    assert_eq!(report["nodes"], serde_json::json!(["s", "c1", "c2", "c3"]));
    assert_eq!(
        (&report["outcome"]["answered"], &report["outcome"]["carried_out"]),
        (&true.into(), &12.into())
    );
    assert!(report["messages"]["Request"]["bytes"].as_u64() > Some(0));
    let recorded = simnet::trace::Trace::read(&std::fs::read(trace).unwrap()[..]).unwrap();
    assert_eq!(recorded.header.seed, 42);
}

#[test]
fn what_compares_models_counts_who_was_served_at_once() {
    let output = sockets(&["compare", "--clients", "3", "--requests", "2", "--pause", "1ms"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    assert!(
        said.starts_with("3 clients, each thinks 1ms before each of 2 requests: 2ms for one alone\n"),
        "{said}"
    );
    let at_once = |model: &str| -> u64 {
        let line = said.lines().find(|line| line.trim_start().starts_with(model)).expect("a line a model");
        line.split_whitespace().last().unwrap().parse().unwrap()
    };
    assert_eq!(at_once("iterative"), 1, "{said}");
    assert!(["threads", "poll", "async"].iter().all(|model| (1..=3).contains(&at_once(model))), "{said}");
}

#[test]
fn all_messages_of_a_stream_arrive() {
    let output = sockets(&["stream", "--messages", "20000"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    assert!(
        ["a write and two reads a message", "64 KiB a write and a read", "so too, and nothing copied out"]
            .iter()
            .all(|way| said.contains(way)),
        "{said}"
    );
}
