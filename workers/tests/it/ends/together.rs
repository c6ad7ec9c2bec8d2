//! Every role of a process at once, as it is started in production, with the servers taken away one after the other.

use std::time::Duration;

use goticket_contracts::amqp::DELIVERY_LIMIT;
use goticket_platform::shutdown::Shutdown;
use goticket_testkit::{TestBed, eventually};
use goticket_workers::{WorkerRole, run};

use super::world::{PATIENCE, World};

const ROLES: [WorkerRole; 5] = [WorkerRole::Expiry, WorkerRole::Relay, WorkerRole::Notifier, WorkerRole::Pdf, WorkerRole::Mail];

async fn sent(world: &World) -> i64 {
    let sql = "SELECT count(*) FROM notifications WHERE state = 'sent'";
    sqlx::query_scalar(sql).fetch_one(&world.pool).await.unwrap_or(-1)
}

async fn wait_until_sent(world: &World, count: i64) {
    eventually("the mails are sent", PATIENCE, || async { (sent(world).await == count).then_some(()) }).await;
}

/// So many more confirmed bookings, from `seat` on.
async fn confirm(world: &World, seats: std::ops::Range<i32>) {
    for seat in seats {
        let (_, event) = world.confirmed(seat).await;
        world.commit(&[event]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_go_and_come_back_cost_no_mail_and_double_none() {
    const { assert!(DELIVERY_LIMIT > 3, "a delivery is lost with each connection") };
    let (bed, links) = TestBed::behind_links().await;
    let world = World::on(bed).await;
    let shutdown = Shutdown::new();
    let running = tokio::spawn(run(world.config.clone(), &ROLES, shutdown.clone()));

    confirm(&world, 0..3).await;
    wait_until_sent(&world, 3).await;

    links.kafka.cut();
    confirm(&world, 3..6).await;
    links.kafka.restore();
    links.amqp.cut();
    confirm(&world, 6..9).await;
    links.amqp.restore();
    wait_until_sent(&world, 9).await;

    links.smtp.cut();
    confirm(&world, 9..12).await;
    eventually("a mail was tried in vain", PATIENCE, || async {
        let sql = "SELECT count(*) FROM notifications WHERE last_error IS NOT NULL AND state = 'rendered'";
        let tried: i64 = sqlx::query_scalar(sql).fetch_one(&world.pool).await.unwrap();
        (tried > 0).then_some(())
    })
    .await;
    links.smtp.restore();
    wait_until_sent(&world, 12).await;

    links.postgres.cut();
    links.postgres.restore();
    eventually("the test's own connections are back", PATIENCE, || async { (sent(&world).await == 12).then_some(()) }).await;
    confirm(&world, 12..15).await;
    wait_until_sent(&world, 15).await;

    shutdown.trigger();
    tokio::time::timeout(Duration::from_secs(30), running).await.expect("it drains").unwrap().unwrap();
    let mails = world.bed.mailbox.all().await.unwrap();
    let mut ids: Vec<&str> = mails.iter().map(|mail| mail.message_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((mails.len(), ids.len()), (15, 15));
    world.assert_no_task_is_left().await;
}
