//! How many requests a store gets, and for how long it is asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::future::join_all;

use super::limit::{MOST, lock};
use super::*;

/// For tests, in which nothing takes long.
const HASTY: Patience = Patience {
    first_pause: Duration::from_micros(100),
    longest_pause: Duration::from_millis(2),
    without_progress: Duration::from_secs(60),
    one_request: Duration::from_secs(60),
};

/// A store that refuses what is more than it takes at the same time.
#[derive(Debug, Default)]
struct Busy {
    takes: AtomicUsize,
    in_flight: AtomicUsize,
    most: AtomicUsize,
    refused: AtomicUsize,
}

/// A request in flight.
struct InFlight<'a>(&'a Busy);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Service(Arc<Busy>);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
        let busy = &*self.0;
        let in_flight = busy.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        let _in_flight = InFlight(busy);
        busy.most.fetch_max(in_flight, Ordering::Relaxed);
        // So long that all others begin meanwhile that may.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let mut response = HttpResponse::new(Bytes::new().into());
        if in_flight > busy.takes.load(Ordering::Relaxed) {
            busy.refused.fetch_add(1, Ordering::Relaxed);
            *response.status_mut() = 503.try_into().unwrap();
        }
        Ok(response)
    }
}

fn client(takes: usize, patience: Patience) -> (Throttled, Arc<Busy>) {
    let busy = Arc::new(Busy { takes: takes.into(), ..Busy::default() });
    let client = HttpClient::new(Service(Arc::clone(&busy)));
    (Throttled { client, throttle: Throttle::default(), patience }, busy)
}

fn request() -> HttpRequest {
    HttpRequest::new(Bytes::new().into())
}

async fn statuses(client: &Throttled, requests: usize) -> Vec<u16> {
    // An answer is in flight until it is dropped.
    let status = async |_| client.call(request()).await.unwrap().status().as_u16();
    join_all((0..requests).map(status)).await
}

fn limit(client: &Throttled) -> f64 {
    lock(&client.throttle.state).limit
}

#[tokio::test]
async fn a_store_that_never_complains_gets_all_requests_at_once() {
    let (client, busy) = client(1000, HASTY);
    assert_eq!(statuses(&client, 200).await, [200; 200]);
    assert_eq!(busy.most.load(Ordering::Relaxed), 200);
    assert_eq!(statuses(&client, 300).await, [200; 300]);
    assert_eq!(busy.most.load(Ordering::Relaxed), MOST);
}

#[tokio::test]
async fn what_a_busy_store_refuses_is_asked_again_until_all_is_answered() {
    let (client, busy) = client(8, HASTY);
    assert_eq!(statuses(&client, 200).await, [200; 200]);
    assert!(limit(&client) < 32.0, "{}", limit(&client));
    // From now on there are hardly more in flight than it takes.
    busy.most.store(0, Ordering::Relaxed);
    assert_eq!(statuses(&client, 200).await, [200; 200]);
    assert!(busy.most.load(Ordering::Relaxed) < 32, "{busy:?}");
}

#[tokio::test]
async fn the_number_grows_again_when_the_store_takes_more() {
    let (client, busy) = client(2, HASTY);
    statuses(&client, 50).await;
    assert!(limit(&client) < 16.0, "{}", limit(&client));
    busy.takes.store(1000, Ordering::Relaxed);
    for _ in 0..40 {
        statuses(&client, 100).await;
    }
    assert!(limit(&client) > 50.0, "{}", limit(&client));
    assert!(busy.most.load(Ordering::Relaxed) > 50);
}

#[tokio::test]
async fn a_store_that_refuses_everything_for_too_long_is_given_up() {
    let patience = Patience { without_progress: Duration::from_millis(5), ..HASTY };
    let (client, _) = client(0, patience);
    assert_eq!(statuses(&client, 3).await, [503; 3]);
    let state = lock(&client.throttle.state);
    assert_eq!((state.limit, state.issued), (1.0, 1));
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_any_more_is_no_longer_in_flight() {
    let (client, busy) = client(0, HASTY);
    let refused = async {
        while busy.refused.load(Ordering::Relaxed) < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = client.call(request()) => panic!("it was answered"),
        () = refused => {}
    }
    busy.takes.store(1, Ordering::Relaxed);
    assert_eq!(statuses(&client, 1).await, [200]);
}

#[tokio::test]
async fn an_answer_is_in_flight_until_its_body_ends_or_is_dropped() {
    let (client, _) = client(1000, HASTY);
    let mut answers = Vec::new();
    for _ in 0..MOST {
        answers.push(client.call(request()).await.unwrap());
    }
    assert_eq!(client.throttle.permits.available_permits(), 0);
    let one = answers.pop().unwrap().into_body().bytes().await.unwrap();
    assert!(one.is_empty() && client.throttle.permits.available_permits() == 1);
    drop(answers);
    assert_eq!(client.throttle.permits.available_permits(), MOST);
}
