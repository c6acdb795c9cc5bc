//! The workload on madsim, in a process of its own.
//!
//! madsim simulates only when it and all that it needs are compiled with `--cfg madsim`, and then takes over the clock and the random
//! source of the whole process. So `peers/madsim-bench` is a workspace of its own, built here by cargo, with that flag added, to the
//! folder `madsim` of our target folder.

use crate::{Measured, WARM_UP_MESSAGES, Workload};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// With an empty registry all is downloaded and compiled first.
const BUILD_WITHIN: Duration = Duration::from_secs(600);
const RUN_WITHIN: Duration = Duration::from_secs(60);

/// A built `madsim-bench`.
pub struct Madsim {
    target: PathBuf,
}

impl Madsim {
    /// Builds it, or returns the first line that says why it does not build.
    pub fn build() -> Result<Self, String> {
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("madsim");
        fs::create_dir_all(&target).map_err(|error| format!("cannot make {}: {error}", target.display()))?;
        let madsim = Madsim { target };
        eprintln!("building madsim-bench in {}", madsim.target.display());
        madsim.cargo(&["build"], &[], BUILD_WITHIN)?;
        Ok(madsim)
    }

    pub fn run(&self, work: &Workload) -> Result<Measured, String> {
        let numbers = [
            u64::from(work.nodes),
            work.in_flight,
            work.warm_up.as_millis() as u64,
            WARM_UP_MESSAGES,
            work.messages,
        ];
        let line = self.cargo(&["run", "--quiet"], &numbers.map(|number| number.to_string()), RUN_WITHIN)?;
        parse(&line)
            .ok_or_else(|| format!("madsim-bench printed {line:?}; expected delivered=N nanoseconds=N"))
    }

    /// What a command of cargo prints, or the first line of its complaint.
    fn cargo(&self, command: &[&str], arguments: &[String], within: Duration) -> Result<String, String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // Flags that the others are compiled with hold for madsim too.
        let flags = std::env::var("RUSTFLAGS").unwrap_or_default() + " --cfg madsim";
        // A file, as nobody reads a pipe while the command runs.
        let complaint = self.target.join("stderr.txt");
        let stderr = File::create(&complaint).map_err(|error| format!("{}: {error}", complaint.display()))?;
        let mut child = Command::new(cargo)
            .args(command)
            .args(["--release", "--locked", "--manifest-path"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/madsim-bench/Cargo.toml"))
            .arg("--target-dir")
            .arg(&self.target)
            .arg("--")
            .args(arguments)
            .env("RUSTFLAGS", flags)
            // It would hide RUSTFLAGS.
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|error| format!("cannot start cargo: {error}"))?;
        let deadline = Instant::now() + within;
        while child.try_wait().map_err(|error| error.to_string())?.is_none() {
            if Instant::now() >= deadline {
                // On Unix `cargo run` has become the program by now; so this ends it too.
                child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
                return Err(format!("cargo {} took more than {within:?}", command[0]));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let complaint = fs::read_to_string(&complaint).unwrap_or_default();
        let says_why = |line: &&str| line.starts_with("error") || line.contains("panicked at");
        let why = complaint.lines().find(says_why).or_else(|| complaint.lines().next());
        Err(why.map_or_else(|| output.status.to_string(), str::to_owned))
    }
}

fn parse(line: &str) -> Option<Measured> {
    let (delivered, nanoseconds) = line.strip_prefix("delivered=")?.split_once(" nanoseconds=")?;
    Some(Measured {
        delivered: delivered.parse().ok()?,
        took: Duration::from_nanos(nanoseconds.parse().ok()?),
    })
}
