//! Lab 01's programs, each with libzmq at its other end: what a student types in one terminal, and a few lines of Python in the other.

#![allow(clippy::disallowed_methods, reason = "these are other programs, and waited for within a bound")]
#![allow(missing_docs, reason = "a test")]

#[allow(dead_code, reason = "this needs the Python of it, not its sockets")]
#[path = "../zmq_interop/libzmq.rs"]
mod libzmq;
mod middleware;

use libzmq::{BOUND, python};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};

/// The program `zmq`, built for this test.
fn zmq() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--package", "lab-zmq", "--bin", "zmq", "--message-format=json"]);
        let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output();
        let said = String::from_utf8(built.expect("cargo can be run").stdout).expect("cargo says text");
        let messages = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut programs = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
        programs.next_back().expect("cargo has built the program `zmq`")
    })
}

/// A program and what it says. It ends with this value.
struct Program {
    child: Child,
    lines: Receiver<String>,
    what: String,
}

impl Program {
    fn start(mut command: Command, what: String) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be run");
        let (say, lines) = channel();
        let read = |from: Box<dyn Read + Send>| {
            let say = say.clone();
            std::thread::spawn(move || {
                BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| say.send(line))
            });
        };
        read(Box::new(child.stdout.take().expect("it was asked for")));
        read(Box::new(child.stderr.take().expect("it was asked for")));
        Program { child, lines, what }
    }

    /// `zmq …`, as it is typed.
    fn ours(typed: &str) -> Self {
        Program::ours_in(Path::new("."), typed)
    }

    /// The same in this folder.
    fn ours_in(folder: &Path, typed: &str) -> Self {
        let mut command = Command::new(zmq());
        command.args(typed.split(' ')).current_dir(folder);
        Program::start(command, format!("zmq {typed}"))
    }

    /// A role of roles.py.
    fn theirs(arguments: &[&str]) -> Self {
        let mut command = Command::new(python());
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zmq_programs/roles.py")).args(arguments);
        Program::start(command, format!("roles.py {arguments:?}"))
    }

    /// A line for a role that reads.
    fn tell(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("it was asked for");
        writeln!(input, "{line}").expect("it reads");
    }

    /// Stops it with `STOP` as if it hung, and with `CONT` it goes on.
    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("there is a shell").success());
    }

    fn next(&self) -> Option<String> {
        self.lines.recv_timeout(BOUND).ok()
    }

    /// Its next line must be this.
    #[track_caller]
    fn says(&self, expected: &str) {
        let line = self.next();
        assert_eq!(line.as_deref(), Some(expected), "{}, and then: {:?}", self.what, self.rest());
    }

    /// It must say this; what it says before that begins so.
    #[track_caller]
    fn says_after(&self, before: &str, expected: &str) {
        loop {
            let line = self.next();
            if line.as_deref() == Some(expected) {
                return;
            }
            let holds = line.as_ref().is_some_and(|line| line.starts_with(before));
            assert!(holds, "{} says {line:?}, expected `{expected}`: {:?}", self.what, self.rest());
        }
    }

    /// The word of its next line that begins so, without that beginning.
    #[track_caller]
    fn word(&self, begins: &str) -> Vec<String> {
        let line = self.next().unwrap_or_else(|| panic!("{} says nothing within {BOUND:?}", self.what));
        let words = line.split([' ', ',']).filter(|word| word.starts_with(begins));
        let found: Vec<String> = words.map(ToString::to_string).collect();
        assert!(
            !found.is_empty(),
            "{} says `{line}`, expected a word {begins}…: {:?}",
            self.what,
            self.rest()
        );
        found
    }

    /// Where it listens, by its first line.
    #[track_caller]
    fn endpoint(&self) -> String {
        self.word("tcp://").remove(0)
    }

    fn rest(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// All that it still says; it must end by itself, and well.
    #[track_caller]
    fn ends(self) -> Vec<String> {
        let what = self.what.clone();
        let (said, status) = self.rest_and_status();
        assert_eq!(status, Some(0), "{what}: {said:?}");
        said
    }

    /// All that it still says, and its exit status; none when it had not ended within the bound.
    fn rest_and_status(mut self) -> (Vec<String>, Option<i32>) {
        let mut said = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(BOUND) {
            said.push(line);
        }
        // Its outputs are closed when it has ended; else that was the bound, and now it ends as well.
        let _ = self.child.kill();
        (said, self.child.wait().expect("it is a child").code())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn strings(lines: &[&str]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn hello_answers_a_req_and_asks_a_rep() {
    let server = Program::ours("hello server --port 0");
    let client = Program::theirs(&["ask", &server.endpoint(), "Hello", "Hullo", "Hello"]);
    let said = client.ends();
    assert_eq!(said[..2], ["World", "error: read the request `Hullo`, expected `Hello`"]);
    assert_eq!(said[2], "World");

    let server = Program::theirs(&["answer", "3", "World"]);
    let client = Program::ours(&format!("hello client {} --requests 3", server.endpoint()));
    (1..=3).for_each(|number| client.says(&format!("request {number}: World")));
    client.ends();
    server.says("answered 3");
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn the_weather_is_heard_by_a_sub_and_of_an_xpub() {
    // One report of each zip in turn would be heard late: what begins with 1 is a tenth of all.
    let publisher = Program::ours("weather publisher --port 0 --subscribers 1");
    let subscriber = Program::theirs(&["subscribe", &publisher.endpoint(), "1", "500"]);
    let heard = subscriber.ends();
    assert_eq!(heard.len(), 500);
    for report in heard {
        let numbers: Vec<i64> = report.split(' ').map(|word| word.parse().expect("a number")).collect();
        let [zip, temperature, humidity] = numbers[..] else { panic!("read {report}") };
        let ranges = (1..=99_999).contains(&zip)
            && (-80..=135).contains(&temperature)
            && (0..=100).contains(&humidity);
        assert!(report.starts_with('1') && ranges, "{report}");
    }
    publisher.says("+ \"1\"");

    let publisher =
        Program::theirs(&["publish", "bind", "20001 99 1", "10001 -3 50", "10002 77 1", "10001 8 50"]);
    let subscriber = Program::ours(&format!("weather subscriber {} 10001 --samples 2", publisher.endpoint()));
    subscriber.says("the average temperature of 2 reports of zips that begin with 10001 is 2.5 F");
    subscriber.ends();
    assert_eq!(publisher.ends(), strings(&["begun 10001", "ended 10001"]));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn the_proxies_stand_between_peers_of_libzmq() {
    for how in ["--poller", "--plain", "--drop 10002"] {
        let proxy = Program::ours(&format!("proxy proxy --port 0 {how}"));
        let [upper, lower] = &proxy.word("tcp://")[..] else { panic!("the proxy has two endpoints") };
        let publisher =
            Program::theirs(&["publish", upper, "20002 9 9", "10002 5 5", "10001 1 1", "10003 3 3"]);
        let subscriber =
            Program::theirs(&["subscribe", lower, "1000", if how == "--drop 10002" { "2" } else { "3" }]);
        let mut expected = strings(&["10002 5 5", "10001 1 1", "10003 3 3"]);
        expected.retain(|report| how != "--drop 10002" || !report.starts_with("10002"));
        assert_eq!(subscriber.ends(), expected, "{how}");
        publisher.says("begun 1000");
        // The crate's own proxy tells no end of a subscription when a subscriber goes without a word, as those of libzmq do.
        if how != "--plain" {
            publisher.says("ended 1000");
        }
    }
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn sensors_are_heard_and_hear() {
    let publisher = Program::ours("sensors publisher -p 0 --station north --seed 1");
    let subscriber = Program::theirs(&["subscribe", &publisher.endpoint(), "temp:7", "20"]);
    for reading in subscriber.ends() {
        let (name, station) = reading.split_once(' ').expect("`name:value station`");
        assert!(name.starts_with("temp:7") && station == "north", "{reading}");
    }

    let publisher = Program::theirs(&[
        "publish_to_all",
        "3",
        "pressure:31 s",
        "temp:7 s",
        "temp:70 s",
        "humidity:55 s",
        "pressure:30 s",
    ]);
    let at = publisher.endpoint();
    let subscriber = Program::ours(&format!(
        "sensors subscriber -a {at} -t temp 70 -p pressure 30 -m humidity 55 --readings 30"
    ));
    let heard = subscriber.ends();
    assert_eq!(heard.len(), 30);
    for wanted in ["temperature 70 from s", "pressure 30 from s", "humidity 55 from s"] {
        assert!(heard.iter().any(|line| line == wanted), "{wanted}: {heard:?}");
    }
    assert!(heard.iter().all(|line| !line.contains("31") && !line.contains(" 7 ")), "{heard:?}");
    assert_eq!(publisher.ends(), strings(&["ended"]));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn a_worker_of_libzmq_has_its_share() {
    let sink = Program::ours("pipeline sink --port 0");
    let results = sink.endpoint();
    let source =
        Program::ours(&format!("pipeline source {results} --port 0 --workers 2 --tasks 40 --longest 5"));
    let tasks = source.endpoint();
    let theirs = Program::theirs(&["work", &tasks, &results, "python"]);
    let ours = Program::ours(&format!("pipeline worker {tasks} {results} --name rust --batches 1"));
    assert_eq!(theirs.ends(), strings(&["20 tasks"]));
    assert!(ours.ends().iter().any(|line| line.starts_with("20 tasks, ")));
    source.ends();
    let said = sink.ends();
    for share in ["python: 20 results", "rust: 20 results"] {
        assert!(said.iter().any(|line| line == share), "{share}: {said:?}");
    }
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn the_broker_has_clients_and_servers_of_libzmq() {
    let broker = Program::ours("broker broker --port 0 --servers 127.0.0.1:0");
    let [clients, servers] = &broker.word("tcp://")[..] else { panic!("the broker has two endpoints") };
    let server = Program::theirs(&["serve", servers, "203"]);
    server.says(&format!("at {servers}"));
    let many = Program::theirs(&["many", clients, "100"]);
    assert_eq!(many.ends(), strings(&["0 wait"]));
    let asking = Program::theirs(&["ask", clients, "one", "two", "three"]);
    assert_eq!(asking.ends(), strings(&["P:one", "P:two", "P:three"]));
    let ours = Program::ours(&format!("broker client -u {clients} --iters 100 --window 20"));
    ours.says("100 answered, up to 20 in flight");
    ours.ends();
    assert_eq!(server.ends(), strings(&["served 203"]));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn tiers_before_and_behind_libzmq() {
    let last = Program::theirs(&["answer", "3", "same"]);
    let first = Program::ours(&format!("tiers server -n tier1.1 --port 0 -u {}", last.endpoint()));
    let client = Program::theirs(&["ask", &first.endpoint(), "a", "b", "c"]);
    assert_eq!(client.ends(), strings(&["tier1.1->a", "tier1.1->b", "tier1.1->c"]));
    assert_eq!(last.ends(), strings(&["answered 3"]));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn the_pirate_asks_again_and_takes_no_answer_to_another_request() {
    let server = Program::theirs(&["stale"]);
    let client =
        Program::ours(&format!("pirate client -u {} --iters 1 --patience 2s --tries 3", server.endpoint()));
    let said = client.ends();
    assert_eq!(said.last().map(String::as_str), Some("done: request 1"), "{said:?}");
    assert_eq!(server.ends(), strings(&["answered 1"]));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn the_pirate_goes_on_when_a_server_of_libzmq_is_killed_and_started_again() {
    let first = Program::theirs(&["hang", "tcp://127.0.0.1:*", "2"]);
    let at = first.endpoint();
    let client = Program::ours(&format!("pirate client -u {at} --iters 5 --patience 3s --tries 10"));
    ["done: request 1", "done: request 2"].iter().for_each(|line| client.says(line));
    ["answered 1", "answered 2", "hangs with 3"].iter().for_each(|line| first.says(line));
    drop(first);
    let second = Program::theirs(&["hang", &at, "3"]);
    client.says("request 3: try 1 was not answered");
    client.says_after("request 3: try ", "done: request 3");
    assert_eq!(client.ends(), strings(&["done: request 4", "done: request 5"]));
    second.says(&format!("at {at}"));
    ["answered 3", "answered 4", "answered 5"].iter().for_each(|line| second.says(line));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn a_pirate_of_libzmq_survives_a_server_that_dies() {
    for how in ["new", "relaxed"] {
        let server = Program::ours("pirate server --port 0 --dies-after 2 --returns-after 100ms");
        let at = server.endpoint();
        let client = Program::theirs(&["ask_again", how, &at, "5"]);
        let answers: Vec<String> = (1..=5).map(|number| format!("done: question {number}")).collect();
        assert_eq!(client.ends(), answers, "{how}");
        let mut told =
            std::iter::from_fn(|| server.next()).skip_while(|line| line.starts_with("answered request "));
        let died = told.next();
        assert!(died.as_ref().is_some_and(|line| line.starts_with("dies with request ")), "{how}: {died:?}");
        server.says(&format!("listening on {at}"));
    }
}

/// How the two of a heartbeat are told of each other.
const THERE: &str = "the other side is there";
const SILENT: &str = "the other side is silent for 2s: taken for gone";
const WATCH: &str = "pirate watch --interval 100ms --liveness 20";

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn a_peer_of_libzmq_that_hangs_or_goes_is_missed_and_heard_again() {
    let ours = Program::ours(&format!("{WATCH} --port 0"));
    let at = ours.endpoint();
    let theirs = Program::theirs(&["beat", "connect", &at, "any", "word"]);
    // Python may take longer to begin than ours takes to miss it.
    ours.says_after(SILENT, THERE);
    theirs.says("there");
    theirs.signal("STOP");
    ours.says(SILENT);
    theirs.signal("CONT");
    ours.says(THERE);
    ours.signal("STOP");
    theirs.says("silent");
    ours.signal("CONT");
    theirs.says("there");
    assert_eq!(ours.rest(), strings(&[]), "who was asleep does not blame the other");
    drop(theirs);
    ours.says(SILENT);
    let again = Program::theirs(&["beat", "connect", &at, ""]);
    ours.says(THERE);
    again.says("there");
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn a_heartbeat_goes_on_with_a_peer_of_libzmq_that_listens_again() {
    let first = Program::theirs(&["beat", "bind", "tcp://127.0.0.1:*", ""]);
    let at = first.endpoint();
    let ours = Program::ours(&format!("{WATCH} -u {at}"));
    ours.says(&format!("connected to {at}"));
    ours.says(THERE);
    first.says("there");
    drop(first);
    ours.says(SILENT);
    let second = Program::theirs(&["beat", "bind", &at, ""]);
    second.says(&format!("at {at}"));
    second.says("there");
    ours.says(THERE);
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn the_monitor_sees_peers_of_libzmq_come_and_go() {
    for (kind, theirs) in [("rep", "REQ"), ("pull", "PUSH"), ("router", "DEALER"), ("pub", "SUB")] {
        // That it listens is an event as well.
        let monitor = Program::ours(&format!("monitor --port 0 --kind {kind} --events 7"));
        let mut peers = Program::theirs(&["come_and_go", theirs, &monitor.endpoint()]);
        let come = |peers: &mut Program| {
            peers.tell("come");
            peers.endpoint()
        };
        let first = come(&mut peers);
        monitor.says(&format!("accepted connection 1 from {first} (1 connection open)"));
        let second = come(&mut peers);
        monitor.says(&format!("accepted connection 2 from {second} (2 connections open)"));
        peers.tell("go 1");
        monitor.says(&format!("disconnected connection 1, {first} (1 connection open)"));
        let third = come(&mut peers);
        monitor.says(&format!("accepted connection 3 from {third} (2 connections open)"));
        drop(peers);
        let said = monitor.ends();
        let counts = [" (1 connection open)", " (0 connections open)"];
        let ends = said.iter().zip(counts).filter_map(|(line, count)| line.strip_suffix(count));
        let mut ends: Vec<String> = ends.map(ToString::to_string).collect();
        ends.sort();
        let both = [(2, second), (3, third)]
            .map(|(number, from)| format!("disconnected connection {number}, {from}"));
        assert_eq!(ends, both, "{kind}: {said:?}");
    }
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn the_monitor_tells_of_the_wrong_kind() {
    let monitor = Program::ours("monitor --port 0 --kind pull");
    let _wrong = Program::theirs(&["ask", &monitor.endpoint(), "Hello"]);
    monitor.says("refused: Provided sockets combination is not compatible (0 connections open)");
}

/// libzmq takes a connection for dead when nothing comes for two seconds, PONG or another; it stands for three.
#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn the_heartbeats_of_libzmq_are_answered() {
    let server = Program::ours("hello server --port 0");
    let client = Program::theirs(&["ping", &server.endpoint()]);
    assert_eq!(client.ends(), strings(&["World", "the connection stands", "World"]));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn the_monitor_of_a_sub_sees_its_publisher_return() {
    let first = Program::theirs(&["stay", "PUB", "tcp://127.0.0.1:*"]);
    let at = first.endpoint();
    let monitor = Program::ours(&format!("monitor --kind sub --connect {at}"));
    monitor.says(&format!("connected, connection 1 to {at} (1 connection open)"));
    drop(first);
    monitor.says(&format!("disconnected connection 1, {at} (0 connections open)"));
    let _second = Program::theirs(&["stay", "PUB", &at]);
    monitor.says(&format!("connected, connection 2 to {at} (1 connection open)"));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn who_joins_from_libzmq_hears_the_first_message() {
    let publisher = Program::ours("joiner publisher --port 0 -n 3 -m 4");
    let at = publisher.endpoint();
    // Who hears everything also hears the others' welcomes.
    let theirs = ["number", ""].map(|prefix| Program::theirs(&["join", &at, prefix, "4"]));
    let ours = Program::ours(&format!("joiner subscriber -u {at} -m 4 --patience 20s"));
    let numbers = ["number 1", "number 2", "number 3", "number 4"];
    for subscriber in theirs {
        subscriber.says("welcome");
        assert_eq!(subscriber.ends(), strings(&numbers));
    }
    ours.says("joined");
    assert_eq!(ours.ends(), strings(&numbers));
    assert_eq!(publisher.ends(), strings(&["3 joined", "published 4 messages"]));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn a_publisher_of_libzmq_welcomes_or_is_said_not_to() {
    let publisher = Program::theirs(&["welcome", "number 1", "number 2", "number 3"]);
    let subscriber = Program::ours(&format!("joiner subscriber -u {} -m 3", publisher.endpoint()));
    assert_eq!(subscriber.ends(), strings(&["joined", "number 1", "number 2", "number 3"]));
    assert_eq!(publisher.ends(), strings(&["begun number", "ended"]));

    let publisher = Program::theirs(&["publish_to_all", "2", "number 1"]);
    let at = publisher.endpoint();
    let subscriber = Program::ours(&format!("joiner subscriber -u {at} --patience 2s"));
    let expected =
        format!("error: no welcome from {at} within 2s; does that publisher confirm subscriptions?");
    assert_eq!(subscriber.rest_and_status(), (vec![expected], Some(2)));
    assert_eq!(publisher.ends(), strings(&["ended"]));
}
