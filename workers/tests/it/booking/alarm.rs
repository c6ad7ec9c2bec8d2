//! A broker that is short of memory takes nothing more, and must be able to get rid of what it has.

use goticket_contracts::commands::CommandMessage;
use goticket_platform::amqp::PublishError;
use goticket_testkit::{Stack, TestBed, eventually};
use goticket_workers::app::booking::Job;

use super::queue::{Broker, handle};
use crate::{
    SOON,
    hall::{Hall, decided},
};

/// The share of the machine's memory from which on the broker raises its alarm.
async fn alarm_from(stack: &Stack, share: &str) {
    let done = stack.rabbitmqctl(&["set_vm_memory_high_watermark", share]).unwrap().output().await.unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[tokio::test]
async fn under_an_alarm_what_is_done_is_acknowledged_and_what_was_not_confirmed_comes_later() {
    let Some(stack) = Stack::with_own_broker().await.unwrap() else { return };
    let bed = TestBed::in_stack(&stack).await.unwrap();
    let host = stack.virtual_host(&bed).unwrap();
    let hall = Hall::in_bed(bed).await;
    let broker = Broker::of(&hall).await;
    let fans = hall.accounts(4).await;
    let requests: Vec<Job> = (0..4_u32).zip(&fans).map(|(n, fan)| hall.named(*fan, "k", &[2 * n])).collect();
    for request in &requests[..3] {
        broker.send(&request.message).await;
    }
    let mut consumer = broker.amqp.consume(broker.requests(), 50);
    let batch = consumer.next_batch(3, SOON).await;
    assert_eq!(batch.len(), 3);

    alarm_from(&stack, "0.0001").await;
    assert_eq!(broker.publish(&requests[3].message).await, Err(PublishError::Unknown), "neither yes nor no");
    let jobs: Vec<Job> =
        batch.iter().map(|delivery| serde_json::from_slice::<CommandMessage>(delivery.body()).unwrap().into()).collect();
    let verdicts = hall.worker().await.run_once(&jobs).await;
    assert!(verdicts.iter().all(|verdict| decided(verdict).is_ok()), "{verdicts:?}");
    batch[2].ack_multiple().await.unwrap();
    drop((batch, consumer));
    // Whatever the consumer said before has been heard by then; what was not acknowledged would be back.
    eventually("the consumer is gone", SOON, async || stack.consumers(&host).await.unwrap().is_empty().then_some(())).await;
    assert_eq!(broker.depth(&broker.requests()).await, 0);

    alarm_from(&stack, "0.4").await;
    let late = async || (broker.depth(&broker.requests()).await == 1).then_some(());
    eventually("what was not confirmed", SOON, late).await;
    // Its gateway said 503, and the fan has asked again.
    broker.send_as_soon_as_possible(&requests[3].message).await;
    handle(broker.queues(&hall).await, 2).await;
    assert_eq!(hall.count("SELECT count(*) FROM outbox").await, 4, "each told once");
    broker.assert_empty().await;
    broker.dead_letters(0).await;
    hall.assert_clean().await;
    drop((broker, hall));
    stack.stop().await.unwrap();
}
