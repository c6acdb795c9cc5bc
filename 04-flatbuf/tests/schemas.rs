//! Schemas that have what those of this lab do not: each is shown and compared, or refused with a reason.

use flatbuf::anatomy::{Anatomy, dissect::dissect, print::lines};
use flatbuf::evolution::compatibility::{Change, Kind, changes};
use flatbuf::schema::{Schema, read::read};
use simnet::rule::{expect, expect_that};

const SHAPES: &[u8] = include_bytes!("../buffers/shapes.bfbs");
const ALL: &[u8] = include_bytes!("../buffers/shapes-all.bin");

/// What flatc 25.12.19 makes of `table R { v:[ubyte] (vector64); } root_type R;`.
const VECTOR64: &[u8] = b"\
    \x1c\x00\x00\x00BFBS\x14\x00\x20\x00\x04\x00\x08\x00\x0c\x00\x10\x00\x14\x00\x18\x00\x00\x00\x1c\x00\
    \x14\x00\x00\x004\x00\x00\x00,\x00\x00\x00\x20\x00\x00\x00\x14\x00\x00\x00`\x00\x00\x00\x08\x00\x00\
    \x00$\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x01\x00\x00\x008\x00\x00\x00\x01\x00\x00\x00\x0c\x00\x00\x00\x08\x00\x0c\x00\x04\
    \x00\x08\x00\x08\x00\x00\x004\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x14\x00\x14\x00\x04\x00\
    \x08\x00\x00\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x10\x00\x14\x00\x00\x00$\x00\x00\x00\x18\x00\x00\
    \x00\x01\x00\x00\x00\x04\x00\x00\x00\x07\x00\x00\x00//v.fbs\x00\x01\x00\x00\x00,\x00\x00\x00\x01\x00\
    \x00\x00R\x00\x00\x00\x20\x00\x10\x00\x08\x00\x0c\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x05\x00\x20\x00\x00\x00\x01\x01\x04\x00(\x00\x00\x00\
    \x14\x00\x00\x00\x10\x00\x10\x00\x06\x00\x07\x00\x00\x00\x00\x00\x08\x00\x0c\x00\x10\x00\x00\x00\x00\
    \x00\x12\x04\x08\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00v\x00\x00\x00\
    ";

/// And of `table R { s:string (offset64); } root_type R;`.
const OFFSET64: &[u8] = b"\
    \x1c\x00\x00\x00BFBS\x14\x00\x20\x00\x04\x00\x08\x00\x0c\x00\x10\x00\x14\x00\x18\x00\x00\x00\x1c\x00\
    \x14\x00\x00\x004\x00\x00\x00,\x00\x00\x00\x20\x00\x00\x00\x14\x00\x00\x00`\x00\x00\x00\x08\x00\x00\
    \x00$\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x01\x00\x00\x008\x00\x00\x00\x01\x00\x00\x00\x0c\x00\x00\x00\x08\x00\x0c\x00\x04\
    \x00\x08\x00\x08\x00\x00\x004\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x14\x00\x14\x00\x04\x00\
    \x08\x00\x00\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x10\x00\x14\x00\x00\x00$\x00\x00\x00\x18\x00\x00\
    \x00\x01\x00\x00\x00\x04\x00\x00\x00\x07\x00\x00\x00//o.fbs\x00\x01\x00\x00\x00,\x00\x00\x00\x01\x00\
    \x00\x00R\x00\x00\x00\x20\x00\x10\x00\x08\x00\x0c\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x05\x00\x20\x00\x00\x00\x01\x01\x04\x00$\x00\x00\x00\
    \x14\x00\x00\x00\x10\x00\x0c\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00\x10\x00\x00\x00\x00\
    \x00\x00\x0d\x01\x00\x00\x00\x01\x00\x00\x00s\x00\x00\x00\
    ";

fn shapes() -> Schema {
    read(SHAPES).expect("flatc wrote it")
}

/// The notes that begin with this, and what is shown right after each.
fn shown<'a>(found: &'a Anatomy, begins: &str) -> Vec<&'a str> {
    let spans = found.spans.iter().map(|span| span.text.as_str());
    spans.filter(|text| text.starts_with(begins)).collect()
}

#[test]
fn unions_of_anything_are_shown_and_vectors_of_them() {
    let found = dissect(&shapes(), ALL);
    expect("flatc wrote it, and all of it can be followed", Vec::<String>::new(), found.trouble.clone());
    let points = ["  Point.x = 1", "  Point.x = 3"];
    let mut x = shown(&found, "  Point.x");
    x.sort_unstable();
    expect("a struct in a union, and one in a vector of unions", points.to_vec(), x);
    expect("a table in a vector of unions", vec!["  radius = 1.5"], shown(&found, "  radius ="));
    expect("a string in a vector of unions", vec!["  \"text\""], shown(&found, "  \"text"));
    let lost: Vec<String> =
        lines(ALL, &found).into_iter().filter(|line| line.contains("belongs to nothing")).collect();
    expect("and no byte belongs to nothing", Vec::<String>::new(), lost);
}

#[test]
fn a_vector_of_unions_without_its_members_is_trouble() {
    let mut damaged = ALL.to_vec();
    let count = ALL.len() - 12;
    expect("three members are announced", 3, damaged[count]);
    damaged[count] = 1;
    let found = dissect(&shapes(), &damaged);
    let expected = vec!["all[1]: member 0 is not in this schema", "all[2]: member 0 is not in this schema"];
    expect("two of them are not there", expected, found.trouble.iter().map(String::as_str).collect());
}

#[test]
fn offsets_of_64_bits_are_refused_with_a_reason() {
    for (bytes, field) in [(VECTOR64, "v"), (OFFSET64, "s")] {
        let why = read(bytes).map(|_| "a schema").map_err(|why| why.to_string());
        let expected =
            format!("read the field {field}, expected offsets of 32 bits: it has `offset64` or `vector64`");
        expect("this program does not follow them, and says so", Err(expected), why);
    }
}

#[test]
fn a_name_cannot_speak_to_the_terminal() {
    let mut bytes = SHAPES.to_vec();
    let at = bytes.windows(6).position(|word| word == b"radius").expect("it has such a field");
    bytes[at] = 0x1b;
    let why = read(&bytes).map(|_| "a schema").map_err(|why| why.to_string());
    let expected = "read a name \\u{1b}adius, expected letters, digits, `_` and `.`";
    expect("a name with an escape is refused, and shown harmless", Err(expected.to_string()), why);
}

/// A vector of 200,000 strings, all of them the same one.
#[test]
fn what_is_too_much_to_follow_is_said() {
    let mut builder = flatbuffers::FlatBufferBuilder::new();
    let label = builder.create_string("x");
    let numbers = builder.create_vector(&vec![3_u8; 200_000]);
    let all = builder.create_vector(&vec![label; 200_000]);
    let table = builder.start_table();
    builder.push_slot_always(8, numbers);
    builder.push_slot_always(10, all);
    let root = builder.end_table(table);
    builder.finish_minimal(root);
    let found = dissect(&shapes(), builder.finished_data());
    let said = found.trouble.iter().any(|why| why.starts_with("too much to follow: 100000 notes"));
    expect_that("the rest is not passed over silently", "trouble", said, &found.trouble);
    expect_that(
        "and what is found has an end",
        "at most 100,100 notes",
        found.spans.len() <= 100_100,
        found.spans.len(),
    );
}

#[test]
fn another_table_in_a_buffer_of_its_own_breaks() {
    let (old, mut new) = (shapes(), shapes());
    let nested = |schema: &Schema| schema.objects["Shapes.Drawing"].fields[&4].nested.clone();
    expect("the schema says what is nested", Some("Shapes.Circle".to_string()), nested(&old));
    let drawing = new.objects.get_mut("Shapes.Drawing").expect("it is there");
    drawing.fields.get_mut(&4).expect("it is there").nested = Some("Shapes.Drawing".to_string());
    let (was, is) = ("[uint8] of Shapes.Circle".to_string(), "[uint8] of Shapes.Drawing".to_string());
    let at = "Shapes.Drawing.inner".to_string();
    let expected = vec![Change { at, kind: Kind::Retyped { old: was, new: is } }];
    expect("its bytes are read as something else", expected, changes(&old, &new));
    new.objects.get_mut("Shapes.Drawing").unwrap().fields.get_mut(&4).unwrap().nested = None;
    expect("a schema without attributes does not say", Vec::<Change>::new(), changes(&old, &new));
}
