//! Part A: the bytes of a buffer, by hand.

mod golden;

use flatbuf::generated::topic::my_pub_sub::{Topic as Generated, TopicArgs, root_as_topic};
use flatbuf::wire::buffer::Buffer;
use flatbuf::wire::malformed::Malformed;
use flatbuf::wire::reader::Topic;
use flatbuf::wire::table::Table;
use flatbuffers::FlatBufferBuilder;
use golden::{DATA, END};
use simnet::local::mutation::Mutations;
use simnet::rule::{expect, expect_ok, expect_that};

const WHAT: &str = "a test";

#[test]
fn part_a_the_crate_reads_the_golden_buffers() {
    for (bytes, sample) in [(DATA, golden::data()), (END, golden::end())] {
        let topic = expect_ok("flatc's buffers are read by generated code", "a topic", root_as_topic(bytes));
        expect("its number is what flatc was told", sample.seq_no, topic.seq_no());
        expect("and its name", Some(sample.name.as_str()), topic.name());
    }
}

#[test]
fn part_a_so_many_bytes_if_they_are_there() {
    let buffer = Buffer(&[1, 2, 3, 4]);
    for (at, length, expected) in [
        (0, 4, Some(&[1, 2, 3, 4][..])),
        (1, 2, Some(&[2, 3])),
        (4, 0, Some(&[])),
        (0, 5, None),
        (4, 1, None),
        (5, 0, None),
        (usize::MAX, 1, None),
        (1, usize::MAX, None),
        (usize::MAX, usize::MAX, None),
    ] {
        let got = buffer.slice(at, length, WHAT);
        let rule =
            format!("{length} bytes from byte {at} of 4 are there, or an error says that they are not");
        expect(rule, expected, got.clone().ok());
        if expected.is_none() {
            let named = Malformed::Outside { what: WHAT, at, length, buffer: 4 };
            expect("the error says what was to be read, and where", Err(named), got);
        }
    }
}

#[test]
fn part_a_a_number_lies_at_a_multiple_of_its_size() {
    let bytes: Vec<u8> = (1..=16).collect();
    let buffer = Buffer(&bytes);
    expect("numbers are little-endian", Ok(0x0403), buffer.u16(2, WHAT));
    expect("numbers are little-endian", Ok(0x0807_0605), buffer.u32(4, WHAT));
    let float = f64::from_le_bytes([9, 10, 11, 12, 13, 14, 15, 16]);
    expect("floats too", Ok(float), buffer.f64(8, WHAT));
    let unaligned = |at, to| Malformed::Unaligned { what: WHAT, at, to };
    let rule = "a number lies at a multiple of its size";
    expect(rule, Err(unaligned(1, 2)), buffer.u16(1, WHAT));
    expect(rule, Err(unaligned(2, 4)), buffer.u32(2, WHAT));
    expect(rule, Err(unaligned(4, 8)), buffer.f64(4, WHAT));
    let outside = Malformed::Outside { what: WHAT, at: 16, length: 4, buffer: 16 };
    expect("what is not there is not read", Err(outside), buffer.u32(16, WHAT));
    expect("a signed number has its sign", Ok(-2), Buffer(&[0xfe, 0xff, 0xff, 0xff]).i32(0, WHAT));
}

#[test]
fn part_a_an_offset_is_counted_from_where_it_stands() {
    let buffer = Buffer(&[9, 0, 0, 0, 12, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    expect("an offset leads so many bytes further on", Ok(9), buffer.follow(0, WHAT));
    expect("and is counted from where it stands itself", Ok(16), buffer.follow(4, WHAT));
    let far = buffer.follow(8, WHAT);
    let rule = "an offset without a sign never leads back";
    expect(rule, Ok(8_usize.saturating_add(0xffff_ffff)), far);
    expect_that(
        "an offset that is not there is not followed",
        "an error",
        buffer.follow(12, WHAT).is_err(),
        WHAT,
    );
}

fn string(length: u32, rest: &[u8]) -> Vec<u8> {
    [&length.to_le_bytes(), rest].concat()
}

#[test]
fn part_a_a_string_is_a_length_its_text_and_a_zero() {
    let text = |bytes: &[u8]| Buffer(bytes).text(0, WHAT).map(str::to_string);
    expect("a string", Ok("DATA".to_string()), text(&string(4, b"DATA\0")));
    expect("an empty string", Ok(String::new()), text(&string(0, b"\0")));
    expect("its length counts bytes", Ok("é".to_string()), text(&string(2, "é\0".as_bytes())));
    expect("a zero within counts", Ok("a\0b".to_string()), text(&string(3, b"a\0b\0")));
    let rule = "the zero at its end must be there";
    expect(rule, Err(Malformed::NoTerminator { what: WHAT, at: 8 }), text(&string(4, b"DATA!")));
    expect(rule, Err(Malformed::NoTerminator { what: WHAT, at: 8 }), text(&string(4, b"DATA")));
    let rule = "a string is UTF-8, and the error names the first byte that is not";
    expect(rule, Err(Malformed::NotText { what: WHAT, at: 6 }), text(&string(4, b"DA\xffA\0")));
    let rule = "a length is not believed";
    expect_that(rule, "an error", text(&string(u32::MAX, b"DATA\0")).is_err(), u32::MAX);
}

#[test]
fn part_a_a_vector_is_a_length_and_its_numbers() {
    let bytes = [3_u32, 10, 20, 0xffff_fffe].map(u32::to_le_bytes).concat();
    let read = expect_ok("a vector of three", "three numbers", Buffer(&bytes).numbers(0, WHAT));
    expect("its numbers, in order", vec![10, 20, 0xffff_fffe], read.iter().collect::<Vec<_>>());
    let rule = "nothing is copied: the numbers lie in the buffer";
    expect(rule, bytes[4..].as_ptr(), read.bytes().as_ptr());
    let none = Buffer(&[0; 4]).numbers(0, WHAT).map(|numbers| numbers.iter().count());
    expect("a vector of none", Ok(0), none);
    for claimed in [4_u32, 0x4000_0000, 0x4000_0001, u32::MAX] {
        let claims = [&claimed.to_le_bytes(), &bytes[4..]].concat();
        let got = Buffer(&claims).numbers(0, WHAT).map(|numbers| numbers.iter().len());
        expect_that("how many there are is not believed", "an error", got.is_err(), (claimed, got));
    }
}

#[test]
fn part_a_a_table_says_where_its_vtable_is() {
    let root = Table::root(Buffer(DATA)).map(|table| (table.at, table.vtable, table.vtable_length));
    expect("the root table of DATA, and its vtable before it", Ok((16, 4, 12)), root);
    // The vtable behind the table: the distance is negative.
    let behind = [&4_u32.to_le_bytes()[..], &(-4_i32).to_le_bytes(), &[4, 0, 4, 0]].concat();
    let root = Table::root(Buffer(&behind)).map(|table| (table.at, table.vtable, table.vtable_length));
    expect("a vtable may lie behind its table", Ok((4, 8, 4)), root);
    for (back, vtable, why) in [
        (5_i32, [4, 0], "a vtable before the buffer"),
        (-100, [4, 0], "a vtable behind the buffer"),
        (i32::MIN, [4, 0], "a vtable far behind the buffer"),
        (i32::MAX, [4, 0], "a vtable far before the buffer"),
        (-4, [3, 0], "a vtable of an odd length"),
        (-4, [6, 0], "a vtable that goes on behind the buffer"),
        (-5, [4, 0], "a vtable at an odd byte"),
    ] {
        let bytes = [&4_u32.to_le_bytes()[..], &back.to_le_bytes(), &vtable, &[4, 0]].concat();
        let got = Table::root(Buffer(&bytes)).map(|table| table.vtable);
        expect_that(format!("{why} is refused"), "an error", got.is_err(), got);
    }
    let got = Table::root(Buffer(&[200, 0, 0, 0])).map(|table| table.at);
    expect_that("a root outside the buffer is refused", "an error", got.is_err(), got);
    expect_that("an empty buffer is refused", "an error", Table::root(Buffer(&[])).is_err(), "a table");
}

#[test]
fn part_a_a_field_is_where_the_vtable_says_or_absent() {
    let table = Table::root(Buffer(DATA)).unwrap();
    let places: Vec<_> = (0..6).map(|id| table.field(id)).collect();
    let rule = "the vtable says how far into the table each field is; beyond its end fields are absent";
    expect(rule, vec![Ok(Some(20)), Ok(Some(32)), Ok(Some(24)), Ok(Some(28)), Ok(None), Ok(None)], places);
    let far = table.field(u16::MAX);
    expect("so is a field of any number", Ok(None), far);
    // The first field absent, the second there: a vtable of 8 bytes.
    let bytes =
        [&12_u32.to_le_bytes()[..], &[8, 0, 8, 0, 0, 0, 4, 0], &8_i32.to_le_bytes(), &77_u32.to_le_bytes()]
            .concat();
    let table = Table::root(Buffer(&bytes)).unwrap();
    expect("a field whose place is 0 is absent", Ok(None), table.field(0));
    expect("and the one after it is not", Ok(Some(16)), table.field(1));
}

#[test]
fn part_a_the_golden_buffers_are_read() {
    for (bytes, sample) in [(DATA, golden::data()), (END, golden::end())] {
        let topic = expect_ok("flatc's buffers are read by hand", "a topic", Topic::read(bytes));
        expect("what stands in them is what flatc was told", sample, topic.to_sample());
        let name = topic.name.expect("it has one");
        let inside = bytes.as_ptr_range().contains(&name.as_ptr());
        expect_that("nothing is copied: the name lies in the buffer", "inside", inside, name);
    }
}

#[test]
fn part_a_an_absent_field_is_its_default() {
    let mut builder = FlatBufferBuilder::new();
    let topic = Generated::create(&mut builder, &TopicArgs::default());
    builder.finish(topic, None);
    let read = expect_ok("a table of nothing is a table", "a topic", Topic::read(builder.finished_data()));
    expect("numbers are 0, offsets are none", Topic { seq_no: 0, ts: 0.0, name: None, data: None }, read);
    let mut builder = FlatBufferBuilder::new();
    let (name, data) = (builder.create_string(""), builder.create_vector::<u32>(&[]));
    let fields = TopicArgs { name: Some(name), data: Some(data), ..TopicArgs::default() };
    let topic = Generated::create(&mut builder, &fields);
    builder.finish(topic, None);
    let read = expect_ok("a topic of empty things", "a topic", Topic::read(builder.finished_data()));
    expect("empty is not absent", (Some(""), Some(0)), (read.name, read.data.map(|data| data.iter().len())));
}

/// What the hand-written reader says must be what the crate's verifier says; and if both read, they read the same.
fn agrees(bytes: &[u8]) -> bool {
    let (ours, theirs) = (Topic::read(bytes), root_as_topic(bytes));
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => {
            let (name, data) = (theirs.name(), theirs.data().map(|data| data.iter().collect::<Vec<_>>()));
            let expected = (theirs.seq_no(), theirs.ts().to_bits(), name, data);
            let data = ours.data.map(|data| data.iter().collect::<Vec<_>>());
            expect("what both read is the same", expected, (ours.seq_no, ours.ts.to_bits(), ours.name, data));
        }
        (Err(_), Err(_)) => {}
        _ => {
            let said = theirs.map(|_| "reads it".to_string()).unwrap_or_else(|why| why.to_string());
            let got = format!("{ours:?} of {bytes:02x?}");
            expect_that("what the verifier refuses is refused, and nothing else", &said, false, got);
        }
    }
    ours.is_ok()
}

#[test]
fn part_a_every_buffer_that_is_cut_short_is_judged_as_the_verifier_does() {
    for bytes in [DATA, END] {
        let read: Vec<usize> = (0..=bytes.len()).filter(|length| agrees(&bytes[..*length])).collect();
        // Behind the last string's zero there is padding, which nobody needs.
        let least = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count() + 1;
        let rule = "a buffer is read when everything up to the last zero is there, and not before";
        expect(rule, (least..=bytes.len()).collect::<Vec<_>>(), read);
    }
}

#[test]
fn part_a_damaged_buffers_are_judged_as_the_verifier_does() {
    let mut mutations = Mutations::new(41);
    let tries = mutations.bounded(20_000);
    let mut read = 0;
    for number in 0..tries {
        let good = if number % 3 == 0 { END } else { DATA };
        read += u64::from(agrees(mutations.mutate(good)));
    }
    let share = (tries / 20..tries * 19 / 20).contains(&read);
    expect_that(
        "the damage is neither harmless nor hopeless",
        "5 to 95 of 100 are read",
        share,
        (read, tries),
    );
}
