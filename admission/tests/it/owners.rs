//! One owner per room: shared fairly, taken over from who died, and fenced against who comes back.

use std::sync::Arc;
use std::time::Duration;

use goticket_admission::app::ownership::BEATS_PER_LEASE;
use goticket_admission::{Deps, WaitingRoomService};
use goticket_domain::EventId;
use goticket_domain::queue::{ControlChange, QueueError, RoomSettings, RoomState, WaitingRoom};
use goticket_platform::config::U32In;
use goticket_platform::shutdown::Shutdown;
use goticket_platform::{postgres, redis as platform_redis};
use goticket_testkit::{Link, TestBed, eventually};
use tokio::runtime::Runtime;

use crate::world::{World, fans, generous, on_sale};

const SOON: Duration = Duration::from_secs(20);

/// A dead owner's rooms go on within this.
const TAKEOVER_MS: i64 = 2_000;

#[tokio::test]
async fn the_defaults_keep_the_promise() {
    let running = World::new().await.running;
    let (lease, tick) = (running.lease_ms.millis(), running.tick_ms.millis());
    let stands_still = lease + lease / BEATS_PER_LEASE + tick;
    assert!(i64::try_from(stands_still.as_millis()).unwrap() <= TAKEOVER_MS, "{stands_still:?}");
}

/// How many rooms each owner has, fewest first; none for those that no one has.
async fn owners(world: &World) -> Vec<(bool, i64)> {
    sqlx::query_as("SELECT owner IS NOT NULL, count(*) FROM room_owners GROUP BY owner ORDER BY 2")
        .fetch_all(&world.pool)
        .await
        .unwrap()
}

/// Everyone takes part until nothing changes any more.
async fn settle(replicas: &[Arc<WaitingRoomService>]) {
    for _ in 0..4 {
        for room in replicas {
            room.share_rooms().await;
        }
    }
}

#[tokio::test]
async fn rooms_are_shared_fairly_as_replicas_come_and_go() {
    let world = World::new().await;
    for _ in 0..12 {
        world.publish(&generous(), 3_600, 7_200).await;
    }
    let mut replicas = Vec::new();
    for each in [vec![12], vec![6, 6], vec![4, 4, 4]] {
        replicas.push(world.replica());
        settle(&replicas).await;
        assert_eq!(owners(&world).await, each.iter().map(|n| (true, *n)).collect::<Vec<_>>());
    }
    replicas.remove(0).give_rooms_back().await;
    assert_eq!(owners(&world).await, [(false, 4), (true, 4), (true, 4)], "given back at once");
    settle(&replicas).await;
    assert_eq!(owners(&world).await, [(true, 6), (true, 6)]);
}

#[tokio::test]
async fn an_owner_that_was_replaced_writes_nothing_whatever_it_believes() {
    let world = World::new().await;
    let one = world.replica();
    let open = world.on_sale(&one, &generous()).await;
    let lobby = world.lobby(&one, &generous()).await;
    let scheduled = world.publish(&generous(), -60, 3_600).await;
    one.join(open, fans(1)[0]).await.unwrap();
    one.join(lobby, fans(1)[0]).await.unwrap();
    one.share_rooms().await;
    let other = world.successor().await;
    other.share_rooms().await;
    assert_eq!(owners(&world).await, [(true, 3)]);

    // It has not heard of that, and everything is due.
    world.sale_is_due(lobby).await;
    world.fill_bucket(open).await;
    let before = everything(&world).await;
    one.refresh_rooms().await;
    one.keep_schedule().await;
    one.admit_all().await;
    assert_eq!(everything(&world).await, before);
    // The negative control: its successor does it all.
    other.refresh_rooms().await;
    other.keep_schedule().await;
    other.admit_all().await;
    let states = [world.room(open).await.state, world.room(lobby).await.state, world.room(scheduled).await.state];
    assert_eq!(states, [RoomState::Open, RoomState::Open, RoomState::Lobby]);
    assert_eq!((world.room(open).await.log.admitted, world.room(lobby).await.log.closed_at), (1, Some(1)));

    one.share_rooms().await;
    let before = everything(&world).await;
    world.fill_bucket(lobby).await;
    one.tick_once().await;
    assert_eq!(everything(&world).await, before, "it knows by now");
}

/// All that owners write.
async fn everything(world: &World) -> String {
    sqlx::query_scalar(
        "SELECT concat((SELECT json_agg(r ORDER BY event) FROM rooms r), (SELECT json_agg(l ORDER BY event, first) FROM queue_log l),
                       (SELECT json_agg(l ORDER BY event, number) FROM room_log l), (SELECT json_agg(closed_at ORDER BY event) FROM queue_heads))",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_closed_room_needs_no_owner_any_more_once_it_is_cleared_up() {
    let (world, room, event) = on_sale(&generous()).await;
    room.join(event, fans(1)[0]).await.unwrap();
    let close = ControlChange { state: Some(RoomState::Closed), ..ControlChange::default() };
    // Closed while its owner is away; its successor has never heard of it.
    world.replica().set_control(event, close, world.operator).await.unwrap();
    let other = world.successor().await;
    other.tick_once().await;
    assert_eq!(owners(&world).await, []);
    assert_eq!(world.ask::<u64>("EXISTS", &[world.names(event).room(), world.names(event).line()]).await, 0);
    assert_eq!(world.board(&other, event).await.state, RoomState::Closed);
    room.tick_once().await;
    assert_eq!(room.join(event, fans(1)[0]).await.unwrap_err(), QueueError::ClosedToJoins { state: RoomState::Closed });
}

#[tokio::test]
async fn an_operator_opens_a_lobby_through_any_replica() {
    let world = World::new().await;
    let (owner, asked) = (world.replica(), world.replica());
    let event = world.lobby(&owner, &generous()).await;
    let open = ControlChange { state: Some(RoomState::Open), reason: "early".into(), ..ControlChange::default() };
    let ticks = async {
        loop {
            owner.tick_once().await;
        }
    };
    let answer = tokio::select! {
        answer = asked.set_control(event, open, world.operator) => answer.unwrap(),
        () = ticks => unreachable!(),
    };
    assert_eq!(answer.state, RoomState::Open);
}

#[tokio::test]
async fn ticks_ask_nothing_of_redis_while_nothing_happens() {
    let mut bed = TestBed::new().await;
    let link = Link::before(&mut bed.redis_url).await.unwrap();
    let world = World::on(bed, &[("ADMISSION__BOARD_EVERY_MS", "5000")]).await;
    let room = world.replica();
    let mut events = Vec::new();
    for _ in 0..20 {
        events.push(world.publish(&generous(), -60, 3_600).await);
    }
    room.tick_once().await;
    room.refresh_rooms().await;
    room.admit_all().await;
    link.hold_request(b"");
    room.refresh_rooms().await;
    room.admit_all().await;
    assert_eq!(link.caught(), 0, "twenty idle rooms");
    link.restore();
    room.join(events[7], fans(1)[0]).await.unwrap();
    link.hold_request(b"EVALSHA");
    room.refresh_rooms().await;
    tokio::select! {
        () = room.admit_all() => {}
        () = eventually("a look", SOON, || async { (link.caught() > 0).then_some(()) }) => {}
    }
    assert_eq!(link.caught(), 1, "something has happened in one");
}

/// A replica as it runs, on threads of its own.
struct Process {
    runtime: Runtime,
    shutdown: Shutdown,
}

impl Process {
    async fn start(world: &World) -> Self {
        let runtime = Runtime::new().unwrap();
        let shutdown = Shutdown::new();
        let (keys, config, ending) = (world.keys.clone(), world.running.clone(), shutdown.clone());
        let (postgres, redis) = (world.postgres.clone(), world.redis.config().clone());
        let started = runtime.spawn(async move {
            let deps = Deps {
                pool: postgres::connect(&postgres, postgres::Plans::ByKeys).await.unwrap(),
                redis: platform_redis::connect(&redis).await.unwrap(),
                place_keys: keys.place.clone(),
                entry_signer: keys.entry_signer.clone(),
                receipts: keys.receipts.clone(),
                beacon: None,
            };
            goticket_admission::start(&config, deps, &ending);
        });
        started.await.unwrap();
        Self { runtime, shutdown }
    }

    /// As by SIGKILL: whatever it was at ends, and nothing is given back.
    fn kill(self) {
        self.runtime.shutdown_background();
    }

    async fn stop(self) {
        let shutdown = self.shutdown.clone();
        self.runtime.spawn(async move { shutdown.drain(SOON).await }).await.unwrap().unwrap();
        self.runtime.shutdown_background();
    }
}

/// When turns came, by the database's clock: all of them in segments of their own.
async fn admissions(world: &World, event: EventId) -> Vec<i64> {
    sqlx::query_scalar("SELECT at_ms FROM queue_log WHERE event = $1 AND get_byte(entries, 0) = 4 ORDER BY first")
        .bind(event.0)
        .fetch_all(&world.pool)
        .await
        .unwrap()
}

async fn database_ms(world: &World) -> i64 {
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    sqlx::query_scalar(now).fetch_one(&world.pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_whose_owner_was_killed_goes_on_within_two_seconds() {
    let (world, room, event) = on_sale(&RoomSettings { rate_per_min: 1_200, burst: 5, ..generous() }).await;
    for joined in futures::future::join_all(fans(600).into_iter().map(|fan| room.join(event, fan))).await {
        joined.unwrap();
    }
    room.give_rooms_back().await;
    let one = Process::start(&world).await;
    eventually("it admits", SOON, || async { (!admissions(&world, event).await.is_empty()).then_some(()) }).await;
    let (two, three) = (Process::start(&world).await, Process::start(&world).await);
    let members = || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM lane_members").fetch_one(&world.pool);
    eventually("all live", SOON, || async { (members().await.unwrap() == 3).then_some(()) }).await;

    let epoch = world.epoch(event).await;
    one.kill();
    let killed_ms = database_ms(&world).await;
    let next = eventually("another one admits", SOON, || async {
        let taken = world.epoch(event).await > epoch;
        admissions(&world, event).await.into_iter().rfind(|at| taken && *at > killed_ms)
    });
    next.await;
    let all = admissions(&world, event).await;
    let after = all.iter().position(|at| *at > killed_ms).unwrap();
    assert!(all[after] - all[after - 1] <= TAKEOVER_MS, "stood still from {} to {}", all[after - 1], all[after]);

    two.stop().await;
    three.stop().await;
    assert_eq!(owners(&world).await, [(false, 1)], "whoever stops gives back");
    world.assert_history(event).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rooms_open_with_few_connections() {
    const ROOMS: i64 = 60;
    let mut world = World::new().await;
    world.postgres.max_connections = U32In::new(2).unwrap();
    for _ in 0..ROOMS {
        world.publish(&generous(), -20, -10).await;
    }
    let one = Process::start(&world).await;
    let open = || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM rooms WHERE state = 'open'").fetch_one(&world.pool);
    eventually("all rooms to open", SOON, || async { (open().await.unwrap() == ROOMS).then_some(()) }).await;
    one.stop().await;
}
