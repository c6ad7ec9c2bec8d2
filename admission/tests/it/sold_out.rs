//! Everything is sold: what fans are told, and whether the room closes by itself.

use goticket_domain::EventId;
use goticket_domain::queue::{ControlChange, HeldUp, RoomSettings, RoomState, WaitingRoom};
use uuid::Uuid;

use crate::world::{World, fans, generous, on_sale};

/// Places of the world's events.
const CAPACITY: i32 = 10;

impl World {
    /// Every place but so many is in a booking of this state.
    async fn sell(&self, event: EventId, but: i32, state: &str) {
        let booking = Uuid::now_v7();
        sqlx::query("DELETE FROM taken_seats WHERE event = $1").bind(event.0).execute(&self.pool).await.unwrap();
        sqlx::query(
            "INSERT INTO bookings (id, event, section, account, key, payload_hash, decided_at, seats, prices, total_minor, currency,
                                   held_until, state, hold_expires_at, changed_at)
             VALUES ($1, $2, 0, $1, $1::text, sha256(''), now(), '{0}', '{1}', 1, 'EUR', now(), $3, now(), now())",
        )
        .bind(booking)
        .bind(event.0)
        .bind(state)
        .execute(&self.pool)
        .await
        .unwrap();
        let seats = "INSERT INTO taken_seats (event, seat, booking) SELECT $1, seat, $2 FROM generate_series(1, $3) seat";
        sqlx::query(seats).bind(event.0).bind(booking).bind(CAPACITY - but).execute(&self.pool).await.unwrap();
    }

    /// Redis counts nothing free and so many held.
    async fn count(&self, event: EventId, held: u32) {
        let (key, held) = (self.names(event).availability(), held.to_string());
        let _: u64 = self.ask("HSET", &[key.as_str(), "free:0", "0", "held:0", &held]).await;
    }

    async fn state(&self, event: EventId) -> RoomState {
        self.room(event).await.state
    }
}

#[tokio::test]
async fn a_room_that_is_told_to_closes_when_postgres_says_that_everything_is_paid_for() {
    let (world, room, event) = on_sale(&RoomSettings { close_when_sold_out: true, ..generous() }).await;
    room.join(event, fans(1)[0]).await.unwrap();
    // Redis may count what it likes: closing is for good. Each owner looks again.
    let rows = [
        ("seats are held", 2, 0, "confirmed", RoomState::Open),
        ("one was never sold", 0, 1, "confirmed", RoomState::Open),
        ("they are taken, and not paid for", 0, 0, "held", RoomState::Open),
        ("everything is sold", 0, 0, "confirmed", RoomState::Closed),
    ];
    for (what, held, unsold, state, expected) in rows {
        world.count(event, held).await;
        world.sell(event, unsold, state).await;
        world.successor().await.tick_once().await;
        assert_eq!(world.state(event).await, expected, "{what}");
    }
    let log = room.log(event, None, 1).await.unwrap();
    assert_eq!((log[0].actor, log[0].reason.as_str()), (None, "everything is sold"));
    assert_eq!(log[0].change, r#"{"state":["open","closed"]}"#);
}

#[tokio::test]
async fn otherwise_it_says_so_and_stays_open_until_something_comes_back() {
    let (world, room, event) = on_sale(&generous()).await;
    world.count(event, 0).await;
    world.sell(event, 0, "confirmed").await;
    room.join(event, fans(1)[0]).await.unwrap();
    world.admit(&room, event).await;
    let board = world.board(&room, event).await;
    assert_eq!((board.state, board.held_up_by, board.waiting), (RoomState::Open, Some(HeldUp::SoldOut), 1));
    let release = board.release_of(&[]).map(|release| release.left);
    assert_eq!(release, Some(Vec::new()));

    let returned = ["free:0", "1"];
    let _: u64 = world.ask("HSET", &[&[world.names(event).availability().as_str()][..], &returned].concat()).await;
    world.admit(&room, event).await;
    let board = world.board(&room, event).await;
    assert_eq!((board.release_of(&[]), board.admitted, board.waiting), (None, 1, 0));

    // What operators set holds from then on.
    let change = ControlChange { close_when_sold_out: Some(true), ..ControlChange::default() };
    world.set(&room, event, change).await;
    world.count(event, 0).await;
    room.tick_once().await;
    assert_eq!(world.state(event).await, RoomState::Closed);
}
