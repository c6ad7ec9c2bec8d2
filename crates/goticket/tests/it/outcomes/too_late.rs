//! Nothing is sold any more: the event has begun, or was closed. What is paid then goes back.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor as _};

use super::payments::HASTE;
use crate::world::fan::{Fan, card, new_key};
use crate::world::onsale::Wish;
use crate::world::{ONE_PROCESS, World};
use goticket_testkit::{TestBed, eventually};

/// After so long the lane's owner knows that an event was closed: twice the second that it may need, on a machine that does much else.
const KNOWN: Duration = Duration::from_secs(2);

/// A fan who asks is told within this.
const TOLD: Duration = Duration::from_secs(1);

impl World {
    /// What an organizer changes in the last moment, or time does.
    async fn now(&self, change: &str) {
        self.db.execute(AssertSqlSafe(format!("UPDATE events SET {change}"))).await.unwrap();
    }

    async fn issued(&self) -> i64 {
        let issued = "SELECT (SELECT count(*) FROM tickets) + (SELECT count(*) FROM notifications)";
        sqlx::query_scalar(issued).fetch_one(&self.db).await.unwrap()
    }
}

async fn held_and_checked_out(fan: &Fan, seat: u32) -> (String, String) {
    let booking = fan.hold(&[seat]).await.id;
    let page = fan.checkout(&booking).await;
    (booking, page)
}

#[tokio::test]
async fn what_is_paid_after_the_start_goes_back_unless_its_hold_is_live() {
    let mut world = World::on(TestBed::new().await, ONE_PROCESS, HASTE).await;
    let event = world.publish(&Wish::default()).await;
    let fans = world.shoppers(&event, 3).await;
    let cards = [card::PAYS, card::WEBHOOK_LOST];
    let mut over = Vec::new();
    for (n, fan) in (0..).zip(&fans[..2]) {
        over.push(held_and_checked_out(fan, event.seat("Stalls", 2 * n)).await);
    }
    let live = held_and_checked_out(&fans[2], event.seat("Stalls", 8)).await;

    world.now("starts_at = clock_timestamp()").await;
    for (fan, (booking, _)) in fans.iter().zip(&over) {
        world.run_out(booking).await;
        fan.until_state(booking, "expired").await;
    }
    for ((fan, (booking, page)), number) in fans.iter().zip(&over).zip(cards) {
        assert_eq!(fan.card(page, number).await, StatusCode::OK);
        world.until_payments(booking, &["refunded"]).await;
        assert_eq!(fan.booking(booking).await.state, "expired");
    }
    assert_eq!(world.issued().await, 0, "neither a ticket nor a mail");

    // Its seats were promised for as long as the clock beside them runs.
    assert_eq!(fans[2].card(&live.1, card::PAYS).await, StatusCode::OK);
    fans[2].until_state(&live.0, "confirmed").await;
    world.until_payments(&live.0, &["paid"]).await;
    world.assert_clean().await;
}

#[tokio::test]
async fn a_closed_event_sells_nothing_not_even_what_is_held() {
    let mut world = World::on(TestBed::new().await, ONE_PROCESS, HASTE).await;
    let event = world.publish(&Wish::default()).await;
    let fans = world.shoppers(&event, 2).await;
    let (booking, page) = held_and_checked_out(&fans[0], event.seat("Stalls", 0)).await;

    world.now("status = 'closed'").await;
    let closed = Instant::now();
    eventually("the gateway and the lane's owner know", Duration::from_secs(10), async || {
        let answer = fans[1].ask(&new_key(), &json!({ "section": 0, "quantity": 1 })).answer().await;
        (answer.code() == "sale_closed" && closed.elapsed() >= KNOWN).then_some(())
    })
    .await;
    let asked = Instant::now();
    let told = fans[1].ask(&new_key(), &json!({ "seats": [event.seat("Stalls", 4)] })).answer().await;
    told.expect_problem(StatusCode::CONFLICT, "sale_closed");
    assert!(asked.elapsed() < TOLD, "{:?}", asked.elapsed());

    assert_eq!(fans[0].card(&page, card::PAYS).await, StatusCode::OK);
    world.until_payments(&booking, &["refunded"]).await;
    assert_eq!(fans[0].booking(&booking).await.state, "held", "its clock runs on");
    world.run_out(&booking).await;
    fans[0].until_state(&booking, "expired").await;
    fans[0].sees(&[event.seat("Stalls", 0)], '0').await;
    assert_eq!(world.issued().await, 0);
    world.assert_clean().await;
}
