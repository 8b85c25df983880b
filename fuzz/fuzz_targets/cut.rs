//! The cutter of records, for any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::cut::check(data));
