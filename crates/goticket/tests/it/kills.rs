//! Kill anything at any point: every accepted request still reaches exactly one outcome, and the audit passes.

use std::time::Duration;

use crate::world::onsale::Wish;
use crate::world::sale::Sale;
use crate::world::{ALL_APART, World};

/// A small sale: forty fans who trickle in and make about a hundred requests.
const FANS: u32 = 40;
const REQUESTS_EACH: u32 = 3;

/// The room lets them in within some seconds, so that every step of the path is under way at any moment.
const RATE_PER_MIN: u32 = 600;

#[tokio::test]
async fn killing_the_gateway_costs_no_request() {
    a_sale_in_which_die(&["gateway"]).await;
}

#[tokio::test]
async fn killing_the_waiting_room_costs_no_place() {
    a_sale_in_which_die(&["admission"]).await;
}

#[tokio::test]
async fn killing_the_booking_worker_costs_no_outcome() {
    a_sale_in_which_die(&["booking", "booking"]).await;
}

#[tokio::test]
async fn killing_everything_behind_the_booking_costs_no_event_and_no_mail() {
    a_sale_in_which_die(&["relay", "notifier", "pdf", "mail", "payments", "expiry"]).await;
}

/// Each dies in the middle of the sale and starts again at once.
async fn a_sale_in_which_die(victims: &[&str]) {
    let mut world = World::of(ALL_APART).await;
    let wish = Wish { rate_per_min: RATE_PER_MIN, burst: 5, lobby: Duration::from_secs(1), ..Wish::default() };
    let event = world.publish(&wish).await;
    let fans = world.fans(&event, FANS).await;
    let total = (FANS * REQUESTS_EACH) as usize;
    let sale = Sale::begin(&event, fans, REQUESTS_EACH);
    sale.until_entered(FANS as usize / 8).await;
    for (nth, victim) in (1..).zip(victims) {
        sale.until_decided(nth * total / (2 * victims.len() + 1)).await;
        assert!(sale.decided() < total, "the sale was over before {victim} died");
        world.deployment.kill(victim).await.unwrap();
        world.deployment.start(victim).unwrap();
    }
    let ledger = sale.end().await;
    assert_eq!(ledger.len(), total);
    world.assert_told_the_truth(&ledger).await;
    if victims.contains(&"mail") {
        world.assert_clean_but_for_copies().await;
    } else {
        world.assert_clean().await;
    }
}
