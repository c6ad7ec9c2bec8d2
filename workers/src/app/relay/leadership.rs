//! Being the only relay of a shard.

use goticket_storage::{StorageError, answered, outbox::relay as outbox};
use sqlx::{PgConnection, PgPool};

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
    /// Runs statements, all within [`goticket_storage::ANSWER_TIMEOUT`]: what has no answer then was sent over a connection that is
    /// dead, and with it the lead.
    pub(super) async fn run<T>(
        &mut self,
        statements: impl AsyncFnOnce(&mut PgConnection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        answered(statements(&mut self.db)).await
    }
}
