//! Where points go.

use crate::point::Point;
use std::time::Duration;
use thiserror::Error;

/// Why a sink cannot go on.
#[derive(Debug, Error)]
pub enum SinkError {
    /// A file cannot be written.
    #[error("could not {doing} {path}: {why}; is the folder there, and is there room?")]
    File {
        /// What was tried, such as `write`.
        doing: &'static str,
        /// The file.
        path: String,
        /// What the system says.
        why: std::io::Error,
    },
    /// Another program writes there.
    #[error("{0} is in use by another program; end it, or name another file")]
    InUse(String),
    /// What belongs to the file cannot be understood.
    #[error("read {got} in {path}, expected {expected}; {advice}")]
    Malformed {
        /// The file.
        path: String,
        /// What was read.
        got: String,
        /// What was expected.
        expected: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// What a sink did with a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Points that the sink answers for from now on.
    pub taken: u64,
    /// Points that have no line (a NaN, a line break in a tag): they are nowhere.
    pub refused: u64,
    /// Points for which there is no room any more.
    pub dropped: u64,
}

/// What became of all that a sink has taken. `written + spooled + rejected` is all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Points that are where they were to go: in the file, or acknowledged by the server.
    pub written: u64,
    /// Points that wait in a spool file, and are sent by the next program that opens it.
    pub spooled: u64,
    /// Points that the server does not want, and that were put aside.
    pub rejected: u64,
    /// Why points are not written, in words; the last reason.
    pub reason: Option<String>,
}

/// Where points go. A sink may block: it is used by the recorder's background thread alone.
pub trait Sink: Send {
    /// Takes points. What it has taken it does not lose.
    ///
    /// # Errors
    /// When it cannot take any of them; the caller counts them.
    fn write(&mut self, points: &[Point]) -> Result<Taken, SinkError>;

    /// Hands to the system what it has taken.
    ///
    /// # Errors
    /// When that cannot be done.
    fn flush(&mut self) -> Result<(), SinkError>;

    /// Ends, within about `bound`, and says what became of everything.
    ///
    /// # Errors
    /// When that cannot be known.
    fn close(&mut self, bound: Duration) -> Result<Delivered, SinkError>;
}

/// Keeps points in memory, for tests and for programs that look at them at once.
#[derive(Clone, Debug, Default)]
pub struct MemorySink {
    points: std::sync::Arc<std::sync::Mutex<Vec<Point>>>,
}

impl MemorySink {
    /// What has been written so far.
    pub fn points(&self) -> Vec<Point> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Point>> {
        self.points.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Sink for MemorySink {
    fn write(&mut self, points: &[Point]) -> Result<Taken, SinkError> {
        self.lock().extend_from_slice(points);
        Ok(Taken { taken: points.len() as u64, ..Taken::default() })
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn close(&mut self, _bound: Duration) -> Result<Delivered, SinkError> {
        Ok(Delivered { written: self.lock().len() as u64, ..Delivered::default() })
    }
}
