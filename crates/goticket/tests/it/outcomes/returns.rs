//! Seats come back: given back by their fan, or when the hold runs out.

use serde_json::json;

use crate::world::fan::{Fan, Outcome, new_key};
use crate::world::onsale::{Event, Wish};
use crate::world::{ONE_PROCESS, World};

#[tokio::test]
async fn seats_that_are_given_back_or_run_out_can_be_had_again() {
    let mut world = World::of(ONE_PROCESS).await;
    let event = world.publish(&Wish { ticket_limit: 2, ..Wish::default() }).await;
    let fans = world.shoppers(&event, 4).await;

    let given_back = [event.seat("Stalls", 10), event.seat("Stalls", 11)];
    let booking = fans[0].hold(&given_back).await;
    assert_eq!(fans[0].cancel(&booking.id).await.state, "cancelled");
    // Giving back twice is giving back once.
    assert_eq!(fans[0].cancel(&booking.id).await.state, "cancelled");
    free_again(&fans[0], &fans[1], &event, &given_back).await;

    let run_out = [event.seat("Circle", 10), event.seat("Circle", 11)];
    let booking = fans[2].hold(&run_out).await;
    world.run_out(&booking.id).await;
    assert_eq!(fans[2].until_state(&booking.id, "expired").await.numbers(), run_out);
    free_again(&fans[2], &fans[3], &event, &run_out).await;
    world.assert_clean().await;
}

/// Shown as free, anybody's to take, and the former owner's limit is as it was.
async fn free_again(former: &Fan, next: &Fan, event: &Event, seats: &[u32]) {
    former.sees(seats, '0').await;
    next.hold(seats).await;
    former.sees(seats, '1').await;
    let others = former.outcome(&new_key(), &json!({ "section": event.section("Stalls").no, "quantity": 2 })).await;
    assert!(matches!(others, Outcome::Held(_)), "{others:?}");
    let stranger = former.api.delete(&format!("/v1/bookings/{}", uuid::Uuid::now_v7())).token(&next.token).answer().await;
    assert_eq!(stranger.status, reqwest::StatusCode::NOT_FOUND);
}
