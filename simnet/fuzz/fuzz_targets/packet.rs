//! A datagram with a checksum that holds, and the link that takes what is in it.
#![no_main]

use simnet::local::packet::{Segment, seal};
use simnet::local::reliable::{Link, Settings};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    seal(&mut bytes);
    if let Ok((envelope, segment)) = Segment::decode(&bytes) {
        assert_eq!(Segment::decode(&segment.encode(envelope)), Ok((envelope, segment.clone())));
        let mut link = Link::new(1, Settings::default());
        link.receive(segment, 0);
        while link.poll(0).is_some() {}
    }
});
