//! Requests to a store, fewer at the same time when it asks for that.
//!
//! A store that is asked too much answers 503 `SlowDown` or 429. Then the number of requests in flight is
//! halved, the request waits and is made again; every answer lets the number grow somewhat. All who use a
//! bucket share the number. A request fails only when the store has answered nothing else for a minute, or
//! when its signature gets old.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use object_store::client::{
    HttpClient, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests in flight to a bucket at most, also where it never complains.
const MOST: usize = 256;
/// The longest pause that a store may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(30);

/// How long requests wait that a store refuses.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// The first pause of a request; the next ones double.
    first_pause: Duration,
    longest_pause: Duration,
    /// How long a store may refuse all requests before one fails.
    without_progress: Duration,
    /// How long one request may be refused: its signature and the token in it are made once.
    one_request: Duration,
}

const PATIENCE: Patience = Patience {
    first_pause: Duration::from_millis(100),
    longest_pause: Duration::from_secs(5),
    without_progress: Duration::from_secs(60),
    one_request: Duration::from_secs(240),
};

/// The client with which all requests to a bucket are made from now on.
pub(super) fn throttled(client: HttpClient) -> HttpClient {
    HttpClient::new(Throttled { client, throttle: Throttle::default(), patience: PATIENCE })
}

/// A client that makes fewer requests at the same time when its store asks for that.
#[derive(Debug)]
struct Throttled {
    client: HttpClient,
    throttle: Throttle,
    patience: Patience,
}

#[async_trait]
impl HttpService for Throttled {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let began = Instant::now();
        let mut pause = self.patience.first_pause;
        loop {
            let permit = self.throttle.enter().await;
            let sent = Instant::now();
            let response = self.client.execute(request.clone()).await?;
            if !asks_to_slow_down(&response) {
                self.throttle.answered();
                return Ok(response.map(|body| {
                    HttpResponseBody::new(PreflightReport { body, permit: Some(permit) })
                }));
            }
            self.throttle.refused(sent);
            if self.throttle.is_vain(began, self.patience) {
                return Ok(response);
            }
            let jittered = pause.mul_f64(0.5 + fastrand::f64());
            let wait = asked_pause(&response).unwrap_or_default().max(jittered);
            drop((response, permit));
            tokio::time::sleep(wait).await;
            pause = self.patience.longest_pause.min(pause * 2);
        }
    }
}

fn asks_to_slow_down(response: &HttpResponse) -> bool {
    matches!(response.status().as_u16(), 429 | 503)
}

/// How long the store wants not to be asked.
fn asked_pause(response: &HttpResponse) -> Option<Duration> {
    let seconds = response.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(LONGEST_ASKED.min(Duration::from_secs(seconds)))
}

/// How many requests may be in flight.
#[derive(Debug)]
struct Throttle {
    permits: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// Requests that may be in flight.
    limit: f64,
    /// Permits that are there: those in the semaphore and those of requests in flight.
    issued: usize,
    /// When the limit was lowered, and when the store last answered a request.
    lowered: Option<Instant>,
    answered: Option<Instant>,
}

/// The right to have a request in flight.
#[derive(Debug)]
struct Permit {
    permit: Option<OwnedSemaphorePermit>,
    state: Arc<Mutex<State>>,
}

impl Default for Throttle {
    fn default() -> Self {
        let state = State { limit: MOST as f64, issued: MOST, lowered: None, answered: None };
        Self { permits: Arc::new(Semaphore::new(MOST)), state: Arc::new(Mutex::new(state)) }
    }
}

impl Throttle {
    async fn enter(&self) -> Permit {
        // It is never closed.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        Permit { permit, state: Arc::clone(&self.state) }
    }

    /// Notes that a request was answered.
    fn answered(&self) {
        let mut state = lock(&self.state);
        state.answered = Some(Instant::now());
        // One more for as many answers as are in flight.
        state.limit = (MOST as f64).min(state.limit + 1.0 / state.limit);
        let more = (state.limit as usize).saturating_sub(state.issued);
        state.issued += more;
        drop(state);
        self.permits.add_permits(more);
    }

    /// Notes that a request that was sent then was refused. What was in flight when the limit was lowered
    /// does not lower it again.
    fn refused(&self, sent: Instant) {
        let mut state = lock(&self.state);
        if state.lowered.is_some_and(|lowered| sent <= lowered) {
            return;
        }
        state.lowered = Some(Instant::now());
        let in_flight = state.issued.saturating_sub(self.permits.available_permits());
        state.limit = (state.limit.min(in_flight as f64) / 2.0).floor().max(1.0);
        let surplus = state.issued.saturating_sub(state.limit as usize);
        state.issued -= self.permits.forget_permits(surplus);
        let at_once = state.limit as usize;
        drop(state);
        tracing::info!(
            at_once,
            "a store asks to slow down: fewer requests are in flight from now on"
        );
    }

    /// Whether waiting is in vain for a request that began then.
    fn is_vain(&self, began: Instant, patience: Patience) -> bool {
        let answered = lock(&self.state).answered.unwrap_or(began).max(began);
        answered.elapsed() > patience.without_progress || began.elapsed() > patience.one_request
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if state.issued > state.limit as usize
            && let Some(permit) = self.permit.take()
        {
            state.issued -= 1;
            permit.forget();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The body of an answer: its request is in flight until the body ends.
struct PreflightReport {
    body: HttpResponseBody,
    permit: Option<Permit>,
}

impl Body for PreflightReport {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() {
            self.permit = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

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
}
