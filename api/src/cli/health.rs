//! `stevedore health`: whether a server is ready, for containers that have no other HTTP client.

use std::process::ExitCode;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::client::{ClientError, Server};
use super::print::Printer;
use crate::config::{HealthArgs, without_userinfo};

/// Longest time in which a server answers, which may ask its database first.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a server is not ready.
#[derive(Debug, thiserror::Error)]
enum Unready {
    #[error(transparent)]
    Refused(#[from] ClientError),
    #[error("it does not answer within {} seconds", PATIENCE.as_secs())]
    Late,
}

pub(super) async fn health(args: &HealthArgs, printer: &Printer) -> ExitCode {
    match ask(args).await {
        Ok(()) => {
            printer.data("ready\n");
            ExitCode::SUCCESS
        }
        Err(error) => {
            printer.failed(&format!("{} is not ready", without_userinfo(&args.server)), &error)
        }
    }
}

async fn ask(args: &HealthArgs) -> Result<(), Unready> {
    let server = Server::new(args.server.clone(), None, args.ca_cert.as_deref())?;
    let answer = server.ask::<Value>(Method::GET, "/readyz", &[]);
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => Ok(answer.map(drop)?),
        Err(_) => Err(Unready::Late),
    }
}
