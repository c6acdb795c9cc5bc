//! Python as a program: a line at a time, each waited for with a bound. It ends with its value.

use crate::tools::{installed, lab, run};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long a line may take.
const BOUND: Duration = Duration::from_secs(30);

/// Python, doing one of the things that `peer.py` does.
pub struct Python {
    child: Child,
    lines: Receiver<String>,
    tell: ChildStdin,
}

impl Python {
    /// Starts it, with the code that flatc makes of the schema in `folder`.
    pub fn start(folder: &Path, words: &[&str]) -> Self {
        let mut flatc = Command::new(installed().join("bin/flatc"));
        run(flatc.arg("--python").arg("-o").arg(folder).arg(lab().join("schema/topic.fbs")));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flatbuf_interop/peer.py");
        let mut child = Command::new(installed().join("bin/python3"))
            .arg(script)
            .args(words)
            .env("PYTHONPATH", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Python was there a moment ago");
        let out = BufReader::new(child.stdout.take().expect("it was asked for"));
        let err = BufReader::new(child.stderr.take().expect("it was asked for"));
        let (say, lines) = channel();
        let said = say.clone();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
        std::thread::spawn(move || {
            err.lines().map_while(Result::ok).try_for_each(|line| said.send(format!("error: {line}")))
        });
        let tell = child.stdin.take().expect("it was asked for");
        Python { child, lines, tell }
    }

    /// Its next line.
    pub fn hear(&self) -> String {
        let line = self.lines.recv_timeout(BOUND).expect("Python says something within the bound");
        assert!(
            !line.starts_with("error: "),
            "Python: {line} {:?}",
            self.lines.try_iter().collect::<Vec<_>>()
        );
        line
    }

    /// Says a line to it.
    pub fn say(&mut self, line: &str) {
        writeln!(self.tell, "{line}").expect("it reads");
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
