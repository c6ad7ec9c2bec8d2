//! A stock that Redis has no count of is not endless: Postgres knows it.

use goticket_domain::EventId;
use goticket_domain::queue::WaitingRoom;

use crate::world::{World, fans, generous, on_sale};

/// Gives the event so many seats, the first ones of which are taken.
async fn seats(world: &World, event: EventId, all: i32, taken: i32) {
    for sql in [
        "INSERT INTO seats (event, no, section, row_no, block, row_label, number, guid, category)
         SELECT $1, n, 0, 0, 0, '', n::text, n::text, 0 FROM generate_series(0, $2 - 1) AS n",
        "INSERT INTO taken_seats (event, seat, booking) SELECT $1, n, gen_random_uuid() FROM generate_series(0, $2 - 1) AS n",
    ] {
        let number = if sql.contains("taken") { taken } else { all };
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(event.0).bind(number).execute(&world.pool).await.unwrap();
    }
}

#[tokio::test]
async fn a_stock_that_redis_never_counted_is_the_one_that_postgres_knows() {
    for (all, taken, expected) in [(3, 3, 0), (3, 1, 2), (9, 1, 5), (0, 0, 5)] {
        let (world, room, event) = on_sale(&generous()).await;
        seats(&world, event, all, taken).await;
        for fan in fans(5) {
            room.join(event, fan).await.unwrap();
        }
        for _ in 0..2 {
            world.admit(&room, event).await;
        }
        // Whoever owns it next and an empty Redis know no more and no less.
        world.lose_redis(event).await;
        let next = world.successor().await;
        world.admit(&next, event).await;
        assert_eq!(next.control(event).await.unwrap().admitted, expected, "{all} seats, {taken} taken");
    }
}

#[tokio::test]
async fn once_redis_has_a_count_that_is_it() {
    let (world, room, event) = on_sale(&generous()).await;
    seats(&world, event, 3, 3).await;
    for fan in fans(5) {
        room.join(event, fan).await.unwrap();
    }
    let availability = world.names(event).availability();
    for (free, admitted) in [(None, 0), (Some("2"), 2), (None, 2), (Some("3"), 3)] {
        match free {
            Some(free) => world.ask::<u64>("HSET", &[availability.as_str(), "free:0", free]).await,
            None => world.ask::<u64>("DEL", &[availability.as_str()]).await,
        };
        world.admit(&room, event).await;
        assert_eq!(room.control(event).await.unwrap().admitted, admitted, "{free:?}");
    }
}
