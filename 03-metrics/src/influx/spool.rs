//! Lines that wait for the server, in a file: they outlive the server's absence, and this program. A shell.
//!
//! Beside the file of lines stands a small one, `….mark`, with the number of bytes at its beginning that need not be sent any more. It is
//! replaced as a whole, never written in place. Whatever moment a program is killed at, each line is sent at least once.

use crate::file::{FileSink, whole_lines};
use crate::line::LONGEST_LINE;
use crate::sink::SinkError;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// From how many bytes on what is settled is cut off while the spool is in use.
const WORTH_CUTTING: u64 = 16 << 20;
/// The most bytes of a batch: the longest line and its line break.
pub const MOST_BYTES: usize = LONGEST_LINE + 1;

/// A spool file. Places in it are counted from the beginning of this program's use of it, and never go back.
#[derive(Debug)]
pub struct Spool {
    file: FileSink,
    path: PathBuf,
    /// The place of the file's first byte.
    base: u64,
    /// How many bytes of the file may be there at most.
    most: u64,
    /// The mark, from the file's beginning.
    mark: u64,
}

impl Spool {
    /// Opens a spool, or makes one. It may grow to `most` bytes.
    ///
    /// # Errors
    /// When it cannot be opened, another program uses it, or its mark is none.
    pub fn open(path: impl AsRef<Path>, most: u64) -> Result<Self, SinkError> {
        let path = path.as_ref().to_path_buf();
        let file = FileSink::append(&path)?;
        let mut spool = Spool { file, path, base: 0, most, mark: 0 };
        spool.mark = spool.read_mark()?;
        Ok(spool)
    }

    fn mark_path(&self) -> PathBuf {
        beside(&self.path, "mark")
    }

    fn read_mark(&mut self) -> Result<u64, SinkError> {
        let path = self.mark_path();
        let name = path.display().to_string();
        let malformed = |got: &str, expected| SinkError::Malformed {
            path: name.clone(),
            got: format!("`{}`", got.escape_debug()),
            expected,
            advice: "delete it, then all lines of the spool are sent again",
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            Err(why) => return Err(SinkError::File { doing: "read", path: name, why }),
        };
        let mark: u64 = text.trim_end().parse().map_err(|_| malformed(&text, "a number of bytes"))?;
        if mark > self.file.length() {
            return Err(malformed(&text, "no more bytes than the spool has"));
        }
        if mark > 0 {
            let before = self.bytes(mark - 1, 1).map_err(|why| self.file.failed("read", why))?;
            if whole_lines(&before).is_none() {
                return Err(malformed(&text, "the place after a line"));
            }
        }
        Ok(mark)
    }

    fn bytes(&mut self, from: u64, most: usize) -> std::io::Result<Vec<u8>> {
        let left = usize::try_from(self.file.length().saturating_sub(from)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; left.min(most)];
        let file = self.file.file();
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The place up to which nothing needs to be sent.
    pub fn settled(&self) -> u64 {
        self.base + self.mark
    }

    /// The place after the last line.
    pub fn end(&self) -> u64 {
        self.base + self.file.length()
    }

    /// Appends whole lines, if there is room. Whether there was.
    ///
    /// # Errors
    /// When they cannot be written; nothing of them is left.
    pub fn append(&mut self, lines: &str) -> Result<bool, SinkError> {
        // solution: begin — Part E: append, within the bound
        if self.file.length() + lines.len() as u64 > self.most {
            return Ok(false);
        }
        self.file.append_lines(lines)?;
        Ok(true)
        // solution: end
    }

    /// Whole lines from this place on, at most so many and at most [`MOST_BYTES`] (but at least one), and where they end. A line that is longer
    /// than any batch is none of ours, and is not read into memory: then there are no bytes, and the place is where that line ends.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(&mut self, from: u64, most_lines: usize) -> Result<(Vec<u8>, u64), SinkError> {
        assert!((self.base..self.end()).contains(&from), "there are lines at {from}: {self:?}");
        let mut bytes =
            self.bytes(from - self.base, MOST_BYTES).map_err(|why| self.file.failed("read", why))?;
        let Some(length) = batch_length(&bytes, most_lines) else {
            return Ok((Vec::new(), self.end_of_line(from)?));
        };
        bytes.truncate(length);
        Ok((bytes, from + length as u64))
    }

    /// Where the line that begins here ends, however long it is.
    fn end_of_line(&mut self, from: u64) -> Result<u64, SinkError> {
        let mut at = from - self.base;
        loop {
            let bytes = self.bytes(at, MOST_BYTES).map_err(|why| self.file.failed("read", why))?;
            assert!(!bytes.is_empty(), "a spool has whole lines only: {self:?}");
            if let Some(length) = batch_length(&bytes, 1) {
                return Ok(self.base + at + length as u64);
            }
            at += bytes.len() as u64;
        }
    }

    /// How many lines there are from this place on.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn lines_after(&mut self, from: u64) -> Result<u64, SinkError> {
        let (mut at, mut lines) = (from - self.base, 0);
        while at < self.file.length() {
            let bytes = self.bytes(at, MOST_BYTES).map_err(|why| self.file.failed("read", why))?;
            lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            at += bytes.len() as u64;
        }
        Ok(lines)
    }

    /// Nothing before this place needs to be sent any more, whoever opens the spool next.
    ///
    /// # Errors
    /// When that cannot be written down. Then more is sent again than needed.
    pub fn settle(&mut self, place: u64) -> Result<(), SinkError> {
        assert!(
            (self.settled()..=self.end()).contains(&place),
            "only what is there is settled: {place}, {self:?}"
        );
        if place == self.settled() {
            return Ok(());
        }
        let (mark, length) = (place - self.base, self.file.length());
        if mark == length {
            // First the mark: if all ends in between, lines are sent again, and none is passed over.
            self.write_mark(0)?;
            self.file.clear()?;
            self.base = place;
        } else if mark >= WORTH_CUTTING && mark >= length / 2 {
            self.write_mark(0)?;
            self.cut(mark)?;
        } else {
            self.write_mark(mark)?;
        }
        Ok(())
    }

    /// Goes on in a new file, with what follows the mark.
    fn cut(&mut self, mark: u64) -> Result<(), SinkError> {
        let path = beside(&self.path, "new");
        let mut file = FileSink::create(&path)?;
        self.copy(mark, self.file.length(), &mut file)?;
        fs::rename(&path, &self.path).map_err(|why| self.file.failed("replace", why))?;
        self.file = file;
        self.base += mark;
        Ok(())
    }

    /// Copies bytes of the file, piece by piece.
    fn copy(&mut self, from: u64, to: u64, file: &mut FileSink) -> Result<(), SinkError> {
        let mut at = from;
        while at < to {
            let most = usize::try_from(to - at).unwrap_or(usize::MAX).min(MOST_BYTES);
            let bytes = self.bytes(at, most).map_err(|why| self.file.failed("read", why))?;
            at += bytes.len() as u64;
            file.append_bytes(&bytes)?;
        }
        Ok(())
    }

    fn write_mark(&mut self, mark: u64) -> Result<(), SinkError> {
        let (path, new) = (self.mark_path(), beside(&self.path, "mark.new"));
        let failed = |why| SinkError::File { doing: "write", path: path.display().to_string(), why };
        fs::write(&new, format!("{mark}\n")).map_err(failed)?;
        fs::rename(&new, &path).map_err(failed)?;
        self.mark = mark;
        Ok(())
    }

    /// Puts the line between two places aside, which no server will take, with the reason.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put_aside(&mut self, from: u64, to: u64, reason: &str) -> Result<(), SinkError> {
        let mut file = FileSink::append(self.rejected_path())?;
        let reason: String =
            reason.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        file.append_bytes(format!("# {reason}\n").as_bytes())?;
        self.copy(from - self.base, to - self.base, &mut file)
    }

    /// Where lines are put aside.
    pub fn rejected_path(&self) -> PathBuf {
        beside(&self.path, "rejected")
    }
}

/// How many bytes at the beginning are whole lines, at most so many of them (but at least one). `None` when there is no whole line.
pub fn batch_length(bytes: &[u8], most_lines: usize) -> Option<usize> {
    // solution: begin — Part E: a batch of whole lines
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    ends.take(most_lines.max(1)).last()
    // solution: end
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}
