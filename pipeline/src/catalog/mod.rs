//! The catalog: what objects hold, found by reading them, as tables with versions.
//!
//! | module | what it does |
//! |---|---|
//! | [`classify`] | tells by content whether an object is JSON, and how its records follow each other |
//! | [`path`] | says where in a document its records are |
//! | [`infer`] | reads records into a shape |
//! | [`shape`] | what was seen at each place: stored, merged in any order, and read as columns |
//! | [`types`], [`mod@column`] | the types of columns as Hive writes them, and what is in a column |
//! | [`mod@diff`] | what changed from one list of columns to the next |
//! | [`export`] | columns as a schema tree, as JSON Schema, as a table of Postgres |
//! | [`crawl`] | the above for an object, and for many at the same time |
//! | [`group`] | which objects are alike, and so one table |
//! | [`store`] | tables with versions, and what is known of each object, in Postgres |
//! | [`definition`] | what a crawler is to do |
//! | [`crawler`] | **the page**: all of the above for a bucket |
//! | [`run`] | one run of a crawler, of either kind |
//! | [`sample`] | the same for a few records of a few objects, when a bucket is used first |
//! | [`readback`] | rows of Postgres as batches of Arrow and as frames, by connectorx |
//! | [`unload`] | a table of Postgres as a file: Parquet, CSV, NDJSON |
//! | [`postgres`] | the tables of a database, by what its own catalogs say of them |

pub mod classify;
pub mod column;
pub mod crawl;
pub mod crawler;
pub mod definition;
pub mod diff;
pub mod export;
pub mod group;
pub mod infer;
pub mod name;
pub mod path;
pub mod postgres;
pub mod readback;
pub mod run;
pub mod sample;
pub mod shape;
pub mod store;
pub mod types;
pub mod unload;
