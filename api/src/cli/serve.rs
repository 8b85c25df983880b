//! `stevedore serve`: the REST API, with a worker inside.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use pipeline::feed::Feeds;

use super::print::Printer;
use super::service::{Service, StartError};
use crate::config::ServeArgs;
use crate::http::{
    Access, Answers, App, Browsers, RouteSettings, ServerSettings, bind, router, serve as listen,
};
use crate::jobs::watches::WatchPlan;
use crate::metrics;

pub(super) async fn serve(
    args: ServeArgs,
    watches: Vec<WatchPlan>,
    feeds: &Feeds,
    printer: &Printer,
) -> ExitCode {
    if let Err(refused) = check(&args) {
        return printer.misused("could not serve", &refused);
    }
    match run(args, watches, feeds, printer).await {
        Ok(exit) => exit,
        Err(error) => printer.failed("could not serve", error.as_error()),
    }
}

/// Why the API is not served with these settings.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(
        "other machines can reach {0}, and there are no keys: make one with `stevedore key`, or pass --insecure"
    )]
    NoKeys(std::net::SocketAddr),
    #[error("TLS needs both tls_cert and tls_key")]
    HalfTls,
    #[error("webhooks are signed: pass --webhook-secret too")]
    NoWebhookSecret,
    #[error("two keys have the name {0}: logs could not tell their requests apart")]
    SameName(String),
    #[error("clients of AWS Glue sign their requests: pass --glue-key too")]
    NoGlueKey,
    #[error("--glue-key is for clients of AWS Glue: pass --glue too")]
    NoGlue,
}

fn check(args: &ServeArgs) -> Result<(), Refused> {
    let ServeArgs { work, server: args } = args;
    if args.webhooks().is_wanted() && work.webhook_secrets.is_empty() {
        return Err(Refused::NoWebhookSecret);
    }
    if args.tls_cert.is_some() != args.tls_key.is_some() {
        return Err(Refused::HalfTls);
    }
    match (args.glue, args.glue_keys.is_empty()) {
        (true, true) => return Err(Refused::NoGlueKey),
        (false, false) => return Err(Refused::NoGlue),
        _ => {}
    }
    let names = args.keys.iter().map(|key| &key.name);
    let names = names.chain(args.glue_keys.iter().map(|pair| &pair.access_key_id));
    let mut known = HashSet::new();
    if let Some(again) = names.into_iter().find(|name| !known.insert(*name)) {
        return Err(Refused::SameName(again.clone()));
    }
    let is_guarded = args.listen.ip().is_loopback() || !args.keys.is_empty() || args.insecure;
    if is_guarded { Ok(()) } else { Err(Refused::NoKeys(args.listen)) }
}

async fn run(
    args: ServeArgs,
    watches: Vec<WatchPlan>,
    feeds: &Feeds,
    printer: &Printer,
) -> Result<ExitCode, StartError> {
    let ServeArgs { work, server } = args;
    let counted = metrics::start()?;
    let service = Service::start(&work, watches, feeds, printer).await?;
    let stopping = service.stopping.clone();
    let is_open = server.keys.is_empty();
    let store = service.store(server.pool_size)?;
    let app = Arc::new(App {
        store: store.clone(),
        listener: service.listener.clone(),
        buckets: service.buckets.clone(),
        feeds: feeds.clone(),
        webhooks: server.webhooks(),
        glue: server.glue.then_some(server.glue_keys),
        access: Access::new(server.keys, server.rate_limit),
        answers: Arc::new(Answers::new(server.pool_size.get())),
        pulse: service.pulse(store.clone(), counted),
        console: Default::default(),
        has_tls: server.tls_cert.is_some(),
        stopping: stopping.clone(),
    });
    let is_watched = is_open && !server.insecure;
    let browsers = is_watched
        .then(|| Browsers { listen: server.listen.ip(), origins: server.cors_origins.clone() });
    let routes = RouteSettings {
        browsers,
        body_bytes: server.max_body_bytes,
        timeout: Duration::from_secs(server.request_timeout_secs),
        cors_origins: server.cors_origins,
    };
    let settings = ServerSettings {
        tls: server.tls_cert.zip(server.tls_key),
        timeout: routes.timeout,
        max_connections: server.max_connections.get(),
        write_timeout: Duration::from_secs(server.write_timeout_secs.get()),
    };
    let worker = (!server.no_worker).then(|| tokio::spawn(service.work()));
    let names = service.buckets.names().collect::<Vec<_>>().join(", ");
    let told = |url: &str| {
        printer.note(&format!("serving {url}, its documentation is at {url}/docs"));
        printer.note(&format!("buckets: {names}"));
        if is_open {
            printer.note("note: there are no keys, so everybody who can connect may do everything");
        }
    };
    let served = match bind(server.listen) {
        Ok(listener) => {
            listen(router(app, &routes), listener, &settings, stopping.clone(), told).await
        }
        Err(error) => Err(error),
    };
    // Without its API a worker would work on unseen.
    stopping.cancel();
    if let Some(worker) = worker {
        worker.await.ok();
    }
    let closed = service.close().await;
    match served {
        Ok(()) => {
            closed?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Ok(printer.failed(&format!("could not serve {}", server.listen), &error)),
    }
}
