//! The other end of the lanes: commands as their owner finds them, what it writes, and its replies.

use futures::future::select_all;
use goticket_contracts::amqp::{CommandKind, Names};
use goticket_contracts::commands::CommandMessage;
use goticket_contracts::redis_keys::reply_channel;
use goticket_contracts::replies::Reply;
use goticket_domain::booking::{
    Answer, BookingRequest, BookingState, HeldSeats, IdempotencyKey, Order, Outcome, Refusal, SeatChoice,
};
use goticket_domain::identity::Role;
use goticket_domain::lane::{LaneCount, LaneNo};
use goticket_domain::{AccountId, BookingId, EventId, Money, SeatNo, SectionNo};
use goticket_platform::amqp;
use goticket_storage::bookings::write::{Batch, DecidedRequest, Decision, MovedBooking, SeatChange, write};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::world::{SOON, World};

/// The lanes of a test's installation: not as many as an installation has that says nothing.
pub(crate) fn count() -> LaneCount {
    LaneCount::new(4).unwrap()
}

/// What stands on the lanes' queues.
pub(crate) struct Commands {
    queues: Vec<(LaneNo, CommandKind, amqp::Consumer)>,
    _broker: amqp::Amqp,
}

impl Commands {
    pub(crate) async fn of(world: &World) -> Self {
        let broker = amqp::connect(&world.config.amqp, "test").await.unwrap();
        let names = Names::new(broker.prefix());
        let queue = |lane, kind| (lane, kind, broker.consume(names.lane_queue(lane, kind), 10));
        let queues = count().all().flat_map(|lane| CommandKind::ALL.map(|kind| queue(lane, kind))).collect();
        Self { queues, _broker: broker }
    }

    /// The next command on the queues of this kind; it stands in its event's lane.
    pub(crate) async fn next(&mut self, kind: CommandKind) -> CommandMessage {
        let queues = self.queues.iter_mut().filter(|(_, of, _)| *of == kind);
        let waits = queues.map(|(lane, _, queue)| Box::pin(async move { (*lane, queue.next().await) }));
        let ((lane, delivery), ..) = tokio::time::timeout(SOON, select_all(waits)).await.expect("a command");
        delivery.ack().await.unwrap();
        let message: CommandMessage = serde_json::from_slice(delivery.body()).unwrap();
        assert_eq!(lane, count().of(message.event), "{message:?}");
        message
    }
}

/// Tells the gateway that waits.
pub(crate) async fn reply(world: &World, message: &CommandMessage, result: Answer) {
    let body = serde_json::to_vec(&Reply { waiter: message.command.booking(), result }).unwrap();
    let channel = reply_channel(world.redis.prefix(), message.reply_to.as_ref().unwrap());
    let heard: i64 = world.redis.query(redis::cmd("PUBLISH").arg(channel).arg(body)).await.unwrap();
    assert_eq!(heard, 1, "the gateway listens on its channel");
}

/// Gives a request seats at these prices, as the booking `id`.
pub(crate) async fn hold(world: &World, request: &BookingRequest, id: BookingId, seats: &[(u32, i64)]) -> Outcome {
    let order = order(request, id, seats);
    let held = HeldSeats { seats: order.seats.clone(), total: order.total, expires_at: order.hold_expires_at };
    insert(world, request, order, BookingState::Held).await;
    Outcome::Held { booking: id, held }
}

/// Gives a request no seats, answered under `id`.
pub(crate) async fn refuse(world: &World, request: &BookingRequest, id: BookingId, refusal: Refusal) -> Outcome {
    let BookingRequest { event, section, account, .. } = *request;
    let decision = Decision::Refused { booking: id, event, section, account, refusal: refusal.clone() };
    store(world, event, Batch { decided: vec![decided(request, decision)], ..Batch::default() }).await;
    Outcome::Refused { booking: id, refusal }
}

/// Ends a hold.
pub(crate) async fn end_hold(world: &World, event: EventId, booking: BookingId, to: BookingState) {
    let seats: Vec<i32> = sqlx::query_scalar("SELECT seat FROM taken_seats WHERE booking = $1")
        .bind(booking.0)
        .fetch_all(&world.pool)
        .await
        .unwrap();
    let seat = |no: &i32| SeatNo(u32::try_from(*no).unwrap());
    let freed = |no| SeatChange { event, seat: seat(no), from: Some(booking), to: None };
    let freed = if to.is_live() { Vec::new() } else { seats.iter().map(freed).collect() };
    let moved = vec![MovedBooking { booking, from: BookingState::Held, to, overdue: None }];
    store(world, event, Batch { moved, seats: freed, ..Batch::default() }).await;
}

/// A stranger's booking of these seats of the first section, in this state.
pub(crate) async fn take(world: &World, event: EventId, seats: &[u32], state: BookingState) -> BookingId {
    let stranger = world.person(Role::User).await.id;
    take_for(world, event, stranger, seats, state).await
}

/// This account's booking of these seats of the first section, in this state.
pub(crate) async fn take_for(world: &World, event: EventId, account: AccountId, seats: &[u32], state: BookingState) -> BookingId {
    let request = request(event, account, seats);
    let priced: Vec<(u32, i64)> = seats.iter().map(|seat| (*seat, 2_500)).collect();
    insert(world, &request, order(&request, request.booking, &priced), state).await;
    request.booking
}

/// A request of this account for seats of the first section, past the queue.
pub(crate) fn request(event: EventId, account: AccountId, seats: &[u32]) -> BookingRequest {
    let (booking, section) = (BookingId::generate(), SectionNo(0));
    let choice = SeatChoice::named(seats.iter().copied().map(SeatNo).collect()).unwrap();
    let key = IdempotencyKey::parse(&Uuid::new_v4().to_string()).unwrap();
    let payload_hash = BookingRequest::hash(event, section, &choice);
    BookingRequest { booking, event, section, account, key, payload_hash, choice }
}

fn order(request: &BookingRequest, id: BookingId, seats: &[(u32, i64)]) -> Order {
    let prices: Vec<i64> = seats.iter().map(|(_, price)| *price).collect();
    // Whole seconds: the database knows no nanoseconds, and is compared with what was replied.
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    Order {
        id,
        event: request.event,
        section: request.section,
        account: request.account,
        seats: seats.iter().map(|(seat, _)| SeatNo(*seat)).collect(),
        total: Money { amount_minor: prices.iter().sum(), currency: iso_currency::Currency::EUR },
        prices,
        hold_expires_at: now + SignedDuration::from_mins(5),
    }
}

async fn insert(world: &World, request: &BookingRequest, order: Order, state: BookingState) {
    let (event, to) = (order.event, Some(order.id));
    let seats = order.seats.iter().map(|seat| SeatChange { event, seat: *seat, from: None, to }).collect();
    let decision = Decision::Held(order, state);
    store(world, event, Batch { decided: vec![decided(request, decision)], seats, ..Batch::default() }).await;
}

fn decided(request: &BookingRequest, decision: Decision) -> DecidedRequest {
    DecidedRequest { key: request.key.clone(), payload_hash: request.payload_hash, decision }
}

/// By the owner's own statement, and so by every constraint.
async fn store(world: &World, event: EventId, batch: Batch) {
    let mut db = world.pool.acquire().await.unwrap();
    let fence = goticket_storage::lanes::fence(&mut db, count().of(event), 0).await.unwrap().expect("no one took the lane");
    write(&mut db, &fence, &batch, Timestamp::now()).await.unwrap();
}
