//! What a weather station says, as a value of its own.

/// A message.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Message {
    /// Which one it is.
    pub seq_no: u64,
    /// When it was sent, in seconds since 1970.
    pub ts: f64,
    /// Who says it.
    pub station: String,
    /// Where the station stands, where that is known.
    pub position: Option<Position>,
    /// How full its battery is, where it has one: 0 is empty, and not the same as none.
    pub battery_percent: Option<u8>,
    /// What it says; nothing is a sign of life.
    pub body: Option<Body>,
}

/// Where a station stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// In degrees, north positive.
    pub latitude: f64,
    /// In degrees, east positive.
    pub longitude: f64,
    /// In metres above the sea.
    pub height_m: f32,
}

/// What a station says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// What its sensors have measured.
    Readings(Vec<Reading>),
    /// Something is wrong.
    Alarm {
        /// What, in words.
        text: String,
        /// What has raised it.
        cause: Option<Reading>,
    },
    /// It says no more.
    Goodbye {
        /// Why.
        reason: Option<String>,
    },
    /// Something that this version of the schema does not know: its number in the union.
    Unknown(u8),
}

/// What one sensor has measured.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Reading {
    /// Which one.
    pub sensor: u16,
    /// What.
    pub value: f64,
    /// How far it can be trusted.
    pub quality: Quality,
    /// What it was made of.
    pub parts: Vec<Reading>,
}

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Quality {
    /// Nobody knows; also every value that this version of the schema does not know.
    Unknown,
    /// As far as the sensor can.
    #[default]
    Good,
    /// Not far.
    Doubtful,
}
