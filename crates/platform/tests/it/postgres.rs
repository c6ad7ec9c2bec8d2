//! The pool's time-outs are the server's, too.

use goticket_platform::{config::PostgresConfig, postgres};
use goticket_testkit::{TestBed, eventually};
use serde::Deserialize;

use crate::{SOON, config, config_with};

#[derive(Deserialize)]
struct Config {
    postgres: PostgresConfig,
}

#[tokio::test]
async fn every_time_out_reaches_the_server() {
    let bed = TestBed::new().await;
    let config: Config = config_with(&bed, &[("GOTICKET__POSTGRES__STATEMENT_TIMEOUT_MS", "1234")]);
    let pool = postgres::connect(&config.postgres, postgres::Plans::ByKeys).await.unwrap();
    for (setting, value) in [
        ("statement_timeout", "1234ms"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "15s"),
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "20000"),
        ("application_name", "goticket"),
    ] {
        let shown: String = sqlx::query_scalar("SELECT current_setting($1)").bind(setting).fetch_one(&pool).await.unwrap();
        assert_eq!(shown, value, "{setting}");
    }
}

#[tokio::test]
async fn a_used_up_pool_refuses_in_time() {
    let bed = TestBed::new().await;
    let small = [("GOTICKET__POSTGRES__MAX_CONNECTIONS", "1"), ("GOTICKET__POSTGRES__ACQUIRE_TIMEOUT_MS", "100")];
    let pool = postgres::connect(&config_with::<Config>(&bed, &small).postgres, postgres::Plans::ByKeys).await.unwrap();
    let _held = pool.acquire().await.unwrap();
    assert!(matches!(pool.acquire().await, Err(sqlx::Error::PoolTimedOut)));
}

#[tokio::test]
async fn the_pool_comes_back_after_a_cut() {
    let (bed, links) = TestBed::behind_links().await;
    let pool = postgres::connect(&config::<Config>(&bed).postgres, postgres::Plans::ByKeys).await.unwrap();
    links.postgres.cut();
    assert!(sqlx::query("SELECT 1").execute(&pool).await.is_err());
    links.postgres.restore();
    eventually("Postgres answers again", SOON, || async { sqlx::query("SELECT 1").execute(&pool).await.ok() }).await;
}
