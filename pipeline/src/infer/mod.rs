//! What records look like: JSON is read into a shape, and a shape is read as columns.
//!
//! | module | what it does |
//! |---|---|
//! | [`classify`] | tells by content whether an object is JSON, and how its records follow each other |
//! | [`inference`] | reads records into a shape |
//! | [`shape`] | what was seen at each place: stored, merged in any order, and read as columns |
//! | [`types`], [`mod@column`] | the types of columns as Hive writes them, and what is in a column |
//! | [`objects`] | the above for an object, and for many at the same time |
//! | [`unique`] | which fields have another value in each record |

pub mod classify;
pub mod column;
pub mod inference;
pub mod objects;
pub mod shape;
pub mod types;
pub mod unique;
