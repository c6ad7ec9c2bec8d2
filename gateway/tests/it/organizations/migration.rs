//! What was there before organizations were, and the release that does not know of them.

use goticket_testkit::TestBed;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use uuid::Uuid;

use crate::lanes;

/// The first migration that knows of organizations.
const ORGANIZATIONS: &str = "0038";

async fn account(pool: &PgPool, name: &str) -> Uuid {
    let id = Uuid::now_v7();
    sqlx::query("INSERT INTO accounts (id, email, name, role) VALUES ($1, $2, $3, 'organizer')")
        .bind(id)
        .bind(format!("{id}@example.com"))
        .bind(name)
        .execute(pool)
        .await
        .unwrap();
    id
}

/// As the release before writes a venue and an event.
async fn venue_and_event(pool: &PgPool, owner: Uuid) -> (Uuid, Uuid) {
    let (venue, event) = (Uuid::now_v7(), Uuid::now_v7());
    sqlx::query("INSERT INTO venues (id, owner, name, time_zone, plan, seat_count) VALUES ($1, $2, 'V', 'UTC', '{}', 10)")
        .bind(venue)
        .bind(owner)
        .execute(pool)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO events (id, venue, owner, title, currency, status, starts_at, lobby_opens_at, onsale_at, hold_seconds, ticket_limit, capacity)
         VALUES ($1, $2, $3, 'E', 'EUR', 'draft', now(), now(), now(), 300, 6, 10)",
    )
    .bind(event)
    .bind(venue)
    .bind(owner)
    .execute(pool)
    .await
    .unwrap();
    (venue, event)
}

async fn organization_of(pool: &PgPool, table: &str, id: Uuid) -> Uuid {
    let text = match table {
        "venues" => "SELECT organization FROM venues WHERE id = $1",
        _ => "SELECT organization FROM events WHERE id = $1",
    };
    sqlx::query_scalar(text).bind(id).fetch_one(pool).await.unwrap()
}

async fn owners_of(pool: &PgPool, organization: Uuid) -> Vec<(String, Uuid)> {
    sqlx::query_as(
        "SELECT o.name, m.account FROM organizations o JOIN organization_members m ON m.organization = o.id
         WHERE o.id = $1 AND m.role = 'owner'",
    )
    .bind(organization)
    .fetch_all(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn whoever_owned_something_is_the_owner_of_an_organization_that_does() {
    let bed = TestBed::new().await;
    let pool = PgPool::connect(&bed.postgres_url).await.unwrap();
    let before = bed.objects_dir.join("migrations");
    std::fs::create_dir_all(&before).unwrap();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations")).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_str().unwrap() < ORGANIZATIONS {
            std::fs::copy(file.path(), before.join(file.file_name())).unwrap();
        }
    }
    Migrator::new(before).await.unwrap().run(&pool).await.unwrap();
    let (olga, fan) = (account(&pool, "Olga").await, account(&pool, "Fan").await);
    let (venue, event) = venue_and_event(&pool, olga).await;

    goticket_storage::migrate(&pool, lanes::count()).await.unwrap();
    let organization = organization_of(&pool, "events", event).await;
    assert_eq!(organization_of(&pool, "venues", venue).await, organization);
    assert_eq!(owners_of(&pool, organization).await, [("Olga".to_owned(), olga)]);
    let fans: i64 = sqlx::query_scalar("SELECT count(*) FROM organization_members WHERE account = $1")
        .bind(fan)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(fans, 0, "who owns nothing belongs nowhere");

    // The release before still writes, beside this one: for who is in an organization, and for who is in none yet.
    let ida = account(&pool, "Ida").await;
    for (person, name) in [(olga, "Olga"), (ida, "Ida"), (ida, "Ida")] {
        let (venue, event) = venue_and_event(&pool, person).await;
        let of = organization_of(&pool, "venues", venue).await;
        assert_eq!(organization_of(&pool, "events", event).await, of);
        assert_eq!(owners_of(&pool, of).await, [(name.to_owned(), person)]);
    }
    // And reads what this one writes.
    let written: Uuid = sqlx::query_scalar(
        "INSERT INTO venues (id, organization, name, time_zone, plan, seat_count) VALUES ($1, $2, 'V', 'UTC', '{}', 10) RETURNING owner",
    )
    .bind(Uuid::now_v7())
    .bind(organization)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(written, olga);
}
