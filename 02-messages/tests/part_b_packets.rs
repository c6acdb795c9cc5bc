//! Part B, in the real world: the link in UDP packets.

use simnet::rule::expect;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};

/// A child that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn link(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_messages"));
    command.arg("link").args(arguments).args(["--drop", "20", "--duplicate", "10", "--reorder", "20"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a program says on standard error, to its end.
fn said(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut text).expect("it is text");
    text
}

/// The very process that was simulated and checked, between two programs, in UDP packets over the loopback interface. A fifth of what each
/// end sends is lost.
#[test]
fn part_b_carries_real_packets() {
    let file: Vec<u8> = (0..200_000_u32).flat_map(|number| number.to_be_bytes()).collect();
    let mut receiver = Running(
        link(&["receive", "--host", "0.0.0.0", "--patience", "20", "--linger", "1000"]).spawn().unwrap(),
    );
    let mut errors = BufReader::new(receiver.0.stderr.take().expect("it is piped"));
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").expect("it says where it listens").to_string();
    // An acknowledgement, from nobody's end: it does not make a stranger the sender.
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&[1, 0, 0], &address).unwrap();
    let mut out = receiver.0.stdout.take().expect("it is piped");
    let received = std::thread::Builder::new()
        .spawn(move || {
            let mut received = Vec::new();
            out.read_to_end(&mut received).map(|_| received)
        })
        .unwrap();
    let mut sender = Running(link(&["send", &address, "--patience", "20"]).spawn().unwrap());
    sender.0.stdin.take().expect("it is piped").write_all(&file).unwrap();
    let words = said(&mut sender.0);
    expect(
        "everything is sent and acknowledged",
        (Some(0), &*words),
        (sender.0.wait().unwrap().code(), &*words),
    );
    let received = received.join().expect("it only reads").unwrap();
    let mut words = String::new();
    errors.read_to_string(&mut words).unwrap();
    expect("everything has come", (Some(0), &*words), (receiver.0.wait().unwrap().code(), &*words));
    expect("(B1) and is what was sent", (file.len(), true), (received.len(), received == file));
}
