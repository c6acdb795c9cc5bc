//! A file of lines is read back. A shell: it has the file.

use crate::file::whole_lines;
use crate::line::{self, LONGEST_LINE, Precision};
use crate::point::Point;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// How many bad lines are kept word for word.
const KEPT: usize = 5;
/// How much of a bad line is shown.
const SHOWN: usize = 60;

/// A line that is no point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Which line, from 1.
    pub line: u64,
    /// How it begins.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {} in `{}`", self.line, self.why, self.text)
    }
}

/// What was read of a file besides points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Points that were read.
    pub points: u64,
    /// Comments and empty lines.
    pub comments: u64,
    /// Lines that are no points.
    pub bad: u64,
    /// The first few of them.
    pub first_bad: Vec<Bad>,
    /// The last line, when it does not end: whoever wrote it has crashed, or is still writing. It is passed over, since its last number may
    /// be half of one.
    pub torn: Option<Bad>,
}

/// Reads the points of a file, one after the other; `each` gets them. However long the file is, one line is in memory at a time.
///
/// # Errors
/// When the file cannot be read. A line that is no point is no error: it is counted.
pub fn read(path: impl AsRef<Path>, precision: Precision, each: impl FnMut(Point)) -> io::Result<Reading> {
    read_from(File::open(path)?, precision, each)
}

/// Reads points from anything that has bytes.
///
/// # Errors
/// When it cannot be read.
pub fn read_from(from: impl Read, precision: Precision, mut each: impl FnMut(Point)) -> io::Result<Reading> {
    let mut from = BufReader::new(from);
    let mut reading = Reading::default();
    let mut bytes = Vec::new();
    for number in 1.. {
        let length = read_line(&mut from, &mut bytes)?;
        if bytes.is_empty() {
            break;
        }
        // solution: begin — Part C: one line of a file
        if whole_lines(&bytes).is_none() && length == bytes.len() as u64 {
            let why = "the line does not end; it is passed over".to_string();
            reading.torn = Some(Bad { line: number, text: shown(&bytes), why });
            continue;
        }
        match point_of(&bytes, length, precision) {
            Ok(Some(point)) => {
                reading.points += 1;
                each(point);
            }
            Ok(None) => reading.comments += 1,
            Err(why) => {
                reading.bad += 1;
                if reading.first_bad.len() < KEPT {
                    reading.first_bad.push(Bad { line: number, text: shown(&bytes), why });
                }
            }
        }
        // solution: end
    }
    Ok(reading)
}

/// The next line with its line break, at most a little more than the longest of it, and how long it really is. Both are 0 at the end.
fn read_line(from: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<u64> {
    bytes.clear();
    let most = LONGEST_LINE as u64 + 2;
    let mut length = from.by_ref().take(most).read_until(b'\n', bytes)? as u64;
    // What goes on is passed over, piece by piece: nobody's line is a reason to run out of memory.
    let mut rest = Vec::new();
    while length >= most && whole_lines(bytes).is_none() && whole_lines(&rest).is_none() {
        rest.clear();
        match from.by_ref().take(most).read_until(b'\n', &mut rest)? {
            0 => break,
            more => length += more as u64,
        }
    }
    Ok(length)
}

fn point_of(bytes: &[u8], length: u64, precision: Precision) -> Result<Option<Point>, String> {
    if length > bytes.len() as u64 {
        return Err(format!("read {length} bytes of line, expected at most {LONGEST_LINE}"));
    }
    let text =
        str::from_utf8(bytes).map_err(|error| format!("at byte {}: not UTF-8", error.valid_up_to() + 1))?;
    line::parse_in(text, precision).map_err(|error| error.to_string())
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN)]);
    let text = text.trim_end_matches(['\n', '\r']);
    let more = if text.chars().count() > SHOWN { "…" } else { "" };
    text.chars().take(SHOWN).chain(more.chars()).collect()
}
