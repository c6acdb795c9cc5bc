//! libzmq as a program: Python with pyzmq, in a folder of its own below `target/`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long one step of a peer may take.
pub const BOUND: Duration = Duration::from_secs(20);

/// The version of pyzmq; its wheel brings libzmq 4.3.5.
const PYZMQ: &str = "pyzmq==27.1.0";

/// The Python that has pyzmq. The first call installs it; others wait for that.
pub fn python() -> PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(install).clone()
}

fn install() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pyzmq-27.1.0");
    let python = folder.join("bin/python3");
    let has_it = || {
        let import = Command::new(&python).args(["-c", "import zmq"]).stderr(Stdio::null()).status();
        import.is_ok_and(|status| status.success())
    };
    if !has_it() {
        let run = |program: &Path, arguments: &[&str]| {
            let done = Command::new(program).args(arguments).output();
            let done = done.unwrap_or_else(|error| panic!("could not run {}: {error}", program.display()));
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(
                done.status.success(),
                "{} {arguments:?} failed; Python 3 with venv is needed (Debian: python3-venv), and PyPI:\n{said}",
                program.display()
            );
        };
        run(Path::new("python3"), &["-m", "venv", &folder.to_string_lossy()]);
        run(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PYZMQ]);
    }
    python
}

/// A socket of libzmq, in a process of its own. It ends with this value.
pub struct Peer {
    child: Child,
    lines: Receiver<String>,
    tell: ChildStdin,
    /// Where it can be reached, or has connected.
    pub endpoint: String,
}

impl Peer {
    /// Starts a socket of this type.
    pub fn start(python: &Path, kind: &str, way: &str, endpoint: &str, rounds: usize, more: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zmq_interop/peer.py");
        let mut child = Command::new(python)
            .args([script, kind, way, endpoint, &rounds.to_string()])
            .args(more)
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
        let mut peer = Peer { child, lines, tell, endpoint: String::new() };
        peer.endpoint = peer.hear().strip_prefix("at ").expect("its first line is its endpoint").to_string();
        peer
    }

    /// Its next line.
    pub fn hear(&self) -> String {
        let line = self.lines.recv_timeout(BOUND).expect("libzmq's side says something within the bound");
        assert!(
            !line.starts_with("error: "),
            "libzmq's side: {line} {:?}",
            self.lines.try_iter().collect::<Vec<_>>()
        );
        line
    }

    /// Whether it has said a line meanwhile.
    pub fn heard(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// Says something to it.
    pub fn say(&mut self, line: &str) {
        writeln!(self.tell, "{line}").expect("it reads");
    }

    /// It must have found everything right.
    pub fn is_content(&self) {
        assert_eq!(self.hear(), "ok");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
