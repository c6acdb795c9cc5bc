//! What an answer means for the lines that were sent. Pure.

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server has it.
    Taken,
    /// The server is there and cannot now: try again, not before so many seconds.
    Later(Option<u64>),
    /// Nobody answers, the connection broke, or a proxy finds nobody: what was acknowledged shortly before may be lost with the server.
    Away,
    /// A line of it is none, or does not fit to what is there: the other lines are not to suffer.
    Malformed,
    /// There is too much of it.
    TooLarge,
    /// The server does not want anything from us: token, organisation or bucket are wrong. To ask again soon would not help.
    Refused,
}

/// What servers say when a line is wrong. Everything else that is answered with 400 is about the request: an organisation that is missing, a
/// proxy that is asked wrongly. Then all lines are good, and none is to be put aside.
const ABOUT_A_LINE: [&str; 6] = [
    "unable to parse",
    "partial write",
    "field type conflict",
    "line protocol",
    "writing requires points",
    "cannot unmarshal",
];

/// Whether an answer blames a line.
pub fn blames_a_line(body: &str) -> bool {
    let body = body.to_lowercase();
    ABOUT_A_LINE.iter().any(|words| body.contains(words))
}

/// What a status means, with the body that explains it.
pub fn verdict(status: u16, retry_after_s: Option<u64>, body: &str) -> Verdict {
    // solution: begin — Part E: what a status means
    match status {
        200..=299 => Verdict::Taken,
        422 => Verdict::Malformed,
        400 if blames_a_line(body) => Verdict::Malformed,
        413 => Verdict::TooLarge,
        // A proxy says so. The server behind it is gone, and may have lost what it had acknowledged.
        502 | 504 => Verdict::Away,
        408 | 425 | 429 | 500..=599 => Verdict::Later(retry_after_s),
        _ => Verdict::Refused,
    }
    // solution: end
}
