//! One measurement, as it goes over the wire: `name:value station`, and what a subscription to it matches.

use simnet::Random;
use simnet::random::Purpose;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What a station has measured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reading {
    /// What was measured: `temp`, `pressure`, `humidity`.
    pub name: String,
    /// How much of it, in whole units.
    pub value: u32,
    /// Who has measured it.
    pub station: String,
}

/// Why text is no reading.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "read the reading `{}`, expected `name:value station`, such as `temp:70 s1`",
    self.0.chars().take(80).collect::<String>().escape_debug()
)]
pub struct NoReading(pub String);

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {}", self.name, self.value, self.station)
    }
}

impl FromStr for Reading {
    type Err = NoReading;

    /// A name without a colon, a number, a station; neither of the words is empty or has a space.
    fn from_str(text: &str) -> Result<Self, NoReading> {
        // solution: begin — Part B: read a reading
        let parts = text.split_once(' ').and_then(|(topic, station)| {
            let (name, value) = topic.split_once(':')?;
            Some((name, value.parse().ok()?, station))
        });
        match parts {
            Some((name, value, station))
                if !name.is_empty() && !station.is_empty() && !station.contains(' ') =>
            {
                Ok(Reading { name: name.to_string(), value, station: station.to_string() })
            }
            _ => Err(NoReading(text.to_string())),
        }
        // solution: end
    }
}

/// What is wanted: a name and the beginning of a value, or the whole of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What is measured.
    pub name: String,
    /// Which value.
    pub value: u32,
    /// Whether the value is meant as it is; else it is a beginning, as all that ZeroMQ compares is: 7 also means 70 to 79.
    pub exactly: bool,
}

impl Wanted {
    /// What to subscribe to. A value that is meant as it is ends with what stands after it in a reading.
    pub fn topic(&self) -> String {
        // solution: begin — Part B: a topic that matches a value, and not its beginning
        let end = if self.exactly { " " } else { "" };
        format!("{}:{}{end}", self.name, self.value)
        // solution: end
    }
}

/// What a station measures, from a seed: temperatures to 120, pressures to 1100, humidities to 100.
#[derive(Clone, Debug)]
pub struct Station {
    random: Random,
    name: String,
}

impl Station {
    /// The station `name` in the run of `seed`.
    pub fn new(name: &str, seed: u64) -> Self {
        Station { random: Random::new(seed, Purpose::Workload), name: name.to_string() }
    }
}

impl Iterator for Station {
    type Item = Reading;

    fn next(&mut self) -> Option<Reading> {
        let (name, most) = *self.random.pick(&[("temp", 120), ("pressure", 1100), ("humidity", 100)]);
        let value = self.random.between(0..most + 1) as u32;
        Some(Reading { name: name.to_string(), value, station: self.name.clone() })
    }
}
