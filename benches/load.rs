//! Whole loads into a real PostgreSQL: the one in DATABASE_URL, whose tables `user_status*` are
//! dropped, or an embedded one in the target folder.
//!
//! `cargo bench --bench load`; throughput in bytes of JSON and in records.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod records;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pipeline::database::{Connection, Database, Download, Embedded, EmbeddedOptions, migrate};
use pipeline::feed::Feeds;
use pipeline::load::{Connections, LoadOptions, MAX_REJECTS_IN_A_ROW, Progress, load};
use pipeline::records::CutOptions;
use pipeline::sink::Mode;
use pipeline::store::{Object, find};
use tokio::runtime::Runtime;

use records::Plan;

const RECORDS: u64 = 20_000;

const DROP: &str = "drop table if exists user_status, user_status_log, user_status_error_rec;";
/// As the old job has them: the status table has no key.
const OLD_TABLES: &str = "
    create table user_status (userid varchar, createdat varchar, status varchar, lastvisitedat int,
        isblacklisted boolean, ingested_at timestamp);
    create table user_status_log (userid varchar, updatedon varchar, status varchar, ingested_at timestamp);
    create table user_status_error_rec (error_rec varchar)";

async fn embedded() -> Embedded {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-server");
    let options = EmbeddedOptions {
        system_folder: std::env::temp_dir().join("stevedore-bench"),
        folder,
        path: std::env::var_os("PATH"),
        download: Download::default(),
    };
    Embedded::start(&options).await.unwrap()
}

/// How long a load into empty tables takes.
async fn timed(object: &Object, connection: &mut Connection, mode: Mode) -> Duration {
    let tables = if mode == Mode::Append { OLD_TABLES } else { "" };
    connection.batch_execute(&format!("{DROP} {tables}")).await.unwrap();
    let options = LoadOptions {
        mode: mode.into(),
        cut: CutOptions::default(),
        reload: true,
        job_id: None,
        max_rejects_in_a_row: MAX_REJECTS_IN_A_ROW,
        max_rejected: None,
        connections: Connections::default(),
        progress: Arc::new(Progress::default()),
        hit: |_| {},
    };
    let since = Instant::now();
    let feeds = Feeds::built_in().unwrap();
    let summary =
        load(object, feeds.get("user_status").unwrap(), connection, &options).await.unwrap();
    assert_eq!(summary.records, RECORDS);
    since.elapsed()
}

fn loads(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (server, url) = match std::env::var("DATABASE_URL") {
        Ok(url) => (None, url),
        Err(_) => {
            let server = runtime.block_on(embedded());
            let url = server.url().to_owned();
            (Some(server), url)
        }
    };
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench.ndjson");
    let mut file = std::fs::File::create(&path).unwrap();
    Plan { records: RECORDS, ..Plan::default() }
        .write(&mut std::io::BufWriter::new(&mut file))
        .unwrap();
    let (mut connection, object) = runtime.block_on(async {
        let mut connection = Database::new(&url).unwrap().connect().await.unwrap();
        migrate(&mut connection).await.unwrap();
        (
            connection,
            find(path.to_str().unwrap(), &[])
                .await
                .unwrap()
                .objects
                .remove(0)
                .begin()
                .await
                .unwrap(),
        )
    });
    for mode in [Mode::Append, Mode::Merge] {
        let mut group = criterion.benchmark_group(format!("load/{mode}"));
        group.sample_size(10);
        for (unit, throughput) in
            [("bytes", Throughput::Bytes(object.size)), ("records", Throughput::Elements(RECORDS))]
        {
            group.throughput(throughput);
            group.bench_function(unit, |bencher| {
                bencher.iter_custom(|loads| {
                    (0..loads)
                        .map(|_| runtime.block_on(timed(&object, &mut connection, mode)))
                        .sum()
                });
            });
        }
    }
    drop(connection);
    if let Some(server) = server {
        runtime.block_on(server.stop()).unwrap();
    }
}

criterion_group!(benches, loads);
criterion_main!(benches);
