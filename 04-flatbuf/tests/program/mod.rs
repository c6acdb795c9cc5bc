//! A program that runs beside the test.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::disallowed_methods,
    reason = "what a program says is read by a thread, so that a wait can be bounded"
)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long a program may take to say something, or to end.
const BOUND: Duration = Duration::from_secs(40);

/// A program that runs; it is ended with this value.
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Program {
    pub fn start(words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flatbuf"));
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
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
        Program { child, lines, said: Vec::new() }
    }

    /// Its next line that contains this.
    pub fn says(&mut self, what: &str) -> String {
        while let Ok(line) = self.lines.recv_timeout(BOUND) {
            self.said.push(line.clone());
            if line.contains(what) {
                return line;
            }
        }
        panic!(
            "{}rule broken: a program gets on\n  expected: it says `{what}`\n  got: {}",
            self.unwritten(),
            self.said.join(" / ")
        )
    }

    /// All that it says until it ends, and its exit status.
    pub fn ends(mut self) -> (Vec<String>, i32) {
        while let Ok(line) = self.lines.recv_timeout(BOUND) {
            self.said.push(line);
        }
        let unwritten = self.unwritten();
        assert!(unwritten.is_empty(), "{unwritten}");
        let status = match self.child.try_wait().expect("it can be asked") {
            Some(status) => status,
            None => {
                let _ = self.child.kill();
                self.child.wait().expect("it can be waited for")
            }
        };
        (std::mem::take(&mut self.said), status.code().unwrap_or(-1))
    }

    /// What a program says that has reached a region without a solution: the course's tool looks for this line.
    fn unwritten(&self) -> String {
        let line = self.said.iter().find(|line| line.starts_with("not yet implemented: "));
        line.map(|line| format!("{line}\n")).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
