//! What the server keeps: names and their values. Given whole.

use super::call::{Answer, Call};
use serde::Serialize;
use std::collections::BTreeMap;

/// The registry, as if it were local.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Registry {
    values: BTreeMap<String, String>,
}

impl Registry {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Gives `key` a value, instead of the one it has.
    pub fn put(&mut self, key: &str, value: &str) {
        self.values.insert(key.to_string(), value.to_string());
    }

    /// Adds `text` at the end of the value of `key`, and says how many bytes that has now.
    pub fn append(&mut self, key: &str, text: &str) -> usize {
        let value = self.values.entry(key.to_string()).or_default();
        value.push_str(text);
        value.len()
    }

    /// Carries out a call.
    pub fn carry_out(&mut self, call: &Call) -> Answer {
        match call {
            Call::Get { key } => Answer::Value(self.get(key).map(str::to_string)),
            Call::Put { key, value } => {
                self.put(key, value);
                Answer::Done
            }
            Call::Append { key, text } => Answer::Length(self.append(key, text) as u64),
        }
    }
}
