//! *Sold*, *held*, *contended*, *not together*, *limit reached*: each where it is true, and nowhere else.

use std::collections::BTreeMap;

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::fan::{Fan, Outcome, card, new_key};
use crate::world::onsale::{Event, Wish};
use crate::world::{ONE_PROCESS, World, plans};

/// Asks, and expects to be refused for this reason.
async fn refused(fan: &Fan, wish: &Value) -> String {
    match fan.outcome(&new_key(), wish).await {
        Outcome::Refused(reason) => reason,
        Outcome::Held(booking) => panic!("{wish} was granted: {booking:?}"),
    }
}

#[tokio::test]
async fn a_refusal_tells_the_truth() {
    let mut world = World::of(ONE_PROCESS).await;
    let event = world.publish(&Wish { ticket_limit: 6, ..Wish::default() }).await;
    let fans = world.shoppers(&event, 12).await;
    let (owner, asker) = (&fans[0], &fans[1]);

    let (sold, held) = (event.seat("Stalls", 0), event.seat("Stalls", 2));
    let bought = owner.hold(&[sold]).await;
    owner.buy(&bought.id, card::PAYS).await;
    owner.hold(&[held]).await;
    let rows = [
        (json!({ "seats": [sold] }), "sold"),
        (json!({ "seats": [held] }), "held"),
        // One sold seat is the end of it, whatever the others are.
        (json!({ "seats": [sold, held, held + 1] }), "sold"),
        (json!({ "seats": [held, held + 1] }), "held"),
    ];
    for (wish, reason) in rows {
        assert_eq!(refused(asker, &wish).await, reason, "{wish}");
    }
    limits_hold_across_orders_and_sections(&fans[2], &event).await;
    seats_apart_are_not_together(&fans[3], &fans[4], &event).await;
    one_of_many_wins(&fans[5..], &event).await;
    world.assert_clean().await;
}

async fn limits_hold_across_orders_and_sections(fan: &Fan, event: &Event) {
    let stalls = event.section("Stalls").no;
    fan.hold(&[event.seat("Circle", 0), event.seat("Circle", 1)]).await;
    fan.outcome(&new_key(), &json!({ "section": stalls, "quantity": 3 })).await;
    assert_eq!(refused(fan, &json!({ "section": stalls, "quantity": 2 })).await, "limit_reached");
    assert_eq!(refused(fan, &json!({ "seats": [event.seat("Circle", 20), event.seat("Circle", 21)] })).await, "limit_reached");
    // What still fits is still granted.
    fan.hold(&[event.seat("Circle", 20)]).await;
    assert_eq!(refused(fan, &json!({ "seats": [event.seat("Circle", 22)] })).await, "limit_reached");
}

async fn seats_apart_are_not_together(owner: &Fan, asker: &Fan, event: &Event) {
    let box_no = event.section("Box").no;
    owner.hold(&[event.seat("Box", 1), event.seat("Box", 3)]).await;
    assert_eq!(refused(asker, &json!({ "section": box_no, "quantity": 2 })).await, "not_together");
    for _ in 0..3 {
        assert!(matches!(asker.outcome(&new_key(), &json!({ "section": box_no, "quantity": 1 })).await, Outcome::Held(_)));
    }
    assert_eq!(refused(owner, &json!({ "section": box_no, "quantity": 1 })).await, "held");
}

async fn one_of_many_wins(fans: &[Fan], event: &Event) {
    let wish = json!({ "seats": [event.seat("Circle", 40), event.seat("Circle", 41)] });
    let outcomes = join_all(fans.iter().map(|fan| async { fan.outcome(&new_key(), &wish).await })).await;
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for outcome in outcomes {
        let reason = match outcome {
            Outcome::Held(_) => "granted".to_owned(),
            Outcome::Refused(reason) => reason,
        };
        *reasons.entry(reason).or_default() += 1;
    }
    assert_eq!(reasons.remove("granted"), Some(1), "{reasons:?}");
    assert!(reasons.keys().all(|reason| reason == "held" || reason == "contended"), "{reasons:?}");
}

#[tokio::test]
async fn people_stand_where_there_is_room_and_not_beyond() {
    let mut world = World::of(ONE_PROCESS).await;
    let floor = json!({ "area": "floor", "category": "Floor", "name": "Dance floor", "capacity": 8 });
    let event = world.publish(&Wish { plan: plans::hall(), standing: vec![floor], ..Wish::default() }).await;
    assert_eq!((event.capacity, event.sections.len()), (18, 2));
    let section = event.section("Dance floor").no;
    let fans = world.shoppers(&event, 2).await;

    let Outcome::Held(three) = fans[0].outcome(&new_key(), &json!({ "section": section, "quantity": 3 })).await else {
        panic!("three of eight were refused")
    };
    assert_eq!((three.seats.len(), three.total["amount_minor"].as_i64()), (3, Some(3 * 4_500)));
    fans[0].buy(&three.id, card::PAYS).await;
    assert_eq!(refused(&fans[1], &json!({ "section": section, "quantity": 6 })).await, "not_together");
    let Outcome::Held(five) = fans[1].outcome(&new_key(), &json!({ "section": section, "quantity": 5 })).await else {
        panic!("the last five were refused")
    };
    assert_eq!(refused(&fans[0], &json!({ "section": section, "quantity": 1 })).await, "held");
    fans[1].buy(&five.id, card::PAYS).await;
    assert_eq!(refused(&fans[0], &json!({ "section": section, "quantity": 1 })).await, "sold");
    world.assert_clean().await;
}

#[tokio::test]
async fn what_cannot_be_carried_out_names_the_field_and_changes_nothing() {
    let mut world = World::of(ONE_PROCESS).await;
    let event = world.publish(&Wish::default()).await;
    let other = world.publish(&Wish { plan: plans::hall(), ..Wish::default() }).await;
    let fan = world.shopper(&event).await;
    let section = event.section("Stalls").no;
    // wish → status; the document must point into the body
    let rows = [
        (json!({ "seats": [] }), 422),
        (json!({ "seats": [0, 0] }), 422),
        (json!({ "seats": [event.capacity] }), 422),
        (json!({ "seats": (0..11).collect::<Vec<_>>() }), 422),
        (json!({ "seats": [event.seat("Stalls", 59), event.seat("Circle", 0)] }), 422),
        (json!({ "section": section, "quantity": 0 }), 422),
        (json!({ "section": section, "quantity": 11 }), 422),
        (json!({ "section": 99, "quantity": 1 }), 422),
        (json!({ "section": section, "quantity": 1, "discount": true }), 422),
        (json!({ "section": section, "quantity": "two" }), 422),
        (json!({ "section": section, "quantity": 1, "seats": [1] }), 422),
        (json!({}), 422),
    ];
    for (wish, status) in rows {
        let answer = fan.ask(&new_key(), &wish).answer().await;
        let named =
            answer.body()["errors"].as_array().is_some_and(|errors| errors.iter().all(|error| error["pointer"].is_string()));
        assert!(answer.status.as_u16() == status && named, "{wish}: {} {}", answer.status, answer.body());
    }
    let elsewhere = Fan { event: other.id.clone(), ..fan.clone() };
    let answer = elsewhere.ask(&new_key(), &json!({ "seats": [0] })).answer().await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body());
    let outside = Fan { entry: String::new(), ..fan.clone() };
    let answer = outside.ask(&new_key(), &json!({ "seats": [0] })).answer().await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body());
    assert_eq!(fan.seat_states().await, "0".repeat(event.capacity as usize));
    world.assert_clean().await;
}
