//! Admission: the cap, claim windows, sessions, and what is left to sell.

use goticket_domain::AccountId;
use goticket_domain::queue::{ClaimedPlace, QueueError, RoomSettings, WaitingRoom};

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
    assert_eq!(claimed.expires_at, again.expires_at);
    let claims = world.keys.entry_verifier.verify(&claimed.entry_token, event, fan, world.now().await).unwrap();
    assert_eq!(claims.place, joined.ticket.place);
    assert_eq!(room.join(event, fan).await.unwrap().ticket.kind, joined.ticket.kind, "inside, the place is still theirs");
}

#[tokio::test]
async fn no_more_are_inside_than_the_cap_and_who_leaves_makes_room() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 2, ..generous() }).await;
    let all = fans(4);
    let mut tickets = Vec::new();
    for fan in &all {
        tickets.push(room.join(event, *fan).await.unwrap().signed);
    }
    world.admit(&room, event).await;
    room.claim(event, all[0], &tickets[0]).await.unwrap();
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

#[tokio::test]
async fn a_no_show_gives_the_slot_back_and_learns_why() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 1, ..generous() }).await;
    let all = fans(2);
    let (first, second) = (room.join(event, all[0]).await.unwrap(), room.join(event, all[1]).await.unwrap());
    world.admit(&room, event).await;
    // Their window is over, and no tick has seen it yet.
    world.put_time(&world.names(event).admitted(), first.ticket.place, 1).await;
    assert_eq!(room.claim(event, all[0], &first.signed).await, Err(QueueError::ClaimWindowPassed));
    world.admit(&room, event).await;
    assert_eq!(room.claim(event, all[0], &first.signed).await, Err(QueueError::ClaimWindowPassed));
    assert_eq!(room.place(event, all[0], &first.signed).await, Ok(ClaimedPlace::Gone));
    room.claim(event, all[1], &second.signed).await.unwrap();
    assert!(!room.join(event, all[0]).await.unwrap().existing, "they may join again, at the end");
}

#[tokio::test]
async fn an_ended_session_gives_the_slot_back_and_cannot_be_claimed_again() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 1, ..generous() }).await;
    let all = fans(2);
    let (first, second) = (room.join(event, all[0]).await.unwrap(), room.join(event, all[1]).await.unwrap());
    world.admit(&room, event).await;
    room.claim(event, all[0], &first.signed).await.unwrap();
    world.put_time(&world.names(event).sessions(), first.ticket.place, 1).await;
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
    for (free, admitted) in [("0", 0), ("2", 2)] {
        let _: u64 = world.ask("HSET", &[availability.as_str(), "free:0", free, "held:0", "4"]).await;
        world.admit(&room, event).await;
        assert_eq!(room.control(event).await.unwrap().admitted, admitted);
    }
    let _: u64 = world.ask("DEL", &[&availability]).await;
    world.admit(&room, event).await;
    assert_eq!(room.control(event).await.unwrap().admitted, 5, "what nobody has counted does not stop anyone");
}
