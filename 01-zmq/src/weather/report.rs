//! One report of the weather, as it goes over the wire: `zip temperature humidity`, three whole numbers with a space between.
//!
//! The zip stands first and in digits because subscriptions are compared with the first bytes: `10001` also asks for a zip
//! 100012, if there were one, and `1000` for 1000 and for 10000 to 10009.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The weather at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which place, 1 to 99999.
    pub zip: u32,
    /// In degrees Fahrenheit.
    pub temperature: i32,
    /// In percent, 0 to 100.
    pub humidity: u32,
}

/// Why text is no report.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "read the report `{}`, expected `zip temperature humidity`, such as `10001 23 47`",
    self.0.chars().take(80).collect::<String>().escape_debug()
)]
pub struct NoReport(pub String);

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.zip, self.temperature, self.humidity)
    }
}

impl FromStr for Report {
    type Err = NoReport;

    /// Three numbers and nothing else; a zip of 0 or above 99999, or a humidity above 100, is none.
    fn from_str(text: &str) -> Result<Self, NoReport> {
        let none = || NoReport(text.to_string());
        // solution: begin — Part A: read a report
        let [zip, temperature, humidity] = text.split(' ').collect::<Vec<_>>()[..] else {
            return Err(none());
        };
        let report = Report {
            zip: zip.parse().map_err(|_| none())?,
            temperature: temperature.parse().map_err(|_| none())?,
            humidity: humidity.parse().map_err(|_| none())?,
        };
        if !(1..=99_999).contains(&report.zip) || report.humidity > 100 {
            return Err(none());
        }
        Ok(report)
        // solution: end
    }
}
