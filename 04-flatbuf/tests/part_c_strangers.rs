//! Part C: what strangers send.

mod golden;
mod stranger;

use flatbuf::anatomy::dissect::dissect;
use flatbuf::anatomy::print::lines;
use flatbuf::gate::{Gate, GateError, Head, Stop, head};
use flatbuf::generated::topic::my_pub_sub::root_as_topic;
use flatbuf::limits::{Limits, Refusal};
use flatbuf::sample::Sample;
use flatbuf::schema;
use flatbuf::stamp::{nanoseconds, stamp};
use flatbuf::station::generated as flat;
use flatbuf::station::message::{Body, Quality};
use flatbuf::station::read::{identified, read};
use flatbuf::topic::read as topic;
use flatbuf::wire::reader;
use flatbuffers::{FlatBufferBuilder, InvalidFlatbuffer, VerifierOptions};
use golden::{ALARM, DATA, END, GOODBYE, READINGS};
use simnet::local::mutation::Mutations;
use simnet::rule::{expect, expect_ok, expect_that};

const TOPIC_SCHEMA: &[u8] = include_bytes!("../buffers/topic.bfbs");
const STATION_SCHEMA: &[u8] = include_bytes!("../buffers/station.bfbs");

fn limits() -> Limits {
    Limits::default()
}

/// What the verifier does not find is found in no way but by looking: here it is shown what it lets pass.
#[test]
fn part_c_the_verifier_lets_pass_what_is_of_the_right_shape() {
    // Padding that is none: two buffers of one value that differ.
    let mut padded = DATA.to_vec();
    padded[77] = 0xaa;
    let same = |bytes: &[u8]| root_as_topic(bytes).map(|topic| format!("{topic:?}")).ok();
    expect("bytes that nobody reads may be anything", same(DATA), same(&padded));
    // The offset of the name leads to where that of the data leads.
    let mut shared = DATA.to_vec();
    shared[24] = 20;
    let read = root_as_topic(&shared).map(|topic| topic.name().map(str::to_string));
    expect("two offsets may lead to one place", Ok(Some("\0\0\0\0\u{1}".to_string())), read);
    // A value that the enum does not have, and a member that the union does not have.
    let odd = odd_station(|fields| fields.body_type = flat::Body(9));
    let kind = flat::root_as_message(&odd).map(|message| message.body_type().0);
    expect("a union may be of a kind that nobody knows", Ok(9), kind);
}

/// A station's buffer with something odd in it, which no right writer writes.
fn odd_station(odd: impl FnOnce(&mut flat::MessageArgs<'_>)) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let station = builder.create_string("odd");
    let goodbye = flat::Goodbye::create(&mut builder, &flat::GoodbyeArgs::default());
    let mut fields = flat::MessageArgs {
        station: Some(station),
        body_type: flat::Body::Goodbye,
        body: Some(goodbye.as_union_value()),
        ..flat::MessageArgs::default()
    };
    odd(&mut fields);
    let message = flat::Message::create(&mut builder, &fields);
    flat::finish_message_buffer(&mut builder, message);
    builder.finished_data().to_vec()
}

/// A station's buffer with a reading in it.
fn with_reading(fields: &flat::ReadingArgs<'_>) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let station = builder.create_string("odd");
    let reading = flat::Reading::create(&mut builder, fields);
    let readings = Some(builder.create_vector(&[reading]));
    let body = flat::Readings::create(&mut builder, &flat::ReadingsArgs { readings });
    finish(builder, station, flat::Body::Readings, body.as_union_value())
}

fn finish<'a>(
    mut builder: FlatBufferBuilder<'a>,
    station: flatbuffers::WIPOffset<&'a str>,
    body_type: flat::Body,
    body: flatbuffers::WIPOffset<flatbuffers::UnionWIPOffset>,
) -> Vec<u8> {
    let fields = flat::MessageArgs {
        station: Some(station),
        body_type,
        body: Some(body),
        ..flat::MessageArgs::default()
    };
    let message = flat::Message::create(&mut builder, &fields);
    flat::finish_message_buffer(&mut builder, message);
    builder.finished_data().to_vec()
}

/// A reading with parts, with parts, …: so many levels, each with so many offsets, all of which lead to the same next one.
fn bomb(levels: usize, offsets: usize) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let station = builder.create_string("bomb");
    let mut reading = flat::Reading::create(
        &mut builder,
        &flat::ReadingArgs { value: 1.0, ..flat::ReadingArgs::default() },
    );
    for _ in 1..levels {
        let parts = Some(builder.create_vector(&vec![reading; offsets]));
        reading =
            flat::Reading::create(&mut builder, &flat::ReadingArgs { parts, ..flat::ReadingArgs::default() });
    }
    let readings = Some(builder.create_vector(&[reading]));
    let body = flat::Readings::create(&mut builder, &flat::ReadingsArgs { readings });
    finish(builder, station, flat::Body::Readings, body.as_union_value())
}

fn invalid(got: Result<impl Sized, Refusal>) -> Option<InvalidFlatbuffer> {
    match got {
        Err(Refusal::Invalid { why, .. }) => Some(why),
        _ => None,
    }
}

#[test]
fn part_c_limits_follow_from_the_length() {
    let limits = Limits { longest: 1 << 20, depth: 5, looks: 16 };
    for length in [0, 4, 80, 1000, 1 << 20] {
        let expected = VerifierOptions {
            max_depth: 5,
            max_tables: length / 4,
            max_apparent_size: length * 16,
            ignore_missing_null_terminator: false,
        };
        let rule = format!("{length} bytes have room for so many tables, and are looked at so often");
        expect(rule, expected, limits.options(length));
    }
    let huge = Limits { looks: usize::MAX, ..limits };
    expect("no limit overflows", usize::MAX, huge.options(1000).max_apparent_size);
}

#[test]
fn part_c_a_small_buffer_does_not_make_much_work() {
    let bytes = bomb(6, 40);
    expect_that("the bomb is small", "less than 2 KiB", bytes.len() < 2048, bytes.len());
    let crates_own = flat::root_as_message(&bytes).err();
    expect(
        "the crate's own limits: a million tables are visited first",
        Some(InvalidFlatbuffer::TooManyTables),
        crates_own,
    );
    // Fewer than a million tables, and the crate walks over all of them.
    let smaller = bomb(4, 40);
    let walked = flat::root_as_message(&smaller).is_ok();
    expect_that(
        "the crate's own limits: 64,000 tables are visited, and accepted",
        "accepted",
        walked,
        smaller.len(),
    );
    for bytes in [&bytes, &smaller] {
        let why = invalid(read(bytes, &limits()));
        let bounded =
            matches!(why, Some(InvalidFlatbuffer::TooManyTables | InvalidFlatbuffer::ApparentSizeTooLarge));
        let rule = "a tree that has no room in its buffer is refused";
        expect_that(rule, "too many tables, or too many looks", bounded, why);
    }
    // What is honest passes: 1000 readings that share one vtable.
    let mut honest = golden::readings();
    honest.body = Some(Body::Readings((0..1000).map(|number| golden::reading(number, 0.5)).collect()));
    let bytes = flatbuf::station::write::write(&honest);
    let got = read(&bytes, &limits());
    expect("an honest buffer is not refused", Ok(honest), got);
}

#[test]
fn part_c_tables_in_tables_have_a_depth() {
    let shallow = Limits { depth: 5, ..limits() };
    for (levels, passes) in [(1, true), (3, true), (4, false), (40, false)] {
        // The message and its body are two levels more.
        let got = read(&bomb(levels, 1), &shallow);
        let rule = format!("{levels} levels of readings below a message and its body, 5 allowed");
        expect_that(&rule, if passes { "a message" } else { "refused" }, got.is_ok() == passes, &got);
        if !passes {
            expect(rule, Some(InvalidFlatbuffer::DepthLimitReached), invalid(got));
        }
    }
}

#[test]
fn part_c_what_is_too_long_is_refused_before_anything_is_looked_at() {
    let short = Limits { longest: 79, ..limits() };
    let got = topic::read(DATA, &short).map(|topic| topic.seq_no());
    expect("80 bytes where 79 are allowed", Err(Refusal::TooLong { length: 80, longest: 79 }), got);
    let just = Limits { longest: 80, ..limits() };
    expect("80 where 80 are", Ok(7), topic::read(DATA, &just).map(|topic| topic.seq_no()));
    let long = vec![0xff; 100];
    let got = topic::read(&long, &short).map(|topic| topic.seq_no());
    expect("whatever they are", Err(Refusal::TooLong { length: 100, longest: 79 }), got);
}

#[test]
fn part_c_no_view_of_a_buffer_that_is_cut_short() {
    for bytes in [DATA, END] {
        for length in 0..=bytes.len() {
            let got = topic::read(&bytes[..length], &limits()).map(|topic| topic::to_sample(&topic));
            match root_as_topic(&bytes[..length]) {
                Ok(_) => {
                    expect_ok("what is whole is read", "a sample", got);
                }
                Err(why) => {
                    let rule = format!(
                        "the first {length} of {} bytes are refused, with the verifier's reason",
                        bytes.len()
                    );
                    expect(rule, Some(why), invalid(got));
                }
            }
        }
    }
    for bytes in [READINGS, ALARM, GOODBYE] {
        for length in 0..bytes.len() - 4 {
            let got = read(&bytes[..length], &limits());
            let same = flat::root_as_message(&bytes[..length]).is_ok() && length >= 8;
            expect(format!("the first {length} of {} bytes", bytes.len()), same, got.is_ok());
        }
    }
}

/// How many buffers are damaged: so many, or what SIMNET_MUTATIONS says.
#[test]
fn part_c_no_damaged_buffer_makes_a_reader_panic() {
    let schemas =
        [TOPIC_SCHEMA, STATION_SCHEMA].map(|bytes| schema::read::read(bytes).expect("flatc wrote it"));
    let goods = [DATA, END, READINGS, ALARM, GOODBYE];
    let mut mutations = Mutations::new(42);
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    let bomb = bomb(5, 4);
    for number in 0..mutations.bounded(20_000) {
        let place = (number % 6) as usize;
        let good = goods.get(place).copied().unwrap_or(&bomb);
        let bytes = mutations.mutate(good);
        let is_read = if place < 2 {
            let read = topic::read(bytes, &limits()).map(|topic| topic::to_sample(&topic));
            let _ = reader::Topic::read(bytes).map(|topic| topic.to_sample());
            read.is_ok()
        } else {
            read(bytes, &limits()).is_ok()
        };
        *if is_read { &mut accepted } else { &mut refused } += 1;
        if number % 16 == 0 {
            let schema = &schemas[usize::from(place >= 2)];
            lines(bytes, &dissect(schema, bytes));
        }
    }
    let both = accepted > 100 && refused > 100;
    expect_that("the damage is neither harmless nor hopeless", "some of each", both, (accepted, refused));
}

#[test]
fn part_c_a_buffer_is_read_at_any_address() {
    let mut odd = 0;
    for shift in 0..16 {
        let mut bytes = vec![0x55; shift];
        bytes.extend(DATA);
        let moved = &bytes[shift..];
        odd += moved.as_ptr() as usize % 4;
        let got = topic::read(moved, &limits()).map(|topic| topic::to_sample(&topic));
        expect(format!("the same sample, {shift} bytes further on in memory"), Ok(golden::data()), got);
    }
    expect_that("some of these addresses are odd", "more than 0", odd > 0, odd);
}

#[test]
fn part_c_the_head_of_a_frame_is_read_when_it_is_whole() {
    let long = |length: u64| [&[2][..], &length.to_be_bytes()].concat();
    let whole = |flags, length| Some(Head { flags, length });
    for (bytes, expected) in [
        (vec![], None),
        (vec![0], None),
        (vec![0, 0], whole(0, 0)),
        (vec![0, 255, 7], whole(0, 255)),
        (vec![4, 25], whole(4, 25)),
        (long(256), whole(2, 256)),
        (long(u64::MAX), whole(2, u64::MAX)),
        (long(1 << 40)[..8].to_vec(), None),
    ] {
        expect(format!("the head that {bytes:?} begin with"), expected, head(&bytes));
    }
}

#[test]
fn part_c_no_frame_that_is_too_long_passes_however_it_is_cut() {
    let before =
        [stranger::greeting(), stranger::ready("XPUB"), stranger::frame(DATA), stranger::frame(&[7; 1000])]
            .concat();
    let too_long = |announced| GateError::TooLong { announced, longest: 1000 };
    let announces = |length: u64| [&[2][..], &length.to_be_bytes()].concat();
    for (head, why) in [
        (announces(1001), too_long(1001)),
        (announces(1 << 40), too_long(1 << 40)),
        (announces(u64::MAX), too_long(u64::MAX)),
        (vec![1, 4], GateError::Frames),
        (vec![0x80, 1], GateError::Flags(0x80)),
        ([&[6][..], &5000_u64.to_be_bytes()].concat(), GateError::TooLong { announced: 5000, longest: 1024 }),
    ] {
        let bytes = [&before[..], &head, &[1; 50]].concat();
        for cut in [1, 2, 3, 7, 64, 65, 100, 1000, bytes.len()] {
            let mut gate = Gate::new(1000);
            let mut passed = 0;
            let mut stop = None;
            for part in bytes.chunks(cut) {
                match gate.pass(part) {
                    Ok(()) => passed += part.len(),
                    Err(Stop { before, why }) => {
                        passed += before;
                        stop = Some(why);
                        break;
                    }
                }
            }
            let rule = format!("after {} bytes, in pieces of {cut}, comes {head:?}", before.len());
            expect(&rule, Some(why.clone()), stop);
            let partly = (before.len()..before.len() + head.len()).contains(&passed);
            expect_that(
                rule,
                "all before it has passed, and never its whole head",
                partly,
                (passed, before.len()),
            );
        }
    }
    let mut gate = Gate::new(1000);
    let stop = gate.pass(b"HTTP/1.1 400").map_err(|stop| stop.why);
    expect_that(
        "what is no ZeroMQ does not pass",
        "an error",
        matches!(stop, Err(GateError::NotZmtp(_))),
        stop,
    );
}

#[test]
fn part_c_a_buffer_of_another_schema_is_refused() {
    for bytes in [READINGS, ALARM, GOODBYE] {
        expect("a station's buffer says so", Ok(()), identified(bytes));
    }
    for length in 0..8 {
        let short = matches!(identified(&READINGS[..length]), Err(Refusal::Identifier { .. }));
        expect_that(format!("{length} bytes have no identifier"), "refused, without a panic", short, length);
    }
    let mut other = GOODBYE.to_vec();
    other[7] = b'2';
    let refused = Refusal::Identifier { found: "\"STN2\"".to_string(), expected: "STN1" };
    expect("another version of the identifier is another schema", Err(refused.clone()), identified(&other));
    expect("and is not read", Err(refused), read(&other, &limits()));
    let topic = matches!(read(DATA, &limits()), Err(Refusal::Identifier { .. }));
    expect_that("a topic is no station", "refused", topic, "read");
}

#[test]
fn part_c_what_cannot_be_is_refused_though_the_bytes_are_right() {
    for (bytes, value) in
        [(READINGS, golden::readings()), (ALARM, golden::alarm()), (GOODBYE, golden::goodbye())]
    {
        expect("what can be is read", Ok(value), read(bytes, &limits()));
    }
    let field = |got: Result<_, Refusal>| match got {
        Err(Refusal::Value { field, .. }) => field,
        Err(_) => "refused otherwise",
        Ok::<flatbuf::station::message::Message, _>(_) => "read",
    };
    for ts in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
        let odd = odd_station(|fields| fields.ts = ts);
        expect(format!("a stamp of {ts} is no time"), "ts", field(read(&odd, &limits())));
    }
    for (percent, expected) in [(100, "read"), (101, "battery_percent"), (255, "battery_percent")] {
        let odd = odd_station(|fields| fields.battery_percent = Some(percent));
        expect(format!("a battery of {percent} percent"), expected, field(read(&odd, &limits())));
    }
    let infinite = f32::INFINITY;
    for (latitude, longitude, height_m, expected) in [
        (90.0, 180.0, 0.0, "read"),
        (-90.0, -180.0, -400.0, "read"),
        (90.1, 0.0, 0.0, "latitude"),
        (-91.0, 0.0, 0.0, "latitude"),
        (f64::NAN, 0.0, 0.0, "latitude"),
        (0.0, 180.5, 0.0, "longitude"),
        (0.0, f64::NAN, 0.0, "longitude"),
        (0.0, 0.0, infinite, "height_m"),
        (0.0, 0.0, f32::NAN, "height_m"),
    ] {
        let position = flat::Position::new(latitude, longitude, height_m);
        let mut builder = FlatBufferBuilder::new();
        let station = Some(builder.create_string("odd"));
        let fields = flat::MessageArgs { station, position: Some(&position), ..flat::MessageArgs::default() };
        let message = flat::Message::create(&mut builder, &fields);
        flat::finish_message_buffer(&mut builder, message);
        let got = read(builder.finished_data(), &limits());
        expect(format!("a place at {latitude}, {longitude}, {height_m} m"), expected, field(got));
    }
    let odd = with_reading(&flat::ReadingArgs { value: f64::NAN, ..flat::ReadingArgs::default() });
    expect("a reading that is no number", "value", field(read(&odd, &limits())));
}

#[test]
fn part_c_what_is_not_known_yet_is_read_as_unknown() {
    let body = |bytes: &[u8]| read(bytes, &limits()).map(|message| message.body);
    let odd = odd_station(|fields| fields.body_type = flat::Body(9));
    expect("a member of the union that a newer schema has", Ok(Some(Body::Unknown(9))), body(&odd));
    let none = odd_station(|fields| {
        fields.body_type = flat::Body::NONE;
        fields.body = None;
    });
    expect("no body is a sign of life", Ok(None), body(&none));
    for (number, expected) in [
        (0, Quality::Unknown),
        (1, Quality::Good),
        (2, Quality::Doubtful),
        (3, Quality::Unknown),
        (255, Quality::Unknown),
    ] {
        let odd = with_reading(&flat::ReadingArgs {
            quality: flat::Quality(number),
            ..flat::ReadingArgs::default()
        });
        let quality = match body(&odd) {
            Ok(Some(Body::Readings(readings))) => readings.first().map(|reading| reading.quality),
            _ => None,
        };
        expect(format!("the value {number} of the enum"), Some(expected), quality);
    }
}

#[test]
fn part_c_a_stamp_may_be_no_time() {
    for time in [0, 1, 999_999_999, 1_000_000_000, 1_700_000_000_250_000_000, 4_000_000_000_123_456_789] {
        let there_and_back = nanoseconds(stamp(time)).map(|back| back.abs_diff(time));
        let near = there_and_back.is_some_and(|off| off <= 500);
        expect_that(
            "a time is kept to half a microsecond",
            "at most 500 ns off",
            near,
            (time, there_and_back),
        );
    }
    expect("half a second", Some(1_500_000_000), nanoseconds(1.5));
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.001, -1e300, 1e300, 2e10] {
        expect(format!("a stamp of {wrong} is no time"), None, nanoseconds(wrong));
    }
    let sample = Sample::default();
    expect("the stamp that is the default is the beginning of 1970", Some(0), nanoseconds(sample.ts));
}
