//! Being the only relay of a shard.

use std::time::Duration;

use goticket_storage::{StorageError, outbox::relay as outbox};
use sqlx::{PgConnection, PgPool};
use tokio::time::timeout;

/// A statement that has no answer after this was sent over a connection that is dead, and with it the lead.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// The right to lead, or the wish.
pub(super) struct Leadership {
    pool: PgPool,
    shard: i16,
    connection: Option<Connection>,
}

/// A connection of its own, outside the pool: the lock lives and dies with it.
pub(super) struct Connection {
    db: PgConnection,
    leads: bool,
}

impl Leadership {
    pub(super) fn new(pool: PgPool, shard: i16) -> Self {
        Self { pool, shard, connection: None }
    }

    pub(super) fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    /// The leading connection; None while another relay leads.
    pub(super) async fn lead(&mut self) -> Result<Option<&mut Connection>, StorageError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection { db: self.pool.acquire().await?.detach(), leads: false },
        };
        let connection = self.connection.insert(connection);
        if !connection.leads {
            let shard = self.shard;
            connection.leads = connection.run(async |db| outbox::try_lead(db, shard).await).await?;
            if connection.leads {
                tracing::info!(shard, "relay: leading");
            }
        }
        Ok(connection.leads.then_some(connection))
    }

    /// Closes the connection: whoever waits may lead.
    pub(super) fn give_up(&mut self) {
        if self.connection.take().is_some_and(|connection| connection.leads) {
            tracing::info!(shard = self.shard, "relay: lead given up");
        }
    }
}

impl Connection {
    /// Runs statements, all within [`ANSWER_TIMEOUT`].
    pub(super) async fn run<T>(
        &mut self,
        statements: impl AsyncFnOnce(&mut PgConnection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        timeout(ANSWER_TIMEOUT, statements(&mut self.db))
            .await
            .unwrap_or_else(|_| Err(StorageError::Unavailable(sqlx::Error::PoolTimedOut)))
    }
}
