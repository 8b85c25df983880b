//! Queues of notices, with moto in the place of AWS: S3 → SQS and S3 → EventBridge → SQS.

use serde_json::{Value, json};

use super::{define, loaded, objects, seldom, until};
use crate::support::moto::Moto;
use crate::support::s3::environment;
use crate::support::{Serve, TestDatabase, record};

/// A server whose bucket `bucket` is that of moto, with a watch that lists on request only and reads the queue.
async fn watched(database: &TestDatabase, moto: &Moto, more: Value) -> Serve {
    let serve = start(database, moto, &[]);
    let mut plan = seldom();
    plan["queue"] = moto.queue("arrivals").into();
    plan.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let defined = define(&serve, "all", plan).await;
    assert_eq!(defined.status, 201, "{defined:?}");
    serve
}

fn start(database: &TestDatabase, moto: &Moto, variables: &[(&str, &str)]) -> Serve {
    let folder = objects(&[]);
    Serve::start_with(database, &["--bucket", "bucket=s3://bucket"], folder.path(), |command| {
        command.envs(environment(&moto.endpoint)).envs(variables.iter().copied())
    })
}

fn put(moto: &Moto, key: &str) {
    moto.put(&format!("bucket/{key}"), &(record(key, 1, "s") + "\n"));
}

/// Waits until the queue has no message, neither one that waits nor one that is taken.
async fn emptied(moto: &Moto) {
    until("the queue is empty", async || (moto.messages("arrivals") == 0).then_some(())).await;
}

#[tokio::test]
async fn an_object_that_is_put_is_loaded_without_anyone_calling() {
    let Some(moto) = Moto::start() else { return };
    moto.notify_queue("arrivals");
    let database = TestDatabase::empty().await;
    let _serve = watched(&database, &moto, json!({})).await;
    put(&moto, "in/one.json");
    put(&moto, "in/with%20space%2Bplus.json");
    loaded(&database, 2).await;
    let keys = database.psql("select string_agg(key, ', ' order by key) from stevedore.loads");
    assert_eq!(keys[0][0].as_deref(), Some("in/one.json, in/with space+plus.json"));
    emptied(&moto).await;
}

#[tokio::test]
async fn notices_of_eventbridge_come_through_a_queue_too() {
    let Some(moto) = Moto::start() else { return };
    moto.notify_eventbridge("arrivals");
    let database = TestDatabase::empty().await;
    let _serve = watched(&database, &moto, json!({})).await;
    put(&moto, "one.json");
    loaded(&database, 1).await;
    emptied(&moto).await;
}

#[tokio::test]
async fn notices_that_are_lost_doubled_late_or_of_what_is_gone_load_each_object_once() {
    let Some(moto) = Moto::start() else { return };
    moto.notify_queue("arrivals");
    let database = TestDatabase::empty().await;
    for key in ["lost.json", "gone.json", "late.json"] {
        put(&moto, key);
    }
    let messages = moto.take_messages("arrivals");
    assert_eq!(messages.len(), 3, "{messages:?}");
    moto.purge("arrivals");
    moto.delete("bucket/gone.json");
    let serve = watched(&database, &moto, json!({})).await;
    // In another order, and each twice; that of `lost.json` never.
    for message in messages.iter().rev().filter(|message| !message.contains("lost.json")) {
        moto.send("arrivals", message);
        moto.send("arrivals", message);
    }
    loaded(&database, 1).await;
    emptied(&moto).await;
    super::run(&serve, "all").await;
    loaded(&database, 2).await;
    // What is no notice stays for the dead letters of the queue.
    moto.send("arrivals", "no notice");
    serve.wait_for("a message of a queue is no notice");
    assert_eq!(moto.messages("arrivals"), 1);
    assert_eq!(database.counts().await[0], 2);
}

#[tokio::test]
async fn a_worker_that_is_killed_between_the_notice_and_the_job_loses_nothing_and_doubles_nothing()
{
    let Some(moto) = Moto::start() else { return };
    moto.notify_queue("arrivals");
    let database = TestDatabase::empty().await;
    moto.purge("arrivals");
    drop(watched(&database, &moto, json!({})).await);
    for (number, point) in ["messages_taken", "arrivals_noted"].into_iter().enumerate() {
        let mut dying = start(&database, &moto, &[("STEVEDORE_FAILPOINT", point)]);
        put(&moto, &format!("{point}.json"));
        dying.wait_for(&format!("failpoint: {point}"));
        dying.kill();
        // The message is still there, and comes again to somebody else.
        assert_eq!(moto.messages("arrivals"), 1);
        let serve = start(&database, &moto, &[]);
        loaded(&database, number as i64 + 1).await;
        emptied(&moto).await;
        drop(serve);
    }
    assert_eq!(database.count("stevedore.jobs").await, 2);
    assert_eq!(database.counts().await[0], 2);
}
