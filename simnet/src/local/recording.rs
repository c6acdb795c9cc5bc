//! Trace files of real processes: each life of each node writes one, as it goes.
//!
//! Every line is handed to the system before anything that it tells of leaves the node. So a process may be killed at any moment, and
//! no message is ever read that no file tells of. Only the machine's own crash can lose lines.

use super::engine::line;
use super::merge::merge;
use crate::trace::{Event, Header, Name, ReadError, Trace};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// A trace file that is being written.
#[derive(Debug)]
pub struct Recording {
    file: File,
    lines: Vec<u8>,
    seq: u64,
}

impl Recording {
    /// Begins the file of one life of a node in `folder`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin(folder: &Path, node: &Name, life: u64, header: &Header) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut file = File::create(folder.join(format!("{node}.{life}.jsonl")))?;
        file.write_all(line(header).as_bytes())?;
        Ok(Recording { file, lines: Vec::new(), seq: 0 })
    }

    /// Adds events, in one write.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn add(&mut self, events: Vec<Event>) -> io::Result<()> {
        self.lines.clear();
        for mut event in events {
            event.seq = self.seq;
            self.seq += 1;
            self.lines.extend_from_slice(line(&event).as_bytes());
        }
        if self.lines.is_empty() { Ok(()) } else { self.file.write_all(&self.lines) }
    }
}

/// Reads all files of a run in `folder` and merges them; `dead` are the nodes that were killed and not started again. `None` when there is no file.
///
/// # Errors
/// When a file is not of the format. A last line that a killed process left unfinished is passed over.
pub fn collect(folder: &Path, dead: &[Name]) -> Result<Option<Trace>, ReadError> {
    let mut lives = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let parts: Vec<&str> =
            path.file_name().and_then(|name| name.to_str()).unwrap_or("").split('.').collect();
        if let [node, life, "jsonl"] = parts[..]
            && let Ok(life) = life.parse::<u64>()
        {
            lives.push((node.to_string(), life, path));
        }
    }
    lives.sort();
    let mut traces = Vec::new();
    for (_, _, path) in &lives {
        match read(path) {
            // It was killed before its header was whole: then nothing had left the node either.
            Err(ReadError::Empty) => {}
            trace => traces.push(trace?),
        }
    }
    Ok(merge(&traces, dead))
}

fn read(path: &Path) -> Result<Trace, ReadError> {
    let bytes = fs::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    Trace::read(&bytes[..whole])
}
