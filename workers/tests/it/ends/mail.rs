//! Printing and mailing, with the mail server or the worker gone in between.

use std::time::Duration;

use goticket_contracts::{
    amqp::RETRY_DELAYS_S,
    tasks::{self, TicketTask},
};
use goticket_domain::BookingId;
use goticket_storage::notifications;
use goticket_testkit::{Link, TestBed};
use goticket_workers::{
    app::mail_tickets::MailTickets, app::outcome::Outcome, mail::Mailer, outbound::dead_letters::REASON_HEADER,
};
use jiff::SignedDuration;
use lapin::types::AMQPValue;
use tokio_util::sync::CancellationToken;

use super::world::World;

/// A booking whose tickets are printed, with the mail task that follows.
pub(super) async fn printed(world: &World) -> (BookingId, TicketTask) {
    let (booking, event) = world.confirmed(3).await;
    world.notify().tell(&[event]).await.unwrap();
    let render = world.render();
    assert_eq!(world.queue(tasks::PDF).step(async |task| render.handle(&task).await).await, Outcome::Ack);
    let (notification, ..) = world.notification(booking).await.unwrap();
    (booking, TicketTask { notification, booking, attempts: 0 })
}

#[tokio::test]
async fn the_mail_server_away_delays_the_mail_and_does_not_double_it() {
    let mut bed = TestBed::new().await;
    let link = Link::to(&format!("{}:{}", bed.smtp_host, bed.smtp_port)).await.unwrap();
    (bed.smtp_host, bed.smtp_port) = (link.addr().ip().to_string(), link.addr().port());
    let world = World::on(bed).await;
    let (booking, _) = printed(&world).await;

    let mail = world.mail();
    let mut queue = world.queue(tasks::MAIL);
    link.cut();
    let first = queue.step(async |task| mail.handle(&task).await).await;
    assert_eq!(first, Outcome::Retry { after: Duration::from_secs(RETRY_DELAYS_S[0].into()) });
    assert_eq!(world.notification(booking).await.unwrap().1, "rendered");
    link.restore();
    assert_eq!(queue.step(async |task| mail.handle(&task).await).await, Outcome::Ack, "it comes back by itself");

    let (_, state, attempts) = world.notification(booking).await.unwrap();
    assert_eq!((state.as_str(), attempts), ("sent", 2));
    assert_eq!(world.bed.mailbox.all().await.unwrap().len(), 1);
    world.assert_no_task_is_left().await;
}

#[tokio::test]
async fn twins_of_one_task_send_one_mail() {
    let world = World::new().await;
    let (_, task) = printed(&world).await;
    let mails: Vec<_> = (0..5).map(|_| world.mail()).collect();
    let outcomes = futures::future::join_all(mails.iter().map(|mail| mail.handle(&task))).await;
    assert!(outcomes.contains(&Outcome::Ack), "{outcomes:?}");
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Ack | Outcome::Retry { .. })), "{outcomes:?}");
    assert_eq!(mails[0].handle(&task).await, Outcome::Ack, "whoever looks later finds it sent");
    assert_eq!(world.bed.mailbox.all().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_sender_that_died_is_waited_for_and_then_replaced() {
    let world = World::new().await;
    let (_, task) = printed(&world).await;
    let mail = world.mail();
    let minute = SignedDuration::from_mins(1);
    assert!(matches!(notifications::claim(&world.pool, task.notification, minute).await, Ok(notifications::Claim::Ours { .. })));
    assert!(matches!(mail.handle(&task).await, Outcome::Retry { .. }), "it may be at it right now");
    // Its lease runs out.
    sqlx::query("UPDATE notifications SET claimed_until = now() - interval '1 second'").execute(&world.pool).await.unwrap();
    assert_eq!(mail.handle(&task).await, Outcome::Ack);
    let mails = world.bed.mailbox.all().await.unwrap();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].message_id.contains(&task.notification.to_string()), "the id that a second one would have, too");
}

#[tokio::test]
async fn a_crash_between_printing_and_the_mail_task_does_not_lose_the_mail() {
    let world = World::new().await;
    let (_, task) = printed(&world).await;
    // The task whose worker died before it could publish comes again.
    assert_eq!(world.render().handle(&task).await, Outcome::Ack);
    assert_eq!(world.messages_in(&world.names.tasks_queue(tasks::MAIL)).await, 2);
    let mail = world.mail();
    let mut queue = world.queue(tasks::MAIL);
    for _ in 0..2 {
        assert_eq!(queue.step(async |task| mail.handle(&task).await).await, Outcome::Ack);
    }
    assert_eq!(world.bed.mailbox.all().await.unwrap().len(), 1);
    world.assert_no_task_is_left().await;
}

#[tokio::test]
async fn what_can_never_be_mailed_is_put_aside_with_its_reason() {
    let world = World::new().await;
    let (booking, _) = printed(&world).await;
    sqlx::query("UPDATE accounts SET email = 'nonsense' WHERE id = $1").bind(world.fan.0).execute(&world.pool).await.unwrap();
    let mail = world.mail();
    let outcome = world.queue(tasks::MAIL).step(async |task| mail.handle(&task).await).await;
    assert!(matches!(outcome, Outcome::DeadLetter { .. }), "{outcome:?}");
    assert_eq!(world.notification(booking).await.unwrap().1, "failed");
    let letter = world.amqp.consume(world.names.dead_queue(), 1).next().await;
    let headers = letter.properties().headers().clone().unwrap();
    let AMQPValue::LongString(reason) = &headers.inner()[REASON_HEADER] else { panic!("{headers:?}") };
    let reason = String::from_utf8_lossy(reason.as_bytes());
    assert!(reason.contains("the address is malformed"), "{reason}");
}

#[tokio::test]
async fn a_task_is_not_tried_for_ever() {
    let world = World::new().await;
    let (booking, task) = printed(&world).await;
    tokio::fs::remove_file(world.config.objects.dir.join(format!("bookings/{booking}.pdf"))).await.unwrap();
    let mailer = Mailer::new(&world.config.smtp).unwrap();
    let mail = MailTickets::new(world.pool.clone(), world.folder(), mailer, Duration::from_secs(3), 2, CancellationToken::new());
    for attempts in 0..2 {
        assert!(matches!(mail.handle(&TicketTask { attempts, ..task.clone() }).await, Outcome::Retry { .. }));
    }
    let last = mail.handle(&TicketTask { attempts: 2, ..task.clone() }).await;
    assert_eq!(last, Outcome::DeadLetter { reason: "the tickets are not in the folder".to_owned() });
    assert_eq!(world.notification(booking).await.unwrap().1, "failed");
}

#[tokio::test]
async fn garbage_and_tasks_of_nothing_are_put_aside() {
    let world = World::new().await;
    let nothing = TicketTask { notification: uuid::Uuid::now_v7(), booking: BookingId::generate(), attempts: 0 };
    world.tasks().publish(tasks::PDF, &nothing).await.unwrap();
    let exchange = world.names.tasks_exchange();
    let properties = goticket_platform::amqp::persistent();
    world.amqp.publisher().publish(&exchange, tasks::PDF, properties, b"{".to_vec()).await.unwrap();
    let (render, mut queue) = (world.render(), world.queue(tasks::PDF));
    for _ in 0..2 {
        let outcome = queue.step(async |task| render.handle(&task).await).await;
        assert!(matches!(outcome, Outcome::DeadLetter { .. }), "{outcome:?}");
    }
    assert_eq!(world.messages_in(&world.names.dead_queue()).await, 2);
}
