//! What is published: nine topics, and a generator for each. Given whole.

use serde::{Deserialize, Serialize};
use simnet::RandomSource;
use std::fmt;
use std::str::FromStr;

/// A topic. On the wire it is its name, alone in the first frame of a publication.
///
/// No name begins with another one: a subscription is a prefix, and here it must mean one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// In words.
    Weather,
    /// Relative, in percent.
    Humidity,
    /// The air quality index, 0 to 500.
    AirQuality,
    /// In lux.
    Light,
    /// In hPa, to a tenth.
    Pressure,
    /// In °C, to a tenth.
    Temperature,
    /// In dB.
    Sound,
    /// In metres above the sea.
    Altitude,
    /// Latitude and longitude in degrees, to a thousandth.
    Location,
}

impl Topic {
    /// All topics.
    pub const ALL: [Topic; 9] = [
        Topic::Weather,
        Topic::Humidity,
        Topic::AirQuality,
        Topic::Light,
        Topic::Pressure,
        Topic::Temperature,
        Topic::Sound,
        Topic::Altitude,
        Topic::Location,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Weather => "weather",
            Topic::Humidity => "humidity",
            Topic::AirQuality => "airquality",
            Topic::Light => "light",
            Topic::Pressure => "pressure",
            Topic::Temperature => "temperature",
            Topic::Sound => "sound",
            Topic::Altitude => "altitude",
            Topic::Location => "location",
        }
    }

    /// A value that a sensor might have measured. The same random numbers give the same value, on every machine.
    pub fn measure(self, random: &mut dyn RandomSource) -> String {
        let mut between = |least: i64, most: i64| least + random.below((most - least + 1) as u64) as i64;
        match self {
            Topic::Weather => {
                let words = ["sunny", "cloudy", "rainy", "stormy", "foggy", "snowy"];
                words[between(0, words.len() as i64 - 1) as usize].to_string()
            }
            Topic::Humidity => between(20, 100).to_string(),
            Topic::AirQuality => between(0, 500).to_string(),
            Topic::Light => between(0, 100_000).to_string(),
            Topic::Pressure => decimal(between(9_500, 10_500), 1),
            Topic::Temperature => decimal(between(-200, 450), 1),
            Topic::Sound => between(20, 120).to_string(),
            Topic::Altitude => between(-400, 8_800).to_string(),
            Topic::Location => {
                let latitude = decimal(between(-90_000, 90_000), 3);
                format!("{latitude},{}", decimal(between(-180_000, 180_000), 3))
            }
        }
    }
}

/// A whole number of tenths, hundredths, …: no float, whose rounding may differ.
fn decimal(value: i64, digits: u32) -> String {
    let one = 10_u64.pow(digits);
    let (sign, size) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    format!("{sign}{}.{:0width$}", size / one, size % one, width = digits as usize)
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Topic {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Topic::ALL.into_iter().find(|topic| topic.name() == name).ok_or_else(|| {
            let known: Vec<&str> = Topic::ALL.iter().map(|topic| topic.name()).collect();
            format!("read the topic `{name}`, expected one of: {}", known.join(", "))
        })
    }
}
