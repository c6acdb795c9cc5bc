//! One request, tried a bounded number of times. Pure.

use crate::envelope::Frames;

/// What a reply is to the request that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its answer.
    Answer(String),
    /// The answer to another request, by its number.
    Stale(u64),
    /// No reply at all.
    NoReply,
}

/// The tries of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempts {
    number: u64,
    text: String,
    left: u32,
}

impl Attempts {
    /// The request `text` of this number, which may be tried `limit` times.
    pub fn new(number: u64, text: &str, limit: u32) -> Self {
        Attempts { number, text: text.to_string(), left: limit }
    }

    /// What to send for another try, its number before its text; `None` when there is none left.
    pub fn again(&mut self) -> Option<Frames> {
        // solution: begin — Part D: a bounded number of tries
        self.left = self.left.checked_sub(1)?;
        Some(vec![self.number.to_string().into_bytes(), self.text.clone().into_bytes()])
        // solution: end
    }

    /// What a reply is: its number before its text.
    pub fn judge(&self, reply: &Frames) -> Verdict {
        // solution: begin — Part D: whose answer is it?
        let [number, text] = &reply[..] else { return Verdict::NoReply };
        match str::from_utf8(number).ok().and_then(|number| number.parse().ok()) {
            Some(number) if number == self.number => {
                Verdict::Answer(String::from_utf8_lossy(text).into_owned())
            }
            Some(other) => Verdict::Stale(other),
            None => Verdict::NoReply,
        }
        // solution: end
    }
}
