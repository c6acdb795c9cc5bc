//! The programs of parts D and E when they cannot do what they are asked: one clear line, exit status 2, no hang.

#![allow(clippy::disallowed_methods, reason = "a program is waited for in a thread")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(20);

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zmq"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program can be run");
    let (tell, told) = channel();
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    thread::spawn(move || {
        let stdout = std::io::read_to_string(out).unwrap_or_default().into_bytes();
        tell.send((stdout, std::io::read_to_string(err).unwrap_or_default().into_bytes()))
    });
    let ended = told.recv_timeout(BOUND);
    if ended.is_err() {
        child.kill().expect("it can be ended");
    }
    let status = child.wait().expect("it can be waited for");
    let (stdout, stderr) = ended.unwrap_or_else(|_| panic!("{arguments:?} has not ended within {BOUND:?}"));
    Output { status, stdout, stderr }
}

#[test]
fn what_cannot_be_done_is_one_line_and_status_2() {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = format!("ipc://{}/busy", folder.path().display());
    let _busy = UnixListener::bind(folder.path().join("busy")).unwrap();
    let free = format!("ipc://{}/free", folder.path().display());
    let nobody = format!("127.0.0.1:{port}");
    let taken = format!("error: could not listen on tcp://127.0.0.1:{port}: ");
    let taken_path = format!("error: could not listen on {path}: ");
    // The busy port is a listener that never speaks: nobody, as far as ZMTP goes.
    let silent = format!("error: nobody answers at tcp://{nobody} within 100ms");
    let read = "error: read the address `nonsense`, expected ";
    let short = ["--patience", "100ms"];
    for (arguments, words) in [
        (vec!["tiers", "server", "-p", &port], taken.as_str()),
        (vec!["tiers", "server", "--listen", &path], &taken_path),
        (vec!["tiers", "server", "--listen", "nonsense"], read),
        (vec!["tiers", "server", "--listen", "ipc://*"], "error: read the address `ipc://*`, expected "),
        (vec!["tiers", "server", "-u", &nobody, short[0], short[1]], &silent),
        (vec!["tiers", "client", "-u", &nobody, short[0], short[1]], &silent),
        (vec!["tiers", "client", "-u", "nonsense"], read),
        (vec!["broker", "broker", "-p", &port], &taken),
        (vec!["broker", "broker", "--listen", &free, "--servers", &path], &taken_path),
        (vec!["broker", "server", "-u", &nobody, short[0], short[1]], &silent),
        (vec!["broker", "client", "-u", &nobody, short[0], short[1]], &silent),
        (vec!["pirate", "server", "-p", &port], &taken),
        (vec!["pirate", "client", "-u", "nonsense"], read),
        (
            vec!["pirate", "client", "-u", &nobody, "--tries", "1", short[0], short[1]],
            "error: gave up request 1 ",
        ),
        (vec!["pirate", "watch", "-p", &port], &taken),
        (vec!["pirate", "watch", "-u", &nobody, short[0], short[1]], &silent),
        (vec!["joiner", "publisher", "-p", &port], &taken),
        (
            vec!["joiner", "publisher", "-p", "0", short[0], short[1]],
            "error: 0 of 1 subscribers have joined ",
        ),
        (vec!["joiner", "subscriber", "-u", &nobody, short[0], short[1]], &silent),
    ] {
        let output = run(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.starts_with(words), "zmq {arguments:?} should say `{words}…`, and says `{said}`");
        assert_eq!(said.lines().count(), 1, "zmq {arguments:?} says `{said}`");
        assert_eq!(output.status.code(), Some(2), "zmq {arguments:?} says `{said}`");
    }
}

/// A program that runs, and what it says on either output.
struct Program {
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zmq"));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be run");
        let (say, lines) = channel();
        let outputs: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for output in outputs {
            let say = say.clone();
            thread::spawn(move || {
                BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| say.send(line))
            });
        }
        Program { child, lines }
    }

    /// Its next line with these words.
    fn says(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(BOUND);
            let line = line.unwrap_or_else(|_| panic!("a program does not say `{words}`"));
            if line.contains(words) {
                return line;
            }
        }
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_none()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All addresses in a line.
fn addresses(line: &str) -> Vec<String> {
    let words = line.split(|c: char| c.is_whitespace() || c == ',');
    let address = |word: &str| {
        let (host, port) = word.trim_start_matches("tcp://").rsplit_once(':')?;
        port.parse::<u16>().ok().map(|port| format!("{host}:{port}"))
    };
    words.filter_map(address).collect()
}

/// Each program that listens, as it is typed, and what kinds of sockets connect to its addresses, in their order.
fn listeners() -> Vec<(Vec<&'static str>, &'static [&'static str])> {
    let config = concat!("-c ", env!("CARGO_MANIFEST_DIR"), "/config.ini");
    let typed = |typed: &'static str| typed.split(' ').collect::<Vec<_>>();
    vec![
        (typed("hello server --port 0"), &["REQ"]),
        (typed("weather publisher --port 0 --every 1s"), &["SUB"]),
        (typed("proxy proxy --port 0"), &["PUB", "SUB"]),
        (typed("sensors publisher --port 0 --every 1s"), &["SUB"]),
        (typed("pipeline source --port 0"), &["PULL"]),
        (typed("pipeline sink --port 0"), &["PUSH"]),
        (typed("monitor --port 0"), &["REQ"]),
        (typed("tiers server -p 0"), &["REQ"]),
        (typed("broker broker -p 0 --servers tcp://127.0.0.1:0"), &["REQ", "REP"]),
        (typed("pirate server -p 0"), &["REQ"]),
        (typed("pirate watch -p 0"), &["DEALER"]),
        (typed("joiner publisher -p 0 --patience 20s"), &["SUB"]),
        ([typed("middleware discovery -p 0"), typed(config)].concat(), &["REQ"]),
    ]
}

/// A peer by hand: the greeting of ZMTP 3.0 and READY, as a socket of this kind.
fn hello(kind: &str) -> Vec<u8> {
    let mut greeting = [0; 64];
    (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
    greeting[12..16].copy_from_slice(b"NULL");
    let property = [b"\x0bSocket-Type", &(kind.len() as u32).to_be_bytes()[..], kind.as_bytes()].concat();
    let length = (property.len() + 6) as u8;
    [&greeting[..], &[4, length], b"\x05READY", &property].concat()
}

/// Nine bytes of a stranger announce a frame that no memory holds.
#[test]
fn a_length_that_nobody_can_keep_ends_no_program() {
    let huge = [&[2][..], &(1_u64 << 62).to_be_bytes()].concat();
    for (arguments, kinds) in listeners() {
        let mut program = Program::start(&arguments);
        let ours = addresses(&program.says("127.0.0.1:"));
        assert_eq!(ours.len(), kinds.len(), "zmq {arguments:?} says where it listens");
        for (address, kind) in ours.iter().zip(kinds) {
            for hello in [&hello(kind)[..64], &hello(kind)] {
                let mut stranger = TcpStream::connect(address).expect("it listens");
                stranger.write_all(&[hello, &huge].concat()).expect("it takes what comes");
                program.says("read a frame of 4611686018427387904 bytes, expected at most ");
            }
        }
        assert!(program.is_running(), "zmq {arguments:?} goes on");
    }
}

/// The next frame: its flags and its body.
fn frame(peer: &mut TcpStream) -> std::io::Result<(u8, Vec<u8>)> {
    let (mut flags, mut short, mut long) = ([0], [0], [0; 8]);
    peer.read_exact(&mut flags)?;
    let length = if flags[0] & 2 == 0 {
        peer.read_exact(&mut short).map(|()| u64::from(short[0]))
    } else {
        peer.read_exact(&mut long).map(|()| u64::from_be_bytes(long))
    };
    let mut body = vec![0; length? as usize];
    peer.read_exact(&mut body)?;
    Ok((flags[0], body))
}

/// A peer of libzmq with `ZMQ_HEARTBEAT_IVL` says PING again and again, and takes the connection for dead when no PONG comes.
#[test]
fn a_heartbeat_of_libzmq_is_answered_by_every_program_that_listens() {
    for (arguments, kinds) in listeners() {
        let mut program = Program::start(&arguments);
        for (address, kind) in addresses(&program.says("127.0.0.1:")).iter().zip(kinds) {
            let mut peer = TcpStream::connect(address).expect("it listens");
            peer.set_read_timeout(Some(BOUND)).expect("a bound");
            peer.write_all(&hello(kind)).expect("it takes what comes");
            peer.read_exact(&mut [0; 64]).expect("it greets, too");
            for beat in 0..3_u8 {
                peer.write_all(&[b"\x04\x08\x04PING\0\x0a", &[beat][..]].concat()).expect("it goes on");
                // What else the socket has to say may come first.
                let pong = loop {
                    let (flags, body) = frame(&mut peer)
                        .unwrap_or_else(|error| panic!("zmq {arguments:?} to {kind}, beat {beat}: {error}"));
                    if flags & 4 != 0 && !body.starts_with(b"\x05READY") {
                        break body;
                    }
                };
                assert_eq!(pong, [b"\x04PONG", &[beat][..]].concat(), "zmq {arguments:?} to {kind}");
            }
        }
        assert!(program.is_running(), "zmq {arguments:?} goes on");
    }
}

/// `source`, `worker` and `sink` at these paths.
struct Folder(tempfile::TempDir);

impl Folder {
    fn at(&self, name: &str) -> String {
        format!("ipc://{}", self.0.path().join(name).display())
    }

    fn sink(&self) -> Program {
        let sink = Program::start(&["pipeline", "sink", "--bind", &self.at("sink")]);
        sink.says("listening on");
        sink
    }

    fn source(&self, workers: &str) -> Program {
        let (source, sink) = (self.at("source"), self.at("sink"));
        let few = ["--tasks", "10", "--longest", "5"];
        let words = ["pipeline", "source", &sink, "--bind", &source, "--workers", workers];
        let program = Program::start(&[&words[..], &few].concat());
        program.says("listening on");
        program
    }

    fn worker(&self, name: &str) -> Program {
        let (source, sink) = (self.at("source"), self.at("sink"));
        Program::start(&["pipeline", "worker", &source, &sink, "--name", name])
    }
}

#[test]
fn a_worker_works_for_the_next_source_too() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let mut worker = None;
    for _ in 0..2 {
        let (sink, source) = (folder.sink(), folder.source("1"));
        let worker = worker.get_or_insert_with(|| folder.worker("w"));
        worker.says("w is ready");
        source.says("all sent");
        sink.says("w: 10 results");
    }
}

/// A PUSH does not notice that a worker has died, and would deal to it.
#[test]
fn a_worker_that_has_died_is_not_counted_nor_dealt_to() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let (sink, source) = (folder.sink(), folder.source("2"));
    let dead = folder.worker("dead");
    dead.says("dead is ready");
    drop(dead);
    let (one, two) = (folder.worker("one"), folder.worker("two"));
    one.says("one is ready");
    two.says("two is ready");
    source.says("all sent");
    sink.says("one: 5 results");
    sink.says("two: 5 results");
}

/// `zmq middleware discovery | head -1`: that nobody reads what it says is no reason to panic.
#[test]
fn a_discovery_whose_reader_has_gone_goes_on() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config.ini");
    let mut command = Command::new(env!("CARGO_BIN_EXE_zmq"));
    command.args(["middleware", "discovery", "-p", "0", "-c", config, "--within", "20"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program can be run");
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).expect("a line");
    let mut discovery = Program { child, lines: channel().1 };
    let at = addresses(&first).remove(0);
    // It says that somebody has registered before it answers.
    let subscriber = Program::start(&["middleware", "subscriber", "-n", "s", "-d", &at, "-c", config]);
    subscriber.says("s ISREADY");
    assert!(discovery.is_running());
}
