//! Admission: the cap, claim windows, sessions, and what is left to sell.

use goticket_domain::AccountId;
use goticket_domain::queue::{ClaimedPlace, QueueError, RoomSettings, WaitingRoom};
use goticket_tokens::TokenError;
use jiff::Timestamp;

use crate::world::{fans, generous, on_sale};

#[tokio::test]
async fn a_fan_joins_is_admitted_claims_and_gets_the_same_session_again() {
    let (world, room, event) = on_sale(&generous()).await;
    let fan = AccountId::generate();
    let joined = room.join(event, fan).await.unwrap();
    assert_eq!(room.claim(event, fan, &joined.signed).await, Err(QueueError::NotYourTurn { ahead: 0 }));
    world.admit(&room, event).await;
    let place = room.place(event, fan, &joined.signed).await.unwrap();
    assert!(matches!(place, ClaimedPlace::Admitted { .. }), "{place:?}");
    let claimed = room.claim(event, fan, &joined.signed).await.unwrap();
    let again = world.replica().claim(event, fan, &joined.signed).await.unwrap();
    assert_eq!(claimed.session_ends_at, again.session_ends_at);
    let claims = world.keys.entry_verifier.verify(&claimed.entry_token, event, fan, world.now().await).unwrap();
    assert_eq!(claims.place, joined.ticket.place);
    assert_eq!(room.join(event, fan).await.unwrap().ticket.kind, joined.ticket.kind, "inside, the place is still theirs");
}

#[tokio::test]
async fn no_more_are_inside_than_the_cap_and_who_gives_a_turn_back_makes_room() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 2, ..generous() }).await;
    let all = fans(4);
    let mut tickets = Vec::new();
    for fan in &all {
        tickets.push(room.join(event, *fan).await.unwrap().signed);
    }
    world.admit(&room, event).await;
    world.admit(&room, event).await;
    let control = room.control(event).await.unwrap();
    assert_eq!((control.admitted, control.active, control.waiting), (2, 2, 2));
    for leaver in [0, 1] {
        room.leave(event, all[leaver]).await.unwrap();
        world.admit(&room, event).await;
        let next = leaver + 2;
        let place = room.place(event, all[next], &tickets[next]).await.unwrap();
        assert!(matches!(place, ClaimedPlace::Admitted { .. }), "{next}: {place:?}");
    }
}

/// Cap 1: claim, leave, and the next one claims, while the first one's token still buys.
#[tokio::test]
async fn who_leaves_keeps_their_slot_as_long_as_a_token_of_theirs_buys() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 1, ..generous() }).await;
    let all = fans(2);
    let (first, second) = (room.join(event, all[0]).await.unwrap(), room.join(event, all[1]).await.unwrap());
    world.admit(&room, event).await;
    let claimed = room.claim(event, all[0], &first.signed).await.unwrap();
    room.leave(event, all[0]).await.unwrap();
    assert_eq!(room.claim(event, all[0], &first.signed).await, Err(QueueError::NotInLine), "it is not renewed");
    for forgets in [false, true] {
        if forgets {
            world.lose_redis(event).await;
        }
        world.admit(&room, event).await;
        assert_eq!(room.control(event).await.unwrap().active, 1);
        assert_eq!(room.claim(event, all[1], &second.signed).await, Err(QueueError::NotYourTurn { ahead: 0 }));
    }
    let ending = world.names(event).ending();
    let slot_ends = Timestamp::from_millisecond(world.time(&ending, first.ticket.place).await).unwrap();
    assert!(slot_ends < claimed.session_ends_at, "{slot_ends}");
    let verified = world.keys.entry_verifier.verify(&claimed.entry_token, event, all[0], slot_ends);
    assert!(matches!(verified, Err(TokenError::Expired { .. })), "{verified:?}");
    world.put_time(&ending, first.ticket.place, 1).await;
    world.admit(&room, event).await;
    room.claim(event, all[1], &second.signed).await.unwrap();
}

#[tokio::test]
async fn a_token_is_short_is_renewed_and_never_outlives_its_session() {
    let (world, room, event) = on_sale(&RoomSettings { session_s: 600, ..generous() }).await;
    let fan = fans(1)[0];
    let joined = room.join(event, fan).await.unwrap();
    world.admit(&room, event).await;
    let first = room.claim(event, fan, &joined.signed).await.unwrap();
    let now_ms = world.now().await.as_millisecond();
    let life_ms = first.expires_at.as_millisecond() - now_ms;
    assert!((50_000..=61_000).contains(&life_ms), "{life_ms}");
    // (what is left of the session, whether there is a token for it)
    for (left_ms, renewed) in [(300_000, true), (30_000, true), (14_000, true), (9_000, false)] {
        let end_ms = now_ms + left_ms;
        let k = world.names(event);
        world.put_time(&k.sessions(), joined.ticket.place, end_ms).await;
        world.put_time(&k.slots(), joined.ticket.place, (end_ms - 1_000).min(now_ms + 20_000)).await;
        let again = room.claim(event, fan, &joined.signed).await;
        assert_eq!(again.is_ok(), renewed, "{left_ms}: {again:?}");
        if let Ok(again) = again {
            assert_eq!(again.session_ends_at.as_millisecond(), end_ms);
            let slot_ends = Timestamp::from_millisecond(world.time(&k.slots(), joined.ticket.place).await).unwrap();
            assert!(slot_ends <= again.session_ends_at);
            let verified = world.keys.entry_verifier.verify(&again.entry_token, event, fan, slot_ends);
            assert!(matches!(verified, Err(TokenError::Expired { .. })), "{left_ms}: {verified:?}");
        }
    }
}

#[tokio::test]
async fn a_no_show_gives_the_slot_back_and_learns_why() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 1, ..generous() }).await;
    let all = fans(2);
    let (first, second) = (room.join(event, all[0]).await.unwrap(), room.join(event, all[1]).await.unwrap());
    world.admit(&room, event).await;
    // Their window is over, and no tick has seen it yet.
    world.put_time(&world.names(event).admitted(), first.ticket.place, 1).await;
    assert_eq!(room.place(event, all[0], &first.signed).await, Ok(ClaimedPlace::Gone));
    world.admit(&room, event).await;
    assert_eq!(room.place(event, all[0], &first.signed).await, Ok(ClaimedPlace::Gone));
    room.claim(event, all[1], &second.signed).await.unwrap();
    assert_eq!(room.claim(event, all[0], &first.signed).await, Err(QueueError::Deferred { ahead: 0 }));
}

#[tokio::test]
async fn an_ended_session_gives_the_slot_back_and_cannot_be_claimed_again() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 1, ..generous() }).await;
    let all = fans(2);
    let (first, second) = (room.join(event, all[0]).await.unwrap(), room.join(event, all[1]).await.unwrap());
    world.admit(&room, event).await;
    room.claim(event, all[0], &first.signed).await.unwrap();
    world.end_session(event, first.ticket.place).await;
    assert_eq!(room.claim(event, all[0], &first.signed).await, Err(QueueError::NotInLine), "not swept yet");
    world.admit(&room, event).await;
    assert_eq!(room.claim(event, all[0], &first.signed).await, Err(QueueError::NotInLine));
    room.claim(event, all[1], &second.signed).await.unwrap();
}

#[tokio::test]
async fn nobody_is_admitted_while_nothing_is_free_and_no_more_than_is() {
    let (world, room, event) = on_sale(&generous()).await;
    for fan in fans(5) {
        room.join(event, fan).await.unwrap();
    }
    let availability = world.names(event).availability();
    // Whoever is inside may take one of those that are free, however often it is looked at.
    for (free, admitted) in [("0", 0), ("1", 1), ("1", 1), ("1", 1), ("2", 2)] {
        let _: u64 = world.ask("HSET", &[availability.as_str(), "free:0", free, "held:0", "4"]).await;
        world.admit(&room, event).await;
        assert_eq!(room.control(event).await.unwrap().admitted, admitted, "{free} free");
    }
    let _: u64 = world.ask("DEL", &[&availability]).await;
    world.admit(&room, event).await;
    assert_eq!(room.control(event).await.unwrap().admitted, 2, "a count that is lost is no endless stock");
    let _: u64 = world.ask("HSET", &[availability.as_str(), "free:0", "3", "held:0", "4"]).await;
    world.admit(&room, event).await;
    assert_eq!(room.control(event).await.unwrap().admitted, 3);
}
