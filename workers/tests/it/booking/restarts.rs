//! The broker dies and comes back with what it had on disk.

use goticket_contracts::amqp::Names;
use goticket_domain::{booking::BookingState, lane::LaneCount};
use goticket_testkit::{Server, Stack, TestBed, VirtualHost, eventually};

use super::queue::{Broker, start};
use crate::{
    SOON,
    hall::{Hall, LANES},
};

async fn die_and_come_back(stack: &mut Stack, host: &VirtualHost) {
    stack.kill(Server::RabbitMq).unwrap();
    stack.start_again(Server::RabbitMq).await.unwrap();
    stack.elect_leaders(host).await.unwrap();
}

/// Keys in the order in which they were decided.
async fn decided(hall: &Hall) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT b.key FROM outbox o JOIN bookings b ON b.id = (o.body::jsonb #>> '{data,booking}')::uuid ORDER BY o.lane, o.position",
    )
    .fetch_all(&hall.pool)
    .await
    .unwrap()
}

/// Both queues of every lane have one consumer, and nothing else has.
async fn until_each_consumer_is_there_once(stack: &Stack, host: &VirtualHost, names: &Names) {
    let expected = names.lane_queues(LaneCount::new(LANES).unwrap()).map(|queue| (queue, 1)).collect();
    let once = async || (stack.consumers(host).await.unwrap() == expected).then_some(());
    eventually("each consumer once", SOON, once).await;
}

#[tokio::test]
async fn a_broker_that_dies_and_comes_back_has_the_same_lanes_with_their_commands_in_order() {
    let Some(mut stack) = Stack::with_own_broker().await.unwrap() else { return };
    let bed = TestBed::in_stack(&stack).await.unwrap();
    let host = stack.virtual_host(&bed).unwrap();
    let hall = Hall::in_bed(bed).await;
    let broker = Broker::of(&hall).await;
    stack.write_declarations_down().await.unwrap();
    let fans = hall.accounts(12).await;
    // Every fan wants the seat of the one before, too: who comes first gets it.
    let requests: Vec<_> = (0..12_u32).zip(&fans).map(|(n, fan)| hall.named(*fan, &format!("{n:02}"), &[n, n + 1])).collect();
    let keys = |range: std::ops::Range<u32>| range.map(|n| format!("{n:02}")).collect::<Vec<_>>();

    for request in &requests[..4] {
        broker.send(&request.message).await;
    }
    let before = host.topology().await.unwrap();
    die_and_come_back(&mut stack, &host).await;
    assert_eq!(host.topology().await.unwrap(), before, "nobody has declared anything since");
    for request in &requests[4..8] {
        broker.send_as_soon_as_possible(&request.message).await;
    }
    // Whichever side of the restart they came from; more where the broker took one and died before it said so.
    let all = async || (broker.depth(&broker.requests()).await >= 8).then_some(());
    eventually("all of them in one queue", SOON, all).await;
    assert_eq!(stack.consumers(&host).await.unwrap().len(), 0);

    let (shutdown, running) = start(&hall);
    broker.wait_until_decided(&hall, 8).await;
    assert_eq!(decided(&hall).await, keys(0..8));
    until_each_consumer_is_there_once(&stack, &host, &broker.names).await;

    // While the worker consumes: it comes back by itself.
    die_and_come_back(&mut stack, &host).await;
    until_each_consumer_is_there_once(&stack, &host, &broker.names).await;
    for request in &requests[8..] {
        broker.send_as_soon_as_possible(&request.message).await;
    }
    broker.send_as_soon_as_possible(&hall.cancel(requests[0].booking(), fans[0]).message).await;
    broker.wait_until_decided(&hall, 12).await;
    eventually("the cancellation", SOON, async || {
        (hall.state(requests[0].booking()).await == BookingState::Cancelled.as_str()).then_some(())
    })
    .await;
    until_each_consumer_is_there_once(&stack, &host, &broker.names).await;
    assert_eq!(host.topology().await.unwrap(), before);
    let of_requests: Vec<String> = decided(&hall).await.into_iter().filter(|key| key != "00").collect();
    assert_eq!(of_requests, keys(1..12), "each once");
    let held = hall.count("SELECT count(*) FROM bookings WHERE key::int % 2 = 0 AND state IN ('held', 'cancelled')").await;
    assert_eq!(held, 6, "every other one came too late for a seat");

    shutdown.trigger();
    running.await.unwrap().unwrap();
    broker.assert_empty().await;
    broker.dead_letters(0).await;
    hall.assert_clean().await;
    drop(hall);
    stack.stop().await.unwrap();
}
