//! Programs of the middleware that run side by side. Each is ended with its test, and each wait is bounded.

#![allow(
    clippy::disallowed_methods,
    reason = "what a program says is read by a thread, so that a wait can be bounded"
)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long a program may take to say something, or to end.
pub const BOUND: Duration = Duration::from_secs(25);

/// A program that runs.
pub struct Program {
    name: String,
    child: Child,
    lines: Receiver<String>,
    /// What it has said so far, on either output.
    pub said: Vec<String>,
}

impl Program {
    /// Starts `zmq middleware …`. It ends by itself in time, also when this test does not.
    pub fn start(words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zmq"));
        command.arg("middleware").args(words).args(["--within", "20"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary was built with this test");
        let (say, lines) = channel();
        let outputs: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("it was asked for")),
            Box::new(child.stderr.take().expect("it was asked for")),
        ];
        for output in outputs {
            let say = say.clone();
            std::thread::spawn(move || {
                BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| say.send(line))
            });
        }
        Program { name: words.join(" "), child, lines, said: Vec::new() }
    }

    /// Its next line that contains this.
    pub fn says(&mut self, what: &str) -> String {
        loop {
            match self.lines.recv_timeout(BOUND) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if line.contains(what) {
                        return line;
                    }
                }
                Err(_) => panic!(
                    "{}rule broken: a program gets on\n  expected: `{}` says `{what}`\n  got: {}",
                    self.is_unwritten().map(|line| format!("{line}\n")).unwrap_or_default(),
                    self.name,
                    self.said.join(" / ")
                ),
            }
        }
    }

    /// All that it says until it ends, and its exit status.
    pub fn ends(mut self) -> (Vec<String>, i32) {
        // Both outputs are closed when it has ended.
        while let Ok(line) = self.lines.recv_timeout(BOUND) {
            self.said.push(line);
        }
        if let Some(unwritten) = self.is_unwritten() {
            panic!("{unwritten}");
        }
        let status = self.child.try_wait().expect("it can be asked");
        let status = match status {
            Some(status) => status,
            // What closed the outputs is the end of the process; only its status may still be under way.
            None => {
                let _ = self.child.kill();
                self.child.wait().expect("it can be waited for")
            }
        };
        (std::mem::take(&mut self.said), status.code().unwrap_or(-1))
    }

    /// What a program says that has reached a region without a solution: the course's tool looks for this line.
    fn is_unwritten(&self) -> Option<&String> {
        unwritten(&self.said)
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A discovery on a port of its own, and that port.
pub fn discovery(words: &[&str]) -> (Program, String) {
    let mut program = Program::start(&[&["discovery", "-p", "0"], words].concat());
    let line = program.says("discovery listens on 127.0.0.1:");
    let port: String =
        line["discovery listens on 127.0.0.1:".len()..].chars().take_while(char::is_ascii_digit).collect();
    (program, format!("127.0.0.1:{port}"))
}

/// The line that names a region without a solution, if there is one.
pub fn unwritten(said: &[String]) -> Option<&String> {
    said.iter().find(|line| line.starts_with("not yet implemented: "))
}
