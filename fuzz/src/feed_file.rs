//! Feed files, for any text.

use pipeline::feed::{Feed, Mode, ddl};

/// Whatever a text holds, it is a feed whose tables can be written as SQL, or errors that say where.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Feed::read("feed.toml", text) {
        Ok(feed) => {
            for mode in [Mode::Append, Mode::Merge, Mode::Replace] {
                assert!(ddl::create_tables(&feed, mode).contains("create table"));
            }
            assert_eq!(Feed::read("feed.toml", &feed.text).unwrap().hash, feed.hash);
        }
        Err(error) => assert!(error.to_string().contains("feed.toml:"), "{error}"),
    }
}
