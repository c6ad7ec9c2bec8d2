//! Statistics over time: a row for each interval, by whoever owns the room, and nothing counted twice.

use std::sync::Arc;
use std::time::Duration;

use goticket_admission::WaitingRoomService;
use goticket_domain::EventId;
use goticket_domain::queue::{RoomSettings, WaitingRoom};
use goticket_storage::queue_statistics::{self as stored, Counted, Interval, ROWS_KEPT, Row};
use goticket_testkit::eventually;
use jiff::Timestamp;

use crate::world::{World, fans, generous, on_sale};

const SOON: Duration = Duration::from_secs(20);

async fn rows_of(world: &World, event: EventId) -> Vec<Interval> {
    stored::read(&world.pool, event, Timestamp::UNIX_EPOCH, 1_000).await.unwrap()
}

/// As if the last interval had begun a while ago; a tick of this replica, which does not remember it, writes the next one.
/// Returns the sums over all rows, and the last row.
async fn next_row(world: &World, room: &Arc<WaitingRoomService>, event: EventId) -> ([u64; 5], Interval) {
    for sql in [
        "UPDATE queue_counted SET at_ms = at_ms - 10003 WHERE event = $1",
        "UPDATE queue_statistics SET at_ms = at_ms - 10003 WHERE event = $1",
    ] {
        sqlx::query(sql).bind(event.0).execute(&world.pool).await.unwrap();
    }
    let before = rows_of(world, event).await.len();
    room.tick_once().await;
    let rows = eventually("a row", SOON, async || Some(rows_of(world, event).await).filter(|rows| rows.len() > before)).await;
    let sum = |of: fn(&Interval) -> u64| rows.iter().map(of).sum();
    let sums =
        [sum(|row| row.joined), sum(|row| row.left), sum(|row| row.admitted), sum(|row| row.claimed), sum(|row| row.no_shows)];
    (sums, rows[rows.len() - 1])
}

#[tokio::test]
async fn each_interval_says_who_came_went_and_stayed_away_whoever_owns_the_room() {
    let (world, mut room, event) = on_sale(&RoomSettings { active_cap: 3, ..generous() }).await;
    eventually("the first row", SOON, async || rows_of(&world, event).await.first().copied()).await;
    let all = fans(5);
    let mut tickets = Vec::new();
    for fan in &all {
        tickets.push(room.join(event, *fan).await.unwrap().signed);
    }
    room.leave(event, all[4]).await.unwrap();
    room = world.successor().await;
    let (sums, last) = next_row(&world, &room, event).await;
    assert_eq!((sums, last.waiting, last.inside), ([5, 1, 0, 0, 0], 4, 0));

    world.admit(&room, event).await;
    room.claim(event, all[0], &tickets[0]).await.unwrap();
    room = world.successor().await;
    let (sums, last) = next_row(&world, &room, event).await;
    assert_eq!((sums, last.waiting, last.inside), ([5, 1, 3, 1, 0], 1, 3));

    // One claims, one does not come.
    room.claim(event, all[1], &tickets[1]).await.unwrap();
    let place = room.join(event, all[2]).await.unwrap().ticket.place;
    world.put_time(&world.names(event).admitted(), place, 1).await;
    room.tick_once().await;
    world.empty_bucket(event).await;
    room = world.successor().await;
    let (sums, last) = next_row(&world, &room, event).await;
    assert_eq!((sums, last.rate_per_min), ([5, 1, 4, 2, 1], 600_000), "the last one has the turn of who did not come");
    assert_eq!(last.deferred, 0);

    // Who did not come comes back.
    room.join(event, all[2]).await.unwrap();
    room = world.successor().await;
    let (sums, last) = next_row(&world, &room, event).await;
    assert_eq!((sums, last.deferred, last.waiting), ([5, 1, 4, 2, 1], 1, 1));
}

#[tokio::test]
async fn only_so_many_rows_are_kept() {
    let (world, _, event) = on_sale(&generous()).await;
    let other = EventId::generate();
    for event in [event, other] {
        sqlx::query("INSERT INTO queue_statistics SELECT $1, n, 0, 0, 0, 0, 0, 0, 0, 0 FROM generate_series(1, $2 + 5) AS n")
            .bind(event.0)
            .bind(ROWS_KEPT)
            .execute(&world.pool)
            .await
            .unwrap();
    }
    assert_eq!(stored::prune(&world.pool, other).await.unwrap(), 5);
    assert_eq!(stored::prune(&world.pool, other).await.unwrap(), 0);
    let first = stored::read(&world.pool, other, Timestamp::UNIX_EPOCH, 1).await.unwrap();
    assert_eq!(first[0].at.as_millisecond(), 6, "the oldest go");
}

#[tokio::test]
async fn intervals_of_many_rooms_are_written_at_once_without_those_that_are_not_ours_or_counted_already() {
    let world = World::new().await;
    let mut events = Vec::new();
    for _ in 0..5 {
        events.push(world.publish(&generous(), 3_600, 7_200).await);
    }
    world.replica().share_rooms().await;
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let mut rows = Vec::new();
    for event in &events {
        let after = Counted { at_ms: 10_000, position: 3, admitted: 2, unclaimed: 1 };
        let interval = Interval {
            at: at(10),
            joined: 1,
            left: 2,
            admitted: 3,
            claimed: 4,
            no_shows: 5,
            deferred: 6,
            waiting: 7,
            inside: 8,
            rate_per_min: 9,
        };
        rows.push(Row { event: *event, epoch: world.epoch(*event).await, before: None, after, interval });
    }
    assert_eq!(stored::write(&world.pool, &rows).await.unwrap(), 5);
    for event in &events {
        assert_eq!(rows_of(&world, *event).await, [rows[0].interval]);
    }
    let mut counted = stored::counted(&world.pool, &events[..1]).await.unwrap();
    assert_eq!(counted.pop(), Some((events[0], rows[0].after)));

    assert_eq!(stored::write(&world.pool, &rows).await.unwrap(), 0, "again, as if nothing had been counted");
    for row in &mut rows {
        row.before = Some(row.after);
        row.after.at_ms = 20_000;
        row.interval.at = at(20);
    }
    rows[1].epoch -= 1;
    rows[2].before = Some(Counted { at_ms: 9_999, ..rows[2].after });
    rows[3].after.at_ms = 10_000;
    assert_eq!(stored::write(&world.pool, &rows).await.unwrap(), 2);
    let mut written = Vec::new();
    for event in &events {
        written.push(rows_of(&world, *event).await.len());
    }
    assert_eq!(written, [2, 1, 1, 1, 2], "another owner's, counted by another, and counted up to there");
}
