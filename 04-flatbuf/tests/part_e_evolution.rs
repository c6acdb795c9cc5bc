//! Part E: schemas change, and programs do not all change on one day.

use flatbuf::evolution::compatibility::{Change, Kind, changes};
use flatbuf::evolution::first::{self, Detail};
use flatbuf::evolution::second;
use flatbuf::generated::first::evolution as flat_first;
use flatbuf::generated::second::evolution as flat_second;
use flatbuf::limits::Limits;
use flatbuf::schema::{Schema, Type, read};
use flatbuffers::FlatBufferBuilder;
use simnet::rule::{expect, expect_ok, expect_that};

/// A schema and a buffer that flatc has made.
macro_rules! version {
    ($name:literal) => {
        (
            include_bytes!(concat!("../buffers/evolution/", $name, ".bfbs")).as_slice(),
            include_bytes!(concat!("../buffers/evolution/", $name, ".bin")).as_slice(),
        )
    };
}

fn limits() -> Limits {
    Limits::default()
}

fn schema(bytes: &[u8]) -> Schema {
    read::read(bytes).expect("flatc wrote it")
}

/// What has changed from the first version to this one.
fn from_first(other: &[u8]) -> Vec<Change> {
    changes(&schema(version!("first").0), &schema(other))
}

fn change(at: &str, kind: Kind) -> Change {
    Change { at: format!("Evolution.{at}"), kind }
}

#[test]
fn part_e_a_schema_is_a_buffer_too() {
    let first = schema(version!("first").0);
    let sample = &first.objects["Evolution.Sample"];
    let fields: Vec<(u16, &str)> =
        sample.fields.iter().map(|(id, field)| (*id, field.name.as_str())).collect();
    let expected = vec![
        (0, "seq_no"),
        (1, "value"),
        (2, "unit"),
        (3, "at"),
        (4, "name"),
        (5, "colour"),
        (6, "detail_type"),
        (7, "detail"),
    ];
    expect("fields are numbered as they stand, a union twice", expected, fields);
    expect("a default is in the schema", 20, sample.fields[&1].default.integer);
    expect("the root", Some("Evolution.Sample"), first.root.as_deref());
    expect("a struct has a size", 4, first.objects["Evolution.Place"].size);
    let union = &first.enums["Evolution.Detail"];
    let wind = Some(Type::Object("Evolution.Wind".to_string()));
    expect("a member of a union is a table", wind, union.values[&1].member.clone());
}

/// The first version's sample, as flatc writes it: 20 is the default, and not in the buffer.
fn sample() -> first::Sample {
    first::Sample {
        seq_no: 9,
        value: 20,
        unit: Some("Fahrenheit"),
        name: Some("tower".to_string()),
        colour: Some("red".to_string()),
        detail: Detail::Wind(6.5),
    }
}

#[test]
fn part_e_the_old_reader_reads_its_own() {
    let read = |bytes: &[u8]| first::read(bytes, &limits());
    expect("the first version reads the first", Ok(sample()), read(version!("first").1));
    let details =
        |detail: fn(
            &mut FlatBufferBuilder<'static>,
        )
            -> (flat_first::Detail, Option<flatbuffers::WIPOffset<flatbuffers::UnionWIPOffset>>)| {
            let mut builder = FlatBufferBuilder::new();
            let (detail_type, detail) = detail(&mut builder);
            let fields = flat_first::SampleArgs { detail_type, detail, ..flat_first::SampleArgs::default() };
            let root = flat_first::Sample::create(&mut builder, &fields);
            builder.finish(root, None);
            first::read(builder.finished_data(), &limits()).map(|sample| sample.detail)
        };
    let none = details(|_| (flat_first::Detail::NONE, None));
    expect("no detail is none", Ok(Detail::None), none);
    let rain = details(|builder| {
        let rain = flat_first::Rain::create(builder, &flat_first::RainArgs { depth_mm: 2.5 });
        (flat_first::Detail::Rain, Some(rain.as_union_value()))
    });
    expect("rain is rain", Ok(Detail::Rain(2.5)), rain);
}

#[test]
fn part_e_the_old_reader_reads_what_a_new_writer_has_written() {
    let expected = first::Sample {
        seq_no: 9,
        value: 21,
        // Kelvin came with the second version, and so did Snow.
        unit: None,
        name: Some("tower".to_string()),
        // Nobody writes it any more.
        colour: None,
        detail: Detail::Newer(3),
    };
    let got = first::read(version!("second").1, &limits());
    expect("what the old reader knows it reads, and what is newer it names as such", Ok(expected), got);
}

#[test]
fn part_e_the_new_reader_reads_what_an_old_writer_has_written() {
    let got = second::read(version!("first").1, &limits());
    let expected = second::Sample { seq_no: 9, value: 20.0, retries: 3, note: None, rain_hours: None };
    expect("what the old writer did not know is its default", Ok(expected), got);
    let mut builder = FlatBufferBuilder::new();
    let rain = flat_first::Rain::create(&mut builder, &flat_first::RainArgs { depth_mm: 2.5 });
    let fields = flat_first::SampleArgs {
        value: -7,
        detail_type: flat_first::Detail::Rain,
        detail: Some(rain.as_union_value()),
        ..flat_first::SampleArgs::default()
    };
    let root = flat_first::Sample::create(&mut builder, &fields);
    builder.finish(root, None);
    let got = second::read(builder.finished_data(), &limits());
    let expected = second::Sample { seq_no: 0, value: -7.0, retries: 3, note: None, rain_hours: Some(24) };
    expect("also within a member of the union", Ok(expected), got);
}

#[test]
fn part_e_the_new_reader_tells_absent_from_zero() {
    let got = second::read(version!("second").1, &limits());
    let expected = second::Sample {
        seq_no: 9,
        value: 20.75,
        retries: 0,
        note: Some("calibrated".to_string()),
        rain_hours: None,
    };
    expect("the precise value is taken where there is one, and 0 retries are 0", Ok(expected), got);
    let precise = |precise| {
        let mut builder = FlatBufferBuilder::new();
        let fields = flat_second::SampleArgs { value: 5, precise, ..flat_second::SampleArgs::default() };
        let root = flat_second::Sample::create(&mut builder, &fields);
        builder.finish(root, None);
        second::read(builder.finished_data(), &limits()).map(|sample| sample.value)
    };
    expect("a precise value of 0 is a value", Ok(0.0), precise(Some(0.0)));
    expect("and without one the other is taken", Ok(5.0), precise(None));
}

#[test]
fn part_e_the_second_version_may_follow_the_first() {
    let found = from_first(version!("second").0);
    expect(
        "new fields at the end, a deprecated one, new members: nothing breaks",
        Vec::<Change>::new(),
        found,
    );
    let same = from_first(version!("first").0);
    expect("a schema may follow itself", Vec::<Change>::new(), same);
    let back = changes(&schema(version!("second").0), &schema(version!("first").0));
    let breaks = back.iter().any(Change::breaks);
    expect_that(
        "but the first may not follow the second: its numbers would be given away",
        "a break",
        breaks,
        back,
    );
}

#[test]
fn part_e_a_field_that_moves_is_found() {
    let moved = |field: &str, old, new| change(&format!("Sample.{field}"), Kind::Moved { old, new });
    let expected = vec![moved("colour", 5, 6), moved("detail", 7, 8), moved("detail_type", 6, 7)];
    expect("a field in the middle moves those after it", expected, from_first(version!("inserted").0));
    let expected = vec![moved("colour", 5, 4), moved("name", 4, 5)];
    expect("two fields that change places", expected, from_first(version!("reordered").0));
    let expected = vec![
        change(
            "Sample.colour",
            Kind::Retyped { old: "string".to_string(), new: "Evolution.Detail".to_string() },
        ),
        moved("detail", 7, 6),
        moved("detail_type", 6, 5),
    ];
    expect(
        "a field that is taken away leaves its number to another",
        expected,
        from_first(version!("removed").0),
    );
}

#[test]
fn part_e_a_field_that_is_gone_is_found() {
    let back = changes(&schema(version!("second").0), &schema(version!("first").0));
    let removed: Vec<&str> = back
        .iter()
        .filter(|change| matches!(change.kind, Kind::Removed { .. }))
        .map(|change| change.at.as_str())
        .collect();
    let expected = vec![
        "Evolution.Rain.hours",
        "Evolution.Sample.note",
        "Evolution.Sample.precise",
        "Evolution.Sample.retries",
    ];
    expect("fields at the end that are taken away", expected, removed);
    let gone: Vec<&str> =
        back.iter().filter(|change| change.kind == Kind::Gone).map(|change| change.at.as_str()).collect();
    expect("and a table", vec!["Evolution.Snow"], gone);
}

#[test]
fn part_e_a_field_that_means_something_else_is_found() {
    let value = |kind| vec![change("Sample.value", kind)];
    let words = |old: &str, new: &str| (old.to_string(), new.to_string());
    let (old, new) = words("int16", "int32");
    expect("another type", value(Kind::Retyped { old, new }), from_first(version!("retyped").0));
    let (old, new) = words("20", "0");
    expect("another default", value(Kind::Redefaulted { old, new }), from_first(version!("redefaulted").0));
    let (old, new) = words("20", "null");
    expect(
        "nothing instead of a default",
        value(Kind::Redefaulted { old, new }),
        from_first(version!("optional").0),
    );
}

#[test]
fn part_e_what_is_required_is_found() {
    let found = from_first(version!("required").0);
    expect("a field that is required now", vec![change("Sample.name", Kind::Required { now: true })], found);
    let (first, required) = (schema(version!("first").0), schema(version!("required").0));
    let found = changes(&required, &first);
    let expected = vec![change("Sample.name", Kind::Required { now: false })];
    expect("and one that is not any more: the old reader relies on it", expected, found);
    // A new field that is required: no old writer knows it.
    let mut grown = first.clone();
    let sample = grown.objects.get_mut("Evolution.Sample").unwrap();
    let mut field = sample.fields[&4].clone();
    field.name = "owner".to_string();
    sample.fields.insert(8, field.clone());
    expect("a new field may come", Vec::<Change>::new(), changes(&first, &grown));
    field.required = true;
    grown.objects.get_mut("Evolution.Sample").unwrap().fields.insert(8, field);
    let expected = vec![change("Sample.owner", Kind::Required { now: true })];
    expect("but not be required", expected, changes(&first, &grown));
}

#[test]
fn part_e_numbers_that_mean_something_else_are_found() {
    let renumbered =
        |at: &str, value, new: &str| change(at, Kind::Renumbered { value, new: Some(new.to_string()) });
    let expected = vec![renumbered("Unit.Fahrenheit", 1, "Kelvin")];
    expect("a value in the middle of an enum", expected, from_first(version!("enum-inserted").0));
    let expected = vec![renumbered("Detail.Rain", 2, "Wind"), renumbered("Detail.Wind", 1, "Snow")];
    expect("a member before the others of a union", expected, from_first(version!("union-inserted").0));
    let back = changes(&schema(version!("second").0), &schema(version!("first").0));
    let none = change("Unit.Kelvin", Kind::Renumbered { value: 2, new: None });
    expect_that("a value that is taken away", "Kelvin means nothing now", back.contains(&none), &back);
}

#[test]
fn part_e_a_struct_is_for_ever() {
    let found = from_first(version!("struct-grown").0);
    expect("a field more in a struct", vec![change("Place", Kind::Restructured)], found);
    let first = schema(version!("first").0);
    let mut swapped = first.clone();
    let place = swapped.objects.get_mut("Evolution.Place").unwrap();
    let (x, y) = (place.fields[&0].clone(), place.fields[&1].clone());
    let at = |field: &flatbuf::schema::Field, offset| flatbuf::schema::Field { offset, ..field.clone() };
    place.fields.insert(0, at(&y, 0));
    place.fields.insert(1, at(&x, 2));
    // The bytes are read all the same, and x is y.
    let found = changes(&first, &swapped);
    expect("two fields of a struct that change places", vec![change("Place", Kind::Restructured)], found);
    let mut wider = first.clone();
    let place = wider.objects.get_mut("Evolution.Place").unwrap();
    let mut y = place.fields[&1].clone();
    y.kind = Type::Scalar(flatbuf::schema::Scalar::U16, None);
    place.fields.insert(1, y);
    expect("another type in a struct", vec![change("Place", Kind::Restructured)], changes(&first, &wider));
}

#[test]
fn part_e_another_name_is_the_same_bytes() {
    let found = from_first(version!("renamed").0);
    let expected = vec![change("Sample.colour", Kind::Renamed { new: "color".to_string() })];
    expect("a field with another name is told", expected, found.clone());
    expect_that("and breaks nothing", "a note", !found.iter().any(Change::breaks), &found);
    expect("the bytes are the same", version!("first").1, version!("renamed").1);
    let found = from_first(version!("types-renamed").0);
    let expected = vec![
        change("Detail.Wind", Kind::Renamed { new: "Breeze".to_string() }),
        change("Place", Kind::Renamed { new: "Evolution.Spot".to_string() }),
        change("Wind", Kind::Renamed { new: "Evolution.Breeze".to_string() }),
    ];
    expect(
        "a struct and a table with another name are told, and the union's member",
        expected,
        found.clone(),
    );
    expect_that("and breaks nothing", "notes", !found.iter().any(Change::breaks), &found);
    expect("these bytes are the same, too", version!("first").1, version!("types-renamed").1);
}

/// The old reader, and what writers of the wrong schemas have written: every buffer is valid, and what is read is wrong.
#[test]
fn part_e_no_verifier_finds_the_difference() {
    let read =
        |bytes: &[u8]| expect_ok("the verifier finds nothing", "a sample", first::read(bytes, &limits()));
    let text = |text: &str| Some(text.to_string());
    let inserted = read(version!("inserted").1);
    expect("a note is read as a colour", text("calibrated"), inserted.colour);
    let reordered = read(version!("reordered").1);
    expect("a colour is read as a name", (text("red"), text("tower")), (reordered.name, reordered.colour));
    let redefaulted = flat_first::root_as_sample(version!("redefaulted").1).map(|sample| sample.value());
    expect("0 was meant, which is the default there, and so not written: 20 is read", Ok(20), redefaulted);
    let member = read(version!("union-inserted").1).detail;
    expect("wind is read as rain", Detail::Rain(6.5), member);
    let unit = read(version!("enum-inserted").1).unit;
    expect("Kelvin is read as Fahrenheit", Some("Fahrenheit"), unit);
}
