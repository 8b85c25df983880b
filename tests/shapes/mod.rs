//! Any shape of records: what a feed declares is what lands, whatever the types, lists and modes.

mod domains;
mod examples;
mod orders;
mod replace;
mod types;

use std::sync::{Arc, LazyLock};

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::error::Error;
use pipeline::feed::Feed;
use pipeline::load::{LoadOptions, Summary, load};
use pipeline::store::Bucket;

use crate::support::{TestDatabase, options, repository};

/// Loads a text as a version of an object, in the mode of the feed.
async fn load_version(
    database: &TestDatabase,
    feed: &Arc<Feed>,
    key: &str,
    text: &str,
) -> Result<Summary, Error> {
    load_version_with(database, feed, key, text, &options(feed.mode)).await
}

async fn load_version_with(
    database: &TestDatabase,
    feed: &Arc<Feed>,
    key: &str,
    text: &str,
    options: &LoadOptions,
) -> Result<Summary, Error> {
    /// Each object that is put has another version.
    static STORE: LazyLock<Arc<InMemory>> = LazyLock::new(Arc::default);
    let key = format!("{}/{key}", database.url.replace(|char: char| !char.is_alphanumeric(), "-"));
    STORE.put(&key.as_str().into(), PutPayload::from(text.to_owned())).await.unwrap();
    let object = Bucket::new("memory://", STORE.clone()).locate(&key).await.unwrap();
    let mut connection = database.migrated().await;
    load(&object, feed, &mut connection, options).await
}

fn example(name: &str) -> Arc<Feed> {
    let file = repository("feeds/examples").join(name);
    Feed::read(name, &std::fs::read_to_string(file).unwrap()).unwrap()
}

fn feed(text: &str) -> Arc<Feed> {
    Feed::read("feed.toml", text).unwrap()
}
