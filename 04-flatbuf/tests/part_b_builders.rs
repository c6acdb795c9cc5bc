//! Part B: buffers written, by hand and with the builder.

mod golden;

use flatbuf::generated::topic::my_pub_sub::{Topic as Generated, TopicArgs, root_as_topic};
use flatbuf::sample::Sample;
use flatbuf::station::generated::{Body as Kind, Message as Flat, Quality as FlatQuality, root_as_message};
use flatbuf::station::message::{Body, Message, Quality, Reading};
use flatbuf::station::write as station;
use flatbuf::topic::read::to_sample;
use flatbuf::topic::write::Writer;
use flatbuf::wire::backward::Backward;
use flatbuf::wire::writer;
use flatbuffers::FlatBufferBuilder;
use golden::{DATA, END};
use simnet::rule::{expect, expect_ok, expect_that};

/// Samples of every shape: with and without what is a default, names and data of every length about a multiple of four.
fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for seq_no in [0, 1, 1001, u32::MAX] {
        for ts in [0.0, -0.0, 1.5, -2.25, f64::INFINITY] {
            for name in ["", "E", "DA", "END", "DATA", "topic", "Übergröße", "twenty-one characters"] {
                for length in [0, 1, 2, 3, 4, 5, 9] {
                    samples.push(Sample { ts, ..Sample::numbered(seq_no, name, length) });
                }
            }
        }
    }
    samples
}

/// The crate's builder, used as its own manual has it.
fn by_the_crate(sample: &Sample) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let name = Some(builder.create_string(&sample.name));
    let data = Some(builder.create_vector(&sample.data));
    let topic =
        Generated::create(&mut builder, &TopicArgs { seq_no: sample.seq_no, ts: sample.ts, name, data });
    builder.finish(topic, None);
    builder.finished_data().to_vec()
}

#[test]
fn part_b_the_crate_lays_a_buffer_out_as_flatc_does() {
    for (bytes, sample) in [(DATA, golden::data()), (END, golden::end())] {
        expect("the crate's builder writes flatc's bytes", bytes.to_vec(), by_the_crate(&sample));
    }
}

#[test]
fn part_b_padding_is_as_little_as_aligns_what_comes() {
    for (there, length, to, zeros) in [
        (0, 4, 4, 0),
        (1, 4, 4, 3),
        (5, 3, 4, 0),
        (5, 8, 8, 3),
        (8, 8, 8, 0),
        (3, 2, 4, 3),
        (7, 1, 8, 0),
        (4, 8, 8, 4),
    ] {
        let mut buffer = Backward::default();
        buffer.put(&vec![1; there]);
        buffer.pad(length, to);
        let rule = format!("{there} bytes, then {length} at a multiple of {to}: so many zeros");
        expect(rule, zeros, buffer.place() - there);
    }
    let mut buffer = Backward::default();
    buffer.number(1.0_f64.to_le_bytes());
    let table = buffer.vtable(0, &[]);
    let whole = buffer.finish(table);
    expect("the whole is a multiple of the greatest alignment", 0, whole.len() % 8);
}

#[test]
fn part_b_an_offset_leads_to_its_place() {
    let mut buffer = Backward::default();
    let place = buffer.number(7_u32.to_le_bytes());
    buffer.put(&[0; 6]);
    let stands = buffer.offset(place);
    let bytes = buffer.finish(stands);
    let at = bytes.len() - stands;
    let offset = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    expect("an offset is counted from where it stands", 7, bytes[at + offset]);
    expect("and stands at a multiple of four", 0, stands % 4);
}

#[test]
fn part_b_strings_and_vectors_have_their_length_before_them() {
    for text in ["", "END", "DATA", "topic", "é"] {
        let mut buffer = Backward::default();
        let place = buffer.text(text);
        let bytes = buffer.finish(place);
        let at = bytes.len() - place;
        let expected = [&(text.len() as u32).to_le_bytes(), text.as_bytes(), b"\0"].concat();
        let rule = format!("{text:?} is its length, its bytes, and a zero");
        expect(rule, expected.as_slice(), &bytes[at..at + expected.len()]);
        expect("its length is aligned", 0, place % 4);
    }
    let mut buffer = Backward::default();
    let place = buffer.numbers(&[1, 2, 0xffff_ffff]);
    let bytes = buffer.finish(place);
    let expected = [3, 1, 2, 0xffff_ffff_u32].map(u32::to_le_bytes).concat();
    expect(
        "a vector is its length and its numbers, the first one first",
        expected,
        bytes[bytes.len() - place..].to_vec(),
    );
}

#[test]
fn part_b_a_vtable_says_how_far_into_the_table_each_field_is() {
    let mut buffer = Backward::default();
    let end = buffer.place();
    let second = buffer.number(5_u32.to_le_bytes());
    let first = buffer.number(6_u16.to_le_bytes());
    let table = buffer.vtable(end, &[first, 0, second]);
    let bytes = buffer.finish(table);
    let at = bytes.len() - table;
    let back = i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let numbers: Vec<usize> = bytes[at - back..at]
        .chunks(2)
        .map(|two| usize::from(u16::from_le_bytes(two.try_into().unwrap())))
        .collect();
    let expected = vec![10, table - end, table - first, 0, table - second];
    expect("its own length, the table's, and the place of each field; 0 is absent", expected, numbers);
}

#[test]
fn part_b_what_is_written_by_hand_is_what_flatc_writes() {
    for (bytes, sample) in [(DATA, golden::data()), (END, golden::end())] {
        expect("flatc's bytes, every one of them", bytes.to_vec(), writer::write(&sample));
    }
}

#[test]
fn part_b_by_hand_and_by_the_crate_all_bytes_are_the_same() {
    for sample in samples() {
        let rule = format!("what the crate's builder writes of {sample}");
        expect(rule, by_the_crate(&sample), writer::write(&sample));
    }
}

#[test]
fn part_b_a_sample_is_written_with_the_builder() {
    let mut writer = Writer::default();
    for sample in samples() {
        let bytes = writer.write(&sample);
        let topic = expect_ok("what is written passes the verifier", "a topic", root_as_topic(bytes));
        // A default is not written, and -0.0 equals 0.0: its sign is lost.
        let expected = Sample { ts: if sample.ts == 0.0 { 0.0 } else { sample.ts }, ..sample.clone() };
        let read = (topic.seq_no(), topic.ts().to_bits(), topic.name().map(str::to_string));
        let rule = format!("what is read is what was written: {sample}");
        expect(&rule, (expected.seq_no, expected.ts.to_bits(), Some(expected.name)), read);
        expect(&rule, Some(expected.data), topic.data().map(|data| data.iter().collect::<Vec<_>>()));
        expect("the bytes are those of flatc's layout", by_the_crate(&sample), bytes.to_vec());
    }
}

#[test]
fn part_b_the_builder_keeps_its_memory() {
    let mut writer = Writer::default();
    let sample = |seq_no| Sample { ts: 1.0, ..Sample::numbered(seq_no, "DATA", 100) };
    let end = writer.write(&sample(1)).as_ptr_range().end;
    for seq_no in 2..100 {
        let bytes = writer.write(&sample(seq_no));
        expect("a buffer of the same length lies where the last one lay", end, bytes.as_ptr_range().end);
        expect("and nothing of the last one is in it", by_the_crate(&sample(seq_no)), bytes.to_vec());
    }
    let small = writer.write(&golden::end()).to_vec();
    expect("a short buffer after a long one has nothing of it", END.to_vec(), small);
}

#[test]
fn part_b_what_is_absent_becomes_empty() {
    let mut builder = FlatBufferBuilder::new();
    let topic = Generated::create(&mut builder, &TopicArgs { seq_no: 3, ..TopicArgs::default() });
    builder.finish(topic, None);
    let read = to_sample(&root_as_topic(builder.finished_data()).unwrap());
    expect("no name is an empty one, no data none", Sample { seq_no: 3, ..Sample::default() }, read);
    let read = to_sample(&root_as_topic(DATA).unwrap());
    expect("what is there is there", golden::data(), read);
}

/// What is in a buffer of a station, read with nothing but generated code.
fn flat(bytes: &[u8]) -> Flat<'_> {
    expect_ok("what is written passes the verifier", "a message", root_as_message(bytes))
}

#[test]
fn part_b_a_station_says_one_of_everything() {
    let bytes = station::write(&golden::readings());
    expect("a station's buffers carry the schema's identifier", &b"STN1"[..], &bytes[4..8]);
    let (ours, flatcs) = (flat(&bytes), flat(golden::READINGS));
    let shape = |message: &Flat<'_>| format!("{message:?}");
    expect("what is written is what flatc writes of the same values", shape(&flatcs), shape(&ours));
    let readings = ours.body_as_readings().and_then(|body| body.readings()).map(|readings| {
        readings
            .iter()
            .map(|one| (one.sensor(), one.value(), one.quality(), one.parts().map_or(0, |parts| parts.len())))
            .collect::<Vec<_>>()
    });
    let expected = vec![
        (1, -7.5, FlatQuality::Good, 0),
        (2, 0.0, FlatQuality::Doubtful, 2),
        (3, 693.25, FlatQuality::Unknown, 0),
    ];
    expect("its readings, and the parts of one of them", Some(expected), readings);
    expect(
        "its place",
        golden::readings().position.map(|at| at.latitude),
        ours.position().map(|at| at.latitude()),
    );
}

#[test]
fn part_b_each_member_of_the_union_is_written_as_itself() {
    let (alarm, goodbye) = (station::write(&golden::alarm()), station::write(&golden::goodbye()));
    expect(
        "an alarm, as flatc writes it",
        format!("{:?}", flat(golden::ALARM)),
        format!("{:?}", flat(&alarm)),
    );
    expect("a goodbye", format!("{:?}", flat(golden::GOODBYE)), format!("{:?}", flat(&goodbye)));
    let kind = |message: &Message| flat(&station::write(message)).body_type();
    expect("no body is no member", Kind::NONE, kind(&Message::default()));
    let readings = Message { body: Some(Body::Readings(Vec::new())), ..Message::default() };
    expect("no readings are readings", Kind::Readings, kind(&readings));
    let cause = Reading { quality: Quality::Doubtful, ..golden::reading(1, 2.0) };
    let alarm = Message {
        body: Some(Body::Alarm { text: "x".to_string(), cause: Some(cause) }),
        ..Message::default()
    };
    let bytes = station::write(&alarm);
    let read = flat(&bytes).body_as_alarm().and_then(|alarm| alarm.cause()).map(|cause| cause.quality());
    expect("an alarm has its cause", Some(FlatQuality::Doubtful), read);
    let said =
        Message { body: Some(Body::Goodbye { reason: Some("dusk".to_string()) }), ..Message::default() };
    let bytes = station::write(&said);
    let read = flat(&bytes).body_as_goodbye().and_then(|goodbye| goodbye.reason().map(str::to_string));
    expect("a goodbye has its reason", Some("dusk".to_string()), read);
}

#[test]
fn part_b_zero_and_absent_are_two_things() {
    let with = |battery_percent| Message { battery_percent, ..golden::goodbye() };
    let battery = |message: &Message| flat(&station::write(message)).battery_percent();
    expect("an empty battery is a battery", Some(0), battery(&with(Some(0))));
    expect("and none is none", None, battery(&with(None)));
    expect("a full one", Some(100), battery(&with(Some(100))));
    let nowhere = station::write(&golden::goodbye());
    expect_that(
        "a place that is not known is absent",
        "none",
        flat(&nowhere).position().is_none(),
        "a place",
    );
    let (zero, one) = (Message { seq_no: 0, ..with(None) }, Message { seq_no: 1, ..with(None) });
    let shorter = station::write(&zero).len() < station::write(&one).len();
    expect_that("a default takes no room", "a shorter buffer", shorter, station::write(&zero).len());
}
