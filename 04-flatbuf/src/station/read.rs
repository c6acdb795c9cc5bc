//! A stranger's buffer, read into a value.
//!
//! The verifier says that every offset leads to something of the right shape, and no more. It does not say that
//!
//! - the buffer is of this schema: a buffer of another one may pass, hence the identifier;
//! - an enum has one of its values, or a union one of its members: what is unknown passes, so that a schema can grow;
//! - a number can be what it says: NaN, a latitude of 91, a battery of 200 percent;
//! - two offsets lead to two places, or that every byte belongs to something: two buffers of one value need not be equal, so a buffer is
//!   no key, and a signature of its bytes is none of its value.

use super::generated as flat;
use super::message::{Body, Message, Position, Quality, Reading};
use crate::limits::{Limits, Refusal};
use crate::stamp::nanoseconds;
use flatbuffers::{ForwardsUOffset, Vector, root_with_opts};

/// The identifier of the schema: the four bytes after the first four.
pub const IDENTIFIER: &str = flat::MESSAGE_IDENTIFIER;

/// The message in a buffer that somebody has sent.
///
/// # Errors
/// When the buffer is too long, of another schema, malformed, or says what cannot be.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Message, Refusal> {
    limits.allow(bytes.len())?;
    identified(bytes)?;
    let message = root_with_opts::<flat::Message<'_>>(&limits.options(bytes.len()), bytes)
        .map_err(|why| Refusal::Invalid { length: bytes.len(), why })?;
    checked(&message)
}

/// The buffer must say that it is of this schema. (The crate's own function for that panics when the buffer is shorter than eight bytes.)
///
/// # Errors
/// When it does not.
pub fn identified(bytes: &[u8]) -> Result<(), Refusal> {
    // solution: begin — Part C: is it of this schema?
    let found = bytes.get(4..8).unwrap_or_default();
    if found == IDENTIFIER.as_bytes() {
        return Ok(());
    }
    let found = format!("\"{}\"", found.escape_ascii());
    Err(Refusal::Identifier { found, expected: IDENTIFIER })
    // solution: end
}

/// A message that the verifier has passed, as a value, if it can be.
fn checked(message: &flat::Message<'_>) -> Result<Message, Refusal> {
    // solution: begin — Part C: what cannot be
    if nanoseconds(message.ts()).is_none() {
        return Err(Refusal::value("ts", message.ts(), "seconds since 1970"));
    }
    if let Some(percent) = message.battery_percent().filter(|percent| *percent > 100) {
        return Err(Refusal::value("battery_percent", percent, "0 to 100"));
    }
    // solution: end
    Ok(Message {
        seq_no: message.seq_no(),
        ts: message.ts(),
        station: message.station().to_string(),
        position: message.position().map(position).transpose()?,
        battery_percent: message.battery_percent(),
        body: body(message)?,
    })
}

/// A place on the earth.
fn position(at: &flat::Position) -> Result<Position, Refusal> {
    let position = Position { latitude: at.latitude(), longitude: at.longitude(), height_m: at.height_m() };
    // solution: begin — Part C: a place on the earth
    if !(-90.0..=90.0).contains(&position.latitude) {
        return Err(Refusal::value("latitude", position.latitude, "-90 to 90"));
    }
    if !(-180.0..=180.0).contains(&position.longitude) {
        return Err(Refusal::value("longitude", position.longitude, "-180 to 180"));
    }
    if !position.height_m.is_finite() {
        return Err(Refusal::value("height_m", position.height_m, "a height"));
    }
    // solution: end
    Ok(position)
}

/// The body, by the member of the union that it is.
fn body(message: &flat::Message<'_>) -> Result<Option<Body>, Refusal> {
    // solution: begin — Part C: a body may be of a kind that is not known
    let body = match message.body_type() {
        flat::Body::NONE => return Ok(None),
        flat::Body::Readings => {
            message.body_as_readings().map(|of| readings(of.readings())).transpose()?.map(Body::Readings)
        }
        flat::Body::Alarm => match message.body_as_alarm() {
            Some(alarm) => {
                let cause = alarm.cause().map(reading).transpose()?;
                Some(Body::Alarm { text: alarm.text().to_string(), cause })
            }
            None => None,
        },
        flat::Body::Goodbye => message
            .body_as_goodbye()
            .map(|goodbye| Body::Goodbye { reason: goodbye.reason().map(str::to_string) }),
        flat::Body(kind) => Some(Body::Unknown(kind)),
    };
    Ok(body)
    // solution: end
}

/// Readings; those of no vector are none.
fn readings(of: Option<Vector<'_, ForwardsUOffset<flat::Reading<'_>>>>) -> Result<Vec<Reading>, Refusal> {
    of.into_iter().flatten().map(reading).collect()
}

/// A reading. How deep its parts go was limited by the verifier.
fn reading(of: flat::Reading<'_>) -> Result<Reading, Refusal> {
    if !of.value().is_finite() {
        return Err(Refusal::value("value", of.value(), "a number"));
    }
    Ok(Reading {
        sensor: of.sensor(),
        value: of.value(),
        quality: quality(of.quality()),
        parts: readings(of.parts())?,
    })
}

/// A quality. A newer schema may have others: then this one knows nothing of it.
fn quality(of: flat::Quality) -> Quality {
    // solution: begin — Part C: a value of the enum that is not known
    match of {
        flat::Quality::Good => Quality::Good,
        flat::Quality::Doubtful => Quality::Doubtful,
        _ => Quality::Unknown,
    }
    // solution: end
}
