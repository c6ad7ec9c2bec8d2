//! The audit's own negative controls: it goes red for every kind of damage, names it, and is green again without it.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::world::fan::card;
use crate::world::onsale::Wish;
use crate::world::{ONE_PROCESS, World};

/// Damage, its repair, and the check that must find it.
const DAMAGES: &[(&str, &str, &str)] = &[
    (
        "DROP INDEX booking_seats_one_live;
         INSERT INTO booking_seats SELECT h.id, s.event, s.seat, s.section, s.price_minor, true FROM booking_seats s
           JOIN bookings b ON b.id = s.booking AND b.state = 'confirmed', bookings h WHERE h.state = 'held'",
        "DELETE FROM booking_seats s USING bookings b, booking_seats t, bookings c
          WHERE b.id = s.booking AND b.state = 'held' AND t.seat = s.seat AND c.id = t.booking AND c.state = 'confirmed';
         CREATE UNIQUE INDEX booking_seats_one_live ON booking_seats (event, seat) WHERE live",
        "oversold",
    ),
    (
        "INSERT INTO outbox (id, topic, event, type, body)
         SELECT 'ffffffff-0000-7000-8000-000000000000', 'goticket.bookings.v1', id, 'goticket.BookingExpired', '{}' FROM events",
        "DELETE FROM outbox WHERE id = 'ffffffff-0000-7000-8000-000000000000'",
        "committed is published",
    ),
    ("UPDATE notifications SET state = 'rendered'", "UPDATE notifications SET state = 'sent'", "mails"),
    (
        "CREATE TABLE kept AS SELECT * FROM booking_requests; DELETE FROM booking_requests",
        "INSERT INTO booking_requests SELECT * FROM kept; DROP TABLE kept",
        "one request, one outcome",
    ),
    ("UPDATE account_tickets SET tickets = tickets + 1", "UPDATE account_tickets SET tickets = tickets - 1", "ticket limit"),
    (
        "UPDATE payments SET state = 'declined' WHERE state = 'paid'",
        "UPDATE payments SET state = 'paid' WHERE state = 'declined'",
        "money for seats",
    ),
];

#[tokio::test]
async fn the_audit_names_every_kind_of_damage_and_exits_with_1() {
    let mut world = World::of(ONE_PROCESS).await;
    let event = world.publish(&Wish::default()).await;
    let fans = world.shoppers(&event, 2).await;
    let bought = fans[0].hold(&[event.seat("Stalls", 0)]).await;
    fans[0].buy(&bought.id, card::PAYS).await;
    fans[1].hold(&[event.seat("Stalls", 5)]).await;
    world.assert_clean().await;
    // Nobody repairs or publishes anything from here on.
    world.deployment.stop().await.unwrap();

    for (damage, repair, check) in DAMAGES {
        world.db.execute(AssertSqlSafe(*damage)).await.unwrap();
        let (passes, failing) = audit(&world, &event.id).await;
        assert!(!passes && failing.contains(*check), "{check} is not among {failing:?}");
        world.db.execute(AssertSqlSafe(*repair)).await.unwrap();
        assert_eq!(audit(&world, &event.id).await, (true, BTreeSet::new()), "after the repair of {check}");
    }
}

/// Whether it exits with success, and the checks that fail.
async fn audit(world: &World, event: &str) -> (bool, BTreeSet<String>) {
    let output = world.deployment.try_command(&["audit", "--json", "--event", event], &[]).await.unwrap();
    let report: Value = serde_json::Deserializer::from_str(&output.stdout).into_iter().next().unwrap().unwrap();
    assert_eq!(report["ok"].as_bool(), Some(output.success));
    let failing = report["checks"].as_array().unwrap().iter().filter(|check| check["violations"] != 0);
    (output.success, failing.map(|check| check["name"].as_str().unwrap().to_owned()).collect())
}
