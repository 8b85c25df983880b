//! Decode, rules and frames, for any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::decode::check(data));
