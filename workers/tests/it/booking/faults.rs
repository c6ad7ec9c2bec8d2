//! Servers that go away in the middle.

use std::time::Duration;

use goticket_domain::booking::Answer;
use goticket_workers::app::booking::{Job, Verdict};
use tokio::time::sleep;

use crate::hall::{Hall, decided};

fn wishes(hall: &Hall, fans: &[goticket_domain::AccountId], key: &str) -> Vec<Job> {
    fans.iter().enumerate().map(|(n, fan)| hall.best(*fan, key, u16::try_from(n % 3).unwrap(), 1, None)).collect()
}

#[tokio::test]
async fn a_redis_that_forgets_everything_costs_no_seat() {
    let hall = Hall::open().await;
    let worker = hall.worker().await;
    let fans = hall.accounts(20).await;
    for round in 0..4 {
        let (verdicts, ()) = {
            let batch = wishes(&hall, &fans, &round.to_string());
            tokio::join!(worker.run_once(&batch), hall.flush_redis())
        };
        assert_eq!(verdicts.len(), 20);
        hall.flush_redis().await;
    }
    hall.assert_clean().await;
}

#[tokio::test]
async fn without_redis_seats_are_given_and_the_map_is_put_right_afterwards() {
    let (hall, links) = Hall::behind_links().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    worker.run_once(&[hall.named(fan, "0", &[0])]).await;
    links.redis.cut();
    let verdicts = worker.run_once(&[hall.named(fan, "1", &[1]), hall.named(fan, "2", &[1])]).await;
    assert!(decided(&verdicts[0]).is_ok() && decided(&verdicts[1]).is_err());
    links.redis.restore();
    goticket_testkit::eventually("the map is put right", crate::SOON, async || {
        worker.keep_up().await;
        if hall.redis.ping().await.is_err() {
            return None;
        }
        (hall.seat_map().await == Some(hall.truth().await)).then_some(())
    })
    .await;
    worker.run_once(&[hall.named(fan, "3", &[3])]).await;
    hall.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_cut_off_at_any_moment_loses_and_doubles_nothing() {
    let (hall, links) = Hall::behind_links().await;
    let fans = hall.accounts(12).await;
    let worker = hall.worker().await;
    for round in 0..25_u64 {
        let batch = wishes(&hall, &fans, &round.to_string());
        let running = tokio::spawn({
            let worker = worker.clone();
            async move { worker.run_once(&batch).await }
        });
        // From "before it began" to "after it was over".
        sleep(Duration::from_micros(round * 700)).await;
        links.postgres.cut();
        links.postgres.restore();
        let verdicts = running.await.unwrap();
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Done(Answer::Decided { .. }))), "{verdicts:?}");
    }
    assert_eq!(hall.count("SELECT count(*) FROM bookings").await, 25 * 12);
    assert_eq!(hall.count("SELECT count(*) FROM outbox").await, 25 * 12);
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_database_that_goes_silent_is_given_up_and_asked_again() {
    let (hall, links) = Hall::behind_links().await;
    let fans = hall.accounts(3).await;
    let worker = hall.worker().await;
    worker.run_once(&wishes(&hall, &fans, "before")).await;
    let connections = links.postgres.accepted();
    links.postgres.hush();
    let batch = wishes(&hall, &fans, "meanwhile");
    let (verdicts, ()) = tokio::join!(worker.run_once(&batch), async {
        let another = || async { (links.postgres.accepted() > connections).then_some(()) };
        goticket_testkit::eventually("the worker tries another connection", crate::SOON, another).await;
        links.postgres.restore();
    });
    assert!(verdicts.iter().all(|verdict| decided(verdict).is_ok()), "{verdicts:?}");
    hall.assert_clean().await;
}
