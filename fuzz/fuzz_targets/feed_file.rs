//! Feed files, for any text.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::feed_file::check(data));
