//! The buffer of a message, from the inside out: whatever a table refers to is finished before the table begins.

use super::generated as flat;
use super::message::{Body, Message, Quality, Reading};
use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};

/// The buffer of a message.
///
/// # Panics
/// With a body of a kind that this schema does not know: there is nothing to write.
pub fn write(message: &Message) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let station = builder.create_string(&message.station);
    let position = message.position.map(|at| flat::Position::new(at.latitude, at.longitude, at.height_m));
    let body = message.body.as_ref().map(|said| body(&mut builder, said));
    // solution: begin — Part B: a message with its union
    let fields = flat::MessageArgs {
        seq_no: message.seq_no,
        ts: message.ts,
        station: Some(station),
        position: position.as_ref(),
        battery_percent: message.battery_percent,
        body_type: body.map_or(flat::Body::NONE, |(kind, _)| kind),
        body: body.map(|(_, at)| at),
    };
    let root = flat::Message::create(&mut builder, &fields);
    flat::finish_message_buffer(&mut builder, root);
    builder.finished_data().to_vec()
    // solution: end
}

/// The tables of a body: which member of the union it is, and where.
fn body<'a>(builder: &mut FlatBufferBuilder<'a>, body: &Body) -> (flat::Body, WIPOffset<UnionWIPOffset>) {
    // solution: begin — Part B: a member of the union
    match body {
        Body::Readings(readings) => {
            let readings: Vec<_> = readings.iter().map(|one| reading(builder, one)).collect();
            let readings = Some(builder.create_vector(&readings));
            let table = flat::Readings::create(builder, &flat::ReadingsArgs { readings });
            (flat::Body::Readings, table.as_union_value())
        }
        Body::Alarm { text, cause } => {
            let text = Some(builder.create_string(text));
            let cause = cause.as_ref().map(|one| reading(builder, one));
            let table = flat::Alarm::create(builder, &flat::AlarmArgs { text, cause });
            (flat::Body::Alarm, table.as_union_value())
        }
        Body::Goodbye { reason } => {
            let reason = reason.as_ref().map(|why| builder.create_string(why));
            let table = flat::Goodbye::create(builder, &flat::GoodbyeArgs { reason });
            (flat::Body::Goodbye, table.as_union_value())
        }
        Body::Unknown(kind) => panic!("a body of kind {kind} is not in the schema"),
    }
    // solution: end
}

/// The table of a reading, with the tables of its parts before it.
fn reading<'a>(builder: &mut FlatBufferBuilder<'a>, of: &Reading) -> WIPOffset<flat::Reading<'a>> {
    let parts: Vec<_> = of.parts.iter().map(|part| reading(builder, part)).collect();
    let parts = (!parts.is_empty()).then(|| builder.create_vector(&parts));
    let quality = match of.quality {
        Quality::Unknown => flat::Quality::Unknown,
        Quality::Good => flat::Quality::Good,
        Quality::Doubtful => flat::Quality::Doubtful,
    };
    flat::Reading::create(builder, &flat::ReadingArgs { sensor: of.sensor, value: of.value, quality, parts })
}
