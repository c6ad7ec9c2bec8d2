//! Each Lua script alone, on a real Redis.

use goticket_admission::outbound::redis::{
    ClaimAnswer, FreezeAnswer, JoinAnswer, LeaveAnswer, Lines, Order, PlaceAnswer, RestoreAnswer, ScoresAnswer, Snapshot,
    TickAnswer, Warmth,
};
use goticket_domain::queue::{PlaceId, PlaceKind, PlaceTicket, RoomState, Score};
use goticket_domain::{AccountId, EventId};
use goticket_storage::rooms::Room;

use crate::world::{World, generous};

const LATE: u64 = 1 << 52;
const MAX_LINE: u32 = 100;

/// A room that is only known to Redis.
struct Bench {
    world: World,
    lines: Lines,
    room: Room,
    event: EventId,
}

fn place(n: u8) -> PlaceId {
    PlaceId([n; 16])
}

/// Signed at 1000 ms.
fn ticket(event: EventId, n: u8, epoch: u64) -> PlaceTicket {
    let account = AccountId(uuid::Uuid::from_u128(n.into()));
    PlaceTicket { place: place(n), event, account, kind: PlaceKind::Lobby, epoch, issued_at_ms: 1_000 }
}

fn score(n: u64) -> Score {
    Score::from_u64(n).unwrap()
}

impl Bench {
    /// Filled for the first time, in this state, with a full bucket and so long windows that nothing ends by itself.
    async fn new(state: RoomState) -> Self {
        let world = World::new().await;
        let event = world.publish(&generous(), 3_600, 7_200).await;
        let room = Room { state, epoch: 1, ..world.room(event).await };
        let lines = Lines::new(world.redis.clone());
        lines.init(&room).await.unwrap();
        Self { world, lines, room, event }
    }

    async fn join(&self, n: u8) -> JoinAnswer {
        self.lines.join(self.event, place(n), MAX_LINE).await.unwrap()
    }

    async fn stands(&self, n: u8) -> PlaceAnswer {
        self.lines.place(self.event, place(n)).await.unwrap()
    }

    async fn tick(&self, admit_max: u32) -> Snapshot {
        self.world.fill_bucket(self.event).await;
        match self.lines.tick(&self.room, Order { admit_max, let_go_max: 10 }).await.unwrap() {
            TickAnswer::Moved(now) => now,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn every_script_says_that_it_does_not_know_the_room() {
    let world = World::new().await;
    let (lines, event) = (Lines::new(world.redis.clone()), world.publish(&generous(), 3_600, 7_200).await);
    let room = world.room(event).await;
    assert_eq!(lines.join(event, place(1), MAX_LINE).await.unwrap(), JoinAnswer::Cold);
    assert_eq!(lines.place(event, place(1)).await.unwrap(), PlaceAnswer::Cold);
    assert_eq!(lines.claim(event, place(1), 60).await.unwrap(), ClaimAnswer::Cold);
    assert_eq!(lines.leave(event, place(1)).await.unwrap(), LeaveAnswer::Cold);
    assert_eq!(lines.restore(&ticket(event, 1, 0), None, 60).await.unwrap(), RestoreAnswer::Cold);
    assert_eq!(lines.freeze(event).await.unwrap(), FreezeAnswer::Cold);
    assert_eq!(lines.write_scores(event, &[(place(1), score(1))]).await.unwrap(), ScoresAnswer::Cold);
    assert_eq!(lines.tick(&room, Order { admit_max: 1, let_go_max: 1 }).await.unwrap(), TickAnswer::Cold);
    assert_eq!(lines.warmth(&room).await.unwrap(), Warmth::Cold);
    assert!(lines.pivots(event).await.unwrap().is_empty());
    lines.close(&room).await.unwrap();
    let keys: Vec<String> = world.ask("KEYS", &[format!("{}*", world.redis.prefix())]).await;
    assert!(keys.is_empty(), "and none of them leaves a key behind: {keys:?}");
}

#[tokio::test]
async fn join_gives_each_place_one_score() {
    let bench = Bench::new(RoomState::Open).await;
    let rows = [(1, LATE, false), (2, LATE + 1, false), (1, LATE, true), (3, LATE + 2, false), (2, LATE + 1, true)];
    for (n, expected, was_there) in rows {
        let JoinAnswer::Place { score, existing, epoch, .. } = bench.join(n).await else { panic!() };
        assert_eq!((score.as_u64(), existing, epoch), (expected, was_there, 1), "{n}");
    }
    assert_eq!(bench.lines.join(bench.event, place(9), 3).await.unwrap(), JoinAnswer::Full);
}

#[tokio::test]
async fn join_is_refused_in_the_states_that_take_nobody_in() {
    for state in RoomState::ALL {
        let bench = Bench::new(state).await;
        let answer = bench.join(1).await;
        if state.admits_joins() {
            assert!(matches!(answer, JoinAnswer::Place { .. }), "{state:?}: {answer:?}");
        } else {
            assert_eq!(answer, JoinAnswer::Refused(state));
        }
    }
}

#[tokio::test]
async fn claim_moves_a_place_once() {
    let bench = Bench::new(RoomState::Open).await;
    bench.join(1).await;
    let claim = || async { bench.lines.claim(bench.event, place(1), 600).await.unwrap() };
    assert_eq!(claim().await, ClaimAnswer::Elsewhere, "in line");
    bench.tick(1).await;
    let ClaimAnswer::Inside { now_ms, until_ms } = claim().await else { panic!() };
    assert_eq!(until_ms - now_ms, 600_000);
    assert!(matches!(claim().await, ClaimAnswer::Inside { until_ms: again, .. } if again == until_ms));
    bench.world.put_time(&bench.world.names(bench.event).sessions(), place(1), now_ms).await;
    assert_eq!(claim().await, ClaimAnswer::Elsewhere, "over");
}

#[tokio::test]
async fn place_tells_all_whereabouts_apart() {
    let bench = Bench::new(RoomState::Open).await;
    for n in 1..=5 {
        bench.join(n).await;
    }
    bench.tick(3).await;
    bench.lines.claim(bench.event, place(2), 600).await.unwrap();
    bench.lines.leave(bench.event, place(4)).await.unwrap();
    bench.world.put_time(&bench.world.names(bench.event).admitted(), place(3), 5).await;
    assert!(matches!(bench.stands(1).await, PlaceAnswer::Admitted { .. }));
    assert!(matches!(bench.stands(2).await, PlaceAnswer::Inside { .. }));
    assert_eq!(bench.stands(3).await, PlaceAnswer::Passed, "not swept yet");
    bench.tick(0).await;
    assert_eq!(bench.stands(3).await, PlaceAnswer::Passed, "swept");
    assert_eq!(bench.stands(4).await, PlaceAnswer::Over);
    assert_eq!(bench.stands(5).await, PlaceAnswer::Waiting { score: score(LATE + 4), ahead: 0 });
    assert_eq!(bench.stands(6).await, PlaceAnswer::Missing { epoch: 1 });
}

#[tokio::test]
async fn leave_gives_back_from_everywhere_and_is_safe_to_repeat() {
    let bench = Bench::new(RoomState::Open).await;
    for n in 1..=3 {
        bench.join(n).await;
    }
    bench.tick(2).await;
    bench.lines.claim(bench.event, place(1), 600).await.unwrap();
    for n in 1..=3 {
        assert_eq!(bench.lines.leave(bench.event, place(n)).await.unwrap(), LeaveAnswer::Left { removed: true });
        assert_eq!(bench.lines.leave(bench.event, place(n)).await.unwrap(), LeaveAnswer::Left { removed: false });
    }
    let now = bench.tick(10).await;
    assert_eq!((now.active, now.waiting, now.admitted), (0, 0, 2));
    let k = bench.world.names(bench.event);
    assert_eq!(bench.world.ask::<u64>("HLEN", &[k.scores()]).await, 0);
}

#[tokio::test]
async fn init_keeps_what_another_replica_has_filled_and_starts_with_an_empty_bucket() {
    let bench = Bench::new(RoomState::Open).await;
    let field = |name: &'static str| {
        let key = bench.world.names(bench.event).room();
        let world = &bench.world;
        async move { world.ask::<String>("HGET", &[key.as_str(), name]).await }
    };
    assert_eq!(
        (field("tokens").await, field("ghosts").await, field("next_sequence").await),
        ("0".into(), "0".into(), "0".into())
    );
    bench.join(1).await;
    bench.lines.init(&Room { admitted: 99, ..bench.room.clone() }).await.unwrap();
    assert_eq!((field("admitted").await, field("next_sequence").await), ("0".into(), "1".into()), "the same epoch: not again");

    let later =
        Room { epoch: 2, admitted: 99, next_sequence: 40, active: 7, active_until_ms: i64::MAX / 2, ..bench.room.clone() };
    bench.tick(1).await;
    bench.lines.init(&later).await.unwrap();
    assert_eq!(field("ghosts").await, "6", "one of the seven is known");
    assert_eq!(
        (field("epoch").await, field("admitted").await, field("next_sequence").await),
        ("2".into(), "99".into(), "40".into())
    );
}

#[tokio::test]
async fn restore_puts_back_what_was_lost_and_nothing_else() {
    let bench = Bench::new(RoomState::Open).await;
    bench
        .lines
        .init(&Room {
            epoch: 2,
            frontier: Some(score(100)),
            admitted: 3,
            active: 1,
            active_until_ms: i64::MAX / 2,
            ..bench.room.clone()
        })
        .await
        .unwrap();
    for n in 7..=9 {
        bench.join(n).await;
    }
    let restore = |n, epoch, at: Option<u64>| {
        let lines = &bench.lines;
        let event = bench.event;
        async move { lines.restore(&ticket(event, n, epoch), at.map(score), 60).await.unwrap() }
    };
    assert_eq!(restore(1, 2, Some(50)).await, RestoreAnswer::Known, "a ticket of this epoch was not lost");
    assert_eq!(restore(9, 2, Some(50)).await, RestoreAnswer::Known, "nor is one that moves forward by it");
    assert_eq!(restore(9, 1, Some(LATE + 3)).await, RestoreAnswer::Known, "it stands further ahead already");
    assert_eq!(restore(9, 1, None).await, RestoreAnswer::Known);
    assert_eq!(restore(1, 1, None).await, RestoreAnswer::Undrawn);
    assert_eq!(restore(1, 1, Some(100)).await, RestoreAnswer::Restored);
    assert!(matches!(bench.stands(1).await, PlaceAnswer::Admitted { .. }), "at the frontier: their slot was kept");
    assert_eq!(restore(2, 1, Some(99)).await, RestoreAnswer::Restored);
    assert_eq!(bench.stands(2).await, PlaceAnswer::Waiting { score: score(99), ahead: 0 }, "no slot is left: at the front");
    assert_eq!(restore(3, 1, Some(101)).await, RestoreAnswer::Restored);
    assert_eq!(bench.stands(3).await, PlaceAnswer::Waiting { score: score(101), ahead: 1 });
    for at in [101, 102] {
        assert_eq!(restore(3, 1, Some(at)).await, RestoreAnswer::Known, "nobody is moved back");
    }
    assert_eq!(restore(9, 1, Some(103)).await, RestoreAnswer::Restored, "it joined again before");
    assert_eq!(bench.stands(9).await, PlaceAnswer::Waiting { score: score(103), ahead: 2 });
    let gone = bench.world.names(bench.event).gone();
    for (n, went, expected) in [
        (7, "1000", RestoreAnswer::Known),
        (7, "-1000", RestoreAnswer::Known),
        (7, "999", RestoreAnswer::Restored),
        (8, "-999", RestoreAnswer::Restored),
    ] {
        let _: u64 = bench.world.ask("ZADD", &[gone.clone(), went.to_owned(), place(n).to_hex()]).await;
        assert_eq!(restore(n, 1, Some(200)).await, expected, "went at {went}, signed at 1000");
    }
}

#[tokio::test]
async fn tick_lets_go_refills_admits_and_counts() {
    let bench = Bench::new(RoomState::Open).await;
    for n in 1..=20 {
        bench.join(n).await;
    }
    let first = bench.tick(12).await;
    assert_eq!((first.admitted_now, first.admitted, first.active, first.waiting), (12, 12, 12, 8));
    assert_eq!((first.frontier, first.next_sequence), (Some(score(LATE + 11)), 20));
    let k = bench.world.names(bench.event);
    for n in 1..=12 {
        bench.world.put_time(&k.admitted(), place(n), 1).await;
    }
    let second = bench.tick(0).await;
    assert_eq!((second.let_go, second.active, second.admitted), (10, 2, 12), "at most as many as ordered");
    let third = bench.tick(100).await;
    assert_eq!((third.let_go, third.active, third.admitted, third.waiting), (2, 8, 20, 0));
    let behind = Room { admitted: 21, ..bench.room.clone() };
    assert_eq!(bench.lines.tick(&behind, Order { admit_max: 0, let_go_max: 0 }).await.unwrap(), TickAnswer::Cold);
    let stale = Room { revision: bench.room.revision - 1, ..bench.room.clone() };
    assert_eq!(bench.lines.tick(&stale, Order { admit_max: 0, let_go_max: 0 }).await.unwrap(), TickAnswer::Stale);
}

#[tokio::test]
async fn freeze_is_safe_to_repeat_and_scores_are_the_same_each_time() {
    let bench = Bench::new(RoomState::Lobby).await;
    for n in 1..=3 {
        bench.join(n).await;
    }
    assert_eq!(bench.lines.freeze(bench.event).await.unwrap(), FreezeAnswer::Frozen(3));
    bench.join(4).await;
    assert_eq!(bench.lines.freeze(bench.event).await.unwrap(), FreezeAnswer::Frozen(3));
    let mut lobby = bench.lines.frozen(bench.event, 0, 2).await.unwrap();
    lobby.extend(bench.lines.frozen(bench.event, 2, 2).await.unwrap());
    assert_eq!(lobby, [place(1), place(2), place(3)]);
    bench.lines.leave(bench.event, place(2)).await.unwrap();
    let drawn = [(place(1), score(30)), (place(2), score(20)), (place(3), score(10))];
    for _ in 0..2 {
        assert_eq!(bench.lines.write_scores(bench.event, &drawn).await.unwrap(), ScoresAnswer::Written);
    }
    let open = Room { state: RoomState::Open, revision: bench.room.revision + 1, ..bench.room.clone() };
    bench.lines.tick(&open, Order { admit_max: 0, let_go_max: 0 }).await.unwrap();
    assert_eq!(bench.lines.write_scores(bench.event, &drawn).await.unwrap(), ScoresAnswer::Done);
    assert_eq!(bench.stands(3).await, PlaceAnswer::Waiting { score: score(10), ahead: 0 });
    assert_eq!(bench.stands(1).await, PlaceAnswer::Waiting { score: score(30), ahead: 1 });
    assert_eq!(bench.stands(4).await, PlaceAnswer::Waiting { score: score(LATE), ahead: 2 });
    assert_eq!(bench.stands(2).await, PlaceAnswer::Over);
}

#[tokio::test]
async fn who_leaves_while_the_lobby_is_drawn_and_joins_again_comes_late() {
    let bench = Bench::new(RoomState::Lobby).await;
    for n in 1..=3 {
        bench.join(n).await;
    }
    // Leaving and coming back before the draw costs nothing.
    bench.lines.leave(bench.event, place(3)).await.unwrap();
    bench.join(3).await;
    bench.lines.freeze(bench.event).await.unwrap();
    bench.lines.leave(bench.event, place(1)).await.unwrap();
    for was_there in [false, true] {
        let JoinAnswer::Place { score, existing, .. } = bench.join(1).await else { panic!() };
        assert_eq!((score.as_u64(), existing), (LATE, was_there));
    }
    let drawn = [(place(1), score(10)), (place(2), score(20)), (place(3), score(30))];
    bench.lines.write_scores(bench.event, &drawn).await.unwrap();
    let open = Room { state: RoomState::Open, revision: bench.room.revision + 1, ..bench.room.clone() };
    bench.lines.tick(&open, Order { admit_max: 0, let_go_max: 0 }).await.unwrap();
    assert_eq!(bench.stands(2).await, PlaceAnswer::Waiting { score: score(20), ahead: 0 });
    assert_eq!(bench.stands(3).await, PlaceAnswer::Waiting { score: score(30), ahead: 1 });
    assert_eq!(bench.stands(1).await, PlaceAnswer::Waiting { score: score(LATE), ahead: 2 });
}

#[tokio::test]
async fn pivots_are_dense_at_the_front_and_end_with_the_last_place() {
    let bench = Bench::new(RoomState::Open).await;
    let line = bench.world.names(bench.event).line();
    let mut args = vec![line];
    for n in 0..5_000u64 {
        args.extend([(LATE + 3 * n).to_string(), format!("{n:032x}")]);
    }
    let _: u64 = bench.world.ask("ZADD", &args).await;
    let pivots = bench.lines.pivots(bench.event).await.unwrap();
    assert!(pivots.iter().all(|pivot| pivot.score.as_u64() == LATE + 3 * pivot.ahead));
    let ranks: Vec<u64> = pivots.iter().map(|pivot| pivot.ahead).collect();
    assert_eq!(ranks[..=64], (0..=64).collect::<Vec<u64>>());
    assert_eq!(ranks.last(), Some(&4_999));
    assert!(ranks[64..].windows(2).all(|pair| pair[0] < pair[1] && (pair[1] - pair[0]) * 20 <= pair[0]), "{ranks:?}");
    assert!(ranks.len() < 200, "{}", ranks.len());
}

#[tokio::test]
async fn close_lets_everything_expire_and_nobody_in() {
    let bench = Bench::new(RoomState::Open).await;
    bench.join(1).await;
    let closing = Room { revision: bench.room.revision + 1, state: RoomState::Closed, ..bench.room.clone() };
    bench.lines.close(&closing).await.unwrap();
    assert_eq!(bench.join(2).await, JoinAnswer::Refused(RoomState::Closed));
    let order = Order { admit_max: 1, let_go_max: 1 };
    assert_eq!(bench.lines.tick(&bench.room, order).await.unwrap(), TickAnswer::Stale, "a replica that has not heard of it");
    let ttl: i64 = bench.world.ask("TTL", &[bench.world.names(bench.event).line()]).await;
    assert!(ttl > 0);
}
