//! Two workers at once, as at a hand-over between consumers: the database decides.

use std::collections::HashMap;

use futures::future::join_all;
use goticket_domain::booking::{PaymentResult, RefusalReason};
use goticket_workers::app::booking::{Job, Verdict};

use crate::hall::{Hall, LIMIT, Worker, decided};

const ROUNDS: usize = 12;

/// Every seat once at most; every refusal for a reason that a race can have.
fn check(verdicts: &[Verdict]) -> usize {
    let mut given: HashMap<u32, usize> = HashMap::new();
    for verdict in verdicts {
        match decided(verdict) {
            Ok((_, seats)) => seats.into_iter().for_each(|seat| *given.entry(seat).or_default() += 1),
            Err(reason) => assert!(
                matches!(
                    reason,
                    RefusalReason::Sold | RefusalReason::Held | RefusalReason::Contended | RefusalReason::NotTogether
                ),
                "{reason:?}"
            ),
        }
    }
    assert!(given.values().all(|times| *times == 1), "{given:?}");
    given.len()
}

/// Both workers decide their part of the jobs, in opposite order.
async fn race(workers: [&Worker; 2], mut jobs: [Vec<Job>; 2]) -> Vec<Verdict> {
    jobs[1].reverse();
    let (one, two) = tokio::join!(Box::pin(workers[0].run_once(&jobs[0])), Box::pin(workers[1].run_once(&jobs[1])));
    [one, two].concat()
}

async fn named_seats_race(hall: &Hall, workers: [&Worker; 2]) {
    for round in 0..ROUNDS {
        let fans = hall.accounts(30).await;
        let jobs = [0, 1].map(|side: usize| {
            (0..15_u32).map(|seat| hall.named(fans[side * 15 + seat as usize], "k", &[seat, seat + 1])).collect::<Vec<_>>()
        });
        let verdicts = race(workers, jobs).await;
        assert_eq!(verdicts.len(), 30);
        let taken = check(&verdicts);
        assert!(taken >= 2, "round {round}: somebody wins");
        assert_eq!(hall.count("SELECT count(*) FROM bookings WHERE state = 'held'").await * 2, {
            hall.count("SELECT count(*) FROM taken_seats").await
        });
        // The next round begins with an empty hall.
        let winners = sqlx::query_as::<_, (uuid::Uuid, uuid::Uuid)>("SELECT id, account FROM bookings WHERE state = 'held'");
        let cancels: Vec<Job> = winners
            .fetch_all(&hall.pool)
            .await
            .unwrap()
            .into_iter()
            .map(|(booking, account)| hall.cancel(goticket_domain::BookingId(booking), goticket_domain::AccountId(account)))
            .collect();
        workers[round % 2].run_once(&cancels).await;
    }
}

/// What was decided elsewhere is in another Redis: the next owner publishes all of it here.
async fn assert_clean_after_the_next_owner(hall: &Hall) {
    let request = hall.best(hall.account().await, "next", 2, 1, None);
    assert!(decided(&hall.worker().await.run_once(&[request]).await[0]).is_ok());
    hall.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_never_give_one_seat_twice() {
    let hall = Hall::open().await;
    let (one, two) = (hall.worker().await, hall.worker().await);
    named_seats_race(&hall, [&one, &two]).await;
    hall.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_never_give_one_seat_twice_without_locks_either() {
    let hall = Hall::open().await;
    let (one, two) = (hall.worker().await, hall.worker_elsewhere().await);
    named_seats_race(&hall, [&one, &two]).await;
    assert_clean_after_the_next_owner(&hall).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_sell_the_best_seats_to_the_last() {
    let hall = Hall::open().await;
    let (one, two) = (hall.worker().await, hall.worker_elsewhere().await);
    let fans = hall.accounts(30).await;
    let jobs = [0, 1].map(|side| fans[side * 15..][..15].iter().map(|fan| hall.best(*fan, "k", 0, 1, None)).collect::<Vec<_>>());
    let verdicts = race([&one, &two], jobs).await;
    assert_eq!(check(&verdicts), 16, "all of them, each once");
    assert_clean_after_the_next_owner(&hall).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ticket_limit_holds_over_sections_and_workers() {
    let hall = Hall::open().await;
    let workers = join_all((0..4).map(|_| hall.worker())).await;
    for _ in 0..4 {
        let fan = hall.account().await;
        let asked = workers.iter().enumerate().map(|(n, worker)| {
            let section = u16::try_from(n % 3).unwrap();
            let jobs: Vec<Job> = (0..3).map(|m| hall.best(fan, &format!("{n}-{m}"), section, 2, None)).collect();
            async move { worker.run_once(&jobs).await }
        });
        let verdicts = join_all(asked).await.concat();
        let tickets: usize = verdicts.iter().filter_map(|verdict| decided(verdict).ok()).map(|(_, seats)| seats.len()).sum();
        let left = LIMIT.checked_sub(u32::try_from(tickets).unwrap()).expect("more tickets than the limit");
        let beyond = hall.best(fan, "beyond", 0, u8::try_from(left + 1).unwrap(), None);
        assert_eq!(decided(&workers[0].run_once(&[beyond]).await[0]), Err(RefusalReason::LimitReached), "{left} left");
    }
    hall.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_and_the_end_of_its_hold_at_once_leave_one_truth() {
    let hall = Hall::open().await;
    let (one, two) = (hall.worker().await, hall.worker().await);
    for round in 0..8_u32 {
        let fans = hall.accounts(2).await;
        let (seat, next) = (2 * round, 2 * round + 1);
        let create = hall.named(fans[0], "k", &[seat, next]);
        let booking = create.booking();
        one.run_once(&[create]).await;
        let payment = hall.attempt(booking).await;
        hall.set_deadline(booking, "0 seconds").await;
        let pay = [hall.pay(&payment, &round.to_string(), PaymentResult::Paid)];
        let end = [hall.expire(booking), hall.named(fans[1], "k", &[next])];
        let (_, ended) = tokio::join!(one.run_once(&pay), two.run_once(&end));
        let (state, money) = (hall.state(booking).await, hall.payment_state(&payment).await);
        let rival = decided(&ended[1]);
        match (state.as_str(), money.as_str()) {
            ("confirmed", "paid") => assert!(rival.is_err(), "{rival:?}"),
            ("expired", "refund_due") => assert!(rival.is_ok(), "{rival:?}"),
            other => panic!("round {round}: {other:?}, the rival has {rival:?}"),
        }
    }
    hall.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_and_a_cancellation_at_once_end_in_a_booking_that_is_paid_for_or_in_money_that_goes_back() {
    let hall = Hall::open().await;
    let (one, two) = (hall.worker().await, hall.worker().await);
    for round in 0..8_u32 {
        let fan = hall.account().await;
        let create = hall.named(fan, "k", &[2 * round, 2 * round + 1]);
        let booking = create.booking();
        one.run_once(&[create]).await;
        let payment = hall.attempt(booking).await;
        let pay = [hall.pay(&payment, &round.to_string(), PaymentResult::Paid)];
        let cancel = [hall.cancel(booking, fan)];
        tokio::join!(one.run_once(&pay), two.run_once(&cancel));
        let end = (hall.state(booking).await, hall.payment_state(&payment).await);
        let ends = [("confirmed", "paid"), ("cancelled", "refund_due")];
        assert!(ends.contains(&(end.0.as_str(), end.1.as_str())), "{end:?}");
    }
    hall.assert_clean().await;
}

#[tokio::test]
async fn the_database_refuses_a_seat_its_second_owner() {
    let hall = Hall::open().await;
    let held = hall.named(hall.account().await, "k", &[3]);
    assert!(decided(&hall.worker().await.run_once(&[held]).await[0]).is_ok());
    let second = sqlx::query("INSERT INTO taken_seats (event, seat, booking) VALUES ($1, 3, gen_random_uuid())");
    let refused = second.bind(hall.event.0).execute(&hall.pool).await.expect_err("two owners");
    assert_eq!(refused.as_database_error().unwrap().constraint(), Some("taken_seats_pkey"));
    hall.assert_clean().await;
}
