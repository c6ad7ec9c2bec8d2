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

/// The server asks a silent client for a sign of life after the first, again after the second, and lets it go after so many. Without
/// it the locks of a host that vanished would stay for hours.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_COUNT: u64 = 3;

/// The server lets a client go that does not acknowledge what it was sent.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(20);

/// How statements are planned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plans {
    /// Each time again, for the tables as they are: for statements that read much or run seldom.
    ForTheMoment,
    /// The same, and by indexes only: for statements that run all the time and find their rows by keys. Never once per connection: of
    /// indexes on an empty table one is as good as another, and the plan would stay.
    ByKeys,
    /// By reading whole tables and joining them by hash, for as long as it takes: for statements that read everything. Of tables that were
    /// analysed before the sale a planner expects a row of it, and would go through one table for each row of another.
    OverEverything,
}

/// Connects, and fails if the database cannot be reached within the acquire time-out. Afterwards the pool reconnects by itself.
pub async fn connect(config: &PostgresConfig, plans: Plans) -> Result<PgPool, sqlx::Error> {
    pool_options(config).connect_with(connect_options(config)?.options(plans.settings().iter().copied())).await
}

impl Plans {
    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::ForTheMoment => &[("plan_cache_mode", "force_custom_plan")],
            Self::OverEverything => &[
                ("plan_cache_mode", "force_custom_plan"),
                ("enable_nestloop", "off"),
                ("jit", "off"),
                ("statement_timeout", "0"),
            ],
            Self::ByKeys => &[
                ("plan_cache_mode", "force_custom_plan"),
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("jit", "off"),
            ],
        }
    }
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
        ("tcp_keepalives_idle", KEEPALIVE_IDLE.as_secs()),
        ("tcp_keepalives_interval", KEEPALIVE_INTERVAL.as_secs()),
        ("tcp_keepalives_count", KEEPALIVE_COUNT),
        ("tcp_user_timeout", u64::try_from(UNACKNOWLEDGED_MAX.as_millis()).unwrap_or(u64::MAX)),
    ]))
}
