//! What a job reads and writes, as OpenLineage names datasets.

use std::collections::BTreeMap;

use pipeline::feed::{Feed, TablePlan};
use serde_json::{Value, json};

use super::columns::{lineage, schema_of_records};
use super::facet::facet;
use crate::wire::{Job, JobState};

/// The schema that tables without one are named with.
const DEFAULT_SCHEMA: &str = "public";

/// An object as a dataset.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Source {
    /// The object of a job, if it is over one. By its URL: `s3://bucket` and the key, or `file` and the path.
    pub(super) fn of(job: &Job, origin: Option<&str>) -> Option<Self> {
        let (bucket, key) = (job.bucket.as_deref()?, job.key.as_deref()?);
        let url =
            origin.map_or_else(|| format!("{bucket}/{key}"), |origin| format!("{origin}{key}"));
        let (scheme, path) = url.split_once("://").unwrap_or(("", &url));
        Some(match path.split_once('/') {
            Some((authority, name)) if !authority.is_empty() => {
                let authority = authority.to_owned();
                let namespace =
                    if scheme.is_empty() { authority } else { format!("{scheme}://{authority}") };
                Self { namespace, name: name.to_owned() }
            }
            _ => Self { namespace: scheme.to_owned(), name: path.to_owned() },
        })
    }
}

/// The object that a job reads, with what was found in it.
pub(super) fn inputs(
    job: &Job,
    source: Option<&Source>,
    feed: Option<&Feed>,
    state: JobState,
) -> Vec<Value> {
    let Some(Source { namespace, name }) = source else {
        return Vec::new();
    };
    let mut facets = json!({});
    if let Some(version) = &job.version {
        let members = json!({ "datasetVersion": version });
        facets["version"] = facet("DatasetVersionDatasetFacet", members);
    }
    if let Some(feed) = feed {
        let members = json!({ "fields": schema_of_records(feed) });
        facets["schema"] = facet("SchemaDatasetFacet", members);
    }
    let found = if state == JobState::Succeeded { quality(job) } else { json!({}) };
    vec![json!({ "namespace": namespace, "name": name, "facets": facets, "inputFacets": found })]
}

/// How many records there are, and for each reason for rejects that there are some.
fn quality(job: &Job) -> Value {
    let reasons =
        job.summary.as_ref().and_then(|summary| summary["rejected_by_reason"].as_object());
    let reasons = reasons.into_iter().flat_map(|reasons| reasons.keys());
    let reasons = reasons.map(|reason| json!({ "assertion": reason, "success": false }));
    let valid = json!({ "assertion": "valid", "success": job.rejected == 0 });
    let assertions: Vec<_> = std::iter::once(valid).chain(reasons).collect();
    let mut metrics = json!({ "rowCount": job.records, "columnMetrics": {} });
    if let Some(bytes) = job.bytes {
        metrics["bytes"] = json!(bytes);
    }
    let assertions = json!({ "assertions": assertions });
    json!({
        "dataQualityMetrics": facet("DataQualityMetricsInputDatasetFacet", metrics),
        "dataQualityAssertions": facet("DataQualityAssertionsDatasetFacet", assertions),
    })
}

/// How tables are named.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    namespace: String,
    database: String,
}

impl Tables {
    /// Those of the database at an address, such as `host:5432/name`.
    pub(super) fn at(address: &str) -> Self {
        let (server, database) = address.rsplit_once('/').unwrap_or((address, ""));
        Self { namespace: format!("postgres://{server}"), database: database.to_owned() }
    }

    /// The tables of a feed; with how many rows each got, if that is known.
    pub(super) fn outputs(
        &self,
        feed: &Feed,
        source: Option<&Source>,
        summary: Option<&Value>,
    ) -> Vec<Value> {
        let rows = summary.map(rows);
        let tables = feed.plan.tables.iter().enumerate();
        tables.map(|(at, table)| self.output(feed, (at, table), source, rows.as_ref())).collect()
    }

    fn output(
        &self,
        feed: &Feed,
        (at, table): (usize, &TablePlan),
        source: Option<&Source>,
        rows: Option<&BTreeMap<&str, u64>>,
    ) -> Value {
        let fields: Vec<_> = table
            .columns
            .iter()
            .map(|column| json!({ "name": column.name.as_str(), "type": column.data_type.to_string() }))
            .collect();
        let mut facets =
            json!({ "schema": facet("SchemaDatasetFacet", json!({ "fields": fields })) });
        if let Some(source) = source {
            let members = json!({ "fields": lineage(feed, at, source) });
            facets["columnLineage"] = facet("ColumnLineageDatasetFacet", members);
        }
        let name = table.name.plain();
        let mut found = json!({});
        if let Some(rows) = rows {
            let count = rows.get(name.as_str()).copied().unwrap_or_default();
            let members = json!({ "rowCount": count });
            found["outputStatistics"] = facet("OutputStatisticsOutputDatasetFacet", members);
        }
        let name = match name.contains('.') {
            true => format!("{}.{name}", self.database),
            false => format!("{}.{DEFAULT_SCHEMA}.{name}", self.database),
        };
        let namespace = &self.namespace;
        json!({ "namespace": namespace, "name": name, "facets": facets, "outputFacets": found })
    }
}

/// The rows that each table got, as the summary of a load has them.
fn rows(summary: &Value) -> BTreeMap<&str, u64> {
    let tables = summary["tables"].as_array().into_iter().flatten();
    tables.filter_map(|table| Some((table["table"].as_str()?, table["rows"].as_u64()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::Tables;

    #[test]
    fn tables_are_named_by_server_and_database() {
        let tables = Tables::at("db.example.com:5432/warehouse");
        assert_eq!(tables.namespace, "postgres://db.example.com:5432");
        assert_eq!(tables.database, "warehouse");
    }
}
