//! A session from the door to the booking, over HTTP: who has booked makes room for the next one.

use goticket_testkit::{TestBed, eventually};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::world::fan::{Fan, SOON, card};
use crate::world::onsale::Wish;
use crate::world::{ALL_APART, World};

/// The shortest that is allowed: a slot is free when the last one of them has ended.
const SHORT_TOKENS: &[(&str, &str)] = &[("ADMISSION__ENTRY_TOKEN_S", "20")];

async fn claims(fan: &Fan) -> StatusCode {
    fan.queue(Method::POST, "/claim").patiently().await.status
}

#[tokio::test]
async fn who_has_booked_makes_room_for_the_next_one_however_long_their_session_could_last() {
    let mut world = World::on(TestBed::new().await, ALL_APART, SHORT_TOKENS).await;
    let event = world.publish(&Wish { active_cap: 1, ..Wish::default() }).await;
    let [mut first, mut second]: [Fan; 2] = world.fans(&event, 2).await.try_into().unwrap();
    first.enter().await;
    second.join().await;
    let (bought, kept) = (first.hold(&[event.seat("Stalls", 0)]).await, first.hold(&[event.seat("Stalls", 1)]).await);
    assert_eq!(claims(&first).await, StatusCode::OK, "they may go on");
    let place: Value = second.queue(Method::GET, "/place").patiently().await.expect(StatusCode::OK);
    assert_eq!(place["location"]["where"], "waiting", "{place}");

    first.buy(&bought.id, card::PAYS).await;
    eventually("the end of a session", SOON, async || (claims(&first).await == StatusCode::CONFLICT).then_some(())).await;
    second.claim().await;
    let held = second.hold(&[event.seat("Stalls", 2)]).await;

    // What they hold is theirs, with or without a session.
    assert_eq!(first.buy(&kept.id, card::PAYS).await.state, "confirmed");
    assert_eq!(second.queue(Method::DELETE, "").answer().await.status, StatusCode::NO_CONTENT);
    assert_eq!(second.cancel(&held.id).await.state, "cancelled");
    world.assert_clean().await;
    world.deployment.stop().await.unwrap();
}
