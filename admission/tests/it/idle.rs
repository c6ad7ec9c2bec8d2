//! Rooms in which nothing happens: they are not read again, and their boards are renewed without a look at Redis.

use std::time::Duration;

use goticket_domain::EventId;
use goticket_domain::queue::WaitingRoom;
use goticket_storage::rooms::{self, Changes, Horizon};
use goticket_testkit::{TestBed, eventually};

use crate::world::{World, fans, generous};

const SOON: Duration = Duration::from_secs(20);

async fn changed(world: &World, also: &[EventId], since: Horizon) -> Changes {
    rooms::changed(&world.pool, also, Some(since)).await.unwrap()
}

/// Where nothing is new: transactions of others, which are under way, may let some rooms seem so for a while.
async fn settled(world: &World, mut since: Horizon) -> Horizon {
    loop {
        let changes = changed(world, &[], since).await;
        if changes.events.is_empty() {
            return changes.horizon;
        }
        since = changes.horizon;
    }
}

#[tokio::test]
async fn what_was_written_since_is_read_again_and_nothing_else() {
    let world = World::new().await;
    let event = world.publish(&generous(), 3_600, 7_200).await;
    let others = [world.publish(&generous(), 3_600, 7_200).await, world.publish(&generous(), 3_600, 7_200).await];
    let all = rooms::changed(&world.pool, &[], None).await.unwrap();
    assert_eq!(all.events.len(), 3);
    let mut since = settled(&world, all.horizon).await;
    let rows = [
        ("what operators set", "UPDATE rooms SET message = 'news' WHERE event = $1"),
        ("where its log ends", "UPDATE queue_heads SET decisions = decisions + 1 WHERE event = $1"),
        ("its event's times", "UPDATE events SET onsale_at = onsale_at + interval '1 second' WHERE id = $1"),
        ("an automatic rate", "INSERT INTO room_rates (event, per_min, stays_until_ms) VALUES ($1, 60, 0)"),
        ("which moves", "UPDATE room_rates SET per_min = 61 WHERE event = $1"),
    ];
    let write = async |sql: &'static str| sqlx::query(sql).bind(event.0).execute(&world.pool).await.unwrap();
    for (what, sql) in rows {
        write(sql).await;
        assert_eq!(changed(&world, &[], since).await.events, [event], "{what}");
        since = settled(&world, since).await;
    }
    write("UPDATE rooms SET state = 'closed' WHERE event = $1").await;
    assert_eq!(changed(&world, &[event], since).await.events, [event], "closed, for who knew it");
    assert_eq!(changed(&world, &[], since).await.events, [], "and for no one else");
    // A database that was restored from before.
    let ahead = Horizon(since.0 + (1 << 40));
    let mut told = changed(&world, &[], ahead).await.events;
    told.sort_unstable();
    assert_eq!(told, others);
}

#[tokio::test]
async fn what_is_committed_late_is_read_and_what_is_due_whenever_it_was_written() {
    let world = World::new().await;
    let event = world.publish(&generous(), 3_600, 7_200).await;
    let since = settled(&world, rooms::changed(&world.pool, &[], None).await.unwrap().horizon).await;
    let mut late = world.pool.begin().await.unwrap();
    sqlx::query("UPDATE rooms SET message = 'late' WHERE event = $1").bind(event.0).execute(&mut *late).await.unwrap();
    let before = changed(&world, &[], since).await;
    assert_eq!(before.events, []);
    late.commit().await.unwrap();
    assert_eq!(changed(&world, &[], before.horizon).await.events, [event]);

    // Time alone makes a step of the schedule due: whatever was written when, such a room is read until it was taken.
    let due = world.publish(&generous(), -60, 7_200).await;
    world.publish(&generous(), 3_600, 7_200).await;
    let only_due = async || {
        let since = changed(&world, &[], before.horizon).await.horizon;
        (changed(&world, &[], since).await.events == [due]).then_some(())
    };
    eventually("nothing but what is due", SOON, only_due).await;
}

#[tokio::test]
async fn an_idle_rooms_board_is_renewed_from_what_was_seen_until_something_happens() {
    let world = World::on(TestBed::new().await, &[("ADMISSION__BOARD_EVERY_MS", "100")]).await;
    let room = world.replica();
    let event = world.on_sale(&room, &generous()).await;
    room.tick_once().await;
    let board = async || room.last_board(event).await.unwrap().unwrap().board;
    let tick = async || {
        room.refresh_rooms().await;
        room.admit_all().await;
    };
    let renewed = async || {
        // Whoever looks at the line fills it again. Where an interval of the statistics ends, the owner does.
        world.lose_redis(event).await;
        let before = board().await.at;
        tick().await;
        let is_there: u64 = world.ask("EXISTS", &[world.names(event).room()]).await;
        (board().await.at > before && is_there == 0).then_some(())
    };
    eventually("a board without a look", SOON, renewed).await;
    room.join(event, fans(1)[0]).await.unwrap();
    tick().await;
    assert_eq!(board().await.admitted, 1, "it is seen at once");
}
