//! Requests that are made from the document of the API, right ones and wrong ones, by schemathesis:
//! none is answered with 5xx, nor with what the document does not say. It needs Python.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::python::programs;
use crate::support::{Serve, TestDatabase, repository, sample, stderr, stdout};

const PACKAGE: &str = "schemathesis==4.32.5";

/// Lets requests be made from a document, by its URL or its file.
fn run(program: &Path, serve: &Serve, document: &str, mode: &str, folder: &Path) -> String {
    // Where all requests are right ones, none is to be refused: a right request that takes its crawler from an answer
    // before is taken for a wrong one there.
    let left_out: &[&str] = match mode {
        "positive" => &["--exclude-checks=negative_data_rejection"],
        _ => &[],
    };
    let run = Command::new(program)
        .arg("--config-file")
        .arg(repository("tests/schemathesis.toml").canonicalize().unwrap())
        .args([
            "run",
            "--no-color",
            "--checks=all",
            "--max-examples=30",
            "--seed=1",
            "--mode",
            mode,
        ])
        .args(left_out)
        .args(["--generation-database=none", "--url", &serve.url, document])
        .current_dir(folder)
        .env("PYTHONUTF8", "1")
        .output()
        .unwrap();
    assert!(run.status.success(), "{}{}", stdout(&run), stderr(&run));
    stdout(&run)
}

#[tokio::test]
async fn no_request_from_the_document_gets_an_answer_outside_it() {
    let Some(programs) = programs(PACKAGE) else { return };
    let program = programs.join("schemathesis");
    let folder = tempfile::tempdir().unwrap();
    let objects = folder.path().join("objects");
    std::fs::create_dir(&objects).unwrap();
    let names = ["user_status_sample.json", "user_status_dirty.ndjson"];
    for name in names {
        std::fs::copy(sample(name), objects.join(name)).unwrap();
    }
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &["--rate-limit", "100000"], &objects);
    // Not over a connection that would be closed by when the next request is made.
    let document = reqwest::get(format!("{}/openapi.json", serve.url)).await.unwrap();
    let mut document: Value = document.json().await.unwrap();
    // A text to generators of clients; here each event is checked.
    let events = &mut document["paths"]["/v1/jobs/{job_id}/events"]["get"]["responses"]["200"];
    events["content"]["text/event-stream"]["schema"] =
        json!({ "type": "object", "required": ["event", "data"] });
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    run(&program, &serve, file.to_str().unwrap(), "all", folder.path());
    // The document cannot say what there is. A copy that does lets requests get further.
    let mut jobs = Vec::new();
    for name in names {
        let job = serve.load(name).await;
        jobs.push(serve.ended(&job).await["job_id"].clone());
    }
    let bucket = format!("bucket={}", objects.display());
    for _ in 0..2 {
        let crawl =
            database.stevedore(&["crawl", "objects", "bucket", "--bucket", &bucket]).output();
        assert!(crawl.unwrap().status.success());
        std::fs::write(objects.join("more.json"), r#"{"userId": 1, "status": "ACTIVE"}"#).unwrap();
    }
    let tables = serve.get("/v1/catalog/tables").await.json();
    let tables = tables["tables"].as_array().unwrap().iter().map(|table| table["name"].clone());
    // Feeds are found by their name too.
    let found: Vec<_> = tables.chain([json!("user_status")]).collect();
    document["components"]["schemas"]["JobRequest"]["required"] = json!(["bucket", "dry_run"]);
    let one_of = ["key", "keys", "prefix", "glob"].map(|name| json!({"required": [name]}));
    document["components"]["schemas"]["JobRequest"]["oneOf"] = json!(one_of);
    let request = &mut document["components"]["schemas"]["JobRequest"]["properties"];
    request["keys"]["items"]["enum"] = json!(names);
    // A version that the store does not have is not found.
    request.as_object_mut().unwrap().remove("version");
    request["bucket"]["enum"] = json!(["bucket"]);
    request["key"]["enum"] = json!(names);
    request["prefix"]["enum"] = json!(["user", "user_status_dirty", "nothing"]);
    request["glob"]["enum"] = json!(["*", "**/*.json", "user_status_{sample,dirty}.*"]);
    for name in ["ReplayRequest", "IgnoreRequest"] {
        let request = &mut document["components"]["schemas"][name]["properties"];
        request["load_id"]["enum"] = json!([1, 2]);
        request["feed"]["enum"] = json!(["user_status"]);
    }
    document["components"]["schemas"]["RejectRef"]["properties"]["load_id"]["enum"] = json!([1, 2]);
    for plan in ["NewCrawler", "CrawlerPlan"] {
        document["components"]["schemas"][plan]["properties"]["schedule"] =
            json!({ "enum": [null, "0 3 * * *", "*/5 0 1 1 MON-FRI"] });
    }
    for kind in document["components"]["schemas"]["CrawlTarget"]["oneOf"].as_array_mut().unwrap() {
        let fields = &mut kind["properties"];
        for (name, known) in [
            ("bucket", json!(["bucket"])),
            ("prefix", json!(["", "user"])),
            ("include", json!([[], ["user*", "**/*.json"]])),
            ("exclude", json!([[], ["*.txt"]])),
            ("paths", json!([[], ["$.a[*]", "$"]])),
        ] {
            if fields.get(name).is_some() {
                fields[name] = json!({ "enum": known });
            }
        }
    }
    let plan = &mut document["components"]["schemas"]["WatchPlan"]["properties"];
    for (name, known) in [
        ("bucket", json!(["bucket"])),
        ("prefix", json!([null, "", "user"])),
        ("glob", json!([null])),
        ("feed", json!([null, "user_status"])),
        ("schedule", json!([null])),
        ("queue", json!([null])),
    ] {
        plan[name] = json!({ "enum": known });
    }
    let watch = json!({ "name": "all", "bucket": "bucket", "prefix": "user" });
    assert_eq!(serve.post_json("/v1/watches", &watch).await.status, 201);
    let nothing = json!({"key": "nothing"});
    let action = serve.post_json("/v1/jobs/cancel", &nothing).await.json();
    // Others would not find what one of its requests has removed.
    document["paths"]["/v1/crawlers/{crawler}"].as_object_mut().unwrap().remove("delete");
    document["paths"]["/v1/watches/{watch}"].as_object_mut().unwrap().remove("delete");
    for operation in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in operation.as_object_mut().unwrap().values_mut() {
            for parameter in
                operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten()
            {
                let known = match parameter["name"].as_str().unwrap() {
                    "bucket" => json!(["bucket"]),
                    "key" => json!(names),
                    "job_id" | "parent_id" => json!(jobs),
                    "action_id" => json!([action["action_id"]]),
                    "load_id" => json!([1, 2]),
                    "name" => json!(found),
                    "table" => json!(["user_status", "user_status_log", "user_status_error_rec"]),
                    // Columns that all three tables have.
                    "column" => json!(["ingested_at"]),
                    "equals" => json!(["2022-01-02", "infinity"]),
                    "crawler" => json!(["bucket"]),
                    "watch" => json!(["all"]),
                    "from" | "to" | "version" => json!([1]),
                    _ => continue,
                };
                parameter["schema"]["enum"] = known;
                parameter.as_object_mut().unwrap().remove("example");
            }
        }
    }
    std::fs::write(&file, document.to_string()).unwrap();
    let told = run(&program, &serve, file.to_str().unwrap(), "positive", folder.path());
    assert!(database.count("stevedore.jobs where dry_run").await > 0, "{told}");
    assert!(!told.contains("404 Not Found"), "{told}");
    let log = serve.lines();
    let failed = log.iter().find(|line| line.contains("ERROR") || line.contains("panicked"));
    assert_eq!(failed, None);
}
