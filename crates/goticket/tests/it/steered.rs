//! The automatic rate in a whole installation: bookings get slow, and the waiting room lets in fewer.

use std::time::{Duration, Instant};

use goticket_testkit::{Link, TestBed, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::World;
use crate::world::fan::{Fan, new_key};
use crate::world::onsale::{Event, Wish};

const OTHERS: &[&str] = &["sandbox", "admission", "expiry,relay,notifier,pdf,mail,payments", "gateway"];
const LIMITS: (u64, u64) = (600, 6_600);
/// Where the rate begins, and after its first cut.
const MIDDLE: u64 = 3_600;
const CUT: u64 = MIDDLE * 7 / 10;
/// What the pipeline says once a second, and the room's owner hears once a second, by the next tick and board.
const FALLS_WITHIN: Duration = Duration::from_secs(10);
/// A cut stays for 15 s, and slow commits are remembered for 10 s; then it rises by 20 a second.
const RISES_WITHIN: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_database_that_gets_slow_for_bookings_slows_the_line_down_until_it_is_fast_again() {
    let mut world = World::on(TestBed::new().await, OTHERS, &[]).await;
    let mut url = world.deployment.bed.postgres_url.clone();
    let link = Link::before(&mut url).await.unwrap();
    world.deployment.start_as("booking", "booking", &[("POSTGRES__URL".to_owned(), url)]).unwrap();
    let event = world.publish(&Wish::default()).await;
    let fans = world.shoppers(&event, 6).await;
    let (low, high) = LIMITS;
    let auto = json!({ "auto": { "low_per_min": low, "high_per_min": high }, "reason": "let the pipeline decide" });
    let answer: Value = control(&world, &event, Method::PATCH).json(&auto).answer().await.expect(StatusCode::OK);
    assert_eq!((&answer["settings"]["auto"], rate(&answer)), (&auto["auto"], MIDDLE));
    // The owner of the room hears of the lane.
    eventually("a pipeline that is heard of", FALLS_WITHIN, async || {
        (!look(&world, &event).await["pipeline"].is_null()).then_some(())
    })
    .await;

    link.slow_down(Duration::from_millis(200));
    let slow = Instant::now();
    ask(&fans[0], event.seat("Stalls", 0)).await;
    let fallen = eventually("a rate that falls", FALLS_WITHIN, async || {
        let control = look(&world, &event).await;
        (rate(&control) < MIDDLE).then_some(control)
    })
    .await;
    assert!(slow.elapsed() < FALLS_WITHIN, "{fallen}");
    let board = eventually("a board that says so", FALLS_WITHIN, async || {
        let board = world.api.get(&format!("/v1/events/{}/queue/board", event.id)).send().await.ok()?.body();
        (board["rate_per_min"].as_u64()? < MIDDLE).then_some(board)
    })
    .await;
    assert!(board["rate_per_min"].as_u64().unwrap() >= low, "{board}");

    link.restore();
    let bottom = rate(&look(&world, &event).await);
    let risen = eventually("a rate that rises", RISES_WITHIN, async || {
        let control = look(&world, &event).await;
        (rate(&control) > bottom).then_some(rate(&control))
    })
    .await;
    assert!(bottom >= low && risen <= MIDDLE, "{bottom} to {risen}");
    assert!(bottom <= CUT + 20, "it was cut by three tenths: {bottom}");
    world.assert_clean().await;
}

async fn look(world: &World, event: &Event) -> Value {
    control(world, event, Method::GET).answer().await.expect(StatusCode::OK)
}

fn control(world: &World, event: &Event, method: Method) -> crate::world::api::Call {
    world.api.call(method, &format!("/v1/events/{}/queue/control", event.id)).token(&world.organizer)
}

fn rate(control: &Value) -> u64 {
    control["rate_in_force_per_min"].as_u64().unwrap()
}

async fn ask(fan: &Fan, seat: u32) {
    let _: Value = fan.ask_waiting(&new_key(), &json!({ "seats": [seat] }), 0).answer().await.expect(StatusCode::ACCEPTED);
}
