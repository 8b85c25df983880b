//! What the catalog says of the conformance cases: `tests/catalog/`, a file each.

use std::path::Path;

use insta::{Settings, assert_snapshot};
use pipeline::catalog::schema::tree;
use pipeline::infer::objects::{InferOptions, ObjectShape, infer_object};
use pipeline::store::find;

use crate::support::repository;

#[tokio::test]
async fn the_cases_have_the_columns_that_were_seen_before() {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(repository("tests/catalog"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _bound = settings.bind_to_scope();
    for entry in std::fs::read_dir(repository("tests/conformance")).unwrap() {
        let case = entry.unwrap().path();
        if case.is_dir() {
            let name = case.file_name().unwrap().to_str().unwrap();
            assert_snapshot!(name, described(&infer(&case).await));
        }
    }
}

async fn infer(case: &Path) -> ObjectShape {
    let input = case.join("input.*");
    let objects = find(input.to_str().unwrap(), &[]).await.unwrap().objects;
    let object = objects[0].begin().await.unwrap();
    infer_object(&object, &InferOptions::default()).await.unwrap()
}

/// The counts, the schema tree, and a line for each column.
fn described(found: &ObjectShape) -> String {
    let columns = found.shape.columns();
    let lines: Vec<_> =
        columns.iter().map(|column| serde_json::to_string(column).unwrap()).collect();
    format!(
        "{} records, {} malformed, {} other\n{}{}",
        found.records,
        found.malformed,
        found.other,
        tree(&columns),
        lines.join("\n"),
    )
}
