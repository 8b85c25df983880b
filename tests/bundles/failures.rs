//! Of a bundle only what is wrong fails.

use super::*;

#[tokio::test]
async fn an_object_that_cannot_be_read_fails_alone() {
    let database = TestDatabase::empty().await;
    let folder = folder_of(20);
    std::fs::write(folder.path().join("007.json"), [0x1F, 0x8B, 8, 0, 0]).unwrap();
    let output = database.stevedore(&["load", "--json", path_of(&folder)]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let states: Vec<_> = json_lines(&output).iter().map(|line| line["state"].clone()).collect();
    let expected = (0..20).map(|at| json!(if at == 7 { "failed" } else { "loaded" }));
    assert_eq!(states, expected.collect::<Vec<_>>());
    let said = stderr(&output);
    assert!(said.contains("007.json\ncaused by: could not decompress"), "{said}");
    assert!(
        said.contains("objects: 19 loaded, 1 failed; 57 records, 19 of them rejected, in "),
        "{said}"
    );
    let failed = "select key like '%/007.json' as is_it, error_code from stevedore.loads where state = 'failed'";
    let expected = [json!({"is_it": true, "error_code": "decompress_failed"})];
    assert_eq!(database.rows(failed).await, expected);
    assert_eq!(database.count("stevedore.loads where state = 'loaded'").await, 19);
}

#[tokio::test]
async fn an_object_that_the_database_refuses_fails_alone() {
    for mode in ["merge", "append"] {
        let database = if mode == "merge" {
            TestDatabase::empty().await
        } else {
            TestDatabase::with_old_tables().await
        };
        let connection = database.migrated().await;
        create_tables(&*connection, &USER_STATUS, RequestedMode::Auto).await.unwrap();
        let refuse = "create function refuse() returns trigger language plpgsql as
            $$ begin if new.userid = 'u-11' then raise 'not this one'; end if; return new; end $$;
            create trigger refuse before insert on user_status for each row execute function refuse()";
        connection.batch_execute(refuse).await.unwrap();
        let folder = folder_of(20);
        let arguments = ["load", "--json", "--mode", mode, path_of(&folder)];
        let output = database.stevedore(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let states: Vec<_> = json_lines(&output).iter().map(|line| line["state"].clone()).collect();
        let expected = (0..20).map(|at| json!(if at == 11 { "failed" } else { "loaded" }));
        assert_eq!(states, expected.collect::<Vec<_>>(), "{}", stderr(&output));
        assert!(stderr(&output).contains("not this one"), "{}", stderr(&output));
        let failed = "stevedore.loads where state = 'failed' and error like '%not this one%'";
        assert_eq!(database.count(failed).await, 1);
        assert_eq!(database.count("user_status_log").await, 38);
        assert_eq!(database.count("user_status_error_rec").await, 19);
    }
}

async fn killed_at(point: &str, mode: &str) {
    let database = if mode == "merge" {
        TestDatabase::empty().await
    } else {
        TestDatabase::with_old_tables().await
    };
    let folder = folder_of(30);
    let args = ["--mode", mode, path_of(&folder)];
    let mut load = wait_at(database.stevedore(&[&["load"], &args[..]].concat()), point);
    load.kill().unwrap();
    load.wait().unwrap();
    let again = database.load(&args);
    let expected = if point == "committed" { "already_loaded" } else { "loaded" };
    assert!(again.iter().all(|summary| summary["state"] == expected), "{mode}, {point}");
    // In append mode each object has its row of the user that all have.
    let status_rows = if mode == "merge" { 31 } else { 60 };
    assert_eq!(database.counts().await, [status_rows, 60, 30], "{mode}, {point}");
    assert_eq!(database.count("stevedore.loads where state = 'loaded'").await, 30);
}

#[tokio::test]
async fn a_bundle_that_is_killed_anywhere_is_there_as_a_whole_or_not_at_all() {
    for point in
        ["children_copied", "rejects_copied", "root_copied", "merged", "recorded", "committed"]
    {
        killed_at(point, "merge").await;
    }
    for point in ["children_copied", "rejects_copied", "root_copied", "recorded", "committed"] {
        killed_at(point, "append").await;
    }
}

#[tokio::test]
async fn what_is_not_committed_when_it_is_stopped_is_not_there() {
    let database = TestDatabase::empty().await;
    let mut connection = database.migrated().await;
    let folder = folder_of(9);
    let progress = Arc::new(Progress::default());
    let options =
        pipeline::load::LoadOptions { progress: Arc::clone(&progress), ..options(Mode::Merge) };
    let size = Size { objects: 3, ..Size::default() };
    let mut states = Vec::new();
    let connections: Vec<&mut Connection> = vec![&mut connection];
    load_bundled(
        in_folder(&folder).await,
        &USER_STATUS,
        connections,
        &options,
        size,
        |_, ended| {
            progress.stop();
            states.push(ended.map(|summary| summary.state).map_err(|error| error.code()));
        },
    )
    .await;
    let expected = (0..9).map(|at| if at < 3 { Ok(State::Loaded) } else { Err("cancelled") });
    assert_eq!(states, expected.collect::<Vec<_>>());
    assert_eq!(database.counts().await, [4, 6, 3]);
    assert_eq!(database.count("stevedore.loads").await, 3);
}
