//! Places: one per account, wherever it joins from.

use goticket_domain::queue::{ClaimedPlace, PlaceKind, QueueError, WaitingRoom};
use goticket_domain::{AccountId, EventId};

use crate::world::{World, fans, generous, on_sale};

#[tokio::test]
async fn one_account_has_one_place_over_many_tabs_and_replicas() {
    let world = World::new().await;
    let (one, other) = (world.replica(), world.replica());
    let event = world.on_sale(&one, &generous()).await;
    let fan = AccountId::generate();
    let joins = (0..50).map(|n| {
        let room = if n % 2 == 0 { &one } else { &other };
        async move { room.join(event, fan).await.unwrap() }
    });
    let joined = futures::future::join_all(joins).await;
    assert_eq!(joined.iter().filter(|j| !j.existing).count(), 1);
    assert!(joined.iter().all(|j| j.ticket.place == joined[0].ticket.place && j.ticket.kind == joined[0].ticket.kind));
    assert_eq!(one.control(event).await.unwrap().waiting, 1);
}

#[tokio::test]
async fn who_comes_after_the_start_stands_in_order_of_coming_behind_the_lobby() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.lobby(&room, &generous()).await;
    let early = room.join(event, AccountId::generate()).await.unwrap();
    assert_eq!(early.ticket.kind, PlaceKind::Lobby);
    world.start_sale(&room, event).await;
    for nth in 0..3 {
        let fan = AccountId::generate();
        let late = room.join(event, fan).await.unwrap();
        // After the one of the lobby, its closing and its draw.
        assert_eq!(late.ticket.kind, PlaceKind::Late { sequence: 3 + nth });
        let place = room.place(event, fan, &late.signed).await.unwrap();
        assert!(matches!(place, ClaimedPlace::Waiting { ahead, .. } if ahead == nth + 1), "{place:?}");
    }
}

#[tokio::test]
async fn who_has_left_begins_again_at_the_end() {
    let (_world, room, event) = on_sale(&generous()).await;
    let all = fans(3);
    for fan in &all {
        room.join(event, *fan).await.unwrap();
    }
    let first = room.join(event, all[0]).await.unwrap();
    room.leave(event, all[0]).await.unwrap();
    room.leave(event, all[0]).await.unwrap();
    assert_eq!(room.place(event, all[0], &first.signed).await, Ok(ClaimedPlace::Gone));
    assert_eq!(room.claim(event, all[0], &first.signed).await, Err(QueueError::NotInLine));
    let again = room.join(event, all[0]).await.unwrap();
    assert_eq!((again.existing, again.ticket.kind), (false, PlaceKind::Late { sequence: 6 }));
}

#[tokio::test]
async fn a_ticket_of_another_event_or_account_or_a_forged_one_is_refused() {
    let world = World::new().await;
    let room = world.replica();
    let (event, other) = (world.on_sale(&room, &generous()).await, world.on_sale(&room, &generous()).await);
    let fan = AccountId::generate();
    let ticket = room.join(event, fan).await.unwrap().signed;
    let forged = ticket.replace(&ticket[10..11], if &ticket[10..11] == "A" { "B" } else { "A" });
    let rows = [(other, fan, ticket.as_str()), (event, AccountId::generate(), &ticket), (event, fan, &forged), (event, fan, "")];
    for (event, fan, ticket) in rows {
        assert!(matches!(room.place(event, fan, ticket).await, Err(QueueError::BadTicket(_))), "{ticket}");
        assert!(matches!(room.claim(event, fan, ticket).await, Err(QueueError::BadTicket(_))), "{ticket}");
    }
}

#[tokio::test]
async fn a_room_that_is_unknown_or_not_open_yet_says_so() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.publish(&generous(), 3_600, 7_200).await;
    room.tick_once().await;
    let opens_at = world.opens_at(event).await;
    let fan = AccountId::generate();
    assert_eq!(room.join(event, fan).await.unwrap_err(), QueueError::NotYetOpen { opens_at });
    assert_eq!(room.join(EventId::generate(), fan).await.unwrap_err(), QueueError::UnknownEvent);
}

#[tokio::test]
async fn who_comes_on_the_second_is_told_to_try_again_and_not_to_come_back_later() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.publish(&generous(), 3_600, 7_200).await;
    room.tick_once().await;
    let due = "UPDATE events SET lobby_opens_at = now() WHERE id = $1";
    sqlx::query(due).bind(event.0).execute(&world.pool).await.unwrap();
    room.refresh_rooms().await;
    let fan = AccountId::generate();
    assert_eq!(room.join(event, fan).await.unwrap_err(), QueueError::Unavailable, "its owner has not opened it yet");
    room.tick_once().await;
    assert!(!room.join(event, fan).await.unwrap().existing);
}

#[tokio::test]
async fn the_line_has_an_end() {
    let bed = goticket_testkit::TestBed::new().await;
    let world = World::on(bed, &[("ADMISSION__MAX_LINE", "2")]).await;
    let room = world.replica();
    let event = world.on_sale(&room, &generous()).await;
    let all = fans(3);
    room.join(event, all[0]).await.unwrap();
    room.join(event, all[1]).await.unwrap();
    assert_eq!(room.join(event, all[2]).await.unwrap_err(), QueueError::Full);
    assert!(room.join(event, all[1]).await.unwrap().existing, "who is in line is not refused");
}
