//! The live wire format: a stream of bytes, cut anywhere; and a body behind a head that holds.
#![no_main]

use simnet::local::frame::{Decoder, Frame, HEAD, MAX_BODY, seal};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if bytes.len() <= MAX_BODY
        && let Ok(frame) = Frame::decode(&seal(bytes))
    {
        assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
    }
    let mut decoder = Decoder::default();
    for part in bytes.chunks(7) {
        decoder.push(part);
        loop {
            match decoder.next() {
                Ok(Some(frame)) => assert!(frame.encode().len() <= MAX_BODY + HEAD),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});
