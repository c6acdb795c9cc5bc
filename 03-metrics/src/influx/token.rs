//! The token of a database: used, and never shown. Pure.

use std::fmt;

/// A secret. It has no `Display`, and its `Debug` does not show it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Reads a token. The line break at the end of a file or variable does not belong to it.
    ///
    /// # Errors
    /// When it has characters that no header can hold. The message does not show it.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim_end_matches(['\r', '\n']);
        // solution: begin — Part E: what may be in a token
        match text.bytes().position(|byte| !(0x21..0x7f).contains(&byte)) {
            None => Ok(Token(text.to_string())),
            Some(at) => Err(format!(
                "the token has a space, a line break or a letter beyond ASCII as its character {}, expected none; was it copied whole?",
                at + 1
            )),
        }
        // solution: end
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The secret itself, for the request.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// A text of somebody else, in which the token may have been repeated, without it.
    pub fn hide_in(&self, text: &str) -> String {
        // solution: begin — Part E: no token in what is said
        if self.is_empty() { text.to_string() } else { text.replace(&self.0, "…") }
        // solution: end
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Token(none)" } else { "Token(…)" })
    }
}
