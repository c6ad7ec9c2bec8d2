//! Further onsales of an event: lines of their own for seats that are set aside, and for those that came back.

use std::sync::Arc;

use goticket_admission::WaitingRoomService;
use goticket_contracts::events::{BookingFact, DomainEvent};
use goticket_domain::catalog::{Offer, OnsaleKind, OnsaleRefusal};
use goticket_domain::queue::{ControlChange, DrawTerms, EntryRefusal, JoinPass, QueueError, RoomState, WaitingRoom};
use goticket_domain::{AccountId, EventId};
use goticket_storage::{onsales, rooms};
use goticket_tokens::Entrance;
use jiff::SignedDuration;

use crate::booked::{confirmed, later};
use crate::world::{World, fans, generous};

/// An event with stalls (0), a gallery (1) and places for wheelchairs (2), which have a line of their own. Neither lobby is open.
struct Two {
    world: World,
    room: Arc<WaitingRoomService>,
    event: EventId,
    accessible: EventId,
}

impl Two {
    async fn new() -> Self {
        let world = World::new().await;
        let room = world.replica();
        let event = event(&world).await;
        let accessible = open(&world, event, OnsaleKind::Accessible, &[2]).await.unwrap();
        Self { world, room, event, accessible }
    }

    /// Both lobbies open.
    async fn lobbies() -> Self {
        let two = Self::new().await;
        for line in [two.event, two.accessible] {
            open_lobby(&two.world, &two.room, line).await;
        }
        two
    }

    async fn start_sales(&self) {
        for line in [self.event, self.accessible] {
            self.world.start_sale(&self.room, line).await;
        }
    }

    /// So many places are free, as Redis counts them.
    async fn free(&self, stalls: u32, gallery: u32, wheelchairs: u32) {
        let fields = [("free:0", stalls), ("free:1", gallery), ("free:2", wheelchairs)];
        for (field, free) in fields {
            let key = self.world.names(self.event).availability();
            let _: u64 = self.world.ask("HSET", &[key, field.to_owned(), free.to_string()]).await;
        }
    }

    /// Ticks with full buckets; returns how many turns came in each line so far.
    async fn admit(&self) -> [u64; 2] {
        for line in [self.event, self.accessible] {
            self.world.fill_bucket(line).await;
        }
        self.room.tick_once().await;
        let mut admitted = [0; 2];
        for (line, turns) in [self.event, self.accessible].into_iter().zip(&mut admitted) {
            *turns = self.room.control(line).await.unwrap().admitted;
        }
        admitted
    }

    async fn close(&self, line: EventId) {
        self.world.set(&self.room, line, ControlChange { state: Some(RoomState::Closed), ..ControlChange::default() }).await;
    }

    async fn entrance(&self, line: EventId, fan: AccountId, ticket: &str) -> Entrance {
        let claimed = self.room.claim(line, fan, ticket).await.unwrap();
        let verified = self.world.keys.entry_verifier.verify(&claimed.entry_token, self.event, fan, self.world.now().await);
        verified.unwrap().entrance
    }
}

/// An event whose lobby opens in an hour, with ten seats of each category.
async fn event(world: &World) -> EventId {
    let event = world.publish(&generous(), 3_600, 7_200).await;
    for sql in [
        "INSERT INTO event_categories (event, no, name, color, price_minor, seat_count)
         SELECT $1, no, 'Category ' || no, 'red', 9000, 10 FROM generate_series(0, 2) AS no",
        "INSERT INTO seats (event, no, section, row_no, block, row_label, number, guid, category)
         SELECT $1, n, 0, 0, 0, '', n::text, n::text, n / 10 FROM generate_series(0, 29) AS n",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(event.0).execute(&world.pool).await.unwrap();
    }
    event
}

async fn open(world: &World, event: EventId, kind: OnsaleKind, categories: &[u16]) -> Result<EventId, OnsaleRefusal> {
    let now = world.now().await;
    let offer = Offer {
        kind,
        categories: categories.to_vec(),
        lobby_opens_at: now + SignedDuration::from_hours(1),
        onsale_at: now + SignedDuration::from_hours(2),
    };
    onsales::open(&world.pool, event, "Another line", &offer, &generous()).await.unwrap()
}

/// The schedule says so.
async fn open_lobby(world: &World, room: &WaitingRoomService, line: EventId) {
    sqlx::query("UPDATE events SET lobby_opens_at = now() - interval '1 minute' WHERE id = $1")
        .bind(line.0)
        .execute(&world.pool)
        .await
        .unwrap();
    room.tick_once().await;
    assert_eq!(room.control(line).await.unwrap().state, RoomState::Lobby);
}

async fn join(room: &WaitingRoomService, line: EventId, fans: &[AccountId]) -> Vec<String> {
    let mut tickets = Vec::new();
    for fan in fans {
        tickets.push(room.join(line, *fan).await.unwrap().signed);
    }
    tickets
}

#[tokio::test]
async fn each_line_has_its_own_turns_for_its_own_seats() {
    let two = Two::lobbies().await;
    two.free(3, 1, 2).await;
    let (many, few) = (fans(9), fans(5));
    let tickets = [join(&two.room, two.event, &many).await, join(&two.room, two.accessible, &few).await];
    two.start_sales().await;
    assert_eq!(two.admit().await, [4, 2], "of six free seats two are set aside");
    let board = two.world.board(&two.room, two.event).await;
    assert_eq!(board.availability.iter().map(|of| of.category).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((board.waiting, board.categories), (5, Some(vec![0, 1])));
    let board = two.world.board(&two.room, two.accessible).await;
    assert_eq!(board.availability.iter().map(|of| (of.category, of.free)).collect::<Vec<_>>(), [(2, 2)]);
    assert_eq!(board.availability[0].price, Some(9_000));
    // Who is first in the one line has no turn in the other.
    let mut let_in = Vec::new();
    for (line, (fans, tickets)) in [(two.event, (&many, &tickets[0])), (two.accessible, (&few, &tickets[1]))] {
        for (fan, ticket) in fans.iter().zip(tickets) {
            match two.room.claim(line, *fan, ticket).await {
                Ok(_) => let_in.push((line, *fan, ticket.clone())),
                Err(error) => assert!(matches!(error, QueueError::NotYourTurn { .. }), "{error:?}"),
            }
        }
    }
    assert_eq!(let_in.len(), 6);
    for (line, fan, ticket) in let_in {
        let categories = if line == two.event { vec![0, 1] } else { vec![2] };
        let expected = Entrance { event: two.event, onsale: line, categories: Some(categories) };
        assert_eq!(two.entrance(line, fan, &ticket).await, expected);
    }
    two.world.assert_history(two.event).await;
    two.world.assert_history(two.accessible).await;
}

#[tokio::test]
async fn an_uncounted_stock_is_that_of_the_lines_own_categories() {
    let two = Two::lobbies().await;
    join(&two.room, two.event, &fans(25)).await;
    join(&two.room, two.accessible, &fans(25)).await;
    let taken =
        "INSERT INTO taken_seats (event, seat, booking) SELECT $1, n, gen_random_uuid() FROM unnest(ARRAY[0, 19, 20]) AS n";
    sqlx::query(taken).bind(two.event.0).execute(&two.world.pool).await.unwrap();
    two.start_sales().await;
    assert_eq!(two.admit().await, [18, 9], "two of its seats are taken, and one of the other line's");
}

#[tokio::test]
async fn an_account_stands_in_one_line_of_an_event() {
    let two = Two::lobbies().await;
    let fan = fans(1)[0];
    two.room.join(two.event, fan).await.unwrap();
    let refused = Err(QueueError::Entry(EntryRefusal::InAnotherLine { onsale: two.event }));
    assert_eq!(two.room.join(two.accessible, fan).await.map(|_| ()), refused);
    assert!(two.room.join(two.event, fan).await.unwrap().existing, "their place is where it was");
    two.room.leave(two.event, fan).await.unwrap();
    two.room.join(two.accessible, fan).await.unwrap();
    let refused = Err(QueueError::Entry(EntryRefusal::InAnotherLine { onsale: two.accessible }));
    assert_eq!(two.room.join(two.event, fan).await.map(|_| ()), refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_who_join_both_lines_at_once_stand_in_one() {
    let two = Two::lobbies().await;
    let others = [two.world.replica(), two.world.replica()];
    let joins = fans(50).into_iter().map(|fan| {
        let (one, other) = (Arc::clone(&others[0]), Arc::clone(&others[1]));
        let (event, accessible) = (two.event, two.accessible);
        tokio::spawn(async move { tokio::join!(one.join(event, fan), other.join(accessible, fan)) })
    });
    let mut own = 0;
    for joined in futures::future::join_all(joins).await {
        match joined.unwrap() {
            (Ok(_), Err(QueueError::Entry(EntryRefusal::InAnotherLine { onsale }))) if onsale == two.event => own += 1,
            (Err(QueueError::Entry(EntryRefusal::InAnotherLine { onsale })), Ok(_)) if onsale == two.accessible => {}
            other => panic!("{other:?}"),
        }
    }
    two.room.tick_once().await;
    assert_eq!(two.world.board(&two.room, two.event).await.waiting, own);
    assert_eq!(two.world.board(&two.room, two.accessible).await.waiting, 50 - own);
}

#[tokio::test]
async fn what_a_closed_line_leaves_goes_to_the_events_own() {
    let two = Two::lobbies().await;
    two.free(1, 0, 2).await;
    let many = fans(5);
    join(&two.room, two.event, &many).await;
    two.start_sales().await;
    assert_eq!(two.admit().await, [1, 0]);
    two.close(two.accessible).await;
    for _ in 0..2 {
        two.world.admit(&two.room, two.event).await;
    }
    assert_eq!(two.room.control(two.event).await.unwrap().admitted, 3);
    assert_eq!(two.world.board(&two.room, two.event).await.categories, Some(vec![0, 1, 2]));
}

#[tokio::test]
async fn a_line_that_closes_when_sold_out_looks_at_its_own_seats() {
    let two = Two::lobbies().await;
    two.start_sales().await;
    let close = ControlChange { close_when_sold_out: Some(true), ..ControlChange::default() };
    for line in [two.event, two.accessible] {
        two.world.set(&two.room, line, close.clone()).await;
    }
    two.free(0, 0, 0).await;
    sqlx::query(
        "WITH sold AS (INSERT INTO bookings (id, event, section, account, key, payload_hash, decided_at, seats, prices, total_minor,
                                             state, hold_expires_at, changed_at)
                       SELECT gen_random_uuid(), $1, 0, gen_random_uuid(), n::text, sha256(''), now(), ARRAY[n], ARRAY[9000], 9000,
                              'confirmed', now(), now()
                       FROM generate_series(20, 29) AS n RETURNING id, seats)
         INSERT INTO taken_seats (event, seat, booking) SELECT $1, seats[1], id FROM sold",
    )
    .bind(two.event.0)
    .execute(&two.world.pool)
    .await
    .unwrap();
    two.admit().await;
    two.room.tick_once().await;
    let states = [two.world.room(two.event).await.state, two.world.room(two.accessible).await.state];
    assert_eq!(states, [RoomState::Open, RoomState::Closed], "ten of thirty are sold: all of one line's");
}

#[tokio::test]
async fn a_session_ends_with_its_booking_in_whichever_line_it_began() {
    let two = Two::lobbies().await;
    two.free(9, 9, 9).await;
    let fan = fans(1);
    let tickets = join(&two.room, two.accessible, &fan).await;
    two.start_sales().await;
    two.admit().await;
    two.room.claim(two.accessible, fan[0], &tickets[0]).await.unwrap();
    let booked: DomainEvent = confirmed(two.event, fan[0], later(&two.world).await);
    assert!(matches!(booked.fact, BookingFact::BookingConfirmed { .. }));
    assert_eq!(two.room.end_booked(&[booked]).await, Ok(1));
    assert_eq!(two.room.claim(two.accessible, fan[0], &tickets[0]).await.map(|_| ()), Err(QueueError::NotInLine));
}

#[tokio::test]
async fn a_second_draw_is_announced_and_drawn_by_itself() {
    let two = Two::lobbies().await;
    let first = fans(3);
    join(&two.room, two.event, &first).await;
    assert_eq!(open(&two.world, two.event, OnsaleKind::SecondDraw, &[]).await, Err(OnsaleRefusal::StillSelling));
    two.start_sales().await;
    two.close(two.event).await;
    assert_eq!(open(&two.world, two.event, OnsaleKind::SecondDraw, &[]).await, Err(OnsaleRefusal::StillSelling));
    two.close(two.accessible).await;
    let again = open(&two.world, two.event, OnsaleKind::SecondDraw, &[]).await.unwrap();
    two.room.tick_once().await;
    let announced = terms(&two, again).await;
    assert_eq!(announced.event, again, "they bind the second draw, and no other one");
    assert_ne!(announced.commitment, terms(&two, two.event).await.commitment);

    open_lobby(&two.world, &two.room, again).await;
    two.free(2, 1, 1).await;
    // Who waited in vain, and somebody who did not.
    let (all, mut tickets) = ([first, fans(3)].concat(), Vec::new());
    for fan in &all {
        let joined = two.room.join(again, *fan).await.unwrap();
        let receipt = joined.receipt.unwrap();
        assert_eq!(receipt.event, again);
        tickets.push(joined.signed);
    }
    two.world.start_sale(&two.room, again).await;
    two.world.admit(&two.room, again).await;
    assert_eq!(two.room.control(again).await.unwrap().admitted, 4, "as many as came back, of every category");
    let mut entrances = Vec::new();
    for (fan, ticket) in all.iter().zip(&tickets) {
        if two.room.claim(again, *fan, ticket).await.is_ok() {
            entrances.push(two.entrance(again, *fan, ticket).await);
        }
    }
    assert_eq!(entrances, vec![Entrance { event: two.event, onsale: again, categories: None }; 4]);
    assert_eq!(onsales::of(&two.world.pool, &[two.event]).await.unwrap().len(), 2);
    assert!(rooms::find(&two.world.pool, again).await.unwrap().is_some_and(|room| room.seats_of == two.event));
}

async fn terms(two: &Two, line: EventId) -> DrawTerms {
    two.world.record(&two.room, line).await.announced.last().unwrap().terms.clone()
}

#[tokio::test]
async fn who_loses_their_group_may_choose_another_line() {
    let two = Two::lobbies().await;
    sqlx::query("UPDATE rooms SET group_max = 4 WHERE event = $1").bind(two.event.0).execute(&two.world.pool).await.unwrap();
    two.room.refresh_rooms().await;
    let [leader, member] = fans(2).try_into().unwrap();
    two.room.join(two.event, leader).await.unwrap();
    let group = two.room.make_group(two.event, leader).await.unwrap();
    let pass = JoinPass { group: Some(group.code), ..JoinPass::default() };
    two.room.join_with(two.event, member, &pass).await.unwrap();
    let refused = Err(QueueError::Entry(EntryRefusal::InAnotherLine { onsale: two.event }));
    assert_eq!(two.room.join(two.accessible, member).await.map(|_| ()), refused);
    two.room.leave(two.event, leader).await.unwrap();
    two.room.leave(two.event, member).await.unwrap();
    for fan in [leader, member] {
        two.room.join(two.accessible, fan).await.unwrap();
    }
}
