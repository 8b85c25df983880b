//! Events of jobs.

use super::*;

#[tokio::test]
async fn events_tell_each_state_once_in_order_and_go_on_where_they_broke_off() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], &samples());
    let job = serve.load("user_status_sample.json").await;
    let all: Vec<_> = serve.events(id(&job), None).await.collect().await;
    let states: Vec<_> = all
        .iter()
        .filter(|event| event.event == "state")
        .map(|event| serde_json::from_str::<Value>(&event.data).unwrap()["state"].clone())
        .collect();
    assert_eq!(states, ["queued", "running", "succeeded"]);
    let done = all.last().unwrap();
    assert_eq!(done.event, "done");
    assert_eq!(serde_json::from_str::<Value>(&done.data).unwrap()["state"], "succeeded");
    let ids: Vec<i64> = all
        .iter()
        .filter(|event| event.event == "state")
        .map(|event| event.id.parse().unwrap())
        .collect();
    assert!(ids.is_sorted() && ids.len() == 3, "{ids:?}");
    let later: Vec<_> = serve.events(id(&job), Some(&ids[0].to_string())).await.collect().await;
    let names: Vec<_> = later.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(names, ["state", "state", "done"]);
    let last: Vec<_> = serve.events(id(&job), Some(&ids[2].to_string())).await.collect().await;
    assert_eq!(last.len(), 1);
    for unknown in ["x", "-1", ""] {
        let all: Vec<_> = serve.events(id(&job), Some(unknown)).await.collect().await;
        assert_eq!(all.len(), 4, "{unknown}");
    }
}

#[tokio::test]
async fn a_stream_of_events_ends_when_the_server_is_to_stop() {
    let (_database, mut serve) = without_worker().await;
    let job = serve.load("user_status_sample.json").await;
    let mut events = Box::pin(serve.events(id(&job), None).await);
    assert_eq!(events.next().await.unwrap().event, "state");
    assert!(serve.terminate().success());
    assert!(events.next().await.is_none());
}
