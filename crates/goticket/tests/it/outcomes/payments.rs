//! Money: declined, doubled, late, lost, too late. Each ends with seats for money, or money back.

use reqwest::StatusCode;
use sqlx::Row as _;

use crate::world::fan::{Fan, card};
use crate::world::onsale::{Event, Wish};
use crate::world::{ONE_PROCESS, World};
use goticket_testkit::TestBed;

/// What waits for real time in production waits less here.
pub(super) const HASTE: &[(&str, &str)] = &[
    ("SANDBOX__LATE_WEBHOOK_MS", "700"),
    ("WORKERS__PAYMENTS__OPEN_AFTER_MS", "1500"),
    ("WORKERS__PAYMENTS__PAUSE_MS", "200"),
    ("WORKERS__PAYMENTS__REFUND_AGAIN_MS", "500"),
];

#[tokio::test]
async fn money_and_seats_always_end_on_the_same_side() {
    let mut world = World::on(TestBed::new().await, ONE_PROCESS, HASTE).await;
    let event = world.publish(&Wish::default()).await;
    let fans = world.shoppers(&event, 9).await;
    let seats = |n: u32| [event.seat("Stalls", 2 * n), event.seat("Stalls", 2 * n + 1)];
    tokio::join!(
        a_declined_card_leaves_the_seats_held(&world, &fans[0], seats(0)),
        a_webhook_that_comes_several_times_has_one_effect(&world, &fans[1], seats(1)),
        a_webhook_that_comes_late_is_early_enough(&world, &fans[2], seats(2)),
        a_webhook_that_never_comes_is_asked_for(&world, &fans[3], seats(3)),
        a_page_takes_the_money_once(&world, &fans[4], seats(4)),
        paid_too_late_gets_the_same_seats_while_they_are_free(&world, &fans[5], seats(5)),
        paid_too_late_gets_the_money_back_when_they_are_not(&world, &fans[6], &fans[7], seats(6)),
        paid_after_giving_back_gets_the_money_back(&world, &fans[8], &event),
    );
    world.assert_clean().await;
}

async fn a_declined_card_leaves_the_seats_held(world: &World, fan: &Fan, seats: [u32; 2]) {
    let booking = fan.hold(&seats).await;
    let page = fan.checkout(&booking.id).await;
    assert_eq!(fan.card(&page, card::DECLINES).await, StatusCode::PAYMENT_REQUIRED);
    world.until_payments(&booking.id, &["declined"]).await;
    assert_eq!(fan.booking(&booking.id).await.state, "held");
    fan.buy(&booking.id, card::PAYS).await;
    let states = world.payments(&booking.id).await;
    assert_eq!(states.iter().filter(|state| *state == "paid").count(), 1, "{states:?}");
}

async fn a_webhook_that_comes_several_times_has_one_effect(world: &World, fan: &Fan, seats: [u32; 2]) {
    let booking = fan.hold(&seats).await;
    fan.buy(&booking.id, card::WEBHOOK_DOUBLED).await;
    world.until_payments(&booking.id, &["paid"]).await;
    let told = "SELECT count(*) FROM outbox WHERE body::jsonb ->> 'type' = 'goticket.BookingConfirmed' AND body::jsonb #>> '{data,booking}' = $1";
    let told: i64 = sqlx::query(told).bind(&booking.id).fetch_one(&world.db).await.unwrap().get(0);
    assert_eq!(told, 1);
}

async fn a_webhook_that_comes_late_is_early_enough(world: &World, fan: &Fan, seats: [u32; 2]) {
    let booking = fan.hold(&seats).await;
    fan.buy(&booking.id, card::WEBHOOK_LATE).await;
    world.until_payments(&booking.id, &["paid"]).await;
}

async fn a_webhook_that_never_comes_is_asked_for(world: &World, fan: &Fan, seats: [u32; 2]) {
    let booking = fan.hold(&seats).await;
    fan.buy(&booking.id, card::WEBHOOK_LOST).await;
    world.until_payments(&booking.id, &["paid"]).await;
}

async fn a_page_takes_the_money_once(world: &World, fan: &Fan, seats: [u32; 2]) {
    let booking = fan.hold(&seats).await;
    let page = fan.checkout(&booking.id).await;
    assert_eq!(fan.checkout(&booking.id).await, page, "one open attempt per booking");
    assert_eq!(fan.card(&page, card::PAYS).await, StatusCode::OK);
    assert_eq!(fan.card(&page, card::PAYS).await, StatusCode::CONFLICT);
    fan.until_state(&booking.id, "confirmed").await;
    world.until_payments(&booking.id, &["paid"]).await;
    let again = fan.api.post(&format!("/v1/bookings/{}/payment", booking.id)).token(&fan.token).json(&serde_json::json!({}));
    let again = again.answer().await;
    assert_eq!(again.status, StatusCode::CONFLICT, "a confirmed booking costs nothing: {}", again.body());
}

async fn paid_too_late_gets_the_same_seats_while_they_are_free(world: &World, fan: &Fan, seats: [u32; 2]) {
    let booking = fan.hold(&seats).await;
    let page = fan.checkout(&booking.id).await;
    world.run_out(&booking.id).await;
    fan.until_state(&booking.id, "expired").await;
    assert_eq!(fan.card(&page, card::PAYS).await, StatusCode::OK);
    assert_eq!(fan.until_state(&booking.id, "confirmed").await.numbers(), seats);
    fan.sees(&seats, '2').await;
    world.until_payments(&booking.id, &["paid"]).await;
}

async fn paid_too_late_gets_the_money_back_when_they_are_not(world: &World, fan: &Fan, next: &Fan, seats: [u32; 2]) {
    let booking = fan.hold(&seats).await;
    let page = fan.checkout(&booking.id).await;
    world.run_out(&booking.id).await;
    fan.until_state(&booking.id, "expired").await;
    let others = next.hold(&[seats[1]]).await;
    assert_eq!(fan.card(&page, card::PAYS).await, StatusCode::OK);
    world.until_payments(&booking.id, &["refunded"]).await;
    assert_eq!(fan.booking(&booking.id).await.state, "expired");
    assert_eq!(next.booking(&others.id).await.state, "held");
}

async fn paid_after_giving_back_gets_the_money_back(world: &World, fan: &Fan, event: &Event) {
    let seats = [event.seat("Box", 0), event.seat("Box", 1)];
    let booking = fan.hold(&seats).await;
    let page = fan.checkout(&booking.id).await;
    fan.cancel(&booking.id).await;
    assert_eq!(fan.card(&page, card::PAYS).await, StatusCode::OK);
    world.until_payments(&booking.id, &["refunded"]).await;
    assert_eq!(fan.booking(&booking.id).await.state, "cancelled", "what was given back never comes back");
    fan.sees(&seats, '0').await;
}
