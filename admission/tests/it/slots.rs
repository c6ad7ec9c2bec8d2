//! A slot is taken as long as something that was given out for it buys: who renews keeps it, who is away loses it.

use std::sync::Arc;

use goticket_admission::WaitingRoomService;
use goticket_domain::queue::{Claimed, ControlChange, Entry, JoinedPlace, QueueError, RoomSettings, WaitingRoom};
use goticket_domain::{AccountId, EventId};
use goticket_tokens::TokenError;
use jiff::Timestamp;

use crate::world::{World, fans, generous, on_sale};

const SESSION_MS: i64 = 600_000;
/// How long an entry token buys, leeway included, with the default configuration.
const BUYS_MS: i64 = 70_000;

struct Inside {
    world: World,
    room: Arc<WaitingRoomService>,
    event: EventId,
    fans: Vec<(AccountId, JoinedPlace)>,
}

impl Inside {
    /// So many fans inside, whose sessions have just begun and whose slots last for so long still; the others wait.
    async fn new(settings: &RoomSettings, all: usize, inside: usize, slot_left_ms: i64) -> Self {
        let (world, room, event) =
            on_sale(&RoomSettings { active_cap: u32::try_from(inside).unwrap(), ..settings.clone() }).await;
        let mut joined = Vec::new();
        for fan in fans(all) {
            joined.push((fan, room.join(event, fan).await.unwrap()));
        }
        world.admit(&room, event).await;
        let now_ms = world.now().await.as_millisecond();
        let (until_ms, slot_ms) = (now_ms + SESSION_MS, now_ms + slot_left_ms);
        let claim = |joined: &JoinedPlace| Entry::Claim { place: joined.ticket.place, until_ms, slot_ms };
        let claims = joined[..inside].iter().map(|(_, joined)| claim(joined)).collect();
        world.append(&room, event, claims).await;
        // Redis takes them over.
        room.control(event).await.unwrap();
        Self { world, room, event, fans: joined }
    }

    async fn claim_at(&self, room: &WaitingRoomService, n: usize) -> Result<Claimed, QueueError> {
        let (fan, joined) = &self.fans[n];
        room.claim(self.event, *fan, &joined.signed).await
    }

    async fn claim(&self, n: usize) -> Result<Claimed, QueueError> {
        self.claim_at(&self.room, n).await
    }

    async fn slot_ms(&self, n: usize) -> i64 {
        self.world.time(&self.world.names(self.event).slots(), self.fans[n].1.ticket.place).await
    }

    async fn active(&self) -> u64 {
        self.room.control(self.event).await.unwrap().active
    }

    async fn entries(&self) -> u64 {
        self.world.room(self.event).await.log.size
    }
}

#[tokio::test]
async fn the_slot_of_who_does_not_renew_is_free_however_long_the_session_could_last() {
    let inside = Inside::new(&generous(), 2, 1, -5_000).await;
    for forgets in [false, true] {
        if forgets {
            inside.world.lose_redis(inside.event).await;
        }
        assert_eq!(inside.active().await, 0);
    }
    inside.world.admit(&inside.room, inside.event).await;
    assert_eq!(inside.active().await, 1);
    inside.claim(1).await.unwrap();

    let change = ControlChange { active_cap: Some(2), reason: "test".into(), ..ControlChange::default() };
    inside.world.set(&inside.room, inside.event, change).await;
    let again = inside.claim(0).await.unwrap();
    assert!(again.session_ends_at.as_millisecond() - inside.slot_ms(0).await > SESSION_MS - 2 * BUYS_MS, "the same session");
    for room in [Arc::clone(&inside.room), inside.world.successor().await] {
        inside.world.lose_redis(inside.event).await;
        room.tick_once().await;
        assert_eq!(inside.active().await, 2, "that they came back is in the log");
        inside.claim_at(&room, 0).await.unwrap();
    }
}

#[tokio::test]
async fn who_comes_back_to_a_full_room_has_their_turn_once_more_and_is_then_told_that_there_is_no_room() {
    let inside = Inside::new(&generous(), 2, 1, -5_000).await;
    inside.world.admit(&inside.room, inside.event).await;
    inside.claim(1).await.unwrap();
    for _ in 0..2 {
        assert_eq!(inside.claim(0).await, Err(QueueError::Deferred { ahead: 0 }), "never more than the cap can buy");
    }
    assert_eq!(inside.active().await, 1);
    inside.room.leave(inside.event, inside.fans[1].0).await.unwrap();
    let ending = inside.world.names(inside.event).ending();
    inside.world.put_time(&ending, inside.fans[1].1.ticket.place, 1).await;
    inside.world.admit(&inside.room, inside.event).await;
    inside.claim(0).await.unwrap();

    // Away again, and another one comes inside meanwhile.
    inside.world.put_time(&inside.world.names(inside.event).slots(), inside.fans[0].1.ticket.place, 1).await;
    let fan = fans(1)[0];
    inside.room.join(inside.event, fan).await.unwrap();
    inside.world.admit(&inside.room, inside.event).await;
    let entries = inside.entries().await;
    for _ in 0..2 {
        assert_eq!(inside.claim(0).await, Err(QueueError::NoRoomInside));
    }
    assert_eq!(inside.entries().await, entries);
}

#[tokio::test]
async fn who_renews_keeps_the_slot_and_every_token_ends_with_what_the_log_says() {
    let inside = Inside::new(&generous(), 1, 1, 30_000).await;
    let verifies_at = |claimed: &Claimed, ms| {
        let at = Timestamp::from_millisecond(ms).unwrap();
        inside.world.keys.entry_verifier.verify(&claimed.entry_token, inside.event, inside.fans[0].0, at).map(|_| ())
    };
    let before = (inside.entries().await, inside.slot_ms(0).await);
    let renewed = inside.claim(0).await.unwrap();
    let slot_ms = inside.slot_ms(0).await;
    assert_eq!(inside.entries().await, before.0 + 1);
    assert!((35_000..=60_000).contains(&(slot_ms - before.1)), "{}", slot_ms - before.1);
    assert!(matches!(verifies_at(&renewed, slot_ms), Err(TokenError::Expired { .. })));
    assert_eq!(verifies_at(&renewed, slot_ms - 12_000), Ok(()));

    // At once, again and again, from any replica: nothing is to be written, and no token ends later.
    let other = inside.world.replica();
    other.refresh_rooms().await;
    for room in [&inside.room, &other, &inside.room] {
        let again = inside.claim_at(room, 0).await.unwrap();
        assert_eq!(again.expires_at, renewed.expires_at);
    }
    assert_eq!(inside.entries().await, before.0 + 1);

    for room in [Arc::clone(&inside.room), inside.world.successor().await] {
        inside.world.lose_redis(inside.event).await;
        let (fan, joined) = &inside.fans[0];
        room.place(inside.event, *fan, &joined.signed).await.unwrap();
        assert_eq!(inside.slot_ms(0).await, slot_ms, "it follows from the log");
    }
}

#[tokio::test]
async fn a_first_token_ends_with_the_slot_that_its_claim_took() {
    let (world, room, event) = on_sale(&generous()).await;
    let fan = fans(1)[0];
    let joined = room.join(event, fan).await.unwrap();
    world.admit(&room, event).await;
    let claimed = room.claim(event, fan, &joined.signed).await.unwrap();
    let slot_ms = world.time(&world.names(event).slots(), joined.ticket.place).await;
    let session_ms = claimed.session_ends_at.as_millisecond() - slot_ms;
    assert_eq!(session_ms, SESSION_MS - BUYS_MS);
    let until_slot_ends = slot_ms - claimed.expires_at.as_millisecond();
    assert!((10_000..11_000).contains(&until_slot_ends), "{until_slot_ends}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_come_back_at_once_while_turns_come_no_more_are_inside_than_the_cap() {
    const CAP: usize = 4;
    let inside = Inside::new(&generous(), 40, 20, -5_000).await;
    let change =
        ControlChange { active_cap: Some(u32::try_from(CAP).unwrap()), reason: "test".into(), ..ControlChange::default() };
    inside.world.set(&inside.room, inside.event, change).await;
    inside.world.fill_bucket(inside.event).await;
    let other = inside.world.replica();
    other.refresh_rooms().await;
    let claims = (0..20).map(|n| inside.claim_at(if n % 2 == 0 { &inside.room } else { &other }, n));
    let ticks = async {
        for _ in 0..5 {
            inside.room.tick_once().await;
        }
    };
    let (answers, ()) = tokio::join!(futures::future::join_all(claims), ticks);
    let in_again = answers.iter().filter(|answer| answer.is_ok()).count();
    for answer in answers {
        assert!(matches!(answer, Ok(_) | Err(QueueError::Deferred { .. } | QueueError::Unavailable)), "{answer:?}");
    }
    assert_eq!(inside.active().await, CAP as u64, "{in_again} came back");
    inside.world.lose_redis(inside.event).await;
    assert_eq!(inside.active().await, CAP as u64, "by the log");
    inside.world.assert_history(inside.event).await;
}

#[tokio::test]
async fn who_comes_back_finds_no_room_where_nothing_is_left_to_sell() {
    let inside = Inside::new(&generous(), 1, 1, -5_000).await;
    let availability = inside.world.names(inside.event).availability();
    let _: u64 = inside.world.ask("HSET", &[availability.as_str(), "free:0", "0"]).await;
    assert_eq!(inside.claim(0).await, Err(QueueError::Deferred { ahead: 0 }));
    inside.world.admit(&inside.room, inside.event).await;
    assert_eq!(inside.active().await, 0);
    let _: u64 = inside.world.ask("HSET", &[availability.as_str(), "free:0", "1"]).await;
    inside.world.admit(&inside.room, inside.event).await;
    inside.claim(0).await.unwrap();
}
