//! A buffer of a station, with its identifier put right so that more of it is looked at; what is read can be written and read again.
#![no_main]

use flatbuf::limits::Limits;
use flatbuf::station::message::Body;
use flatbuf::station::{read::read, write::write};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    if let Some(identifier) = bytes.get_mut(4..8) {
        identifier.copy_from_slice(b"STN1");
    }
    if let Ok(message) = read(&bytes, &Limits::default())
        && !matches!(message.body, Some(Body::Unknown(_)))
    {
        // Shared tables are written as often as they are referred to, so it may be longer than allowed.
        let wide = Limits { longest: usize::MAX, ..Limits::default() };
        assert_eq!(read(&write(&message), &wide), Ok(message));
    }
});
