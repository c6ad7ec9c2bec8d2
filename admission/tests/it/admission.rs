//! Admission: rate, cap, claim windows, sessions, and what operators set.

use goticket_domain::AccountId;
use goticket_domain::queue::{ClaimedPlace, WaitingRoom};

use crate::world::{World, generous};

#[tokio::test]
async fn a_fan_joins_is_admitted_claims_and_gets_the_same_session_again() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.on_sale(&room, &generous()).await;
    let fan = AccountId::generate();
    let joined = room.join(event, fan).await.unwrap();
    world.fill_bucket(event).await;
    room.tick_once().await;
    let place = room.place(event, fan, &joined.signed).await.unwrap();
    assert!(matches!(place, ClaimedPlace::Admitted { .. }), "{place:?}");
    let claimed = room.claim(event, fan, &joined.signed).await.unwrap();
    let again = room.claim(event, fan, &joined.signed).await.unwrap();
    assert_eq!(claimed.expires_at, again.expires_at);
    let now = world.now().await;
    let claims = world.keys.entry_verifier.verify(&claimed.entry_token, event, fan, now).unwrap();
    assert_eq!(claims.place, joined.ticket.place);
}
