//! `config.ini`: how the middleware finds and how it disseminates.
//!
//! ```text
//! ; or #: a comment, on a line of its own
//! [Discovery]
//! Strategy=Centralized
//!
//! [Dissemination]
//! Strategy=Direct
//! ```
//!
//! Both sections must be there, each once. As with Python's `configparser`, blanks around names and values do not count, and neither does
//! the case of a key; that of sections and values does. What is not known is refused, with its line: a `Stategy=Broker` that is passed over
//! in silence would be `Direct`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How samples travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Dissemination {
    /// From each publisher to each of its subscribers.
    #[default]
    Direct,
    /// All of them through one broker.
    Broker,
}

impl fmt::Display for Dissemination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dissemination::Direct => "Direct",
            Dissemination::Broker => "Broker",
        })
    }
}

/// What `config.ini` says. Discovery has one strategy here, Centralized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `[Dissemination] Strategy`.
    pub dissemination: Dissemination,
}

const SECTIONS: &str = "[Discovery] or [Dissemination]";

impl Config {
    /// Reads the text of a `config.ini`.
    ///
    /// # Errors
    /// The first thing that is not understood: its line, what was read and what was expected.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut section: Option<&str> = None;
        let mut seen: Vec<&str> = Vec::new();
        let mut discovery = None;
        let mut dissemination = None;
        for (place, line) in text.lines().enumerate() {
            let line = line.trim();
            let wrong = |read: &str, expected: &str| -> Result<Config, String> {
                Err(format!("line {}: read `{read}`, expected {expected}", place + 1))
            };
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            // solution: begin — Part F: read one line of config.ini
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                if !["Discovery", "Dissemination"].contains(&name) {
                    return wrong(line, SECTIONS);
                }
                if seen.contains(&name) {
                    return wrong(line, "each section once");
                }
                seen.push(name);
                section = Some(name);
                continue;
            }
            let Some(section) = section else { return wrong(line, SECTIONS) };
            let Some((key, value)) = line.split_once('=') else { return wrong(line, "Strategy=…") };
            let (key, value) = (key.trim(), value.trim());
            if !key.eq_ignore_ascii_case("Strategy") {
                return wrong(line, "the key Strategy");
            }
            let once = match (section, value) {
                ("Discovery", "Centralized") => discovery.replace(()).is_none(),
                ("Discovery", _) => return wrong(value, "Centralized"),
                (_, "Direct") => dissemination.replace(Dissemination::Direct).is_none(),
                (_, "Broker") => dissemination.replace(Dissemination::Broker).is_none(),
                _ => return wrong(value, "Direct or Broker"),
            };
            if !once {
                return wrong(line, "each key once");
            }
            // solution: end
        }
        match (discovery, dissemination) {
            (Some(()), Some(dissemination)) => Ok(Config { dissemination }),
            (None, _) => Err("read no Strategy of [Discovery], expected Strategy=Centralized".to_string()),
            (_, None) => {
                Err("read no Strategy of [Dissemination], expected Strategy=Direct or Strategy=Broker"
                    .to_string())
            }
        }
    }
}
