//! Warnings about a whole load: all records rejected, another version loaded before.

use std::num::NonZeroUsize;
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::error::Error;
use pipeline::load::{Connections, LoadOptions, WarningKind};
use pipeline::sink::Mode;
use pipeline::store::{Bucket, Object};
use serde_json::{Value, json};

use crate::parts::{interrupted, lines, load_object};
use crate::support::{TestDatabase, options, record, stderr, stdout};

/// A folder whose files are loaded one by one or in a bundle.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

fn kinds(summary: &Value) -> Vec<&str> {
    let warnings = summary["warnings"].as_array().unwrap();
    warnings.iter().map(|warning| warning["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_load_whose_records_are_all_rejected_is_warned_about() {
    let (database, folder) = (TestDatabase::empty().await, Folder::new());
    let bad = folder.write("bad.ndjson", "{\n{}\n{}\n");
    let worse = folder.write("worse.ndjson", "{\n{}\n{}\n{}\n");
    let detail = "every record was rejected, 3 of 3: malformed 1, null_field 2";
    let dry = database.load(&["--no-preflight", "--dry-run", &bad]).remove(0);
    let expected = json!([{"kind": "all_rejected", "detail": detail}]);
    assert_eq!(dry["warnings"], expected);
    // In a bundle too, of each object.
    let many = database.stevedore(&["load", "--no-preflight", folder.path()]).output().unwrap();
    assert!(many.status.success(), "{}", stderr(&many));
    for (path, detail) in [(&bad, detail), (&worse, "every record was rejected, 4 of 4: ")] {
        let warning = format!("warning: file://{path}: {detail}");
        assert!(stderr(&many).contains(&warning), "{}", stderr(&many));
    }
    let one = database.stevedore(&["load", "--no-preflight", "--reload", &bad]).output().unwrap();
    let warning = format!("warning: file://{bad}: {detail}\n");
    assert!(stdout(&one).contains(&warning), "{}", stdout(&one));
    // One good record, or none at all.
    for text in ["{\n".to_owned() + &record("u", 1, "s"), String::new()] {
        let path = folder.write("other.ndjson", &text);
        assert_eq!(kinds(&database.load(&["--no-preflight", &path])[0]), [""; 0]);
    }
}

#[tokio::test]
async fn another_version_of_an_object_whose_rows_stay_is_warned_about() {
    for (mode, rows) in
        [("append", "1 rows and 1 rows of child tables"), ("merge", "1 rows of child tables")]
    {
        let (database, folder) = (TestDatabase::empty().await, Folder::new());
        let load = |path: &str| database.load(&["--no-preflight", "--mode", mode, path]);
        let path = folder.write("a.ndjson", &record("u", 1, "s"));
        folder.write("b.ndjson", &record("v", 1, "s"));
        let first = load(&path).remove(0);
        assert_eq!((kinds(&first), kinds(&load(&path)[0])), (vec![], vec![]), "{mode}");
        // In a bundle: the one object is new, and the other another version.
        folder.write("a.ndjson", &(record("u", 2, "t") + "\n" + &record("w", 1, "s")));
        let both = load(folder.path());
        assert_eq!(
            (kinds(&both[0]), kinds(&both[1])),
            (vec!["object_overwritten"], vec![]),
            "{mode}"
        );
        let detail = both[0]["warnings"][0]["detail"].as_str().unwrap();
        let (load_id, version) = (&first["load_id"], first["version"].as_str().unwrap());
        let begin = format!(
            "load {load_id} loaded another version of the object, {version}: its {rows} stay beside"
        );
        assert!(detail.starts_with(&begin), "{detail}");
        // The advice finds the rows of the first version.
        let (_, condition) = detail.split_once(" with ").unwrap();
        assert_eq!(
            database.count(&format!("user_status_log where {condition}")).await,
            1,
            "{detail}"
        );
        // Alone, and the newest of several is named. Where nothing is loaded, nothing is doubled.
        folder.write("a.ndjson", &record("x", 1, "s"));
        let third = load(&path).remove(0);
        let newest = format!("load {} loaded", both[0]["load_id"]);
        assert!(third["warnings"][0]["detail"].as_str().unwrap().starts_with(&newest), "{third}");
        folder.write("a.ndjson", "{}");
        assert_eq!(kinds(&load(&path)[0]), ["all_rejected"], "{mode}");
    }
}

#[tokio::test]
async fn another_version_that_is_loaded_in_parts_is_warned_about_and_so_is_an_unfinished_one() {
    let store = Arc::new(InMemory::new());
    let put = async |text: String| -> Object {
        store.put(&"lines".into(), PutPayload::from(text)).await.unwrap();
        Bucket::new("memory://", Arc::clone(&store) as _).locate("lines").await.unwrap()
    };
    let database = TestDatabase::with_old_tables().await;
    let error = interrupted(&database, &put(lines(60)).await).await;
    let Error::Incomplete { load_id, .. } = error else { panic!("{error}") };
    let connections = Connections { wanted: NonZeroUsize::new(3), part_bytes: 500 };
    let in_parts = LoadOptions { connections, ..options(Mode::Append) };
    for (count, expected) in [
        (63, format!("To remove them: stevedore loads discard {load_id}")),
        (66, "loaded another version of the object".to_owned()),
    ] {
        let summary = load_object(&database, &put(lines(count)).await, &in_parts).await.unwrap();
        assert_eq!(summary.sequential_reason, None);
        let [warning] = &summary.warnings[..] else { panic!("{:?}", summary.warnings) };
        assert_eq!(warning.kind, WarningKind::ObjectOverwritten);
        assert!(warning.detail.contains(&expected), "{}", warning.detail);
    }
}
