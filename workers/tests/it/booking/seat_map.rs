//! The seat map in Redis: advisory, but true.

use goticket_contracts::{commands::PaymentResult, redis_keys::EventKeys};
use goticket_domain::booking::RefusalReason;
use goticket_platform::redis::{Notice, subscribe};
use serde_json::{Value, json};

use crate::{
    SOON,
    hall::{Hall, decided},
};

async fn version(hall: &Hall) -> Option<u64> {
    let keys = EventKeys::new(hall.redis.prefix(), hall.event);
    hall.redis.query(redis::cmd("GET").arg(keys.seat_map_version())).await.unwrap()
}

#[tokio::test]
async fn the_map_and_its_counters_follow_every_change() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    worker.run_once(&[hall.named(fan, "0", &[15])]).await;
    assert_eq!(hall.seat_map().await, None, "a missing map is left to be rebuilt");
    let before = version(&hall).await.expect("the version rises without a map, too");
    hall.rebuild_seat_map().await;

    let keys = EventKeys::new(hall.redis.prefix(), hall.event);
    let mut deltas = subscribe(&hall.config.redis, [keys.seat_deltas()]).await.unwrap();
    let bought = hall.named(fan, "2", &[1, 2]);
    worker.run_once(&[bought.clone(), hall.named(fan, "3", &[21, 22]), hall.best(fan, "4", 2, 2, None)]).await;
    let payment = hall.attempt(bought.booking()).await;
    let cancelled = hall.named(fan, "5", &[5]);
    worker.run_once(&[hall.pay(&payment, "n", PaymentResult::Paid), cancelled.clone()]).await;
    worker.run_once(&[hall.cancel(cancelled.booking(), fan)]).await;
    hall.assert_clean().await;
    assert!(hall.seat_map().await.is_some());

    let mut expected = before;
    for changes in [json!([[1, 1], [2, 1], [21, 1], [22, 1], [26, 1], [27, 1]]), json!([[1, 2], [2, 2], [5, 1]]), json!([[5, 0]])]
    {
        expected += 1;
        let notice = tokio::time::timeout(SOON, deltas.next()).await.unwrap();
        let Notice::Message { payload, .. } = notice else { panic!("{notice:?}") };
        let delta: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(delta, json!({ "version": expected, "changes": changes }));
    }
}

#[tokio::test]
async fn nothing_new_leaves_the_version_alone() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    let job = hall.named(fan, "k", &[1]);
    worker.run_once(std::slice::from_ref(&job)).await;
    hall.rebuild_seat_map().await;
    let before = version(&hall).await;
    worker.run_once(&[job, hall.named(hall.account().await, "k", &[1])]).await;
    assert_eq!(version(&hall).await, before);
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_new_process_does_not_trust_the_map_it_finds() {
    let hall = Hall::open().await;
    let fan = hall.account().await;
    hall.rebuild_seat_map().await;
    let before = version(&hall).await;
    // A process that died between its commit and the map.
    hall.worker_elsewhere().await.run_once(&[hall.named(fan, "1", &[1])]).await;
    hall.worker().await.run_once(&[hall.named(fan, "2", &[2])]).await;
    assert_eq!(hall.seat_map().await, None, "to be rebuilt");
    assert!(version(&hall).await > before);
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_seat_that_somebody_else_has_locked_is_contended_unless_it_is_taken() {
    let hall = Hall::open().await;
    let fans = hall.accounts(3).await;
    let worker = hall.worker().await;
    worker.run_once(&[hall.named(fans[0], "k", &[1])]).await;
    let keys = EventKeys::new(hall.redis.prefix(), hall.event);
    for seat in [1, 3] {
        let () = hall
            .redis
            .query(redis::cmd("SET").arg(keys.seat_lock(seat)).arg("somebody else").arg("PX").arg(60_000))
            .await
            .unwrap();
    }
    let batch = [hall.named(fans[1], "1", &[1]), hall.named(fans[1], "2", &[3, 4]), hall.named(fans[2], "k", &[4])];
    let verdicts = worker.run_once(&batch).await;
    assert_eq!(decided(&verdicts[0]), Err(RefusalReason::Held));
    assert_eq!(decided(&verdicts[1]), Err(RefusalReason::Contended));
    assert!(decided(&verdicts[2]).is_ok(), "what was refused locks nothing");
    assert_eq!(hall.locks().await.len(), 2, "another's locks stay");
    hall.forget_locks().await;
    hall.assert_clean().await;
}
