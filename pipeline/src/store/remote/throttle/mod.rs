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
mod tests;
