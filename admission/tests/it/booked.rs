//! Whose booking is confirmed is done: their session ends, whoever hears of it, however often and however late.

use std::time::Duration;

use goticket_admission::{WaitingRoomService, subscribe_to_bookings};
use goticket_contracts::events::{BOOKINGS_TOPIC, BookingFact, DomainEvent};
use goticket_domain::queue::{ControlChange, QueueError, RoomSettings, RoomState, WaitingRoom};
use goticket_domain::{AccountId, BookingId, EventId, PaymentId, SeatNo};
use goticket_platform::kafka::{self, Message, OrderedLog, Topic};
use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use crate::world::{World, fans, generous, on_sale};

const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn confirmed(event: EventId, account: AccountId, at: Timestamp) -> DomainEvent {
    let fact = BookingFact::BookingConfirmed {
        booking: BookingId::generate(),
        account,
        payment: PaymentId::generate(),
        seats: vec![SeatNo(1)],
    };
    DomainEvent::new(event, at, fact)
}

/// Everyone joins, and the first ones have their turn and claim it; returns their tickets.
async fn let_in(world: &World, room: &WaitingRoomService, event: EventId, all: &[AccountId], inside: usize) -> Vec<String> {
    let mut tickets = Vec::new();
    for fan in all {
        tickets.push(room.join(event, *fan).await.unwrap().signed);
    }
    world.admit(room, event).await;
    for n in 0..inside {
        room.claim(event, all[n], &tickets[n]).await.unwrap();
    }
    tickets
}

/// By the database's clock, and after everything that was written.
pub(crate) async fn later(world: &World) -> Timestamp {
    world.now().await + SignedDuration::from_secs(2)
}

#[tokio::test]
async fn a_session_ends_with_its_booking_and_its_slot_with_the_last_token() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 1, ..generous() }).await;
    let all = fans(2);
    let tickets = let_in(&world, &room, event, &all, 1).await;
    let told = [confirmed(event, all[0], later(&world).await)];
    assert_eq!(room.end_booked(&told).await, Ok(1));
    assert_eq!(room.claim(event, all[0], &tickets[0]).await, Err(QueueError::NotInLine), "nothing is renewed after it");
    let place = room.join(event, all[1]).await.unwrap().ticket.place;
    for forgets in [false, true] {
        if forgets {
            world.lose_redis(event).await;
        }
        world.admit(&room, event).await;
        assert_eq!(room.control(event).await.unwrap().active, 1, "their token still buys");
    }
    let entries = world.room(event).await.log.size;
    for teller in [&room, &world.replica()] {
        assert_eq!(teller.end_booked(&told).await, Ok(0), "heard of again");
    }
    assert_eq!(world.room(event).await.log.size, entries);

    let ending = world.names(event).ending();
    let slots: Vec<Vec<u8>> = world.ask("ZRANGE", &[ending.as_str(), "0", "-1"]).await;
    let slot_ms: i64 = world.redis.query(redis::cmd("ZSCORE").arg(&ending).arg(&slots[0])).await.unwrap();
    let left_ms = slot_ms - world.now().await.as_millisecond();
    assert!((slots.len(), left_ms <= 71_000) == (1, true), "{left_ms}");
    let _: u64 = world.redis.query(redis::cmd("ZADD").arg(&ending).arg(1).arg(&slots[0])).await.unwrap();
    world.admit(&room, event).await;
    assert!(world.time(&world.names(event).admitted(), place).await > 0, "the next one has their turn");
}

#[tokio::test]
async fn a_booking_of_before_does_not_end_a_later_session() {
    let (world, room, event) = on_sale(&generous()).await;
    let fan = fans(1);
    let before = world.now().await - SignedDuration::from_secs(1);
    let tickets = let_in(&world, &room, event, &fan, 1).await;
    for (told, ended) in [(before, 0), (later(&world).await, 1)] {
        assert_eq!(room.end_booked(&[confirmed(event, fan[0], told)]).await, Ok(ended), "{told}");
        assert_eq!(room.claim(event, fan[0], &tickets[0]).await.is_ok(), ended == 0);
    }
}

#[tokio::test]
async fn at_the_end_of_the_stock_no_one_waits_for_those_who_have_their_tickets() {
    let (world, room, event) = on_sale(&generous()).await;
    let availability = world.names(event).availability();
    let _: u64 = world.ask("HSET", &[availability.as_str(), "free:0", "1"]).await;
    let all = fans(2);
    let_in(&world, &room, event, &all, 1).await;
    // Of two seats they took one.
    world.admit(&room, event).await;
    assert_eq!(room.control(event).await.unwrap().admitted, 1, "they may take the last one, too");
    room.end_booked(&[confirmed(event, all[0], later(&world).await)]).await.unwrap();
    world.admit(&room, event).await;
    assert_eq!(room.control(event).await.unwrap().admitted, 2);
}

#[tokio::test]
async fn bookings_of_rooms_that_are_unknown_or_closed_hold_nothing_up() {
    let (world, room, event) = on_sale(&generous()).await;
    let closed = world.on_sale(&room, &generous()).await;
    let all = fans(2);
    let_in(&world, &room, event, &all[..1], 1).await;
    let_in(&world, &room, closed, &all[1..], 1).await;
    world.set(&room, closed, ControlChange { state: Some(RoomState::Closed), ..ControlChange::default() }).await;
    let at = later(&world).await;
    let told = [(EventId::generate(), all[0]), (closed, all[1]), (event, all[1]), (event, all[0])];
    let told = told.map(|(event, account)| confirmed(event, account, at));
    assert_eq!(room.end_booked(&told).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_killed_before_it_committed_is_followed_by_one_that_comes_to_the_same() {
    let (world, room, event) = on_sale(&generous()).await;
    let topic = Topic { name: BOOKINGS_TOPIC.to_owned(), partitions: 1, retention: Duration::from_hours(1) };
    kafka::ensure_topics(&world.kafka, &[topic]).await.unwrap();
    let all = fans(3);
    let_in(&world, &room, event, &all, 3).await;
    let at = later(&world).await;
    let bodies: Vec<String> = all[..2].iter().map(|fan| serde_json::to_string(&confirmed(event, *fan, at)).unwrap()).collect();
    let messages: Vec<Message<'_>> = bodies.iter().map(|body| Message { key: event.to_string(), body }).collect();
    OrderedLog::new(world.kafka.clone(), BOOKINGS_TOPIC).append(&messages).await.unwrap();

    // One dies before the log has anything of it, one after that and before its offsets are committed.
    let mut ended = Vec::new();
    for dies_after in [0, 1, 2] {
        let events = subscribe_to_bookings(&world.kafka).unwrap();
        let mut told = Vec::new();
        while told.len() < 2 {
            let batch = timeout(PATIENCE, events.next()).await.expect("it comes again");
            told.extend(batch.records);
        }
        if dies_after > 0 {
            ended.push(world.replica().end_booked(&told).await.unwrap());
        }
    }
    assert_eq!(ended, [2, 0]);
    let sessions: u64 = world.ask("ZCARD", &[world.names(event).sessions()]).await;
    assert_eq!(sessions, 1);
}
