//! What a publisher says: any bytes after a good greeting, cut in two ways; the same passes.
#![no_main]

use flatbuf::gate::Gate;

/// How much passes.
fn passed(bytes: &[u8], cut: usize) -> usize {
    let (mut gate, mut passed) = (Gate::new(1000), 0);
    for part in bytes.chunks(cut) {
        match gate.pass(part) {
            Ok(()) => passed += part.len(),
            Err(stop) => return passed + stop.before,
        }
    }
    passed
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut said = vec![0; 64];
    (said[0], said[9], said[10]) = (0xff, 0x7f, 3);
    said.extend(bytes);
    // Of a head that may not pass, less may have passed when it came at once.
    let (at_once, cut) = (passed(&said, said.len()), passed(&said, 3));
    assert!(at_once <= cut && cut < at_once + 9);
});
