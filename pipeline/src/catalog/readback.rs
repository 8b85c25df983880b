//! Reads tables of Postgres back into frames.
//!
//! Over our own connections, and so with their TLS, sockets and timeouts. connectorx, which does
//! this elsewhere, has no feature set without OpenSSL (built from C), does not verify certificates,
//! and gives frames only to an older Polars or through `unsafe`.

use futures::TryStreamExt;
use polars::prelude::{Column, DataFrame, DataType, IntoColumn, NamedFrom, Series, TimeUnit};
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{GenericClient, Row};

use crate::error::{Error, Result};

/// Microseconds from 1970, where frames begin to count, to 2000, where Postgres does.
const MICROS_TO_2000: i64 = 946_684_800_000_000;

/// Parameters of a query.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Reads the rows of a query into a frame: booleans, integers (smallint as 32 bits), floats and texts
/// as they are, both kinds of timestamp in microseconds (infinite ones, and those beyond what a frame
/// holds, as the last or first that it holds), and all other types as the text that Postgres writes.
/// All rows are in memory: bound them in the query.
///
/// # Errors
/// [`Error::Database`], and [`Error::Frame`] when two columns have the same name.
pub async fn read(
    client: &impl GenericClient,
    query: &str,
    params: Params<'_>,
) -> Result<DataFrame> {
    rows(client, query, params, |cells| matches!(cells, Cells::Other)).await
}

/// Reads the rows of a query into a frame of texts, each as Postgres writes it.
///
/// # Errors
/// As [`read`].
pub async fn read_text(
    client: &impl GenericClient,
    query: &str,
    params: Params<'_>,
) -> Result<DataFrame> {
    rows(client, query, params, |cells| !matches!(cells, Cells::Text(_))).await
}

async fn rows(
    client: &impl GenericClient,
    query: &str,
    params: Params<'_>,
    is_cast: fn(&Cells) -> bool,
) -> Result<DataFrame> {
    let failed = |source| Error::Database { doing: "read rows back".to_owned(), source };
    let mut statement = client.prepare(query).await.map_err(failed)?;
    let names: Vec<_> = statement.columns().iter().map(|column| column.name().to_owned()).collect();
    let mut cells: Vec<_> =
        statement.columns().iter().map(|column| Cells::of(column.type_())).collect();
    if cells.iter().any(is_cast) {
        let casts: Vec<_> = cells.iter().map(is_cast).collect();
        statement = client.prepare(&with_casts(query, &casts)).await.map_err(failed)?;
        cells = statement.columns().iter().map(|column| Cells::of(column.type_())).collect();
    }
    let stream = client.query_raw(&statement, params.iter().copied()).await.map_err(failed)?;
    let mut stream = std::pin::pin!(stream);
    let mut height = 0;
    while let Some(row) = stream.try_next().await.map_err(failed)? {
        for (at, cells) in cells.iter_mut().enumerate() {
            cells.push(&row, at).map_err(failed)?;
        }
        height += 1;
    }
    let columns = names.into_iter().zip(cells).map(|(name, cells)| cells.column(&name));
    columns
        .collect::<Result<_, _>>()
        .and_then(|columns| DataFrame::new(height, columns))
        .map_err(|source| Error::Frame { doing: "make a frame of rows", source })
}

/// The query with some of its columns as text, by their places: names may be there twice. The query
/// ends in a line break, as it may end in a comment.
fn with_casts(query: &str, casts: &[bool]) -> String {
    let names: Vec<_> = (0..casts.len()).map(|at| format!("c{at}")).collect();
    let select = names.iter().zip(casts);
    let select: Vec<_> = select
        .map(|(name, is_cast)| format!("{name}{}", if *is_cast { "::text" } else { "" }))
        .collect();
    format!("select {} from ({query}\n) as rows ({})", select.join(", "), names.join(", "))
}

/// The cells of a column.
enum Cells {
    Boolean(Vec<Option<bool>>),
    Smallint(Vec<Option<i32>>),
    Int(Vec<Option<i32>>),
    Bigint(Vec<Option<i64>>),
    Real(Vec<Option<f32>>),
    Double(Vec<Option<f64>>),
    Timestamp(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
    /// What a frame has no type for.
    Other,
}

impl Cells {
    const fn of(data_type: &Type) -> Self {
        match *data_type {
            Type::BOOL => Self::Boolean(Vec::new()),
            Type::INT2 => Self::Smallint(Vec::new()),
            Type::INT4 => Self::Int(Vec::new()),
            Type::INT8 => Self::Bigint(Vec::new()),
            Type::FLOAT4 => Self::Real(Vec::new()),
            Type::FLOAT8 => Self::Double(Vec::new()),
            Type::TIMESTAMP | Type::TIMESTAMPTZ => Self::Timestamp(Vec::new()),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => Self::Text(Vec::new()),
            _ => Self::Other,
        }
    }

    fn push(&mut self, row: &Row, at: usize) -> Result<(), tokio_postgres::Error> {
        match self {
            Self::Boolean(cells) => cells.push(row.try_get(at)?),
            Self::Smallint(cells) => cells.push(row.try_get::<_, Option<i16>>(at)?.map(i32::from)),
            Self::Int(cells) => cells.push(row.try_get(at)?),
            Self::Bigint(cells) => cells.push(row.try_get(at)?),
            Self::Real(cells) => cells.push(row.try_get(at)?),
            Self::Double(cells) => cells.push(row.try_get(at)?),
            Self::Timestamp(cells) => {
                cells.push(row.try_get::<_, Option<Micros>>(at)?.map(|Micros(micros)| micros));
            }
            Self::Text(cells) => cells.push(row.try_get(at)?),
            // It was cast.
            Self::Other => {}
        }
        Ok(())
    }

    fn column(self, name: &str) -> polars::error::PolarsResult<Column> {
        let name = name.into();
        Ok(match self {
            Self::Boolean(cells) => Series::new(name, cells),
            Self::Smallint(cells) | Self::Int(cells) => Series::new(name, cells),
            Self::Bigint(cells) => Series::new(name, cells),
            Self::Real(cells) => Series::new(name, cells),
            Self::Double(cells) => Series::new(name, cells),
            Self::Timestamp(cells) => {
                Series::new(name, cells).cast(&DataType::Datetime(TimeUnit::Microseconds, None))?
            }
            Self::Text(cells) => Series::new(name, cells),
            Self::Other => Series::new_null(name, 0),
        }
        .into_column())
    }
}

/// A timestamp as microseconds since 1970.
struct Micros(i64);

impl<'a> FromSql<'a> for Micros {
    fn from_sql(
        data_type: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let since_2000 = i64::from_sql(data_type, raw)?;
        let is_infinite = matches!(since_2000, i64::MIN | i64::MAX);
        Ok(Self(if is_infinite { since_2000 } else { since_2000.saturating_add(MICROS_TO_2000) }))
    }

    fn accepts(data_type: &Type) -> bool {
        matches!(*data_type, Type::TIMESTAMP | Type::TIMESTAMPTZ)
    }
}
