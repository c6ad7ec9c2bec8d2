//! The audit reads everything, of tables that were analysed before the sale, if ever: no plan may go through one for each row of another.

use std::collections::BTreeSet;

use goticket_platform::config::{PostgresConfig, load_from};
use goticket_platform::postgres::{self, Plans};
use goticket_storage::audit::CHECKS;
use goticket_testkit::TestBed;
use serde::Deserialize;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};

#[derive(Deserialize)]
struct Config {
    postgres: PostgresConfig,
}

async fn pool(bed: &TestBed, plans: Plans) -> PgPool {
    let config: Config = load_from(None, [("GOTICKET__POSTGRES__URL".to_owned(), bed.postgres_url.clone())]).unwrap();
    postgres::connect(&config.postgres, plans).await.unwrap()
}

/// What is audited: everything, and one event.
const SCOPES: [&str; 2] = ["NULL", "'0190163d-8694-739b-aea5-966c26f8ad91'"];

/// The checks with a plan that joins two tables by going through all of the inner one for each row of the outer one.
async fn quadratic(pool: &PgPool) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for (check, scope) in CHECKS.iter().flat_map(|check| SCOPES.map(|scope| (check, scope))) {
        let explain = format!("EXPLAIN (FORMAT JSON) {}", check.statement().replace("$1", scope).replace("$2", "now()"));
        let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_one(pool).await.unwrap();
        if has_quadratic_join(&plan[0]["Plan"]) {
            found.insert(check.name);
        }
    }
    found
}

fn children(node: &Value) -> &[Value] {
    node["Plans"].as_array().map_or(&[], Vec::as_slice)
}

fn has_quadratic_join(node: &Value) -> bool {
    let side = |name: &str| children(node).iter().find(|child| child["Parent Relationship"] == name);
    let loops = node["Node Type"] == "Nested Loop" && side("Inner").is_some_and(reads_whole_table);
    (loops && !side("Outer").is_some_and(is_one_event)) || children(node).iter().any(has_quadratic_join)
}

/// The one that is asked about, or what is joined to it once.
fn is_one_event(node: &Value) -> bool {
    node["Index Name"] == "events_pkey" || children(node).first().is_some_and(is_one_event)
}

fn reads_whole_table(node: &Value) -> bool {
    node["Node Type"] == "Seq Scan" || children(node).iter().any(reads_whole_table)
}

#[tokio::test]
async fn no_check_goes_through_a_table_for_each_row_of_another() {
    let bed = TestBed::new().await;
    let planned = pool(&bed, Plans::OverEverything).await;
    goticket_storage::migrate(&planned, goticket_domain::lane::LaneCount::new(1).unwrap()).await.unwrap();
    // Sales of before, which were counted: of the event that is asked about a planner expects a row.
    for statement in [
        "INSERT INTO bookings (id, event, section, account, key, payload_hash, decided_at, seats, prices, total_minor, currency, held_until,
                               state, hold_expires_at, changed_at)
         SELECT gen_random_uuid(), gen_random_uuid(), 0, gen_random_uuid(), 'k', sha256(''), now(), '{1}', '{0}', 0, 'EUR', now(),
                'expired', now(), now()
           FROM generate_series(1, 3000)",
        "ANALYZE bookings",
    ] {
        sqlx::raw_sql(statement).execute(&planned).await.unwrap();
    }
    assert_eq!(quadratic(&planned).await, BTreeSet::new());
    let guessed = quadratic(&pool(&bed, Plans::ForTheMoment).await).await;
    assert!(guessed.contains(&"outcomes are told once"), "a planner that guesses shows why it must not: {guessed:?}");
}
