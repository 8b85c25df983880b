//! What a row needs beyond its record.

use polars::prelude::{Expr, Literal, NamedFrom, PlSmallStr, Series, col, lit};

use crate::decode::OBJECT_NO;
use crate::feed::Stamped;

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
    /// The value of each row.
    fn value(&self, what: Stamped) -> Expr;
    /// The columns by which a row's stamp is found.
    fn needs(&self) -> &'static [&'static str];
}

impl Stamps for Stamp {
    fn value(&self, what: Stamped) -> Expr {
        let value = match what {
            Stamped::IngestedAt => self.ingested_at_micros.lit(),
            Stamped::LoadId => self.load_id.lit(),
            Stamped::Object => return lit(self.object.clone()),
            Stamped::ObjectVersion => return lit(self.object_version.clone()),
        };
        value.cast(what.data_type().in_frame())
    }

    fn needs(&self) -> &'static [&'static str] {
        &[]
    }
}

impl Stamps for [Stamp] {
    fn value(&self, what: Stamped) -> Expr {
        match what {
            Stamped::IngestedAt => each(self.iter().map(|stamp| stamp.ingested_at_micros))
                .cast(what.data_type().in_frame()),
            Stamped::LoadId => each(self.iter().map(|stamp| stamp.load_id)),
            Stamped::Object => each(self.iter().map(|stamp| stamp.object.as_str())),
            Stamped::ObjectVersion => each(self.iter().map(|stamp| stamp.object_version.as_str())),
        }
    }

    fn needs(&self) -> &'static [&'static str] {
        &[OBJECT_NO]
    }
}

/// The value of each row's object.
fn each<T>(values: impl Iterator<Item = T>) -> Expr
where
    Series: NamedFrom<Vec<T>, [T]>,
{
    let values = Series::new(PlSmallStr::EMPTY, values.collect::<Vec<_>>());
    lit(values).gather(col(OBJECT_NO), false)
}
