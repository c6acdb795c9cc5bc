//! The recovery of a storage file: any bytes, and an entry of any bytes behind a head that holds.
#![no_main]

use simnet::local::journal::{Tag, head, recover, seal};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut sealed = head(0, 0);
    sealed.extend(seal(0, sealed.len(), Tag::Writes, bytes));
    for bytes in [bytes, &sealed] {
        if let Ok(found) = recover(bytes) {
            assert_eq!(found.length + found.torn, bytes.len());
        }
    }
});
