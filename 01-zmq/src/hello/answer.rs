//! What a request is answered by.

use thiserror::Error;

/// The one request that there is.
pub const REQUEST: &str = "Hello";
/// Its reply.
pub const REPLY: &str = "World";
/// How a reply begins that is none, but says why.
const REFUSAL: &str = "error: ";

/// Why a reply is no [`REPLY`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoReply {
    /// The server has refused.
    #[error("the server refused: {0}")]
    Refused(String),
    /// It is something else.
    #[error("read the reply {0}, expected `World`: is it a `zmq hello server` that answers there?")]
    Malformed(String),
}

/// A message in words: its parts as text.
pub fn shown<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> String {
    let frames: Vec<String> = frames.into_iter().map(|frame| format!("`{}`", frame.escape_ascii())).collect();
    match &frames[..] {
        [frame] if frame.len() <= 80 => frame.clone(),
        [frame] => format!("of {} bytes", frame.len()),
        frames => format!("of {} parts", frames.len()),
    }
}

/// The reply to a request of these parts: [`REPLY`], or why it is refused, as text that begins with `error: `.
pub fn answer(frames: &[&[u8]]) -> String {
    // solution: begin — Part A: answer a request
    if frames == [REQUEST.as_bytes()] {
        return REPLY.to_string();
    }
    format!("{REFUSAL}read the request {}, expected `{REQUEST}`", shown(frames.iter().copied()))
    // solution: end
}

/// Looks at a reply of these parts.
///
/// # Errors
/// When it is not [`REPLY`].
pub fn check(frames: &[&[u8]]) -> Result<(), NoReply> {
    match frames {
        [reply] if *reply == REPLY.as_bytes() => Ok(()),
        [reply] => match std::str::from_utf8(reply).ok().and_then(|reply| reply.strip_prefix(REFUSAL)) {
            Some(why) => Err(NoReply::Refused(why.to_string())),
            None => Err(NoReply::Malformed(shown(frames.iter().copied()))),
        },
        _ => Err(NoReply::Malformed(shown(frames.iter().copied()))),
    }
}
