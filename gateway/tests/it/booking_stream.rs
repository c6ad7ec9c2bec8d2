//! A booking's stream: each state once, until the last.

use std::time::Duration;

use goticket_domain::BookingId;
use goticket_domain::booking::{BookingState, RefusalReason};
use goticket_domain::identity::Role;
use goticket_testkit::eventually;
use goticket_tokens::LEEWAY_SECONDS;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::json;
use uuid::Uuid;

use crate::event_stream::{Block, Event, EventStream, ask};
use crate::lanes::{end_hold, hold, refuse, request, take_for};
use crate::sale::Sale;
use crate::world::{Person, SOON, World, expect, problem};

/// Those of one account, as the gateway has it.
const STREAMS_OF_ACCOUNT_MAX: usize = 8;
/// Between two signs of life, and some more.
const HEARTBEAT: Duration = Duration::from_secs(18);

fn path(booking: BookingId) -> String {
    format!("/v1/bookings/{booking}/stream")
}

#[tokio::test]
async fn each_state_is_told_once_as_the_booking_shows_it_and_the_last_ends_the_stream() {
    let sale = Sale::new().await;
    let (location, asked) = sale.leave_request("k", &json!({ "seats": [1] })).await;
    let mut stream = EventStream::open(&sale.world, &format!("{location}/stream"), Some(&sale.fan), None).await;
    let mut told = vec![stream.next().await.unwrap()];
    assert!(stream.retry_ms.is_some_and(|ms| (2_000..=5_000).contains(&ms)));
    assert_eq!(told[0].data, expect(sale.show(&location).await, StatusCode::OK).await);
    hold(&sale.world, &asked, asked.booking, &[(1, 2_500)]).await;
    told.push(stream.next().await.unwrap());
    assert_eq!(told[1].data, expect(sale.show(&location).await, StatusCode::OK).await);
    end_hold(&sale.world, sale.event, asked.booking, BookingState::Expired).await;
    told.push(stream.next().await.unwrap());
    assert_eq!(told[2].data, expect(sale.show(&location).await, StatusCode::OK).await);
    assert_eq!(stream.next().await, None);

    let states: Vec<_> = told.iter().map(|event| (event.name.as_str(), event.data["state"].as_str().unwrap())).collect();
    assert_eq!(states, [("booking", "pending"), ("booking", "held"), ("booking", "expired")]);
    let ids: std::collections::BTreeSet<_> = told.iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn every_last_state_ends_the_stream_at_once() {
    let sale = Sale::new().await;
    let mut rows = Vec::new();
    for (seat, state) in [(1, BookingState::Confirmed), (2, BookingState::Expired), (3, BookingState::Cancelled)] {
        let booking = take_for(&sale.world, sale.event, sale.fan.id, &[seat], BookingState::Held).await;
        end_hold(&sale.world, sale.event, booking, state).await;
        rows.push((booking, state.as_str()));
    }
    let refunded = take_for(&sale.world, sale.event, sale.fan.id, &[4], BookingState::Confirmed).await;
    let refund = "UPDATE bookings SET state = 'refunded' WHERE id = $1";
    sqlx::query(refund).bind(refunded.0).execute(&sale.world.pool).await.unwrap();
    rows.push((refunded, "refunded"));
    let asked = request(sale.event, sale.fan.id, &[1]);
    rows.push((refuse(&sale.world, &asked, asked.booking, RefusalReason::Sold.into()).await.booking(), "refused"));
    for (booking, state) in rows {
        let mut stream = EventStream::open(&sale.world, &path(booking), Some(&sale.fan), None).await;
        let only = stream.next().await.unwrap();
        assert_eq!(only.data["state"], state);
        assert_eq!(stream.next().await, None, "{state}");
        // So a browser does not come back for it again and again.
        let again = ask(&sale.world, &path(booking), Some(&sale.fan), Some(&only.id)).await;
        assert_eq!(again.status(), StatusCode::NO_CONTENT, "{state}");
        let mut other = EventStream::open(&sale.world, &path(booking), Some(&sale.fan), Some("0123")).await;
        assert_eq!(other.next().await, Some(only), "{state}");
    }
}

#[tokio::test]
async fn who_comes_back_is_not_told_again_what_was_seen() {
    let sale = Sale::new().await;
    let booking = take_for(&sale.world, sale.event, sale.fan.id, &[1], BookingState::Held).await;
    let mut stream = EventStream::open(&sale.world, &path(booking), Some(&sale.fan), None).await;
    let held = stream.next().await.unwrap();
    drop(stream);
    let mut seen = EventStream::open(&sale.world, &path(booking), Some(&sale.fan), Some(&held.id)).await;
    let mut missed = EventStream::open(&sale.world, &path(booking), Some(&sale.fan), Some("another")).await;
    assert_eq!(missed.next().await, Some(held));
    end_hold(&sale.world, sale.event, booking, BookingState::Confirmed).await;
    for stream in [&mut seen, &mut missed] {
        assert_eq!(stream.next().await.unwrap().data["state"], "confirmed");
        assert_eq!(stream.next().await, None);
    }
}

#[tokio::test]
async fn a_stream_is_its_owners_alone() {
    let sale = Sale::new().await;
    let booking = take_for(&sale.world, sale.event, sale.fan.id, &[1], BookingState::Held).await;
    let stranger = sale.world.person(Role::User).await;
    problem(ask(&sale.world, &path(booking), Some(&stranger), None).await, 404, "booking_not_found").await;
    problem(ask(&sale.world, &path(booking), None, None).await, 401, "access_token_missing").await;
    problem(ask(&sale.world, &path(BookingId::generate()), Some(&sale.fan), None).await, 404, "booking_not_found").await;
}

#[tokio::test]
async fn an_accounts_streams_are_bounded_and_free_again_once_they_are_closed() {
    let sale = Sale::new().await;
    let booking = take_for(&sale.world, sale.event, sale.fan.id, &[1], BookingState::Held).await;
    let mut open = Vec::new();
    for _ in 0..STREAMS_OF_ACCOUNT_MAX {
        open.push(EventStream::open(&sale.world, &path(booking), Some(&sale.fan), None).await);
    }
    problem(ask(&sale.world, &path(booking), Some(&sale.fan), None).await, 429, "too_many_streams").await;
    let other = sale.world.person(Role::User).await;
    let theirs = take_for(&sale.world, sale.event, other.id, &[2], BookingState::Held).await;
    EventStream::open(&sale.world, &path(theirs), Some(&other), None).await.next().await.unwrap();
    open.pop();
    eventually("a free stream", SOON, async || {
        let answer = ask(&sale.world, &path(booking), Some(&sale.fan), None).await;
        answer.status().is_success().then_some(())
    })
    .await;
}

#[tokio::test]
async fn streams_take_no_slot_of_the_requests_in_work() {
    let sale = Sale::at(World::with(&[("REQUESTS_MAX", "1")]).await).await;
    let booking = take_for(&sale.world, sale.event, sale.fan.id, &[1], BookingState::Held).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = EventStream::open(&sale.world, &path(booking), Some(&sale.fan), None).await;
        stream.next().await.unwrap();
        streams.push(stream);
    }
    expect(sale.show(&format!("/v1/bookings/{booking}")).await, StatusCode::OK).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let sale = Sale::new().await;
    let booking = take_for(&sale.world, sale.event, sale.fan.id, &[1], BookingState::Held).await;
    // It is accepted for some seconds longer than it says: as good as used up.
    let begun = Timestamp::now() - SignedDuration::from_secs(LEEWAY_SECONDS);
    let ttl = Duration::from_secs(3);
    let token = sale.world.keys.access_signer.issue(sale.fan.id, Role::User, Uuid::new_v4(), begun, ttl);
    let late = Person { id: sale.fan.id, token };
    let mut stream = EventStream::open(&sale.world, &path(booking), Some(&late), None).await;
    assert_eq!(stream.next().await.unwrap().data["state"], "held");
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_silent_stream_gives_signs_of_life() {
    let sale = Sale::new().await;
    let booking = take_for(&sale.world, sale.event, sale.fan.id, &[1], BookingState::Held).await;
    let mut stream = EventStream::open(&sale.world, &path(booking), Some(&sale.fan), None).await;
    stream.next().await.unwrap();
    assert_eq!(stream.block(HEARTBEAT).await, Some(Block::Silent));
}

#[tokio::test]
async fn a_gateway_on_its_way_out_ends_its_streams() {
    let mut sale = Sale::new().await;
    let booking = take_for(&sale.world, sale.event, sale.fan.id, &[1], BookingState::Held).await;
    let mut stream = EventStream::open(&sale.world, &path(booking), Some(&sale.fan), None).await;
    stream.next().await.unwrap();
    sale.world.stop().await;
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_stream_outlasts_a_database_that_is_away() {
    let (world, links) = World::behind_links().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let booking = take_for(&world, event, fan.id, &[1], BookingState::Held).await;
    let mut stream = EventStream::open(&world, &path(booking), Some(&fan), None).await;
    stream.next().await.unwrap();
    links.postgres.cut();
    // It has looked in vain.
    eventually("a database that is away", SOON, async || {
        (world.get(&format!("/v1/bookings/{booking}"), Some(&fan)).await.status() == 503).then_some(())
    })
    .await;
    links.postgres.restore();
    eventually("the booking confirmed", SOON, async || {
        let confirm = "UPDATE bookings SET state = 'confirmed' WHERE id = $1";
        sqlx::query(confirm).bind(booking.0).execute(&world.pool).await.ok()
    })
    .await;
    let Event { data, .. } = stream.next().await.unwrap();
    assert_eq!(data["state"], "confirmed");
    assert_eq!(stream.next().await, None);
}
