//! `stevedore worker`: only a worker, beside others.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use pipeline::feed::Feeds;
use tokio_util::sync::CancellationToken;

use super::print::Printer;
use super::service::{Service, StartError};
use crate::config::{PROBE_PORT, ProbeArgs, WorkerArgs};
use crate::http::{ServerSettings, bind, probes, serve};
use crate::jobs::watches::WatchPlan;
use crate::metrics;

/// Longest time that the answer to a probe takes, and in which it is read.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections for probes at the same time.
const CONNECTIONS: usize = 32;
/// Connections to the database for them.
const DATABASE_CONNECTIONS: NonZeroUsize = NonZeroUsize::MIN;

pub(super) async fn worker(
    args: WorkerArgs,
    watches: Vec<WatchPlan>,
    feeds: &Feeds,
    printer: &Printer,
) -> ExitCode {
    match run(&args, watches, feeds, printer).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => printer.failed("could not work", error.as_error()),
    }
}

async fn run(
    args: &WorkerArgs,
    watches: Vec<WatchPlan>,
    feeds: &Feeds,
    printer: &Printer,
) -> Result<(), StartError> {
    let WorkerArgs { work, probes } = args;
    let service = Service::start(work, watches, feeds, printer).await?;
    let names = service.buckets.names().collect::<Vec<_>>().join(", ");
    printer.note(&format!("working on {} loads at a time; buckets: {names}", work.concurrency()));
    let ended = CancellationToken::new();
    if let Some(listener) = listener(probes)? {
        answer(listener, &service, ended.clone(), printer)?;
    }
    service.work().await;
    ended.cancel();
    Ok(service.close().await?)
}

/// Where to listen for probes, if that is wanted. Several workers of a machine share no port, so one that was not
/// asked for may be another.
fn listener(args: &ProbeArgs) -> Result<Option<TcpListener>, StartError> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let failed = |address| move |source| StartError::Listen { address, source };
    match args.listen {
        _ if args.no_listen => Ok(None),
        Some(address) => bind(address).map(Some).map_err(failed(address)),
        None => {
            let usual = bind(local(PROBE_PORT));
            let any = usual.or_else(|_: io::Error| bind(local(0)));
            any.map(Some).map_err(failed(local(0)))
        }
    }
}

/// Answers probes until `ended`: longer than the worker takes jobs, since what runs may go on for a while.
fn answer(
    listener: TcpListener,
    service: &Service,
    ended: CancellationToken,
    printer: &Printer,
) -> Result<(), StartError> {
    let counted = metrics::start()?;
    let pulse = service.pulse(service.store(DATABASE_CONNECTIONS)?, counted);
    let settings = ServerSettings {
        tls: None,
        timeout: PATIENCE,
        max_connections: CONNECTIONS,
        write_timeout: PATIENCE,
    };
    if let Ok(address) = listener.local_addr() {
        printer.note(&format!("probes and counts: http://{address}/metrics"));
    }
    tokio::spawn(async move {
        let served = serve(probes(pulse, PATIENCE), listener, &settings, ended, |_| {}).await;
        if let Err(error) = served {
            tracing::warn!(%error, "probes are not answered any more");
        }
    });
    Ok(())
}
