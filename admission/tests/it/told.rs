//! What happens in rooms is told on Kafka: everything, in order, and nothing else, whoever dies on the way.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use goticket_admission::WaitingRoomService;
use goticket_admission::app::tell::Teller;
use goticket_contracts::queue_events::{Moved, QUEUE_TOPIC, QueueEvent, QueueFact};
use goticket_domain::EventId;
use goticket_domain::queue::{ControlChange, RoomState, WaitingRoom};
use goticket_platform::kafka::{self, Topic};
use goticket_storage::queue_log;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Message as _, Offset, TopicPartitionList};
use tokio::time::timeout;

use crate::world::{World, fans, generous, on_sale};

const PATIENCE: Duration = Duration::from_secs(20);

async fn topic(world: &World) {
    let topic = Topic { name: QUEUE_TOPIC.to_owned(), partitions: 1, retention: Duration::from_hours(1) };
    kafka::ensure_topics(&world.kafka, &[topic]).await.unwrap();
}

fn teller(world: &World, room: &Arc<WaitingRoomService>) -> Teller {
    Teller::new(Arc::clone(room), world.kafka.clone())
}

async fn tell_everything(world: &World, room: &Arc<WaitingRoomService>) {
    let mut teller = teller(world, room);
    while timeout(PATIENCE, teller.tell_once()).await.expect("Kafka takes it").unwrap() > 0 {}
}

/// What the topic says of a room: all of it, and without what is said again.
async fn read(world: &World, event: EventId) -> (usize, Vec<QueueEvent>) {
    let (config, name) = (world.kafka.clone(), world.kafka.prefixed(QUEUE_TOPIC));
    let all: Vec<QueueEvent> = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = kafka::reader(&config).unwrap();
        let (low, high) = consumer.fetch_watermarks(&name, 0, PATIENCE).unwrap();
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(&name, 0, Offset::Offset(low)).unwrap();
        consumer.assign(&assignment).unwrap();
        let mut events = Vec::new();
        let mut next = low;
        while next < high {
            let message = consumer.poll(PATIENCE).expect("the rest of the log").unwrap();
            next = message.offset() + 1;
            let event: QueueEvent = serde_json::from_slice(message.payload().unwrap()).unwrap();
            assert_eq!(message.key().unwrap(), event.subject.to_string().as_bytes());
            events.push(event);
        }
        events
    })
    .await
    .unwrap();
    let all: Vec<QueueEvent> = all.into_iter().filter(|told| told.subject == event).collect();
    let (said, mut ids) = (all.len(), HashSet::new());
    (said, all.into_iter().filter(|event| ids.insert(event.id)).collect())
}

/// Both logs of the room are told from beginning to end, each in its order.
async fn assert_told(world: &World, event: EventId, told: &[QueueEvent]) -> Vec<Moved> {
    let (mut moved, mut changes) = (Vec::new(), Vec::new());
    for event in told {
        match &event.fact {
            QueueFact::QueueMoved { position, entries } => {
                assert_eq!(*position, moved.len() as u64, "nothing is missing, nothing is moved");
                moved.extend(entries.clone());
            }
            QueueFact::QueueChanged { number, hash, .. } => changes.push((*number, hash.clone())),
        }
    }
    let mut written = Vec::new();
    loop {
        let segments = queue_log::read(&world.pool, event, written.len() as u64, 100).await.unwrap();
        if segments.is_empty() {
            break;
        }
        written.extend(segments.iter().flat_map(|segment| &segment.entries).map(Moved::from));
    }
    assert!(written.len() > 3);
    assert_eq!(moved, written);
    let log: Vec<_> = world.control_log(event).await.into_iter().map(|entry| (entry.number, entry.hash)).collect();
    assert_eq!(changes, log);
    moved
}

#[tokio::test]
async fn joins_turns_claims_leaves_the_draw_and_changes_are_told_in_order() {
    let world = World::new().await;
    topic(&world).await;
    let room = world.replica();
    let event = world.lobby(&room, &generous()).await;
    let all = fans(3);
    for fan in &all[..2] {
        room.join(event, *fan).await.unwrap();
    }
    world.start_sale(&room, event).await;
    let late = room.join(event, all[2]).await.unwrap().signed;
    world.admit(&room, event).await;
    room.claim(event, all[2], &late).await.unwrap();
    room.leave(event, all[2]).await.unwrap();
    room.leave(event, all[0]).await.unwrap();
    tell_everything(&world, &room).await;
    let (said, told) = read(&world, event).await;
    assert_eq!(said, told.len(), "once, as no one died");
    let moved = assert_told(&world, event, &told).await;
    let names: Vec<&str> = moved
        .iter()
        .map(|entry| match entry {
            Moved::Joined { .. } => "joined",
            Moved::Left { .. } => "left",
            Moved::Claimed { .. } => "claimed",
            Moved::Renewed { .. } => "renewed",
            Moved::Resumed { .. } => "resumed",
            Moved::Ended { .. } => "ended",
            Moved::Booked { .. } => "booked",
            Moved::Admitted { .. } => "admitted",
            Moved::Deferred { .. } => "deferred",
            Moved::DeferredAdmitted { .. } => "deferred admitted",
            Moved::LobbyClosed => "closed",
            Moved::Drawn { .. } => "drawn",
        })
        .collect();
    assert_eq!(names, ["joined", "joined", "closed", "drawn", "joined", "admitted", "claimed", "ended", "left"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_that_are_killed_while_they_tell_lose_nothing_and_reorder_nothing() {
    let world = World::new().await;
    topic(&world).await;
    let mut room = world.replica();
    let event = world.on_sale(&room, &generous()).await;
    let mut killed = 0;
    for round in 0..8_u64 {
        let joining = fans(40);
        futures::future::join_all(joining.iter().map(|fan| room.join(event, *fan))).await.into_iter().for_each(|joined| {
            joined.unwrap();
        });
        world.admit(&room, event).await;
        let change = ControlChange { burst: Some(9_000 + u32::try_from(round).unwrap()), ..ControlChange::default() };
        world.set(&room, event, change).await;
        // From "before it began" to "after it was over"; what it was about to send goes with it.
        let mut dying = teller(&world, &room);
        killed += usize::from(timeout(Duration::from_millis(round * 12), dying.tell_once()).await.is_err());
        drop(dying);
        let next = world.successor().await;
        next.tick_once().await;
        room = next;
    }
    assert!(killed > 0, "some died on the way");
    tell_everything(&world, &room).await;
    let (_, told) = read(&world, event).await;
    assert_told(&world, event, &told).await;
}

#[tokio::test]
async fn an_owner_that_was_replaced_moves_no_cursor_and_what_it_said_is_recognised() {
    let (world, room, event) = on_sale(&generous()).await;
    topic(&world).await;
    for fan in fans(5) {
        room.join(event, fan).await.unwrap();
    }
    let next = world.successor().await;
    next.tick_once().await;
    // It does not know yet.
    let said = timeout(PATIENCE, teller(&world, &room).tell_once()).await.unwrap().unwrap();
    assert!(said > 0);
    tell_everything(&world, &next).await;
    let (all, told) = read(&world, event).await;
    assert_eq!(all, said + told.len());
    assert_told(&world, event, &told).await;
}

#[tokio::test]
async fn a_closed_room_keeps_its_owner_until_everything_is_told() {
    let (world, room, event) = on_sale(&generous()).await;
    topic(&world).await;
    tell_everything(&world, &room).await;
    for fan in fans(2) {
        room.join(event, fan).await.unwrap();
    }
    world.set(&room, event, ControlChange { state: Some(RoomState::Closed), ..ControlChange::default() }).await;
    let owned = async || {
        let owned = "SELECT count(*) FROM room_owners WHERE event = $1";
        sqlx::query_scalar::<_, i64>(owned).bind(event.0).fetch_one(&world.pool).await.unwrap()
    };
    room.tick_once().await;
    assert_eq!(owned().await, 1);
    tell_everything(&world, &room).await;
    room.tick_once().await;
    assert_eq!(owned().await, 0);
    let (_, told) = read(&world, event).await;
    assert_told(&world, event, &told).await;
}
