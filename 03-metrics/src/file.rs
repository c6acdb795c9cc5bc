//! A file of lines: the sink for which nothing has to be installed. A shell.

use crate::line;
use crate::point::Point;
use crate::sink::{Delivered, Sink, SinkError, Taken};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

/// How much is read at once in search of the last line's end.
const BLOCK: usize = 64 * 1024;

/// Writes the lines of points to a file, times in nanoseconds. A batch is handed to the system whole before the next one is taken; what a
/// crash of the program leaves is whole lines and at most one torn one, the last.
///
/// The file is locked while it is open: two programs do not write into each other's lines.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    path: String,
    /// How long the file is up to its last whole line.
    whole: u64,
    written: u64,
    cut: u64,
}

impl FileSink {
    /// An empty file; what was there is gone.
    ///
    /// # Errors
    /// When it cannot be made, or another program writes there.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, SinkError> {
        let mut sink = FileSink::append(path)?;
        sink.file.set_len(0).map_err(|why| sink.failed("empty", why))?;
        (sink.whole, sink.cut) = (0, 0);
        Ok(sink)
    }

    /// A file that is there goes on, one that is not is made. A torn last line is cut off first: [`FileSink::cut`].
    ///
    /// # Errors
    /// When it cannot be opened, or another program writes there.
    pub fn append(path: impl AsRef<Path>) -> Result<Self, SinkError> {
        let name = path.as_ref().display().to_string();
        let failed = |doing, why| SinkError::File { doing, path: name.clone(), why };
        let opened = OpenOptions::new().read(true).append(true).create(true).open(path.as_ref());
        let mut file = opened.map_err(|why| failed("open", why))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SinkError::InUse(name)),
            Err(TryLockError::Error(why)) => return Err(failed("lock", why)),
        }
        let (whole, length) = end_of_whole_lines(&mut file).map_err(|why| failed("read", why))?;
        if whole < length {
            file.set_len(whole).map_err(|why| failed("cut", why))?;
        }
        Ok(FileSink { file, path: name, whole, written: 0, cut: length - whole })
    }

    /// How many bytes of a torn last line were cut off when the file was opened.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// How long the file is.
    pub(crate) fn length(&self) -> u64 {
        self.whole
    }

    /// The open file, to read from.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Forgets all lines.
    pub(crate) fn clear(&mut self) -> Result<(), SinkError> {
        self.file.set_len(0).map_err(|why| self.failed("empty", why))?;
        self.whole = 0;
        Ok(())
    }

    /// Appends whole lines. When that fails nothing of them is left.
    pub(crate) fn append_lines(&mut self, lines: &str) -> Result<(), SinkError> {
        assert!(lines.is_empty() || lines.ends_with('\n'), "lines end with a line break");
        self.append_bytes(lines.as_bytes())
    }

    /// Appends bytes. When that fails nothing of them is left.
    pub(crate) fn append_bytes(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        if let Err(why) = self.file.write_all(bytes) {
            // Half a line in the middle of the file would spoil the next one too.
            let _ = self.file.set_len(self.whole);
            return Err(self.failed("write", why));
        }
        self.whole += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn failed(&self, doing: &'static str, why: io::Error) -> SinkError {
        SinkError::File { doing, path: self.path.clone(), why }
    }
}

/// The lines of those points that have one, each with its line break, and how many have none.
pub(crate) fn lines_of(points: &[Point]) -> (String, Taken) {
    let mut lines = String::new();
    let mut taken = Taken::default();
    // solution: begin — Part C: lines of points
    for point in points {
        match line::write(point) {
            Ok(line) => {
                lines.push_str(&line);
                lines.push('\n');
                taken.taken += 1;
            }
            Err(_) => taken.refused += 1,
        }
    }
    // solution: end
    (lines, taken)
}

/// Where the last whole line ends, and where the file does. The two differ when the last line is torn: a program that crashed, or a full
/// disk. What stands there may look like a whole line with a smaller number.
pub(crate) fn end_of_whole_lines(file: &mut File) -> io::Result<(u64, u64)> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut end = length;
    let mut block = vec![0; BLOCK];
    while end > 0 {
        let begin = end.saturating_sub(BLOCK as u64);
        file.seek(SeekFrom::Start(begin))?;
        let read = &mut block[..usize::try_from(end - begin).expect("at most a block")];
        file.read_exact(read)?;
        if let Some(at) = whole_lines(read) {
            return Ok((begin + at as u64, length));
        }
        end = begin;
    }
    Ok((0, length))
}

/// How many of these bytes are whole lines; `None` when no line ends here.
pub fn whole_lines(bytes: &[u8]) -> Option<usize> {
    // solution: begin — Part C: where whole lines end
    bytes.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1)
    // solution: end
}

impl Sink for FileSink {
    fn write(&mut self, points: &[Point]) -> Result<Taken, SinkError> {
        let (lines, taken) = lines_of(points);
        self.append_lines(&lines)?;
        self.written += taken.taken;
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        // Nothing is kept here: each batch has been handed to the system.
        Ok(())
    }

    fn close(&mut self, _bound: Duration) -> Result<Delivered, SinkError> {
        // After this the lines survive a power cut too.
        self.file.sync_all().map_err(|why| self.failed("sync", why))?;
        Ok(Delivered { written: self.written, ..Delivered::default() })
    }
}
