//! What all facets have: who made them, and by which schema.

use serde_json::{Value, json};

/// Who makes the events.
pub(super) const PRODUCER: &str = concat!("urn:stevedore:", env!("CARGO_PKG_VERSION"));
/// The schema of events.
pub(super) const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/// The version of the schema of each facet.
const VERSIONS: [(&str, &str); 9] = [
    ("ColumnLineageDatasetFacet", "facets/1-0-1"),
    ("DataQualityAssertionsDatasetFacet", "facets/1-0-0"),
    ("DataQualityMetricsInputDatasetFacet", "1-0-1"),
    ("DatasetVersionDatasetFacet", "facets/1-0-0"),
    ("ErrorMessageRunFacet", "facets/1-0-0"),
    ("JobTypeJobFacet", "facets/2-0-2"),
    ("OutputStatisticsOutputDatasetFacet", "1-0-1"),
    ("ParentRunFacet", "1-0-1"),
    ("SchemaDatasetFacet", "facets/1-0-0"),
];

/// A facet of a kind, with these members.
pub(super) fn facet(kind: &str, mut members: Value) -> Value {
    let version = VERSIONS.iter().find(|(known, _)| *known == kind).map_or("2-0-2", |(_, at)| at);
    let schema = format!("https://openlineage.io/spec/{version}/{kind}.json#/$defs/{kind}");
    members["_producer"] = json!(PRODUCER);
    members["_schemaURL"] = json!(schema);
    members
}
