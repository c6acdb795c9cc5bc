//! What a ZeroMQ peer says: a whole conversation of any bytes, and any bytes after a good handshake, cut in two ways.
#![no_main]

use simnet::local::zmtp::Gate;

/// What passes, up to the first piece that may not.
fn passed(bytes: &[u8], cut: usize) -> (Vec<u8>, bool) {
    let (mut gate, mut out) = (Gate::new(b"1"), Vec::new());
    for part in bytes.chunks(cut) {
        match gate.pass(part) {
            Ok(more) => out.extend(more),
            Err(_) => return (out, false),
        }
    }
    (out, true)
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut handshake = vec![0; 64];
    (handshake[0], handshake[9], handshake[10]) = (0xFF, 0x7F, 3);
    handshake[12..16].copy_from_slice(b"NULL");
    handshake.extend(b"\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06DEALER");
    for said in [bytes, &[&handshake, bytes].concat()] {
        let (at_once, cut) = (passed(said, said.len().max(1)), passed(said, 3));
        assert_eq!(at_once.1, cut.1);
        if cut.1 {
            assert_eq!(at_once.0, cut.0);
        }
        assert!(cut.0.len() <= said.len() + 128);
    }
});
