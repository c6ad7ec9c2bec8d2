//! The seat map in Redis: advisory, but true.

use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::{
    SeatNo,
    booking::{PaymentResult, RefusalReason},
};
use goticket_platform::redis::{Notice, subscribe};
use goticket_testkit::eventually;
use serde_json::{Value, json};

use crate::{
    SOON,
    hall::{Hall, decided},
};

async fn version(hall: &Hall) -> Option<i64> {
    let keys = EventKeys::new(hall.redis.prefix(), hall.event);
    hall.redis.query(redis::cmd("GET").arg(keys.seat_map_version())).await.unwrap()
}

#[tokio::test]
async fn the_map_and_its_counters_follow_every_change() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    worker.run_once(&[hall.named(fan, "0", &[15])]).await;
    assert_eq!(hall.seat_map().await, Some(hall.truth().await), "an owner begins with the whole map");
    let before = version(&hall).await.unwrap();

    let keys = EventKeys::new(hall.redis.prefix(), hall.event);
    let mut deltas = subscribe(&hall.config.redis, [keys.seat_deltas()]).await.unwrap();
    let bought = hall.named(fan, "2", &[1, 2]);
    worker.run_once(&[bought.clone(), hall.named(fan, "3", &[21, 22]), hall.best(fan, "4", 2, 2, None)]).await;
    let payment = hall.attempt(bought.booking()).await;
    let cancelled = hall.named(fan, "5", &[5]);
    worker.run_once(&[hall.pay(&payment, "n", PaymentResult::Paid), cancelled.clone()]).await;
    worker.run_once(&[hall.cancel(cancelled.booking(), fan)]).await;
    hall.assert_clean().await;

    let changed = [json!([[1, 1], [2, 1], [21, 1], [22, 1], [26, 1], [27, 1]]), json!([[1, 2], [2, 2], [5, 1]]), json!([[5, 0]])];
    for (previous, changes) in (before..).zip(changed) {
        let notice = tokio::time::timeout(SOON, deltas.next()).await.unwrap();
        let Notice::Message { payload, .. } = notice else { panic!("{notice:?}") };
        let delta: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(delta, json!({ "previous": previous, "version": previous + 1, "changes": changes }));
    }
}

#[tokio::test]
async fn nothing_new_leaves_the_version_alone() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    let job = hall.named(fan, "k", &[1]);
    worker.run_once(std::slice::from_ref(&job)).await;
    let before = version(&hall).await;
    worker.run_once(&[job, hall.named(hall.account().await, "k", &[1])]).await;
    assert_eq!(version(&hall).await, before);
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_new_owner_publishes_what_its_predecessor_could_not() {
    let hall = Hall::open().await;
    let fan = hall.account().await;
    hall.worker().await.run_once(&[hall.named(fan, "0", &[0])]).await;
    let before = version(&hall).await;
    // A process that died between its commit and the map.
    hall.worker_elsewhere().await.run_once(&[hall.named(fan, "1", &[1])]).await;
    hall.worker().await.run_once(&[hall.named(fan, "2", &[2])]).await;
    assert_eq!(hall.seat_map().await, Some(hall.truth().await));
    assert!(version(&hall).await > before);
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_map_that_is_lost_or_went_back_is_published_again() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    worker.run_once(&[hall.named(fan, "0", &[0])]).await;
    let keys = EventKeys::new(hall.redis.prefix(), hall.event);
    for damage in [
        redis::cmd("DEL").arg(keys.seat_map()).to_owned(),
        redis::cmd("DEL").arg(keys.seat_map_version()).to_owned(),
        redis::cmd("SET").arg(keys.seat_map_version()).arg(0).to_owned(),
    ] {
        let () = hall.redis.query(&damage).await.unwrap();
        worker.keep_up().await;
        assert_eq!(hall.seat_map().await, Some(hall.truth().await));
        assert!(version(&hall).await.is_some_and(|version| version > 0));
    }
    hall.assert_clean().await;
}

#[tokio::test]
async fn an_older_state_never_replaces_a_newer_one() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    worker.run_once(&[hall.named(fan, "0", &[0])]).await;
    let (keys, newer) = (EventKeys::new(hall.redis.prefix(), hall.event), i64::from(u32::MAX));
    let () = hall.redis.query(redis::cmd("SET").arg(keys.seat_map_version()).arg(newer)).await.unwrap();
    let before = hall.seat_map().await;
    worker.run_once(&[hall.named(fan, "1", &[1])]).await;
    worker.keep_up().await;
    assert_eq!((hall.seat_map().await, version(&hall).await), (before.clone(), Some(newer)));
    // Nor does the whole map, with which an owner begins.
    hall.worker().await.run_once(&[hall.named(fan, "2", &[2])]).await;
    assert_eq!((hall.seat_map().await, version(&hall).await), (before, Some(newer)));
}

/// Nobody gives back what an owner had locked that died.
#[tokio::test]
async fn a_lock_ends_by_itself() {
    let hall = Hall::open().await;
    let fan = hall.account().await;
    // The write waits for us: the locks are there, and the batch is not.
    let mut waited_for = hall.pool.acquire().await.unwrap();
    sqlx::raw_sql(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
         CREATE TRIGGER waiting BEFORE INSERT ON bookings FOR EACH STATEMENT EXECUTE FUNCTION wait();
         SELECT pg_advisory_lock(1);",
    )
    .execute(&mut *waited_for)
    .await
    .unwrap();
    let worker = hall.worker().await;
    let owner = async {
        let verdicts = worker.run_once(&[hall.named(fan, "k", &[3])]).await;
        assert!(decided(&verdicts[0]).is_ok());
    };
    let beside = async {
        let locked = async || hall.locks().await.pop();
        let lock = eventually("a lock", SOON, locked).await;
        let left: i64 = hall.redis.query(redis::cmd("PTTL").arg(lock)).await.unwrap();
        sqlx::raw_sql("SELECT pg_advisory_unlock(1)").execute(&mut *waited_for).await.unwrap();
        left
    };
    let ((), left) = tokio::join!(owner, beside);
    assert!((1..=5_000).contains(&left), "{left} ms");
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_lock_decides_nothing_and_goes_with_the_commit() {
    let hall = Hall::open().await;
    let fans = hall.accounts(2).await;
    let keys = EventKeys::new(hall.redis.prefix(), hall.event);
    let others = "another booking";
    let lock = redis::cmd("SET").arg(keys.seat_lock(SeatNo(3))).arg(others).arg("PX").arg(60_000).to_owned();
    let () = hall.redis.query(&lock).await.unwrap();
    let batch = [hall.named(fans[0], "k", &[3, 4]), hall.named(fans[1], "k", &[4, 5])];
    let verdicts = hall.worker().await.run_once(&batch).await;
    assert!(decided(&verdicts[0]).is_ok(), "the first to come gets the seat, whatever is locked");
    assert_eq!(decided(&verdicts[1]), Err(RefusalReason::Held));
    // Nobody locks what is written already: where the write was faster, the other's lock still stands.
    let left = redis::cmd("MGET").arg([3, 4, 5].map(|seat| keys.seat_lock(SeatNo(seat))).as_slice()).to_owned();
    let left: [Option<String>; 3] = hall.redis.query(&left).await.unwrap();
    assert!(left.iter().flatten().all(|owner| owner == others), "{left:?}");
    hall.forget_locks().await;
    hall.assert_clean().await;
}
