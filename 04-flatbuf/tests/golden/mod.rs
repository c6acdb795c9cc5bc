//! Buffers that flatc has written, and what stands in them.

#![allow(dead_code, reason = "each test file uses its own part")]

use flatbuf::sample::Sample;
use flatbuf::station::message::{Body, Message, Position, Quality, Reading};

/// `{seq_no: 7, ts: 1.5, name: "DATA", data: [0, 1, 2, 3, 4]}`, 80 bytes.
pub const DATA: &[u8] = include_bytes!("../../buffers/topic-data.bin");
/// `{seq_no: 1001, ts: 2.5, name: "END", data: []}`, 56 bytes.
pub const END: &[u8] = include_bytes!("../../buffers/topic-end.bin");
/// Three readings, one of them with parts.
pub const READINGS: &[u8] = include_bytes!("../../buffers/station-readings.bin");
/// An alarm with its cause.
pub const ALARM: &[u8] = include_bytes!("../../buffers/station-alarm.bin");
/// A goodbye without a reason, and everything else absent.
pub const GOODBYE: &[u8] = include_bytes!("../../buffers/station-goodbye.bin");

/// The value of [`DATA`].
pub fn data() -> Sample {
    Sample { ts: 1.5, ..Sample::numbered(7, "DATA", 5) }
}

/// The value of [`END`].
pub fn end() -> Sample {
    Sample { ts: 2.5, ..Sample::end(1000) }
}

/// A reading of good quality.
pub fn reading(sensor: u16, value: f64) -> Reading {
    Reading { sensor, value, ..Reading::default() }
}

/// The value of [`READINGS`].
pub fn readings() -> Message {
    let parts = vec![reading(20, -1.0), reading(21, 1.0)];
    Message {
        seq_no: 5_000_000_000,
        ts: 1_700_000_000.25,
        station: "Zugspitze".to_string(),
        position: Some(Position { latitude: 47.421, longitude: 10.985, height_m: 2962.0 }),
        battery_percent: Some(0),
        body: Some(Body::Readings(vec![
            reading(1, -7.5),
            Reading { quality: Quality::Doubtful, parts, ..reading(2, 0.0) },
            Reading { quality: Quality::Unknown, ..reading(3, 693.25) },
        ])),
    }
}

/// The value of [`ALARM`].
pub fn alarm() -> Message {
    Message {
        seq_no: 1,
        ts: 1_700_000_001.0,
        station: "Fichtelberg".to_string(),
        battery_percent: Some(3),
        body: Some(Body::Alarm {
            text: "the battery is nearly empty".to_string(),
            cause: Some(reading(9, 11.25)),
        }),
        ..Message::default()
    }
}

/// The value of [`GOODBYE`].
pub fn goodbye() -> Message {
    Message {
        station: "Brocken".to_string(),
        body: Some(Body::Goodbye { reason: None }),
        ..Message::default()
    }
}
