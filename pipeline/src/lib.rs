//! One object in, tables out: JSON records from object storage, validated and unnested,
//! loaded into Postgres by COPY.
//!
//! This library knows no HTTP, reads no environment and prints nothing; the executable `stevedore`
//! does. In the order in which data travel:
//!
//! | module | what it does |
//! |---|---|
//! | [`feed`] | says what records look like and where they go, as one value |
//! | [`store`] | where objects are; reads an object under one version |
//! | [`records`] | decompresses what is read, and cuts it into batches of whole records |
//! | [`decode`] | reads a batch into the columns of a frame, and says what is wrong with which record |
//! | [`frame`] | the four frames: valid, rejected, status, status_log, as Polars expressions |
//! | [`sink`] | holds the feed against the tables, encodes frames, copies and merges |
//! | [`ledger`] | what was loaded, from which version of which object, with which counts |
//! | [`load`] | **the page**: all of the above for one object, in one transaction; a huge one in parts |
//! | [`bundle`] | the same for many small objects, some hundred in a transaction |
//! | [`replay`] | rejects that are loaded again, each once |
//! | [`infer`] | what records look like: their columns, types and what is in them, found by reading |
//! | [`catalog`] | what buckets and databases hold, as tables with versions |
//! | [`query`] | rows of Postgres as frames |
//! | [`export`] | tables of Postgres as files |
//! | [`preflight`] | holds the feed against the catalog before a load |
//! | [`verify`] | holds the tables against the ledger, and the ledger against the objects |
//! | [`database`] | connections, migrations, the embedded server |
//! | [`trust`] | files and folders that nobody else can change |
//! | [`error`] | what can go wrong; bad records are not in it, they are rows |
//!
//! # Load a file
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use pipeline::database::{Database, migrate};
//! use pipeline::feed::Feeds;
//! use pipeline::load::{Connections, LoadOptions, MAX_REJECTS_IN_A_ROW, Progress, load};
//! use pipeline::sink::RequestedMode;
//! use pipeline::records::CutOptions;
//! use pipeline::store::find;
//!
//! # async fn example() -> Result<(), pipeline::error::Error> {
//! let mut connection = Database::new("postgresql://localhost/warehouse")?.connect().await?;
//! migrate(&mut connection).await?;
//! let mut feeds = Feeds::built_in()?;
//! feeds.add_folder("feeds".as_ref(), |file| std::fs::read_to_string(file))?;
//! let options = LoadOptions {
//!     mode: RequestedMode::Auto,
//!     cut: CutOptions::default(),
//!     reload: false,
//!     job_id: None,
//!     max_rejects_in_a_row: MAX_REJECTS_IN_A_ROW,
//!     max_rejected: None,
//!     connections: Connections::default(),
//!     progress: Arc::new(Progress::default()),
//!     hit: |_| {},
//! };
//! for found in find("exports/", &[]).await?.objects {
//!     let object = found.begin().await?;
//!     let feed = feeds.route(&found.url(), |objects| found.is_among(objects))?;
//!     let summary = load(&object, feed, &mut connection, &options).await?;
//!     assert_eq!(summary.records, summary.loaded + summary.rejected);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Decode and split without a database
//!
//! ```
//! use pipeline::decode::{Decoder, Limits};
//! use pipeline::feed::Feed;
//! use pipeline::frame;
//! use pipeline::records::{Batches, CutOptions};
//! use polars::prelude::IntoLazy;
//!
//! let feed = Feed::read("visits.toml", r#"
//!     name = "visits"
//!     key = ["id"]
//!     [[table]]
//!     name = "visits"
//!     columns.id = { type = "bigint", required = true }
//!     columns.city = { path = "$.cityName", type = "text" }
//! "#)?;
//! let text = br#"[{"id": 1, "cityName": "Oslo"}, {"id": "one"}]"#;
//! let mut decoder = Decoder::new(&feed, &Limits::of_fresh_tables(&feed));
//! for batch in Batches::new(text.as_slice(), CutOptions::default()) {
//!     let batch = batch?;
//!     let records = decoder.decode(&batch)?;
//!     let valid = frame::valid(records.lazy(), &feed).collect()?;
//!     assert_eq!((batch.records.len(), valid.height()), (2, 1));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bundle;
pub mod catalog;
pub mod database;
pub mod decode;
pub mod error;
pub mod escape;
pub mod export;
mod failpoint;
pub mod feed;
pub mod frame;
pub mod infer;
pub mod json;
pub mod ledger;
pub mod load;
mod max_rejected;
mod pattern;
pub mod preflight;
mod progress;
pub mod query;
pub mod records;
mod reject_run;
pub mod replay;
pub mod side_by_side;
pub mod sink;
pub mod store;
mod summary;
mod transform;
pub mod trust;
pub mod verify;

/// The target of spans that are meant for traces, and not for the log: `copy`, `merge` and `commit` of a load.
pub const TRACES: &str = "traces";
