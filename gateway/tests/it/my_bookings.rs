//! What a fan finds of their bookings and payments.

use goticket_domain::booking::{BookingState, RefusalReason};
use goticket_domain::identity::Role;
use goticket_domain::{BookingId, PaymentId};
use goticket_storage::bookings::list::OF_ACCOUNT;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::lanes::{end_hold, refuse, request, take, take_for};
use crate::sale::Sale;
use crate::world::{Person, World, expect, places, problem};

async fn page(world: &World, fan: &Person, query: &str) -> (Vec<String>, Value) {
    let body = expect(world.get(&format!("/v1/bookings{query}"), Some(fan)).await, StatusCode::OK).await;
    let items = body["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
    (items.collect(), body["next_cursor"].clone())
}

fn newest_first(ids: &[BookingId]) -> Vec<String> {
    ids.iter().rev().map(ToString::to_string).collect()
}

#[tokio::test]
async fn ones_own_bookings_come_newest_first_and_page_by_page() {
    let sale = Sale::new().await;
    let (world, fan, event) = (&sale.world, &sale.fan, sale.event);
    assert_eq!(page(world, fan, "").await, (Vec::new(), Value::Null));
    let mut mine = Vec::new();
    for seat in 0..5 {
        mine.push(take_for(world, event, fan.id, &[seat], BookingState::Held).await);
        take(world, event, &[100 + seat], BookingState::Held).await;
    }
    let all = newest_first(&mine);
    // Exactly as many as there are is the last page, one fewer is not.
    for (limit, pages) in [(1, 5), (2, 3), (4, 2), (5, 1), (100, 1)] {
        let (mut seen, mut cursor, mut count) = (Vec::new(), String::new(), 0);
        loop {
            let (items, next) = page(world, fan, &format!("?limit={limit}{cursor}")).await;
            assert!(items.len() <= limit);
            seen.extend(items);
            count += 1;
            let Some(next) = next.as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!((&seen, count), (&all, pages), "limit {limit}");
    }
    // A booking made meanwhile does not move the pages after it.
    let (_, cursor) = page(world, fan, "?limit=2").await;
    take_for(world, event, fan.id, &[9], BookingState::Held).await;
    let (rest, _) = page(world, fan, &format!("?cursor={}", cursor.as_str().unwrap())).await;
    assert_eq!(rest, all[2..]);
}

#[tokio::test]
async fn the_list_shows_what_each_bookings_own_address_shows() {
    let sale = Sale::new().await;
    let (world, fan, event) = (&sale.world, &sale.fan, sale.event);
    let held = take_for(world, event, fan.id, &[1, 2], BookingState::Held).await;
    let confirmed = take_for(world, event, fan.id, &[3], BookingState::Confirmed).await;
    let expired = take_for(world, event, fan.id, &[4], BookingState::Held).await;
    end_hold(world, event, expired, BookingState::Expired).await;
    let cancelled = take_for(world, event, fan.id, &[5], BookingState::Held).await;
    end_hold(world, event, cancelled, BookingState::Cancelled).await;
    let asked = request(event, fan.id, &[3]);
    let refused = refuse(world, &asked, asked.booking, RefusalReason::Sold.into()).await.booking();

    let rows: [(&str, &[BookingId]); 7] = [
        ("", &[held, confirmed, expired, cancelled]),
        ("?state=held", &[held]),
        ("?state=confirmed", &[confirmed]),
        ("?state=expired", &[expired]),
        ("?state=cancelled", &[cancelled]),
        ("?state=refunded", &[]),
        ("?state=refused", &[refused]),
    ];
    for (query, ids) in rows {
        let answer = world.get(&format!("/v1/bookings{query}"), Some(fan)).await;
        assert_eq!(answer.headers()["cache-control"], "private, no-store");
        let body = expect(answer, StatusCode::OK).await;
        let mut shown = Vec::new();
        for id in ids.iter().rev() {
            shown.push(expect(world.get(&format!("/v1/bookings/{id}"), Some(fan)).await, StatusCode::OK).await);
        }
        assert_eq!(body, json!({ "items": shown, "next_cursor": null }), "{query}");
    }
}

#[tokio::test]
async fn a_page_is_asked_for_within_its_limits() {
    let world = World::new().await;
    let fan = world.person(Role::User).await;
    for good in ["limit=1", "limit=100", "state=held&limit=1"] {
        expect(world.get(&format!("/v1/bookings?{good}"), Some(&fan)).await, StatusCode::OK).await;
    }
    let rows = [
        ("limit=0", "?limit"),
        ("limit=101", "?limit"),
        ("limit=-1", "?limit"),
        ("cursor=x", "?cursor"),
        ("state=pending", "?state"),
        ("state=HELD", "?state"),
        ("account=x", "?account"),
    ];
    for (query, place) in rows {
        let body = problem(world.get(&format!("/v1/bookings?{query}"), Some(&fan)).await, 400, "invalid_query").await;
        assert_eq!(places(&body).unwrap(), [place], "{body}");
    }
    let unknown = format!("/v1/bookings/{}/payments", BookingId::generate());
    for path in ["/v1/bookings", unknown.as_str()] {
        problem(world.get(path, None).await, 401, "access_token_missing").await;
    }
    problem(world.get(&unknown, Some(&fan)).await, 404, "booking_not_found").await;
}

/// What PostgreSQL does for the list, with all that others have in the table.
#[tokio::test]
async fn a_list_reads_its_accounts_rows_and_no_ones_else() {
    let world = World::new().await;
    let insert = |account: &str, rows: u32| {
        AssertSqlSafe(format!(
            "INSERT INTO bookings (id, event, section, account, key, payload_hash, decided_at, seats, prices, total_minor, currency,
                                   held_until, state, hold_expires_at, changed_at)
             SELECT gen_random_uuid(), gen_random_uuid(), 0, {account}, n::text, sha256(''), now(), '{{1}}', '{{0}}', 0, 'EUR', now(),
                    'expired', now(), now()
               FROM generate_series(1, {rows}) n"
        ))
    };
    let mut db = world.pool.acquire().await.unwrap();
    let mine = "'00000000-0000-7000-8000-000000000001'";
    sqlx::raw_sql(insert("gen_random_uuid()", 20_000)).execute(&mut *db).await.unwrap();
    sqlx::raw_sql(insert(mine, 300)).execute(&mut *db).await.unwrap();
    sqlx::raw_sql("ANALYZE bookings").execute(&mut *db).await.unwrap();
    let statement = format!("PREPARE mine (uuid, uuid, text, bigint) AS {OF_ACCOUNT}");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *db).await.unwrap();
    for before in ["NULL", "'ffffffff-0000-0000-0000-000000000000'"] {
        let explain = format!("EXPLAIN (ANALYZE, TIMING OFF) EXECUTE mine ({mine}, {before}, NULL, 20)");
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *db).await.unwrap();
        let plan = lines.join("\n");
        assert!(plan.contains("bookings_one_outcome") && plan.contains("bookings_pkey"), "{plan}");
        assert!(!plan.contains("Seq Scan"), "{plan}");
        // Others' rows would be read and thrown away.
        assert!(!plan.contains("Rows Removed"), "{plan}");
    }
}

#[tokio::test]
async fn a_bookings_payments_come_oldest_first_and_to_their_owner_alone() {
    let sale = Sale::new().await;
    let (world, fan) = (&sale.world, &sale.fan);
    let booking = take_for(world, sale.event, fan.id, &[1], BookingState::Held).await;
    let other = take_for(world, sale.event, fan.id, &[2], BookingState::Held).await;
    let attempts: Vec<PaymentId> = (0..4).map(|_| PaymentId::generate()).collect();
    let rows = [(2, booking, "open"), (0, booking, "declined"), (3, other, "open"), (1, booking, "refund_due")];
    for (index, booking, state) in rows {
        sqlx::query(
            "INSERT INTO payments (id, booking, provider, amount_minor, currency, state, created_at, updated_at)
             VALUES ($1, $2, 'sandbox', 2500, 'EUR', $3, '2026-01-02T03:04:05Z', '2026-01-02T03:05:06.7Z')",
        )
        .bind(attempts[index].0)
        .bind(booking.0)
        .bind(state)
        .execute(&world.pool)
        .await
        .unwrap();
    }
    let path = format!("/v1/bookings/{booking}/payments");
    let answer = world.get(&path, Some(fan)).await;
    assert_eq!(answer.headers()["cache-control"], "private, no-store");
    let item = |index: usize, state: &str| {
        json!({
            "id": attempts[index], "provider": "sandbox", "amount": { "amount_minor": 2_500, "currency": "EUR" }, "state": state,
            "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:05:06.7Z",
        })
    };
    let items = [item(0, "declined"), item(1, "refund_due"), item(2, "open")];
    assert_eq!(expect(answer, StatusCode::OK).await, json!({ "items": items }));

    let stranger = world.person(Role::User).await;
    problem(world.get(&path, Some(&stranger)).await, 404, "booking_not_found").await;
}

#[tokio::test]
async fn what_came_to_no_booking_has_no_payments_and_what_is_found_elsewhere_has_its_own() {
    let sale = Sale::new().await;
    let (location, asked) = sale.leave_request("k", &json!({ "seats": [1] })).await;
    let path = format!("{location}/payments");
    let none = json!({ "items": [] });
    assert_eq!(expect(sale.show(&path).await, StatusCode::OK).await, none, "still to be decided");
    let booking = crate::lanes::hold(&sale.world, &asked, BookingId::generate(), &[(1, 2_500)]).await.booking();
    problem(sale.world.post(&format!("{location}/payment"), Some(&sale.fan), &json!({})).await, 503, "unavailable").await;
    let elsewhere = expect(sale.show(&path).await, StatusCode::OK).await;
    assert_eq!(elsewhere["items"][0]["state"], "open", "{elsewhere}");
    assert_eq!(expect(sale.show(&format!("/v1/bookings/{booking}/payments")).await, StatusCode::OK).await, elsewhere);

    let asked = request(sale.event, sale.fan.id, &[1]);
    let refused = refuse(&sale.world, &asked, asked.booking, RefusalReason::Held.into()).await.booking();
    assert_eq!(expect(sale.show(&format!("/v1/bookings/{refused}/payments")).await, StatusCode::OK).await, none);
}
