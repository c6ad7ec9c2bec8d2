//! Giving back and running out.

use goticket_domain::{
    BookingId,
    booking::{Answer, BookingState, PaymentResult, RefusalReason},
};
use goticket_workers::app::booking::Verdict;

use crate::hall::{Hall, decided, state};

#[tokio::test]
async fn a_cancelled_hold_is_free_for_the_next_in_the_same_batch() {
    let hall = Hall::open().await;
    let fans = hall.accounts(2).await;
    let create = hall.named(fans[0], "k", &[1, 2]);
    let booking = create.booking();
    let batch = [
        create,
        hall.named(fans[1], "early", &[2]),
        hall.cancel(booking, fans[1]),
        hall.cancel(booking, fans[0]),
        hall.named(fans[1], "late", &[2, 3]),
        hall.cancel(booking, fans[0]),
    ];
    let verdicts = hall.worker().await.run_once(&batch).await;
    assert_eq!(decided(&verdicts[1]), Err(RefusalReason::Held));
    assert_eq!(verdicts[2], Verdict::Done(Answer::Unknown), "somebody else's booking is nobody's business");
    assert_eq!(verdicts[3], state(BookingState::Cancelled));
    assert_eq!(decided(&verdicts[4]).unwrap().1, vec![2, 3]);
    assert_eq!(verdicts[5], state(BookingState::Cancelled), "once more changes nothing");
    assert_eq!(hall.told(booking).await, ["BookingCreated", "BookingCancelled"]);
    hall.assert_clean().await;
}

#[tokio::test]
async fn seats_go_round_between_bookings_of_different_batches() {
    let hall = Hall::open().await;
    let fans = hall.accounts(2).await;
    let worker = hall.worker().await;
    let mut holder = hall.named(fans[0], "0", &[4, 5, 6]);
    worker.run_once(std::slice::from_ref(&holder)).await;
    for round in 1..6 {
        let next = hall.named(fans[round % 2], &round.to_string(), &[4, 5, 6]);
        let verdicts = worker.run_once(&[hall.cancel(holder.booking(), fans[(round + 1) % 2]), next.clone()]).await;
        assert_eq!(verdicts[0], state(BookingState::Cancelled), "round {round}");
        assert!(decided(&verdicts[1]).is_ok(), "round {round}");
        holder = next;
    }
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_hold_expires_at_its_deadline_by_the_databases_clock_and_not_before() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    let create = hall.named(fan, "k", &[1]);
    let booking = create.booking();
    let verdicts = worker.run_once(&[create, hall.expire(booking)]).await;
    assert_eq!(verdicts[1], state(BookingState::Held), "too early");
    hall.set_deadline(booking, "0 seconds").await;
    let verdicts = worker.run_once(&[hall.expire(booking), hall.expire(booking), hall.expire(BookingId::generate())]).await;
    assert_eq!(verdicts[..2], [state(BookingState::Expired), state(BookingState::Expired)]);
    assert_eq!(verdicts[2], Verdict::Done(Answer::Unknown));
    assert_eq!(hall.told(booking).await, ["BookingCreated", "BookingExpired"]);
    hall.assert_clean().await;
}

#[tokio::test]
async fn what_is_paid_for_can_neither_expire_nor_be_cancelled() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    let create = hall.named(fan, "k", &[1]);
    let booking = create.booking();
    worker.run_once(&[create]).await;
    let payment = hall.attempt(booking).await;
    worker.run_once(&[hall.pay(&payment, "n", PaymentResult::Paid)]).await;
    hall.set_deadline(booking, "0 seconds").await;
    let verdicts = worker.run_once(&[hall.expire(booking), hall.cancel(booking, fan)]).await;
    assert_eq!(verdicts, [state(BookingState::Confirmed), state(BookingState::Confirmed)]);
    hall.assert_clean().await;
}

#[tokio::test]
async fn tickets_given_back_count_no_longer() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    let create = hall.named(fan, "k", &[26, 27, 28, 29, 30, 31, 32, 33, 34, 35]);
    let booking = create.booking();
    let batch = [create, hall.named(fan, "full", &[1]), hall.cancel(booking, fan), hall.named(fan, "again", &[1])];
    let verdicts = worker.run_once(&batch).await;
    assert_eq!(decided(&verdicts[1]), Err(RefusalReason::LimitReached));
    assert!(decided(&verdicts[3]).is_ok());
    hall.assert_clean().await;
}
