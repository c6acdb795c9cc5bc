//! A buffer of a topic: by hand and by the crate, the same verdict and the same values.
#![no_main]

use flatbuf::generated::topic::my_pub_sub::root_as_topic;
use flatbuf::wire::reader::Topic;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match (Topic::read(bytes), root_as_topic(bytes)) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!((ours.seq_no, ours.ts.to_bits()), (theirs.seq_no(), theirs.ts().to_bits()));
            assert_eq!(ours.name, theirs.name());
            assert_eq!(ours.data.map(|data| data.iter().len()), theirs.data().map(|data| data.len()));
        }
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("by hand: {ours:?}, by the crate: {theirs:?}"),
    }
});
