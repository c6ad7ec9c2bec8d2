//! The Postgres pool, with every time-out set.

use std::{str::FromStr as _, time::Duration};

use secrecy::ExposeSecret as _;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::config::PostgresConfig;

/// Connections are renewed, so that a fail-over's survivors spread again.
const MAX_LIFETIME: Duration = Duration::from_mins(30);

/// Connects, and fails if the database cannot be reached within the acquire time-out. Afterwards the pool reconnects by itself.
pub async fn connect(config: &PostgresConfig) -> Result<PgPool, sqlx::Error> {
    pool_options(config).connect_with(connect_options(config)?).await
}

fn pool_options(config: &PostgresConfig) -> PgPoolOptions {
    // Acquiring includes connecting: it is the connect time-out, too.
    PgPoolOptions::new()
        .max_connections(config.max_connections.get())
        .acquire_timeout(config.acquire_timeout_ms.millis())
        .max_lifetime(MAX_LIFETIME)
}

fn connect_options(config: &PostgresConfig) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(config.url.expose_secret())?;
    let options = if options.get_application_name().is_none() { options.application_name("goticket") } else { options };
    Ok(options.options([
        ("statement_timeout", config.statement_timeout_ms.get()),
        ("lock_timeout", config.lock_timeout_ms.get()),
        ("idle_in_transaction_session_timeout", config.idle_in_transaction_timeout_ms.get()),
    ]))
}
