//! The schemas that are not anybody's data.

use crate::error::{Error, Result};

/// Our own schemas: the ledger with the catalog, and the queue.
const OWN_SCHEMAS: [&str; 2] = ["stevedore", "stevedore_queue"];

/// Whether a schema belongs to PostgreSQL itself, which keeps all names that begin with `pg_`.
fn is_of_the_system(schema: &str) -> bool {
    schema.starts_with("pg_") || schema == "information_schema"
}

/// Refuses the schemas of PostgreSQL and our own: their tables hold roles, passwords' hashes and
/// statistics of everybody's data, or the state of this system.
///
/// # Errors
/// [`Error::Schema`].
pub fn check_schema(schema: &str) -> Result<()> {
    let whose = match schema {
        _ if is_of_the_system(schema) => "PostgreSQL itself",
        _ if OWN_SCHEMAS.contains(&schema) => "stevedore itself",
        _ => return Ok(()),
    };
    Err(Error::Schema { schema: schema.to_owned(), whose })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_of_the_system_and_our_own_are_refused() {
        for schema in [
            "pg_catalog",
            "pg_toast",
            "pg_temp_3",
            "pg_toast_temp_1",
            "information_schema",
            "stevedore",
            "stevedore_queue",
        ] {
            assert!(check_schema(schema).is_err(), "{schema}");
        }
        for schema in ["public", "shop", "PG_CATALOG", "stevedore_mine", "pgx", ""] {
            assert!(check_schema(schema).is_ok(), "{schema}");
        }
    }
}
