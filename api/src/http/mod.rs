//! The REST API: every URL on one page.
//!
//! | URL | who calls it | scope |
//! |---|---|---|
//! | `GET\|POST /trigger` | the clients of the old API | trigger |
//! | `POST /v1/jobs` | clients that ask for loads | trigger |
//! | `GET /v1/jobs`, `/v1/jobs/{job_id}`, `/v1/jobs/{job_id}/events`, `…/attempts`, `…/webhooks` | whoever follows them | read |
//! | `GET /v1/jobs/counts`, `/v1/job-actions/{action_id}` | operators | read |
//! | `POST /v1/jobs/{job_id}/cancel`, `/retry` | operators | admin |
//! | `GET /v1/workers` | whoever looks after the workers | read |
//! | `POST /v1/jobs/cancel`, `/v1/jobs/retry` | operators | admin |
//! | `POST /v1/replays`, `/v1/rejects/ignore` | operators | admin |
//! | `GET /v1/loads`, `/v1/loads/{load_id}`, `/v1/rejects` | whoever looks after the data | read |
//! | `GET /v1/feeds`, `/v1/feeds/{name}`, `…/differences` | clients that want to know what can be loaded | read |
//! | `GET /v1/tables/{table}/rows` | whoever looks after the data | read |
//! | `GET /v1/catalog/databases`, `/v1/catalog/tables`, `/v1/catalog/tables/{name}`, `…/versions`, `…/versions/{version}`, `…/diff`, `…/records` | whoever looks after the data | read |
//! | `GET /v1/crawlers`, `/v1/crawlers/{crawler}`, `…/runs` | the same | read |
//! | `POST /v1/crawlers/{crawler}/runs` | clients that ask for crawls, and see no more than that | trigger |
//! | `POST /v1/crawlers`, `PUT\|DELETE /v1/crawlers/{crawler}`, `POST …/runs/{run_id}/cancel` | operators | admin |
//! | `GET /v1/watches`, `/v1/watches/{watch}`, `…/runs` | the same | read |
//! | `POST /v1/watches/{watch}/runs` | clients that ask for listings | trigger |
//! | `POST /v1/watches`, `PUT\|DELETE /v1/watches/{watch}`, `POST …/pause`, `…/resume`, `…/token` | operators | admin |
//! | `POST\|OPTIONS /v1/arrivals/{watch}` | stores that tell what arrived | the watch's token |
//! | `GET /metrics` | Prometheus | read |
//! | `GET /healthz`, `/readyz` | load balancers, Kubernetes | |
//! | `POST /` with `--glue`: [`glue`] | clients of AWS Glue | by action |
//! | `GET /openapi.json`, `/docs` | developers | |
//! | everything else: [`console`] | operators | read |

mod access;
mod answers;
mod arrivals;
mod browser;
mod catalog;
mod catalog_records;
mod catalog_versions;
mod connection;
mod console;
mod crawler_runs;
mod crawlers;
mod document;
mod events;
mod extract;
mod feeds;
mod glue;
mod health;
mod job_actions;
mod jobs;
mod loads;
mod page;
mod problem;
mod rejects;
mod replay_request;
mod replays;
mod request;
mod server;
mod strangers;
mod tables;
mod trace;
mod trigger;
mod watches;
mod workers;

pub(crate) use access::Access;
pub(crate) use answers::Answers;
pub(crate) use browser::Browsers;
pub(crate) use health::{Pulse, probes};
pub(crate) use job_actions::JobSelection;
pub(crate) use jobs::JobPage;
pub(crate) use request::RetryRequest;
pub(crate) use server::{ServerSettings, bind, serve};
pub(crate) use watches::{RemovedWatch, RequestedListing, WatchList, WatchRunPage, WatchToken};
pub(crate) use workers::WorkerStatus;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use pipeline::error::Error;
use pipeline::feed::{Feed, Feeds};
use pipeline::store::{Bucket, Object};
use tokio_util::sync::CancellationToken;
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;
use uuid::Uuid;

use crate::buckets::Buckets;
use crate::jobs::{Listener, Store, Webhooks};
use crate::keys::{KeyPair, Scope};
use crate::wire::Job;
use document::{Document, finished};
use problem::Problem;

/// Longest time that a store may take to look an object up.
const LOOK_UP: Duration = Duration::from_secs(10);

/// What the pages of the documentation may load: what we serve, and what is written in them.
/// No page shows them within itself.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// What handlers need.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) listener: Listener,
    pub(crate) buckets: Buckets,
    pub(crate) feeds: Feeds,
    pub(crate) webhooks: Webhooks,
    pub(crate) access: Access,
    /// The key pairs of clients of AWS Glue. None if there is no API for them.
    pub(crate) glue: Option<Vec<KeyPair>>,
    /// Bounds the answers that are in memory.
    pub(crate) answers: Arc<Answers>,
    pub(crate) pulse: Pulse,
    /// What signs the sessions of the console.
    pub(crate) console: console::Secret,
    /// Whether the server has a certificate.
    pub(crate) has_tls: bool,
    /// Set when the process is to stop.
    pub(crate) stopping: CancellationToken,
}

impl App {
    fn bucket(&self, name: &str) -> Result<&Bucket, Problem> {
        let unknown =
            || Problem::not_found("bucket_not_found", format!("there is no bucket {name}"));
        self.buckets.get(name).ok_or_else(unknown)
    }

    /// The feed of this name, or the one that an object goes through by its key. None if that is left to
    /// the keys of several objects.
    fn feed(&self, name: Option<&str>, key: Option<&str>) -> Result<Option<Arc<Feed>>, Problem> {
        let feed = match (name, key) {
            (Some(name), _) => self.feeds.get(name),
            (None, Some(key)) => self.feeds.route(key, |objects| objects.contain_key(key)),
            (None, None) => return Ok(self.feeds.only().map(Arc::clone)),
        };
        let refused = |error: Error| Problem::bad_request(error.code(), error.to_string());
        feed.map(|feed| Some(Arc::clone(feed))).map_err(refused)
    }

    /// Looks an object up: its newest version, or this one.
    async fn locate(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Object, Problem> {
        let found = self.bucket(bucket)?;
        let looking = async {
            match version {
                Some(version) => found.locate_version(key, version).await,
                None => found.locate(key).await,
            }
        };
        let located = tokio::time::timeout(LOOK_UP, looking).await;
        let late = |_| {
            let detail = format!("the store of the bucket {bucket} did not answer in time");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
                .retryable(Some(5))
        };
        Ok(located.map_err(late)??)
    }

    async fn job(&self, job_id: Uuid) -> Result<Job, Problem> {
        let missing = || Problem::not_found("job_not_found", format!("there is no job {job_id}"));
        self.store.get(job_id).await?.ok_or_else(missing)
    }
}

/// Settings of the routes.
#[derive(Debug, Clone)]
pub(crate) struct RouteSettings {
    /// Longest body of a request.
    pub(crate) body_bytes: usize,
    /// Longest time that a request may take, but for streams of events.
    pub(crate) timeout: Duration,
    /// Origins of pages that may call the API from a browser.
    pub(crate) cors_origins: Vec<HeaderValue>,
    /// What is refused of browsers where no keys guard the API.
    pub(crate) browsers: Option<Browsers>,
}

/// What stores call: with tokens of their own, and with a handshake that looks like that of a browser.
fn routes_of_stores(app: &Arc<App>, body_bytes: usize) -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(arrivals::tell, arrivals::allow))
        .route_layer(DefaultBodyLimit::disable())
        .route_layer(RequestBodyLimitLayer::new(body_bytes))
        .route_layer(from_fn_with_state(Arc::clone(app), arrivals::check))
        .route_layer(from_fn_with_state(app.pulse.clone(), health::if_ready))
}

/// The API and its document.
fn routes(app: &Arc<App>, body_bytes: usize) -> (Router<Arc<App>>, utoipa::openapi::OpenApi) {
    let with = |scope| from_fn_with_state((Arc::clone(app), scope), access::check);
    let if_ready = || from_fn_with_state(app.pulse.clone(), health::if_ready);
    let old = OpenApiRouter::new()
        .routes(routes!(trigger::trigger))
        .route_layer(from_fn(trigger::refuse_head));
    // Of those that have a body, how long it is said to be is looked at before it is read.
    let limit = RequestBodyLimitLayer::new(body_bytes);
    let trigger = OpenApiRouter::new()
        .routes(routes!(jobs::create))
        .route_layer(limit)
        .routes(routes!(crawler_runs::run))
        .routes(routes!(watches::run))
        .merge(old)
        .route_layer(if_ready())
        .route_layer(with(Scope::Trigger));
    let lists = OpenApiRouter::new()
        .routes(routes!(jobs::list))
        .routes(routes!(loads::list))
        .routes(routes!(rejects::list))
        .routes(routes!(workers::list))
        .routes(routes!(feeds::list))
        .routes(routes!(catalog::databases))
        .routes(routes!(catalog::list))
        .routes(routes!(catalog::show))
        .routes(routes!(catalog_versions::versions))
        .routes(routes!(catalog_versions::version))
        .routes(routes!(catalog_versions::compare))
        .routes(routes!(catalog_records::records))
        .routes(routes!(tables::rows))
        .routes(routes!(crawlers::list))
        .routes(routes!(crawler_runs::runs))
        .routes(routes!(watches::list))
        .routes(routes!(watches::runs))
        .route_layer(from_fn_with_state(Arc::clone(&app.answers), answers::read_bounded));
    let counts = OpenApiRouter::new()
        .routes(routes!(health::counts))
        .route_layer(from_fn_with_state(Arc::clone(&app.answers), answers::bounded));
    let read = OpenApiRouter::new()
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::attempts))
        .routes(routes!(jobs::webhooks))
        .routes(routes!(job_actions::counts))
        .routes(routes!(job_actions::show))
        .routes(routes!(loads::show))
        .routes(routes!(feeds::show))
        .routes(routes!(feeds::differences))
        .routes(routes!(crawlers::show))
        .routes(routes!(watches::show))
        .route_layer(from_fn_with_state(Arc::clone(&app.answers), answers::bounded))
        .routes(routes!(events::events))
        .merge(lists)
        .route_layer(if_ready())
        .merge(counts)
        .route_layer(with(Scope::Read));
    let admin = OpenApiRouter::new()
        .routes(routes!(crawlers::create))
        .routes(routes!(crawlers::replace, crawlers::remove))
        .routes(routes!(watches::create))
        .routes(routes!(watches::replace, watches::remove))
        .routes(routes!(jobs::retry))
        .routes(routes!(job_actions::retry))
        .routes(routes!(job_actions::cancel))
        .routes(routes!(replays::replay))
        .routes(routes!(replays::ignore))
        .route_layer(limit)
        .routes(routes!(crawler_runs::cancel_run))
        .routes(routes!(watches::pause))
        .routes(routes!(watches::resume))
        .routes(routes!(watches::renew_token))
        .routes(routes!(jobs::cancel))
        .route_layer(if_ready())
        .route_layer(with(Scope::Admin));
    let open = OpenApiRouter::new().routes(routes!(health::live)).routes(routes!(health::ready));
    let all = OpenApiRouter::with_openapi(Document::openapi());
    all.merge(trigger).merge(read).merge(admin).merge(open).split_for_parts()
}

/// The whole API over an application.
pub(crate) fn router(app: Arc<App>, settings: &RouteSettings) -> Router {
    let (api, mut document) = routes(&app, settings.body_bytes);
    let (of_stores, their_document) = routes_of_stores(&app, settings.body_bytes).split_for_parts();
    document.merge(their_document);
    let docs = SwaggerUi::new("/docs").external_url_unchecked("/openapi.json", finished(&document));
    let of_docs = Arc::new(Answers::of_docs());
    let bounded = from_fn_with_state(of_docs, answers::read_bounded);
    let docs = Router::from(docs).layer(map_response(keep_in)).layer(bounded);
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, settings.timeout);
    let browsers = settings.browsers.clone();
    let browsers = browsers.map(|browsers| from_fn_with_state(browsers, browser::check));
    let of_stores = of_stores.with_state(Arc::clone(&app));
    api.merge(docs)
        .merge(console::routes(&app))
        .merge(glue::routes(&app, settings.body_bytes))
        // Named, so that it is within what follows: what is merged behind has one too.
        .fallback(async || StatusCode::NOT_FOUND)
        .with_state(Arc::clone(&app))
        .layer(DefaultBodyLimit::disable())
        .layer(timeout)
        .layer(CatchPanicLayer::new())
        .layer(option_layer(browsers))
        .layer(option_layer(cors(&settings.cors_origins)))
        .merge(of_stores.route_layer(timeout).route_layer(CatchPanicLayer::new()))
        .layer(from_fn_with_state(app, trace::trace))
}

/// Lets pages of some origins call the API; none where there are no such origins.
fn cors(origins: &[HeaderValue]) -> Option<CorsLayer> {
    let allowed = match origins {
        [] => return None,
        origins if origins.iter().any(|origin| origin == "*") => AllowOrigin::any(),
        origins => AllowOrigin::list(origins.to_vec()),
    };
    let headers =
        ["authorization", "content-type", "idempotency-key", "last-event-id", "x-api-key"];
    let exposed = ["location", "retry-after", "x-request-id"];
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .expose_headers(exposed.map(axum::http::HeaderName::from_static))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(headers.map(axum::http::HeaderName::from_static));
    Some(layer)
}

/// Lets the pages load nothing from elsewhere.
async fn keep_in(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
