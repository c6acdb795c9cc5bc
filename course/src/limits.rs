//! Running a program to its end, or to the end of its time.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// What a program did.
pub struct Done {
    /// How it ended; `None` when its time was up and it was killed.
    pub status: Option<ExitStatus>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

/// Runs a program that may take at most `limit`.
///
/// Its output goes to files, not to pipes: a grandchild that outlives the program would keep a pipe open, and reading
/// it would never end.
pub fn run(command: &mut Command, limit: Option<Duration>) -> io::Result<Done> {
    let mut stdout = tempfile::tempfile()?;
    let mut stderr = tempfile::tempfile()?;
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    #[cfg(unix)]
    if limit.is_some() {
        // A group of its own, so that what it started can be killed with it.
        std::os::unix::process::CommandExt::process_group(command, 0);
    }
    let clock = Clock::start();
    let mut child = command.spawn()?;
    let status = match limit {
        None => Some(child.wait()?),
        Some(limit) => wait(&mut child, &clock, limit)?,
    };
    let took = clock.elapsed();
    Ok(Done { status, stdout: whole(&mut stdout)?, stderr: whole(&mut stderr)?, took })
}

fn wait(child: &mut Child, clock: &Clock, limit: Duration) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if clock.elapsed() >= limit {
            kill(child);
            child.wait()?;
            return Ok(None);
        }
        #[allow(
            clippy::disallowed_methods,
            reason = "it waits for another program, on the clock on the wall"
        )]
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn kill(child: &mut Child) {
    // The standard library kills one process; the shell's `kill` is everywhere and knows groups.
    #[cfg(unix)]
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -KILL -{}", child.id())])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let _ = child.kill();
}

fn whole(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The clock on the wall.
#[allow(clippy::disallowed_types, reason = "other programs run in real time")]
pub struct Clock(std::time::Instant);

impl Clock {
    /// Starts it.
    #[allow(clippy::disallowed_types, reason = "other programs run in real time")]
    pub fn start() -> Self {
        Clock(std::time::Instant::now())
    }

    /// The time since then.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A duration as a person reads it: `0.8 s`, `2 min 5 s`.
pub fn shown(took: Duration) -> String {
    let tenths = took.as_millis().div_ceil(100);
    match took.as_secs() {
        0..60 => format!("{}.{} s", tenths / 10, tenths % 10),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str, limit: u64) -> Done {
        run(Command::new("sh").args(["-c", script]), Some(Duration::from_millis(limit))).unwrap()
    }

    #[test]
    fn output_and_status_are_kept() {
        let done = sh("echo out; echo err >&2; exit 3", 10_000);
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("out\n", "err\n"));
        assert_eq!(done.status.and_then(|status| status.code()), Some(3));
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_what_it_started() {
        let done = sh("echo before; sleep 60 & sleep 60", 100);
        assert!(done.status.is_none());
        assert_eq!(done.stdout, "before\n");
        assert!(done.took < Duration::from_secs(30));
    }

    #[test]
    fn times_are_shown_for_people() {
        assert_eq!(shown(Duration::from_millis(1_234)), "1.3 s");
        assert_eq!(shown(Duration::from_secs(125)), "2 min 5 s");
    }
}
