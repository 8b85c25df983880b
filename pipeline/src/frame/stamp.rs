//! What a row needs beyond its record.

use polars::prelude::{DataType, Expr, Literal, NamedFrom, PlSmallStr, Series, TimeUnit, col, lit};

use super::INGESTED_AT;
use crate::decode::OBJECT_NO;

/// What the rows of one load have in common.
#[derive(Debug, Clone, Default)]
pub struct Stamp {
    /// The one instant of the load, in microseconds since 1970, UTC.
    pub ingested_at_micros: i64,
    /// The load's number in the ledger.
    pub load_id: i64,
    /// The object, as people call it.
    pub object: String,
    /// The object's version.
    pub object_version: String,
}

/// Stamps rows: those of one load all alike (a [`Stamp`]), or those of a bundle each with the stamp
/// of its object (a slice of them, in the order of the objects).
pub trait Stamps {
    /// The column `ingested_at`.
    fn ingested_at(&self) -> Expr;
    /// The column `load_id`.
    fn load_id(&self) -> Expr;
    /// The column `object`.
    fn object(&self) -> Expr;
    /// The column `object_version`.
    fn object_version(&self) -> Expr;
    /// The columns by which a row's stamp is found.
    fn needs(&self) -> &'static [&'static str];
}

impl Stamps for Stamp {
    fn ingested_at(&self) -> Expr {
        as_instant(self.ingested_at_micros.lit())
    }

    fn load_id(&self) -> Expr {
        self.load_id.lit().cast(DataType::Int64).alias("load_id")
    }

    fn object(&self) -> Expr {
        lit(self.object.clone()).alias("object")
    }

    fn object_version(&self) -> Expr {
        lit(self.object_version.clone()).alias("object_version")
    }

    fn needs(&self) -> &'static [&'static str] {
        &[]
    }
}

impl Stamps for [Stamp] {
    fn ingested_at(&self) -> Expr {
        as_instant(each(self.iter().map(|stamp| stamp.ingested_at_micros), INGESTED_AT))
    }

    fn load_id(&self) -> Expr {
        each(self.iter().map(|stamp| stamp.load_id), "load_id")
    }

    fn object(&self) -> Expr {
        each(self.iter().map(|stamp| stamp.object.as_str()), "object")
    }

    fn object_version(&self) -> Expr {
        each(self.iter().map(|stamp| stamp.object_version.as_str()), "object_version")
    }

    fn needs(&self) -> &'static [&'static str] {
        &[OBJECT_NO]
    }
}

/// The value of each row's object.
fn each<T>(values: impl Iterator<Item = T>, name: &str) -> Expr
where
    Series: NamedFrom<Vec<T>, [T]>,
{
    let values = Series::new(PlSmallStr::from_str(name), values.collect::<Vec<_>>());
    lit(values).gather(col(OBJECT_NO), false).alias(name)
}

fn as_instant(micros: Expr) -> Expr {
    micros.cast(DataType::Datetime(TimeUnit::Microseconds, None)).alias(INGESTED_AT)
}
