//! Ending holds.

use goticket_domain::booking::Command;
use goticket_testkit::eventually;

use super::world::{PATIENCE, World, configured};
use goticket_workers::app::expire_holds::ExpireHolds;

#[tokio::test]
async fn a_hold_past_its_deadline_gets_one_command_on_its_lanes_queue() {
    let world = World::new().await;
    let overdue = [world.booking(1, "held", -5).await, world.booking(2, "held", -1).await];
    world.booking(3, "held", 60).await;
    world.booking(4, "confirmed", -5).await;
    let mut expiry = world.expiry();
    assert_eq!(expiry.run_once().await.unwrap(), 2);
    assert_eq!(expiry.run_once().await.unwrap(), 0, "not again at once");
    world.booking(5, "held", -1).await;
    assert_eq!(expiry.run_once().await.unwrap(), 1, "the next one that passes");

    let commands = world.take_commands(3).await;
    assert!(commands.iter().all(|c| (c.event, &c.reply_to) == (world.event, &None)));
    let ended = |booking| commands.iter().any(|c| c.command == Command::Expire { booking });
    assert!(overdue.into_iter().all(ended), "{commands:?}");
}

#[tokio::test]
async fn a_hold_that_is_still_there_gets_another_command_after_a_while() {
    let world = World::new().await;
    world.booking(1, "held", -5).await;
    let config = configured(&world.bed, &[("WORKERS__EXPIRY__AGAIN_S", "1")]);
    let expiry = ExpireHolds::new(world.pool.clone(), world.commands(), config.workers.expiry);
    let expiry = tokio::sync::Mutex::new(expiry);
    assert_eq!(expiry.lock().await.run_once().await.unwrap(), 1);
    eventually("a second command", PATIENCE, || async { (expiry.lock().await.run_once().await.unwrap() == 1).then_some(()) })
        .await;
    assert_eq!(world.take_commands(2).await.len(), 2);
}

#[tokio::test]
async fn commands_the_broker_did_not_take_are_sent_with_the_next_look() {
    use goticket_testkit::Link;
    let mut bed = goticket_testkit::TestBed::new().await;
    let link = Link::before(&mut bed.amqp_url).await.unwrap();
    let world = World::on(bed).await;
    world.booking(1, "held", -5).await;
    let expiry = tokio::sync::Mutex::new(world.expiry());
    link.cut();
    assert!(expiry.lock().await.run_once().await.is_err());
    link.restore();
    eventually("the command goes out", PATIENCE, || async { expiry.lock().await.run_once().await.ok() }).await;
    assert_eq!(world.take_commands(1).await.len(), 1);
}
