//! Domain events that come again, late, or broken.

use goticket_contracts::{
    events::{BOOKINGS_TOPIC, BookingFact},
    tasks,
};
use goticket_domain::{BookingId, SeatNo};
use goticket_platform::kafka;
use goticket_storage::notifications;
use goticket_workers::app::outcome::Outcome;
use rdkafka::producer::FutureRecord;

use super::world::World;

#[tokio::test]
async fn what_was_not_committed_comes_again_and_makes_one_notification() {
    let world = World::new().await;
    let (booking, event) = world.confirmed(3).await;
    world.commit(&[event]).await;
    world.drain(&mut world.relay()).await;

    let notify = world.notify();
    let dying = world.domain_events();
    assert_eq!(notify.tell(&dying.next_batch().await.records).await.unwrap(), 1);
    drop(dying);
    let (id, ..) = world.notification(booking).await.unwrap();

    let successor = world.domain_events();
    let batch = successor.next_batch().await;
    assert_eq!(batch.records.len(), 1, "redelivered");
    assert_eq!(notify.tell(&batch.records).await.unwrap(), 1, "pending: nobody knows whether its task is there");
    assert_eq!(world.notification(booking).await.unwrap().0, id);

    // Both tasks are carried out; one mail goes out.
    let (render, mail) = (world.render(), world.mail());
    let (mut pdf_tasks, mut mail_tasks) = (world.queue(tasks::PDF), world.queue(tasks::MAIL));
    for _ in 0..2 {
        assert_eq!(pdf_tasks.step(async |task| render.handle(&task).await).await, Outcome::Ack);
    }
    for _ in 0..2 {
        assert_eq!(mail_tasks.step(async |task| mail.handle(&task).await).await, Outcome::Ack);
    }
    assert_eq!(world.bed.mailbox.all().await.unwrap().len(), 1);
    assert_eq!(notify.tell(&batch.records).await.unwrap(), 0, "sent: nothing to do any more");
    world.assert_no_task_is_left().await;
}

#[tokio::test]
async fn a_crash_between_row_and_task_does_not_lose_the_mail() {
    let world = World::new().await;
    let (booking, event) = world.confirmed(3).await;
    assert_eq!(notifications::open_tickets(&world.pool, &[booking]).await.unwrap().len(), 1);
    assert_eq!(world.messages_in(&world.names.tasks_queue(tasks::PDF)).await, 0);
    assert_eq!(world.notify().tell(&[event]).await.unwrap(), 1);
}

#[tokio::test]
async fn an_event_about_a_booking_nobody_knows_does_not_hold_up_the_others() {
    let world = World::new().await;
    let (booking, known) = world.confirmed(3).await;
    let (account, payment) = (world.fan, goticket_domain::PaymentId::generate());
    let stray = BookingFact::BookingConfirmed { booking: BookingId::generate(), account, payment, seats: vec![SeatNo(1)] };
    assert_eq!(world.notify().tell(&[World::fact(world.event, stray), known]).await.unwrap(), 1);
    assert!(world.notification(booking).await.is_some());
}

#[tokio::test]
async fn a_record_that_is_no_domain_event_is_passed_over() {
    let world = World::new().await;
    world.relay().run_once().await.unwrap();
    let topic = world.config.kafka.prefixed(BOOKINGS_TOPIC);
    let producer = kafka::producer(&world.config.kafka).unwrap();
    let key = world.event.to_string();
    for garbage in ["not even JSON", r#"{"specversion":"1.0","type":"goticket.Surprise"}"#, ""] {
        let record = FutureRecord::to(&topic).key(&key).payload(garbage);
        producer.send(record, std::time::Duration::from_secs(30)).await.unwrap();
    }
    let (_, event) = world.confirmed(3).await;
    world.commit(std::slice::from_ref(&event)).await;
    world.drain(&mut world.relay()).await;

    let events = world.domain_events();
    let mut read = Vec::new();
    while read.is_empty() {
        let batch = events.next_batch().await;
        events.commit(&batch).unwrap();
        read.extend(batch.records);
    }
    assert_eq!(read, [event]);
}
