//! What is said when one asks another for its time. Pure.
//!
//! ```text
//! clock? <t1>                              the client's time
//! clock! <t1> <t2> <t3> <machine>          the same, when it came, when this leaves, whose clock it is
//! done                                     the client needs no more
//! bye
//! ```

use super::offset::Exchange;
use thiserror::Error;

/// The longest message.
const LONGEST: usize = 256;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// What time is it? It left at `t1`.
    Time(i64),
    /// It needs no more.
    Done,
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The client's time, as it came.
    pub t1: i64,
    /// When the request came.
    pub t2: i64,
    /// When the reply leaves.
    pub t3: i64,
    /// Whose clock it is.
    pub machine: String,
}

/// What came is no such message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("read `{got}`, expected {expected}; is it the port of a publisher's clock?")]
pub struct NoMessage {
    got: String,
    expected: &'static str,
}

fn text<'a>(bytes: &'a [u8], expected: &'static str) -> Result<&'a str, NoMessage> {
    let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).escape_debug().to_string();
    let text = if bytes.len() > LONGEST { None } else { str::from_utf8(bytes).ok() };
    text.ok_or_else(|| NoMessage { got: shown(), expected })
}

impl Request {
    /// The bytes of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Request::Time(t1) => format!("clock? {t1}").into_bytes(),
            Request::Done => b"done".to_vec(),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(bytes: &[u8]) -> Result<Self, NoMessage> {
        let expected = "`clock? TIME` or `done`";
        let text = text(bytes, expected)?;
        let wrong = || NoMessage { got: text.escape_debug().to_string(), expected };
        match text.strip_prefix("clock? ") {
            Some(t1) => t1.parse().map(Request::Time).map_err(|_| wrong()),
            None if text == "done" => Ok(Request::Done),
            None => Err(wrong()),
        }
    }
}

impl Reply {
    /// The bytes of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        format!("clock! {} {} {} {}", self.t1, self.t2, self.t3, self.machine).into_bytes()
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(bytes: &[u8]) -> Result<Self, NoMessage> {
        let expected = "`clock! TIME TIME TIME MACHINE`";
        let text = text(bytes, expected)?;
        let wrong = || NoMessage { got: text.escape_debug().to_string(), expected };
        let words: Vec<&str> = text.split(' ').collect();
        let ["clock!", t1, t2, t3, machine] = words[..] else { return Err(wrong()) };
        let time = |text: &str| text.parse::<i64>().map_err(|_| wrong());
        Ok(Reply { t1: time(t1)?, t2: time(t2)?, t3: time(t3)?, machine: machine.to_string() })
    }

    /// The exchange, when this reply came at `t4` to a request of `t1`. `None` when it is the reply to another.
    pub fn exchange(&self, t1: i64, t4: i64) -> Option<Exchange> {
        // solution: begin — Part D: the reply to this request
        (self.t1 == t1).then_some(Exchange { t1, t2: self.t2, t3: self.t3, t4 })
        // solution: end
    }
}
