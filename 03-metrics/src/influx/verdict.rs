//! What an answer means for the lines that were sent. Pure.

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server has it.
    Taken,
    /// The server is there and cannot now: try again, not before so many seconds.
    Later(Option<u64>),
    /// Nobody answers, or the connection broke: what was acknowledged shortly before may be lost with the server.
    Away,
    /// A line of it is none, or does not fit to what is there: the other lines are not to suffer.
    Malformed,
    /// There is too much of it.
    TooLarge,
    /// The server does not want anything from us: token, organisation or bucket are wrong. To ask again soon would not help.
    Refused,
}

/// What a status means.
pub fn verdict(status: u16, retry_after_s: Option<u64>) -> Verdict {
    // solution: begin — Part E: what a status means
    match status {
        200..=299 => Verdict::Taken,
        400 | 422 => Verdict::Malformed,
        413 => Verdict::TooLarge,
        408 | 425 | 429 | 500..=599 => Verdict::Later(retry_after_s),
        _ => Verdict::Refused,
    }
    // solution: end
}
