//! The programs of parts D and E when they cannot do what they are asked: one clear line, exit status 2, no hang.

#![allow(clippy::disallowed_methods, reason = "a program is waited for in a thread")]

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
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
