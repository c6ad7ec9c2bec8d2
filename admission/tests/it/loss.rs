//! Redis loses everything, or goes back a little, at whatever moment: the order is what it was, and no one has to do anything for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use goticket_admission::WaitingRoomService;
use goticket_domain::queue::{
    ClaimedPlace, ControlChange, JoinedPlace, Location, PlaceKind, QueueError, RoomSettings, RoomState, WaitingRoom,
};
use goticket_domain::{AccountId, EventId};

use crate::world::{World, fans, generous, on_sale};

/// So many may be inside.
const CAP: u32 = 6;

/// How far the sale has come when Redis forgets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Stage {
    Lobby,
    Closed,
    Open,
    CapFull,
    Paused,
}

/// What Redis does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Loss {
    Everything,
    /// It has what it had before the last things happened: a dump on disk, or a replica that lagged behind.
    TheLastThings,
}

/// A sale on its way: everyone who joined, with their ticket.
struct Sale {
    world: World,
    room: Arc<WaitingRoomService>,
    event: EventId,
    joined: Vec<(AccountId, JoinedPlace)>,
}

impl Sale {
    async fn join(&mut self, n: usize) {
        for fan in fans(n) {
            let place = self.room.join(self.event, fan).await.unwrap();
            self.joined.push((fan, place));
        }
    }

    async fn admit(&self) {
        self.world.admit(&self.room, self.event).await;
    }

    /// Where everyone stands.
    async fn places(&self) -> Vec<Result<ClaimedPlace, QueueError>> {
        let mut places = Vec::new();
        for (fan, joined) in &self.joined {
            places.push(self.room.place(self.event, *fan, &joined.signed).await);
        }
        places
    }

    async fn admitted(&self) -> Vec<usize> {
        let places = self.places().await;
        (0..places.len()).filter(|n| matches!(places[*n], Ok(ClaimedPlace::Admitted { .. }))).collect()
    }

    async fn claim(&self, n: usize) {
        let (fan, joined) = &self.joined[n];
        self.room.claim(self.event, *fan, &joined.signed).await.unwrap();
    }

    async fn leave(&self, n: usize) {
        self.room.leave(self.event, self.joined[n].0).await.unwrap();
    }

    /// Up to this stage, with somebody joining and leaving at each, whom a dump taken before does not know.
    async fn at(stage: Stage) -> (Self, Vec<(String, Option<Vec<u8>>)>) {
        let world = World::new().await;
        let room = world.replica();
        let event = world.lobby(&room, &RoomSettings { active_cap: CAP, ..generous() }).await;
        let mut sale = Self { world, room, event, joined: Vec::new() };
        sale.join(12).await;
        sale.leave(0).await;
        let mut dump = sale.world.remember_redis(event).await;
        sale.join(2).await;
        sale.leave(1).await;
        if stage >= Stage::Closed {
            sale.close_lobby().await;
            dump = sale.world.remember_redis(event).await;
            sale.join(2).await;
            sale.leave(2).await;
        }
        if stage >= Stage::Open {
            sale.world.start_sale(&sale.room, event).await;
            dump = sale.world.remember_redis(event).await;
            sale.join(8).await;
            sale.leave(3).await;
        }
        if stage >= Stage::CapFull {
            sale.admit().await;
            let admitted = sale.admitted().await;
            assert_eq!(admitted.len(), CAP as usize);
            sale.claim(admitted[0]).await;
            dump = sale.world.remember_redis(event).await;
            sale.claim(admitted[1]).await;
            sale.leave(admitted[2]).await;
            sale.admit().await;
            sale.join(2).await;
        }
        if stage >= Stage::Paused {
            sale.set(RoomState::Paused).await;
            sale.join(1).await;
        }
        (sale, dump)
    }

    /// As a replica that died in the middle of the draw leaves it.
    async fn close_lobby(&self) {
        goticket_storage::queue_log::close(&self.world.pool, self.event, self.world.epoch(self.event).await, 0)
            .await
            .unwrap()
            .expect("it was open");
    }

    async fn set(&self, state: RoomState) {
        let change = ControlChange { state: Some(state), reason: "test".into(), ..ControlChange::default() };
        self.world.set(&self.room, self.event, change).await;
    }
}

#[tokio::test]
async fn whatever_redis_forgets_and_when_everyone_stands_where_they_stood() {
    for stage in [Stage::Lobby, Stage::Closed, Stage::Open, Stage::CapFull, Stage::Paused] {
        for loss in [Loss::Everything, Loss::TheLastThings] {
            let (mut sale, dump) = Sale::at(stage).await;
            let before = sale.places().await;
            match loss {
                Loss::Everything => sale.world.lose_redis(sale.event).await,
                Loss::TheLastThings => sale.world.redis_goes_back(sale.event, &dump).await,
            }
            // The first thing that happens is that someone comes, who must not profit; at a replica that knows nothing yet.
            sale.room = sale.world.successor().await;
            sale.join(1).await;
            assert!(!sale.joined.last().unwrap().1.existing);
            assert_eq!(sale.places().await[..before.len()], before, "{stage:?}, {loss:?}");
            sale.admit().await;
            let control = sale.room.control(sale.event).await.unwrap();
            let inside = match stage {
                Stage::Lobby | Stage::Closed => 0,
                Stage::Open | Stage::CapFull | Stage::Paused => u64::from(CAP),
            };
            assert_eq!(control.active, inside, "{stage:?}, {loss:?}");

            // Who had a place has it, from whichever device, and all who were to come before others still do.
            let live: Vec<usize> = (0..before.len()).filter(|n| !matches!(before[*n], Ok(ClaimedPlace::Gone))).collect();
            for n in &live {
                let (fan, joined) = &sale.joined[*n];
                let again = sale.room.join(sale.event, *fan).await.unwrap();
                let drawn = matches!((joined.ticket.kind, again.ticket.kind), (PlaceKind::Lobby, PlaceKind::Drawn { .. }));
                assert!(again.existing && (drawn || again.ticket.kind == joined.ticket.kind), "{stage:?}, {loss:?}, {n}");
            }
            if stage <= Stage::Closed {
                sale.world.start_sale(&sale.room, sale.event).await;
                for n in live {
                    let (fan, joined) = &sale.joined[n];
                    let renewed = sale.room.renew(sale.event, *fan, &joined.signed).await.unwrap();
                    let score = renewed.ticket.score().unwrap();
                    assert!(matches!(sale.places().await[n], Ok(ClaimedPlace::Waiting { score: now, .. }) if now == score));
                }
            } else {
                sale.world.assert_history(sale.event).await;
            }
        }
    }
}

#[tokio::test]
async fn a_sale_in_which_redis_forgets_again_and_again_admits_everyone_once_in_their_order() {
    let (world, room, event) = on_sale(&RoomSettings { burst: 5, ..generous() }).await;
    let mut sale = Sale { world, room, event, joined: Vec::new() };
    sale.join(40).await;
    let mut order = Vec::new();
    for round in 0.. {
        let dump = sale.world.remember_redis(event).await;
        sale.admit().await;
        let admitted = sale.admitted().await;
        if admitted.is_empty() {
            break;
        }
        assert!(admitted.len() <= 5, "round {round}");
        if round % 2 == 0 {
            sale.world.lose_redis(event).await;
        } else {
            sale.world.redis_goes_back(event, &dump).await;
        }
        for n in &admitted {
            sale.claim(*n).await;
        }
        if round % 3 == 0 {
            sale.world.lose_redis(event).await;
        }
        for n in &admitted {
            sale.leave(*n).await;
        }
        order.extend(admitted);
    }
    assert_eq!(order, (0..40).collect::<Vec<_>>());
    sale.world.assert_history(event).await;
}

#[tokio::test]
async fn no_one_is_let_in_twice_by_an_old_ticket() {
    let (world, room, event) = on_sale(&generous()).await;
    let mut sale = Sale { world, room, event, joined: Vec::new() };
    sale.join(4).await;
    sale.admit().await;
    // One has left, one let their turn pass, one's session is over, one was inside and left.
    sale.leave(0).await;
    sale.claim(2).await;
    sale.claim(3).await;
    sale.leave(3).await;
    sqlx::query("UPDATE queue_log SET at_ms = 0").execute(&sale.world.pool).await.unwrap();
    let k = sale.world.names(event);
    sale.world.put_time(&k.admitted(), sale.joined[1].1.ticket.place, 1).await;
    sale.world.put_time(&k.sessions(), sale.joined[2].1.ticket.place, 1).await;
    for _ in 0..2 {
        let places = sale.places().await;
        assert!(places.iter().all(|place| *place == Ok(ClaimedPlace::Gone)), "{places:?}");
        sale.room.tick_once().await;
    }
    sale.world.empty_bucket(event).await;
    for (fan, joined) in &sale.joined {
        let again = sale.room.join(event, *fan).await.unwrap();
        assert!(!again.existing && again.ticket.kind != joined.ticket.kind);
    }
}

#[tokio::test]
async fn a_bucket_does_not_fill_when_redis_forgets() {
    let (world, room, event) = on_sale(&RoomSettings { rate_per_min: 1, burst: 5, ..RoomSettings::default() }).await;
    for fan in fans(30) {
        room.join(event, fan).await.unwrap();
    }
    world.admit(&room, event).await;
    for _ in 0..3 {
        world.lose_redis(event).await;
        world.successor().await.tick_once().await;
        let control = room.control(event).await.unwrap();
        assert_eq!((control.admitted, control.active, control.waiting), (5, 5, 25));
    }
    world.assert_history(event).await;
}

#[tokio::test]
async fn a_crowd_that_finds_an_empty_redis_fills_it_together() {
    let world = World::new().await;
    let (one, other) = (world.replica(), world.replica());
    let event = world.on_sale(&one, &generous()).await;
    for fan in fans(20) {
        one.join(event, fan).await.unwrap();
    }
    other.refresh_rooms().await;
    world.lose_redis(event).await;
    let joins = fans(100).into_iter().enumerate().map(|(n, fan)| {
        let room = if n % 2 == 0 { &one } else { &other };
        room.join(event, fan)
    });
    let sequences: BTreeSet<u64> = futures::future::join_all(joins)
        .await
        .into_iter()
        .map(|joined| match joined.unwrap().ticket.kind {
            PlaceKind::Late { sequence } => sequence,
            other => panic!("the lobby is closed: {other:?}"),
        })
        .collect();
    assert_eq!(sequences.len(), 100);
    assert_eq!(one.control(event).await.unwrap().waiting, 120);
    let keys: Vec<String> = world.ask("KEYS", &[format!("{}*", world.redis.prefix())]).await;
    assert_eq!(keys.len(), 3, "the room, its line and its board, and nothing left aside: {keys:?}");
}

#[tokio::test]
async fn a_closed_room_is_not_filled_again() {
    let (world, room, event) = on_sale(&generous()).await;
    let fan = fans(1)[0];
    let ticket = room.join(event, fan).await.unwrap();
    let close = ControlChange { state: Some(RoomState::Closed), ..Default::default() };
    world.set(&room, event, close).await;
    room.tick_once().await;
    let closed = QueueError::ClosedToJoins { state: RoomState::Closed };
    for room in [room, world.replica()] {
        assert_eq!(room.join(event, fan).await.unwrap_err(), closed);
        assert_eq!(room.place(event, fan, &ticket.signed).await.unwrap_err(), closed);
        room.leave(event, fan).await.unwrap();
    }
    assert_eq!(world.ask::<u64>("EXISTS", &[world.names(event).room()]).await, 0);
}

#[tokio::test]
async fn the_board_says_the_turn_of_everyone_up_to_the_frontier_also_after_a_loss() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 1, ..generous() }).await;
    let all = fans(2);
    let (first, second) = (room.join(event, all[0]).await.unwrap(), room.join(event, all[1]).await.unwrap());
    world.admit(&room, event).await;
    world.lose_redis(event).await;
    room.tick_once().await;
    let board = world.board(&room, event).await;
    assert_eq!(board.locate(&first.ticket), Location::Turn);
    assert!(matches!(board.locate(&second.ticket), Location::Waiting { ahead: 0, .. }));
    room.claim(event, all[0], &first.signed).await.unwrap();
}

/// Postgres as it was: restored from a backup, or failed over to a replica that had not everything.
struct Backup {
    segments: i64,
    head: (i64, Vec<u8>),
}

impl Backup {
    async fn of(world: &World, event: EventId) -> Self {
        let head = sqlx::query_as("SELECT size, hash FROM queue_heads WHERE event = $1");
        let segments = sqlx::query_scalar("SELECT count(*) FROM queue_log WHERE event = $1");
        Self {
            head: head.bind(event.0).fetch_one(&world.pool).await.unwrap(),
            segments: segments.bind(event.0).fetch_one(&world.pool).await.unwrap(),
        }
    }

    async fn restore(&self, world: &World, event: EventId) {
        sqlx::query("DELETE FROM queue_log WHERE event = $1 AND first >= $2")
            .bind(event.0)
            .bind(self.head.0)
            .execute(&world.pool)
            .await
            .unwrap();
        sqlx::query("UPDATE queue_heads SET size = $2, hash = $3 WHERE event = $1")
            .bind(event.0)
            .bind(self.head.0)
            .bind(&self.head.1)
            .execute(&world.pool)
            .await
            .unwrap();
        assert_eq!(Self::of(world, event).await.segments, self.segments);
    }
}

#[tokio::test]
async fn a_postgres_that_went_back_is_noticed_and_what_it_has_counts() {
    for others in [0, 1, 3] {
        let (world, room, event) = on_sale(&generous()).await;
        let mut sale = Sale { world, room, event, joined: Vec::new() };
        sale.join(3).await;
        let backup = Backup::of(&sale.world, event).await;
        sale.join(3).await;
        backup.restore(&sale.world, event).await;
        // Also where as many others have joined since, so that both have the same number of entries.
        let mut newcomers = Vec::new();
        for fan in fans(others) {
            newcomers.push((fan, sale.world.replica().join(event, fan).await.unwrap()));
        }
        sale.room = sale.world.successor().await;
        sale.room.tick_once().await;
        let places = sale.places().await;
        for (n, place) in places.iter().enumerate() {
            let stays = n < 3;
            assert_eq!(*place != Ok(ClaimedPlace::Gone), stays, "{others} others, {n}: {place:?}");
        }
        for (fan, joined) in &newcomers {
            assert_ne!(sale.room.place(event, *fan, &joined.signed).await, Ok(ClaimedPlace::Gone));
        }
        let lost = sale.joined[4].0;
        assert!(!sale.room.join(event, lost).await.unwrap().existing, "they join again, at the end");
    }
}

#[tokio::test]
async fn many_joins_at_once_are_few_commits_and_each_is_written_before_it_is_answered() {
    let (world, room, event) = on_sale(&generous()).await;
    let commits =
        || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM queue_log WHERE event = $1").bind(event.0).fetch_one(&world.pool);
    let before = commits().await.unwrap();
    let size =
        || sqlx::query_scalar::<_, i64>("SELECT size FROM queue_heads WHERE event = $1").bind(event.0).fetch_one(&world.pool);
    let joins = fans(600).into_iter().map(async |fan| {
        let PlaceKind::Late { sequence } = room.join(event, fan).await.unwrap().ticket.kind else { panic!() };
        assert!(size().await.unwrap() > i64::try_from(sequence).unwrap());
    });
    futures::future::join_all(joins).await;
    let commits = commits().await.unwrap() - before;
    assert!((1..100).contains(&commits), "{commits} commits");
}

#[tokio::test]
async fn a_join_whose_caller_gave_up_is_carried_out() {
    let (world, room, event) = on_sale(&generous()).await;
    let fan = fans(1)[0];
    let caller = Arc::clone(&room);
    let call = tokio::spawn(async move { caller.join(event, fan).await });
    tokio::task::yield_now().await;
    call.abort();
    // Whether it had begun or not, the next one finds or takes the same place.
    let joined = room.join(event, fan).await.unwrap();
    assert_eq!(room.join(event, fan).await.unwrap().ticket.kind, joined.ticket.kind);
    assert_eq!(room.control(event).await.unwrap().waiting, 1);
    drop(world);
}
