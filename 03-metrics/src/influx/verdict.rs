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

/// What servers say when a line is wrong, whatever the line has in it.
const ABOUT_A_LINE: [&str; 3] = ["unable to parse", "partial write", "line protocol"];

/// What servers and proxies say when the request is wrong: an organisation that is missing, a page for a browser. Then all lines are good, and
/// none is to be put aside.
const ABOUT_THE_REQUEST: [&str; 7] =
    ["orgid", "organization", "organisation", "bucket", "token", "precision", "<html"];

/// Whether an answer of status 400 blames a line. One that says nothing does not.
pub fn blames_a_line(body: &str) -> bool {
    let body = body.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| body.contains(words));
    says(&ABOUT_A_LINE) || !(body.trim().is_empty() || says(&ABOUT_THE_REQUEST))
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
