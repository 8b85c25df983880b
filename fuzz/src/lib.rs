//! What holds for any bytes. The fuzzer looks for some that break it; `tests/fuzz.rs` tries a few thousand.

pub mod cut;
pub mod decode;
pub mod feed_file;
