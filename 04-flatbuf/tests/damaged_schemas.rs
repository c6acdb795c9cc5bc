//! `flatbuf show --schema` and `flatbuf compatible` read schemas that anybody may have written: damaged ones are refused, or do no harm.
//!
//! 2,000 of them; `SIMNET_MUTATIONS=10000000` tries a tenth of so many.

use flatbuf::anatomy::{dissect::dissect, print::lines};
use flatbuf::evolution::compatibility::changes;
use flatbuf::schema::read::read;
use simnet::local::mutation::Mutations;

const DATA: &[u8] = include_bytes!("../buffers/topic-data.bin");
const READINGS: &[u8] = include_bytes!("../buffers/station-readings.bin");
const TOPIC: &[u8] = include_bytes!("../buffers/topic.bfbs");
const STATION: &[u8] = include_bytes!("../buffers/station.bfbs");

#[test]
fn no_damaged_schema_makes_a_reader_panic() {
    let whole = read(STATION).expect("flatc wrote it");
    let mut mutations = Mutations::new(43);
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    for number in 0..mutations.bounded(20_000) / 10 {
        let good = if number % 2 == 0 { TOPIC } else { STATION };
        match read(mutations.mutate(good)) {
            Ok(schema) => {
                accepted += 1;
                changes(&whole, &schema);
                changes(&schema, &whole);
                lines(READINGS, &dissect(&schema, READINGS));
                lines(DATA, &dissect(&schema, DATA));
            }
            Err(_) => refused += 1,
        }
    }
    assert!(
        accepted > 10 && refused > 10,
        "the damage is neither harmless nor hopeless: {accepted}, {refused}"
    );
}

/// Every byte of a buffer is shown once, also where nobody knows what it is.
#[test]
fn every_byte_is_shown() {
    let schema = read(STATION).expect("flatc wrote it");
    for length in 0..=READINGS.len() {
        let bytes = &READINGS[..length];
        let shown: usize = lines(bytes, &dissect(&schema, bytes))
            .iter()
            .map(|line| line[8..].split("  ").next().unwrap_or_default().split_whitespace().count())
            .sum();
        assert!(shown >= length, "{length} bytes, {shown} shown");
    }
}
