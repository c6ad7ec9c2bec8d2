//! The draw: anyone can recompute it, and it survives whoever makes it.

use std::time::Duration;

use goticket_admission::outbound::redis::{Applied, Lines};
use goticket_domain::queue::{
    ClaimedPlace, ControlChange, DrawSecret, DrawSeed, Location, MerkleRoot, Pivots, PlaceId, PlaceKind, QueueError, RoomState,
    Score, WaitingRoom,
};
use goticket_domain::{AccountId, EventId};
use goticket_storage::queue_log;
use goticket_testkit::eventually;

use crate::world::{SECRET, World, fans, generous, on_sale};

/// The line as it stands in Redis.
async fn line(world: &World, event: EventId) -> Vec<(PlaceId, u64)> {
    let line: Vec<(Vec<u8>, u64)> =
        world.ask("ZRANGE", &[world.names(event).line(), "0".into(), "-1".into(), "WITHSCORES".into()]).await;
    line.into_iter().map(|(place, score)| (PlaceId(place.try_into().unwrap()), score)).collect()
}

/// What anyone computes from the published secret and lobby.
fn recomputed(lobby: &mut [PlaceId]) -> (MerkleRoot, DrawSeed, Vec<(PlaceId, u64)>) {
    let root = MerkleRoot::of(lobby);
    let seed = DrawSecret(SECRET).seed(root, b"");
    let mut order: Vec<_> = lobby.iter().map(|place| (*place, Score::drawn(&seed, *place).as_u64())).collect();
    order.sort_by_key(|(_, score)| *score);
    (root, seed, order)
}

async fn lobby_of(world: &World, n: usize) -> (EventId, Vec<AccountId>, Vec<PlaceId>) {
    let room = world.replica();
    let event = world.lobby(&room, &generous()).await;
    let all = fans(n);
    let joined = futures::future::join_all(all.iter().map(|fan| room.join(event, *fan))).await;
    let places = joined.into_iter().map(|joined| joined.unwrap().ticket.place).collect();
    room.give_rooms_back().await;
    (event, all, places)
}

#[tokio::test]
async fn the_order_is_the_one_anyone_can_recompute_from_what_is_published() {
    let world = World::new().await;
    let (event, all, mut places) = lobby_of(&world, 200).await;
    let room = world.replica();
    room.tick_once().await;
    let before = world.board(&room, event).await;
    assert_eq!(before.commitment, DrawSecret(SECRET).commitment());
    assert_eq!((before.root, before.seed, before.waiting, &before.pivots), (None, None, 200, &Pivots::default()));

    world.start_sale(&room, event).await;

    let (root, seed, order) = recomputed(&mut places);
    assert_eq!(line(&world, event).await, order);
    room.refresh_rooms().await;
    world.empty_bucket(event).await;
    room.admit_all().await;
    let board = world.board(&room, event).await;
    assert_eq!((board.state, board.root, board.seed), (RoomState::Open, Some(root), Some(seed)));
    let ticket = room.join(event, all[0]).await.unwrap();
    assert!(ticket.existing && ticket.ticket.kind == PlaceKind::Lobby);
    // The secret is in the log, so that anyone can check it against the commitment.
    let log = room.log(event, None, 1).await.unwrap();
    let change: serde_json::Value = serde_json::from_str(&log[0].change).unwrap();
    assert_eq!(change["draw"]["secret"], hex::encode(SECRET));
    assert_eq!(change["draw"]["root"], root.to_hex());
}

#[tokio::test]
async fn nobody_has_a_place_number_before_the_draw() {
    let world = World::new().await;
    let (event, all, _) = lobby_of(&world, 3).await;
    let room = world.replica();
    room.tick_once().await;
    let joined = room.join(event, all[0]).await.unwrap();
    assert_eq!(room.place(event, all[0], &joined.signed).await, Err(QueueError::NotDrawn));
    assert_eq!(room.claim(event, all[0], &joined.signed).await, Err(QueueError::NotDrawn));
    assert_eq!(world.board(&room, event).await.locate(&joined.ticket), Location::Lobby { joined: 3 });
}

#[tokio::test]
async fn a_draw_that_was_killed_half_way_is_done_again_to_the_same_order() {
    let world = World::new().await;
    let (event, all, mut places) = lobby_of(&world, 50).await;
    let (_, seed, order) = recomputed(&mut places);
    // Killed after it had closed the lobby and written a part of the order.
    let lines = Lines::new(world.redis.clone());
    let closing = queue_log::close(&world.pool, event, world.epoch(event).await, 0).await.unwrap().unwrap();
    assert_eq!(lines.apply(event, &closing).await.unwrap(), Applied::Done);
    let half: Vec<_> = places[..20].iter().map(|place| (*place, Score::drawn(&seed, *place))).collect();
    assert!(lines.put_scores(event, 51, &half).await.unwrap());

    // Meanwhile one joins, one of the lobby asks, one leaves.
    let room = world.replica();
    room.tick_once().await;
    let late = room.join(event, AccountId::generate()).await.unwrap();
    assert_eq!(late.ticket.kind, PlaceKind::Late { sequence: 51 });
    let found = room.join(event, all[7]).await.unwrap();
    assert!(found.existing && found.ticket.kind == PlaceKind::Lobby);
    assert_eq!(room.place(event, all[7], &found.signed).await, Err(QueueError::NotDrawn));
    room.leave(event, all[8]).await.unwrap();
    let control = room.control(event).await.unwrap();
    assert_eq!((control.state, control.admitted), (RoomState::Lobby, 0));

    world.start_sale(&room, event).await;

    let left = room.join(event, all[8]).await.unwrap();
    assert_eq!(
        (left.existing, left.ticket.kind),
        (false, PlaceKind::Late { sequence: 54 }),
        "they left before the draw was done"
    );
    let mut expected: Vec<_> = order.into_iter().filter(|(place, _)| *place != left.ticket.place).collect();
    expected.extend([(late.ticket.place, (1 << 52) + 51), (left.ticket.place, (1 << 52) + 54)]);
    assert_eq!(line(&world, event).await, expected);
    assert_eq!(world.room(event).await.seed, Some(seed), "the root is that of the lobby as it was closed");
}

#[tokio::test]
async fn a_draw_whose_replica_died_after_its_commit_is_taken_over_by_whoever_looks_next() {
    let world = World::new().await;
    let (event, _, mut places) = lobby_of(&world, 10).await;
    let room = world.replica();
    room.tick_once().await;
    let before = world.remember_redis(event).await;
    world.start_sale(&room, event).await;
    // Redis as it was between the commit and what came after.
    world.redis_goes_back(event, &before).await;

    let other = world.replica();
    other.control(event).await.unwrap();
    assert_eq!(line(&world, event).await, recomputed(&mut places).2);
    assert!(matches!(other.join(event, AccountId::generate()).await.unwrap().ticket.kind, PlaceKind::Late { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_at_the_same_time_draw_once() {
    let world = World::new().await;
    let (event, _, mut places) = lobby_of(&world, 100).await;
    world.sale_is_due(event).await;
    let replicas: Vec<_> = (0..4).map(|_| world.replica()).collect();
    let at_once = replicas.iter().map(async |room| {
        room.share_rooms().await;
        room.refresh_rooms().await;
        room.keep_schedule().await;
    });
    futures::future::join_all(at_once).await;
    assert_eq!(world.room(event).await.state, RoomState::Open);
    assert_eq!(line(&world, event).await, recomputed(&mut places).2);
    let log = replicas[0].log(event, None, 10).await.unwrap();
    assert_eq!(log.len(), 2, "the lobby was opened once, the order drawn once: {log:?}");
}

#[tokio::test]
async fn an_owner_that_comes_late_to_a_step_leaves_the_next_one_alone() {
    let world = World::new().await;
    let one = world.replica();
    let event = world.publish(&generous(), -60, 3_600).await;
    one.share_rooms().await;
    one.refresh_rooms().await;
    let late = world.successor().await;
    late.tick_once().await;
    assert_eq!(world.room(event).await.state, RoomState::Lobby, "the draw is not due");
    one.keep_schedule().await;
    assert_eq!(world.room(event).await.state, RoomState::Lobby);
    assert_eq!(one.log(event, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_operator_who_opens_the_lobby_early_draws_its_order() {
    let world = World::new().await;
    let (event, all, mut places) = lobby_of(&world, 20).await;
    let room = world.replica();
    room.tick_once().await;
    let change = ControlChange { state: Some(RoomState::Open), reason: "doors are early".into(), ..ControlChange::default() };
    world.set(&room, event, change).await;
    assert_eq!(line(&world, event).await, recomputed(&mut places).2);
    let first = room.join(event, all[0]).await.unwrap();
    assert!(matches!(room.place(event, all[0], &first.signed).await, Ok(ClaimedPlace::Waiting { .. })));
}

#[tokio::test]
async fn an_early_opening_that_its_caller_gave_up_is_finished_by_the_schedule() {
    let world = World::new().await;
    let (event, _, mut places) = lobby_of(&world, 3_000).await;
    let (room, operator) = (world.replica(), world.operator);
    room.tick_once().await;
    let change = ControlChange { state: Some(RoomState::Open), reason: "doors are early".into(), ..ControlChange::default() };
    let caller = room.clone();
    let call = tokio::spawn(async move { caller.set_control(event, change, operator).await });
    while world.room(event).await.log.closed_at.is_none() {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled(), "in the middle of the draw");
    assert_eq!(world.room(event).await.state, RoomState::Lobby);

    let other = world.successor().await;
    eventually("another replica draws", Duration::from_secs(20), || async {
        other.tick_once().await;
        (world.room(event).await.state == RoomState::Open).then_some(())
    })
    .await;
    let (root, seed, _) = recomputed(&mut places);
    let drawn = world.room(event).await;
    assert_eq!((drawn.root, drawn.seed), (Some(root), Some(seed)));
    let log = other.log(event, None, 10).await.unwrap();
    assert_eq!((log[0].actor, log[1].actor, log[1].reason.as_str()), (None, Some(operator), "doors are early"), "{log:?}");
    assert!(log[1].change.contains("onsale_at"), "{log:?}");
}

#[tokio::test]
async fn an_early_opening_begins_the_sale_for_bookings_too() {
    let world = World::new().await;
    let room = world.replica();
    // Also where the lobby itself was opened before its time.
    let event = world.publish(&generous(), 3_600, 7_200).await;
    room.tick_once().await;
    for state in [RoomState::Lobby, RoomState::Open] {
        world.set(&room, event, ControlChange { state: Some(state), reason: "early".into(), ..ControlChange::default() }).await;
    }
    let now = world.room(event).await;
    assert_eq!(now.state, RoomState::Open);
    assert!(now.onsale_at <= now.read_at && now.lobby_opens_at <= now.onsale_at, "{now:?}");
}

#[tokio::test]
async fn an_empty_lobby_is_drawn_too() {
    let (world, _room, event) = on_sale(&generous()).await;
    assert_eq!(world.room(event).await.root, Some(MerkleRoot::of(&mut [])));
}
