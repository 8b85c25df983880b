//! Requests to a store, fewer at the same time when it asks for that.
//!
//! A store that is asked too much answers 503 `SlowDown` or 429. Then the number of requests in flight is
//! halved, the request waits and is made again; every answer lets the number grow somewhat. All who use a
//! bucket share the number. A request fails only when the store has answered nothing else for a minute, or
//! when its signature gets old.

mod body;
mod limit;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use object_store::client::{
    HttpClient, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};

use self::body::CountedBody;
use self::limit::Throttle;

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
                    HttpResponseBody::new(CountedBody { body, permit: Some(permit) })
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

#[cfg(test)]
mod tests;
