//! The OpenAPI document: what it says besides the paths, which stand with their handlers.

use serde_json::{Value, json};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::problem::Problem;
use crate::wire::MOST_LABELS;

/// The document, without its paths.
#[derive(OpenApi)]
#[openapi(
    info(title = "Stevedore", description = "JSON records in object storage, validated and unnested, loaded into Postgres."),
    tags(
        (name = "trigger", description = "The trigger, compatible with the old API"),
        (name = "jobs", description = "Request loads and follow them"),
        (name = "watches", description = "Load what arrives"),
        (name = "feeds", description = "What records are declared to be"),
        (name = "ledger", description = "Loads and rejected records"),
        (name = "catalog", description = "Crawlers, the tables that they found, and rows of tables"),
        (name = "health", description = "Health checks and metrics"),
    ),
    components(schemas(Problem)),
    modifiers(&Keys),
)]
pub(super) struct Document;

/// How a request names its key.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let header = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("x-api-key")));
        let bearer =
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", header);
        components.add_security_scheme("bearer", bearer);
    }
}

/// The document with what its macros cannot say.
pub(super) fn finished(document: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let kinds = document["components"]["schemas"]["CrawlTarget"]["oneOf"].as_array_mut();
    for kind in kinds.into_iter().flatten() {
        kind["additionalProperties"] = false.into();
    }
    let labels = [
        ("JobRequest", MOST_LABELS),
        ("ReplayRequest", MOST_LABELS),
        ("IgnoreRequest", MOST_LABELS),
        ("WatchPlan", MOST_LABELS - 1),
    ];
    for (body, most) in labels {
        let labels = &mut document["components"]["schemas"][body]["properties"]["labels"];
        labels["maxProperties"] = most.into();
        labels["propertyNames"] = json!({ "pattern": "^[A-Za-z0-9_./-]{1,63}$" });
        labels["additionalProperties"] =
            json!({ "type": "string", "maxLength": 255, "pattern": "^[^,\\u0000]*$" });
    }
    // Without a body a job is retried as it is.
    let retry = "/v1/jobs/{job_id}/retry";
    document["paths"][retry]["post"]["requestBody"]["required"] = false.into();
    // Both methods are one function.
    document["paths"]["/trigger"]["post"]["operationId"] = "trigger_by_post".into();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, operations) in paths {
            if path.starts_with("/healthz") || path.starts_with("/readyz") {
                continue;
            }
            for operation in operations.as_object_mut().into_iter().flat_map(|all| all.values_mut())
            {
                operation["security"] = json!([{}, { "key": [] }, { "bearer": [] }]);
            }
        }
    }
    document
}
