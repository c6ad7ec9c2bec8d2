//! Each Lua script alone, on a real Redis; and all of them against the line that the domain says follows from a log.

use std::time::Duration;

use goticket_admission::outbound::redis::{Applied, Filling, Found, Lines, MORE_MAX};
use goticket_domain::EventId;
use goticket_domain::queue::{
    DrawSeed, EMPTY_LOG, Entry, Line, Phase, Pivot, Pivots, PlaceId, Score, Segment, Session, Standing, order,
};
use goticket_testkit::eventually;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::world::{World, generous};

const LATE: u64 = 1 << 52;
const AT: i64 = 1_000_000;

/// A room that is only known to Redis, and its log.
struct Bench {
    world: World,
    lines: Lines,
    event: EventId,
    size: u64,
    hash: [u8; 32],
    /// What follows from it.
    line: Line,
}

fn place(n: u8) -> PlaceId {
    PlaceId([n; 16])
}

fn score(n: u64) -> Score {
    Score::from_u64(n).unwrap()
}

fn join(places: std::ops::RangeInclusive<u8>) -> Vec<Entry> {
    places.map(|n| Entry::Join(place(n))).collect()
}

impl Bench {
    async fn new() -> Self {
        let world = World::new().await;
        let event = world.publish(&generous(), 3_600, 7_200).await;
        let lines = Lines::new(world.redis.clone());
        Self { world, lines, event, size: 0, hash: EMPTY_LOG, line: Line::default() }
    }

    /// One whose lobby was drawn with no one in it: the first late place is entry 2.
    async fn drawn() -> Self {
        let mut bench = Self::new().await;
        bench.append(AT, vec![Entry::Close]).await;
        bench.append(AT, vec![Entry::Draw(DrawSeed([0; 32]))]).await;
        bench
    }

    fn next(&self, at_ms: i64, entries: Vec<Entry>) -> Segment {
        let mut hash = self.hash;
        hash[0] = hash[0].wrapping_add(1);
        hash[1] ^= hash[0];
        Segment { first: self.size, at_ms, hash, before: self.hash, entries }
    }

    async fn append(&mut self, at_ms: i64, entries: Vec<Entry>) -> Segment {
        let segment = self.next(at_ms, entries);
        if let [Entry::Draw(seed)] = segment.entries.as_slice() {
            let order = order(seed, self.line.to_be_drawn().to_vec());
            let ranked = order.into_iter().zip((0..).map_while(Score::drawn));
            let here = |place| matches!(self.line.standing(place, at_ms), Some(Standing::Lobby { .. }));
            let drawn: Vec<_> = ranked.filter(|(place, _)| here(*place)).collect();
            assert!(drawn.is_empty() || self.lines.put_scores(self.event, segment.first, &drawn).await.unwrap());
        }
        assert_eq!(self.lines.apply(self.event, &segment).await.unwrap(), Applied::Done);
        (self.size, self.hash) = (segment.end(), segment.hash);
        self.line.apply(&segment);
        segment
    }

    async fn stands(&self, n: u8, now_ms: i64) -> Found {
        self.lines.find(self.event, now_ms, &[place(n)]).await.unwrap().found[0]
    }
}

#[tokio::test]
async fn what_only_looks_leaves_no_key_behind() {
    let bench = Bench::new().await;
    assert_eq!(bench.stands(1, AT).await, Found::Nowhere);
    let seen = bench.lines.look(bench.event, AT).await.unwrap();
    assert_eq!((seen.applied, seen.hash, seen.phase, seen.waiting, seen.frontier), (0, EMPTY_LOG, Phase::Lobby, 0, None));
    assert_eq!(bench.lines.reach(bench.event, 5).await.unwrap(), None);
    let outline = bench.lines.outline(bench.event, AT, 0).await.unwrap();
    assert_eq!((outline.applied, outline.waiting, outline.frontier, outline.pivots), (0, 0, None, Pivots::default()));
    bench.lines.close(bench.event).await.unwrap();
    let keys: Vec<String> = bench.world.ask("KEYS", &[format!("{}*", bench.world.redis.prefix())]).await;
    assert!(keys.is_empty(), "{keys:?}");
}

#[tokio::test]
async fn segments_are_taken_over_once_and_in_order_and_only_of_this_log() {
    let mut bench = Bench::new().await;
    let first = bench.append(AT, join(1..=3)).await;
    let apply = async |segment: &Segment| bench.lines.apply(bench.event, segment).await.unwrap();
    assert_eq!(apply(&first).await, Applied::Done, "again");
    let second = bench.next(AT, join(4..=5));
    let third = Segment { first: 5, before: second.hash, hash: [9; 32], ..bench.next(AT, join(6..=6)) };
    assert_eq!(apply(&third).await, Applied::Behind(3));
    for other in [
        Segment { before: [7; 32], ..second.clone() },
        Segment { first: 2, ..second.clone() },
        Segment { hash: [7; 32], ..first.clone() },
    ] {
        assert_eq!(apply(&other).await, Applied::Other, "{other:?}");
    }
    for (segment, expected) in [(&second, Applied::Done), (&third, Applied::Done), (&second, Applied::Before(6))] {
        assert_eq!(apply(segment).await, expected);
    }
    let found = bench.lines.find(bench.event, AT, &[place(6)]).await.unwrap();
    assert_eq!((found.applied, found.waiting, found.found), (6, 6, vec![Found::Here(Standing::Lobby { position: 5 })]));
}

#[tokio::test]
async fn find_tells_all_whereabouts_apart() {
    let mut bench = Bench::drawn().await;
    bench.append(AT, join(1..=5)).await;
    bench.append(AT, vec![Entry::Admit { through: score(LATE + 4), claim_by_ms: AT + 100 }]).await;
    let claim = Entry::Claim { place: place(2), until_ms: AT + 500, slot_ms: AT + 400 };
    bench.append(AT + 50, vec![claim, Entry::Leave(place(4)), Entry::Leave(place(9))]).await;
    let admitted = |n| Found::Here(Standing::Admitted { score: score(LATE + n), claim_by_ms: AT + 100 });
    let session = Session { since_ms: AT + 50, until_ms: AT + 500, slot_ms: AT + 400 };
    let inside = Found::Here(Standing::Inside { score: score(LATE + 3), session });
    for (n, now_ms, expected) in [
        (1, AT + 99, admitted(2)),
        (1, AT + 100, Found::Passed { once_more: true }),
        (2, AT + 499, inside),
        (2, AT + 500, Found::Over),
        (4, AT, Found::Over),
        (5, AT, Found::Here(Standing::Waiting(score(LATE + 6)))),
        (9, AT, Found::Nowhere),
    ] {
        assert_eq!(bench.stands(n, now_ms).await, expected, "{n} at {now_ms}");
    }
    assert_eq!(bench.lines.ahead_of(bench.event, place(5)).await.unwrap(), Some(0));
    assert_eq!(bench.lines.ahead_of(bench.event, place(1)).await.unwrap(), None);
}

#[tokio::test]
async fn look_counts_and_lets_go_only_of_who_is_over_for_the_log_too() {
    let mut bench = Bench::drawn().await;
    bench.append(AT, join(1..=20)).await;
    bench.append(AT, vec![Entry::Admit { through: score(LATE + 13), claim_by_ms: AT + 100 }]).await;
    let look = async |now_ms| bench.lines.look(bench.event, now_ms).await.unwrap();
    let seen = look(AT).await;
    assert_eq!((seen.admitted, seen.inside, seen.waiting, seen.frontier), (12, 12, 8, Some(score(LATE + 13))));
    assert_eq!(bench.lines.reach(bench.event, 3).await.unwrap(), Some((score(LATE + 16), 3)));
    assert_eq!(bench.lines.reach(bench.event, 30).await.unwrap(), Some((score(LATE + 21), 8)), "the line is shorter");
    assert_eq!(bench.lines.reach(bench.event, 0).await.unwrap(), None);
    let admitted = bench.world.names(bench.event).admitted();
    assert_eq!(
        (look(AT + 200).await.inside, bench.world.ask::<u64>("ZCARD", &[&admitted]).await),
        (0, 12),
        "a clock that is ahead"
    );
    bench.append(AT + 150, join(21..=21)).await;
    let look = async |now_ms| bench.lines.look(bench.event, now_ms).await.unwrap();
    look(AT + 200).await;
    assert_eq!(bench.world.ask::<u64>("ZCARD", &[&admitted]).await, 0);
    assert_eq!(bench.stands(1, AT + 200).await, Found::Passed { once_more: true });
    bench.append(AT + 150, join(1..=1)).await;
    assert_eq!(bench.stands(1, AT + 200).await, Found::Here(Standing::Waiting(score(LATE + 24))));
}

#[tokio::test]
async fn a_draw_is_written_right_before_its_entry_and_never_after() {
    let mut bench = Bench::new().await;
    bench.append(AT, join(1..=3)).await;
    bench.append(AT, vec![Entry::Close]).await;
    bench.append(AT, join(4..=4)).await;
    let drawn = [(place(1), score(30)), (place(2), score(20)), (place(3), score(10))];
    for (at, expected) in [(4, false), (5, true), (5, true), (6, false)] {
        assert_eq!(bench.lines.put_scores(bench.event, at, &drawn).await.unwrap(), expected, "{at}");
    }
    assert_eq!(bench.stands(1, AT).await, Found::Here(Standing::Lobby { position: 0 }), "its draw is not there yet");
    assert_eq!(bench.lines.look(bench.event, AT).await.unwrap().waiting, 4);
    let draw = bench.next(AT, vec![Entry::Draw(DrawSeed([0; 32]))]);
    assert_eq!(bench.lines.apply(bench.event, &draw).await.unwrap(), Applied::Done);
    assert_eq!(bench.stands(1, AT).await, Found::Here(Standing::Waiting(score(30))));
    assert!(!bench.lines.put_scores(bench.event, 5, &drawn).await.unwrap());
    assert_eq!(bench.lines.ahead_of(bench.event, place(4)).await.unwrap(), Some(3), "late");
}

/// What may happen next, drawn from a few places so that everything meets everything.
fn random_entry(rng: &mut StdRng, at_ms: i64, size: u64) -> Entry {
    let place = place(rng.random_range(0..12));
    let mut later = || at_ms + rng.random_range(1..200);
    let (until_ms, slot_ms) = (later(), later());
    let booked_ms = at_ms - rng.random_range(0..100);
    let second = Score::deferred(rng.random_range(0..=size)).unwrap();
    match rng.random_range(0..17) {
        0..=4 => Entry::Join(place),
        5 => Entry::Leave(place),
        6 if rng.random() => Entry::End { place, until_ms },
        6..=7 => Entry::Claim { place, until_ms, slot_ms },
        8..=9 => Entry::Renew { place, slot_ms },
        10 => Entry::Resume { place, slot_ms },
        11 => Entry::Booked { place, booked_ms },
        12..=13 => Entry::Defer(place),
        14 => Entry::AdmitDeferred { through: second, claim_by_ms: until_ms },
        _ => {
            let through = if rng.random() { rng.random_range(0..LATE) } else { LATE + rng.random_range(0..=size) };
            Entry::Admit { through: score(through), claim_by_ms: until_ms }
        }
    }
}

#[tokio::test]
async fn redis_holds_the_line_that_follows_from_the_log_however_it_came_there() {
    let mut met = 0;
    for seed in 0..25 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut bench = Bench::new().await;
        let (mut at_ms, mut segments) = (AT, 0);
        let (closed, drawn) = (rng.random_range(0..8), rng.random_range(8..16));
        while segments < 40 {
            at_ms += rng.random_range(0..60);
            let entries = match segments {
                n if n == closed => vec![Entry::Close],
                n if n == drawn => vec![Entry::Draw(DrawSeed([u8::try_from(seed).unwrap(); 32]))],
                n => {
                    let most = rng.random_range(1..6);
                    // Before the draw no one is admitted.
                    (0..most)
                        .map(|_| random_entry(&mut rng, at_ms, bench.size))
                        .filter(|e| n > drawn || !matches!(e, Entry::Admit { .. } | Entry::AdmitDeferred { .. }))
                        .collect()
                }
            };
            segments += 1;
            if entries.is_empty() {
                continue;
            }
            bench.append(at_ms, entries).await;
            let line = &bench.line;
            if rng.random_ratio(1, 8) {
                // Redis is filled from the log.
                let filling = Filling { line, size: bench.size, hash: bench.hash, at_ms };
                assert!(bench.lines.fill(bench.event, bench.size, &filling).await.unwrap());
            }
            let asked_ms = at_ms + rng.random_range(0..50);
            let seen = bench.lines.look(bench.event, asked_ms).await.unwrap();
            assert_eq!(
                (seen.phase, seen.admitted, seen.frontier, seen.applied, seen.inside),
                (line.phase(), line.admitted(), line.frontier(), bench.size, line.inside(asked_ms)),
                "seed {seed}"
            );
            let later = at_ms + rng.random_range(0..100);
            let outline = bench.lines.outline(bench.event, later, 0).await.unwrap();
            assert_eq!((outline.applied, outline.passed), (bench.size, line.passed(later)), "seed {seed}, segment {segments}");
            assert_eq!(
                (outline.deferred_frontier, outline.deferred_passed),
                (line.deferred_frontier(), line.deferred_passed(later)),
                "seed {seed}, segment {segments}"
            );
            met += usize::from(seen.deferred > 0) + usize::from(outline.deferred_passed.is_some());
            for n in 0..12 {
                let expected = line.standing(place(n), at_ms);
                let found = match bench.stands(n, at_ms).await {
                    Found::Here(standing) => Some(standing),
                    _ => None,
                };
                assert_eq!(found, expected, "seed {seed}, segment {segments}, place {n}");
            }
        }
    }
    assert!(met > 20, "too few second turns: {met}");
}

#[tokio::test]
async fn a_filling_is_thrown_away_where_the_line_has_moved_meanwhile() {
    let mut bench = Bench::new().await;
    let segment = bench.append(AT, join(1..=2)).await;
    let mut line = Line::default();
    line.apply(&segment);
    let filling = Filling { line: &line, size: 2, hash: segment.hash, at_ms: AT };
    bench.append(AT, join(3..=3)).await;
    assert!(!bench.lines.fill(bench.event, 2, &filling).await.unwrap());
    assert_eq!(bench.lines.find(bench.event, AT, &[]).await.unwrap().waiting, 3);
    let keys: Vec<String> = bench.world.ask("KEYS", &[format!("{}*", bench.world.redis.prefix())]).await;
    assert_eq!(keys.len(), 2, "the room and its lobby: {keys:?}");
    assert!(bench.lines.fill(bench.event, 3, &filling).await.unwrap(), "from what it is now");
    assert_eq!(bench.lines.find(bench.event, AT, &[]).await.unwrap().waiting, 2);
    let ttl: i64 = bench.world.ask("TTL", &[bench.world.names(bench.event).lobby()]).await;
    assert_eq!(ttl, -1, "it stays");
}

#[tokio::test]
async fn a_filling_of_which_redis_forgets_a_part_is_thrown_away() {
    let mut bench = Bench::new().await;
    let many = (0..200_000_u128).map(|n| Entry::Join(PlaceId(n.to_be_bytes()))).collect();
    let segment = bench.next(AT, many);
    bench.line.apply(&segment);
    let filling = Filling { line: &bench.line, size: 200_000, hash: segment.hash, at_ms: AT };
    let keys = format!("{}*", bench.world.redis.prefix());
    let keys = async || bench.world.ask::<Vec<String>>("KEYS", std::slice::from_ref(&keys)).await;
    let forget = async {
        let begun = eventually("a filling that has begun", Duration::from_secs(30), async || {
            let keys = keys().await;
            (!keys.is_empty()).then_some(keys)
        });
        bench.world.ask::<i64>("UNLINK", &begun.await).await
    };
    let (filled, forgotten) = tokio::join!(bench.lines.fill(bench.event, 0, &filling), forget);
    assert_eq!((filled.unwrap(), forgotten), (false, 1));
    assert_eq!(keys().await, Vec::<String>::new(), "nothing is left");
    assert!(bench.lines.fill(bench.event, 0, &filling).await.unwrap(), "again");
    assert_eq!(bench.lines.find(bench.event, AT, &[]).await.unwrap().waiting, 200_000);
}

#[tokio::test]
async fn a_draw_is_taken_over_once_its_whole_lobby_is_in_line() {
    let mut bench = Bench::new().await;
    bench.append(AT, join(1..=4)).await;
    bench.append(AT, vec![Entry::Close]).await;
    bench.append(AT, vec![Entry::Leave(place(2))]).await;
    let draw = bench.next(AT, vec![Entry::Draw(DrawSeed([0; 32]))]);
    let apply = async || bench.lines.apply(bench.event, &draw).await.unwrap();
    let put = async |n: u8| bench.lines.put_scores(bench.event, 6, &[(place(n), Score::drawn(n.into()).unwrap())]).await.unwrap();
    for n in [1, 3, 4] {
        assert_eq!(apply().await, Applied::Behind(6), "before place {n}");
        assert!(put(n).await);
    }
    assert_eq!(apply().await, Applied::Done);
    assert_eq!(bench.stands(2, AT).await, Found::Over);
    assert_eq!(bench.stands(4, AT).await, Found::Here(Standing::Waiting(Score::drawn(4).unwrap())));
}

#[tokio::test]
async fn an_outline_is_what_the_line_says_and_the_draws_places_stand_in_front() {
    let bench = Bench::new().await;
    let names = bench.world.names(bench.event);
    for phase in ["closed", "drawn"] {
        // 3,000 of the lobby, 40 of which are in line already, if it is being drawn; and late ones with gaps.
        let (lobby, in_line) = if phase == "closed" { (3_000, 40) } else { (0, 3_000) };
        let member = |n: u64| format!("{n:016x}");
        let _: u64 = bench.world.ask("DEL", &[names.line(), names.lobby()]).await;
        for (key, from, to) in [(names.lobby(), 0, lobby), (names.line(), 0, in_line)] {
            for n in from..to {
                let _: u64 = bench.world.ask("ZADD", &[key.clone(), n.to_string(), member(n)]).await;
            }
        }
        let mut args = vec![names.line()];
        for n in 0..2_000 {
            args.extend([(LATE + 3_002 + 3 * n).to_string(), member(LATE + n)]);
        }
        let _: u64 = bench.world.ask("ZADD", &args).await;
        let _: u64 = bench.world.ask("HSET", &[&names.room(), "applied", "9000", "phase", phase, "frontier", "-1"]).await;
        let at = |rank| score(if rank < 3_000 { rank } else { LATE + 3_002 + 3 * (rank - 3_000) });
        let late = Some(Pivot { score: at(3_000), ahead: 3_000 });
        // Whatever was seen of it a moment ago.
        for seen in [5_000, 5_000 - MORE_MAX, 5_000 - MORE_MAX - 1, 0, u64::MAX] {
            let outline = bench.lines.outline(bench.event, AT, seen).await.unwrap();
            assert_eq!((outline.applied, outline.waiting, outline.frontier), (9_000, 5_000, None), "{phase}, {seen}");
            assert_eq!(outline.pivots, Pivots::pick(5_000, at, late), "{phase}, {seen}");
        }
    }
}
