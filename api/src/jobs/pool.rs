//! The connections of the API and the queue. Loads have connections of their own, so that neither
//! waits for the other.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::{
    BuildError, Connect, Manager, ManagerConfig, PoolConfig, QueueMode, RecyclingMethod, Runtime,
    Timeouts,
};
use pipeline::database::Database;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error};

pub(crate) use deadpool_postgres::Pool;

/// Longest wait for a connection, while all are in use or the database cannot be reached.
const WAIT: Duration = Duration::from_secs(10);

/// At most `size` connections to the database.
///
/// # Errors
/// When timeouts are set without a runtime, which one is here.
pub(crate) fn pool(database: &Database, size: usize) -> Result<Pool, BuildError> {
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager =
        Manager::from_connect(database.config().clone(), Prepared(database.clone()), manager);
    let timeouts =
        Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: Some(Duration::from_secs(5)) };
    // The connection that was used last: its server process has most of what a statement needs at hand.
    let queue_mode = QueueMode::Lifo;
    let config = PoolConfig { timeouts, queue_mode, ..PoolConfig::new(size) };
    let builder = Pool::builder(manager).config(config).runtime(Runtime::Tokio1);
    builder.build()
}

/// Connects as the database says, with its sessions' settings.
struct Prepared(Database);

type Connected = Result<(Client, JoinHandle<()>), Error>;

impl Connect for Prepared {
    fn connect(&self, _: &Config) -> Pin<Box<dyn Future<Output = Connected> + Send + '_>> {
        Box::pin(async {
            let (client, connection) = self.0.open().await?;
            let driver = tokio::spawn(async {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a pooled connection broke");
                }
            });
            self.0.prepare_session(&client).await?;
            Ok((client, driver))
        })
    }
}
