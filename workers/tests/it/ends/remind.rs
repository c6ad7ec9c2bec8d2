//! Tasks that the broker lost.

use goticket_contracts::tasks;
use goticket_domain::BookingId;
use goticket_workers::app::outcome::Outcome;
use lapin::options::QueuePurgeOptions;

use super::world::World;

/// A confirmed booking whose PDF task is on the queue.
async fn told(world: &World) -> BookingId {
    let (booking, event) = world.confirmed(3).await;
    assert_eq!(world.notify().tell(&[event]).await.unwrap(), 1);
    booking
}

async fn lose(world: &World, kind: &str) {
    let queue = world.names.tasks_queue(kind);
    let channel = world.amqp.channel().await.unwrap();
    let lost = channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await.unwrap();
    assert_eq!(lost, 1, "{kind} tasks");
}

/// As if it had been made, and touched for the last time, so long ago.
async fn untouched_for(world: &World, seconds: u64) {
    sqlx::query("UPDATE notifications SET (created_at, touched_at) = (SELECT at, at FROM (SELECT now() - $1 * interval '1 second' AS at) t)")
        .bind(i64::try_from(seconds).unwrap())
        .execute(&world.pool)
        .await
        .unwrap();
}

async fn print(world: &World) {
    let render = world.render();
    assert_eq!(world.queue(tasks::PDF).step(async |task| render.handle(&task).await).await, Outcome::Ack);
}

async fn mail(world: &World) {
    let mail = world.mail();
    assert_eq!(world.queue(tasks::MAIL).step(async |task| mail.handle(&task).await).await, Outcome::Ack);
}

async fn assert_one_mail(world: &World, booking: BookingId) {
    assert_eq!(world.notification(booking).await.unwrap().1, "sent");
    assert_eq!(world.bed.mailbox.all().await.unwrap().len(), 1);
    untouched_for(world, 86_400).await;
    assert_eq!(world.remind().run_once().await.unwrap(), 0, "sent is sent");
    world.assert_no_task_is_left().await;
}

#[tokio::test]
async fn a_lost_pdf_task_is_published_again_and_one_mail_goes_out() {
    let world = World::new().await;
    let booking = told(&world).await;
    lose(&world, tasks::PDF).await;
    untouched_for(&world, 3_600).await;
    assert_eq!(world.remind().run_once().await.unwrap(), 1);
    assert_eq!(world.remind().run_once().await.unwrap(), 0, "touched: not again at once");
    print(&world).await;
    mail(&world).await;
    assert_one_mail(&world, booking).await;
}

#[tokio::test]
async fn a_lost_mail_task_is_published_again_and_one_mail_goes_out() {
    let world = World::new().await;
    let booking = told(&world).await;
    print(&world).await;
    lose(&world, tasks::MAIL).await;
    untouched_for(&world, 3_600).await;
    assert_eq!(world.remind().run_once().await.unwrap(), 1);
    assert_eq!(world.messages_in(&world.names.tasks_queue(tasks::PDF)).await, 0, "it is printed");
    mail(&world).await;
    assert_one_mail(&world, booking).await;
}

#[tokio::test]
async fn a_task_that_only_waited_gets_a_copy_and_still_one_mail_goes_out() {
    let world = World::new().await;
    let booking = told(&world).await;
    untouched_for(&world, 3_600).await;
    assert_eq!(world.remind().run_once().await.unwrap(), 1);
    // Both PDF tasks leave a mail task, and those get another copy.
    print(&world).await;
    print(&world).await;
    untouched_for(&world, 3_600).await;
    assert_eq!(world.remind().run_once().await.unwrap(), 1);
    for _ in 0..3 {
        mail(&world).await;
    }
    assert_one_mail(&world, booking).await;
}

#[tokio::test]
async fn what_is_fresh_claimed_or_given_up_is_left_alone() {
    let world = World::new().await;
    told(&world).await;
    let remind = world.remind();
    assert_eq!(remind.run_once().await.unwrap(), 0, "just made");
    let stale_after_s = world.config.workers.notifier.stale_after_s.get();
    untouched_for(&world, stale_after_s - 10).await;
    assert_eq!(remind.run_once().await.unwrap(), 0, "not for long enough");

    for left_alone in ["state = 'failed'", "state = 'rendered', claimed_until = now() + interval '1 minute'"] {
        untouched_for(&world, 86_400).await;
        let sql = format!("UPDATE notifications SET {left_alone}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&world.pool).await.unwrap();
        assert_eq!(remind.run_once().await.unwrap(), 0, "{left_alone}");
    }
    sqlx::query("UPDATE notifications SET claimed_until = now() - interval '1 second'").execute(&world.pool).await.unwrap();
    untouched_for(&world, stale_after_s + 1).await;
    assert_eq!(remind.run_once().await.unwrap(), 1, "for long enough, its sender dead");
}

#[tokio::test]
async fn a_task_that_is_tried_again_and_again_is_not_lost() {
    let world = World::new().await;
    told(&world).await;
    untouched_for(&world, 3_600).await;
    // No folder, no documents.
    tokio::fs::write(world.config.objects.dir.join("bookings"), "in the way").await.unwrap();
    let render = world.render();
    let outcome = world.queue(tasks::PDF).step(async |task| render.handle(&task).await).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    assert_eq!(world.remind().run_once().await.unwrap(), 0);
}

#[tokio::test]
async fn two_notifiers_share_the_lost_tasks() {
    let world = World::new().await;
    for seat in 0..12 {
        let (_, event) = world.confirmed(seat).await;
        world.notify().tell(&[event]).await.unwrap();
    }
    untouched_for(&world, 3_600).await;
    let (one, other) = (world.remind(), world.remind());
    let (by_one, by_other) = tokio::join!(one.run_once(), other.run_once());
    assert_eq!(by_one.unwrap() + by_other.unwrap(), 12);
    assert_eq!(world.messages_in(&world.names.tasks_queue(tasks::PDF)).await, 24);
}
