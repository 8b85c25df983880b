//! The catalog: tables with versions, which describe what objects hold and what databases have.
//!
//! | module | what it does |
//! |---|---|
//! | [`definition`] | what a crawler is to do |
//! | [`crawler`] | **the page**: a crawler of a bucket |
//! | [`postgres`] | a crawler of a database, by what its own catalogs say |
//! | [`progress`] | how far a run is |
//! | [`run`] | one run of a crawler, of either kind |
//! | [`sample`] | a crawl of a few records of a few objects, when a bucket is used first |
//! | [`group`] | which objects are alike, and so one table |
//! | `existing` | which tables a crawl continues, and which names are free |
//! | [`store`] | tables with versions, and what is known of each object, in Postgres |
//! | [`draft`] | drafts of feeds: from what records look like to a feed file |
//! | [`mod@diff`] | what changed from one list of columns to the next |
//! | [`schema`] | columns as a schema tree, as JSON Schema, as a table of Postgres |

pub mod crawler;
pub mod definition;
pub mod diff;
pub mod draft;
mod existing;
pub mod first_records;
pub mod group;
pub mod postgres;
pub mod progress;
pub mod run;
pub mod sample;
pub mod schema;
pub mod store;
