//! Columns in the languages of others.

mod ddl;
mod json_schema;
#[cfg(test)]
mod tests;
mod tree;

pub use ddl::ddl;
pub use json_schema::json_schema;
pub use tree::tree;
