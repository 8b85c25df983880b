//! Ends a service that is too old for its database, while it runs.

use std::time::Duration;

use pipeline::database::refuse_outdated;
use pipeline::error::{Error, causes};
use tokio_util::sync::CancellationToken;

use crate::jobs::Store;
use crate::readiness::Readiness;

/// How often it is looked whether a newer release has migrated the database.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Stops the process when a newer release has changed the schema in a way that this one cannot work with. What
/// runs goes back to the queue, for newer workers; started again, the process says why it does not start.
pub(super) async fn stop_when_outdated(
    store: Store,
    readiness: Readiness,
    stopping: CancellationToken,
) {
    readiness.wait().await;
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        let Ok(client) = store.client().await else { continue };
        match refuse_outdated(&client).await {
            Err(error @ Error::Outdated { .. }) => {
                let error = causes(&error).join(": ");
                tracing::error!(error, "this release is too old for its database: stopping");
                return stopping.cancel();
            }
            Err(error) => {
                tracing::debug!(error = error.with_causes(), "cannot look for migrations")
            }
            Ok(()) => {}
        }
    }
}
