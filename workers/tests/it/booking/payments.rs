//! Money in time, too late, too often, too much.

use goticket_domain::{
    BookingId,
    booking::{Answer, BookingState, Command, PaymentResult},
};
use goticket_storage::payments::attempts;
use goticket_testkit::eventually;
use goticket_workers::app::booking::{Job, Verdict};

use crate::SOON;
use crate::hall::{Hall, Payment, Worker, decided, state};

/// A hold of these seats and an open attempt to pay for it.
async fn held(hall: &Hall, worker: &Worker, seats: &[u32]) -> (BookingId, Payment) {
    let fan = hall.account().await;
    let verdicts = worker.run_once(&[hall.named(fan, "k", seats)]).await;
    let (booking, _) = decided(&verdicts[0]).unwrap();
    (booking, hall.attempt(booking).await)
}

fn with_amount(mut job: Job, amount_minor: i64, currency: iso_currency::Currency) -> Job {
    if let Command::Pay { notice } = &mut job.message.command {
        notice.amount = goticket_domain::Money { amount_minor, currency };
    }
    job
}

#[tokio::test]
async fn a_notice_a_hundred_times_has_one_effect() {
    let hall = Hall::open().await;
    let worker = hall.worker().await;
    let (booking, payment) = held(&hall, &worker, &[1, 2]).await;
    let notice = hall.pay(&payment, "n", PaymentResult::Paid);
    for batch in [vec![notice.clone(); 50], vec![notice.clone(); 49], vec![notice]] {
        assert!(worker.run_once(&batch).await.iter().all(|verdict| *verdict == state(BookingState::Confirmed)));
    }
    assert_eq!(hall.told(booking).await, ["BookingCreated", "PaymentProcessed", "BookingConfirmed"]);
    assert_eq!(hall.count("SELECT count(*) FROM tickets").await, 2);
    assert_eq!(hall.count("SELECT count(*) FROM webhooks_seen").await, 1);
    hall.assert_clean().await;
}

#[tokio::test]
async fn another_amount_or_currency_is_held_for_review() {
    let hall = Hall::open().await;
    let worker = hall.worker().await;
    for (n, (amount, currency)) in
        [(4_999, iso_currency::Currency::EUR), (5_001, iso_currency::Currency::EUR), (5_000, iso_currency::Currency::USD)]
            .into_iter()
            .enumerate()
    {
        let (booking, payment) = held(&hall, &worker, &[u32::try_from(n).unwrap()]).await;
        let job = with_amount(hall.pay(&payment, &format!("n{n}"), PaymentResult::Paid), amount, currency);
        assert_eq!(worker.run_once(&[job]).await, [state(BookingState::Held)]);
        assert_eq!(hall.payment_state(&payment).await, "review");
        assert_eq!(hall.told(booking).await, ["BookingCreated", "PaymentProcessed"]);
        let later = worker.run_once(&[hall.pay(&payment, &format!("m{n}"), PaymentResult::Paid)]).await;
        assert_eq!(later, [state(BookingState::Held)], "a person looks at it");
    }
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_declined_attempt_leaves_the_hold_and_may_still_be_paid() {
    let hall = Hall::open().await;
    let worker = hall.worker().await;
    let (booking, payment) = held(&hall, &worker, &[1]).await;
    let declined = worker.run_once(&[hall.pay(&payment, "n1", PaymentResult::Declined)]).await;
    assert_eq!(declined, [state(BookingState::Held)]);
    assert_eq!(hall.payment_state(&payment).await, "declined");
    let paid = worker.run_once(&[hall.pay(&payment, "n2", PaymentResult::Paid)]).await;
    assert_eq!(paid, [state(BookingState::Confirmed)]);
    let late_no = worker.run_once(&[hall.pay(&payment, "n3", PaymentResult::Declined)]).await;
    assert_eq!(late_no, [state(BookingState::Confirmed)]);
    assert_eq!(hall.payment_state(&payment).await, "paid");
    assert_eq!(hall.told(booking).await, ["BookingCreated", "PaymentProcessed", "PaymentProcessed", "BookingConfirmed"]);
    hall.assert_clean().await;
}

#[tokio::test]
async fn paying_twice_gives_the_second_money_back() {
    let hall = Hall::open().await;
    let worker = hall.worker().await;
    let (booking, first) = held(&hall, &worker, &[1]).await;
    worker.run_once(&[hall.pay(&first, "n0", PaymentResult::Declined)]).await;
    let second = hall.attempt(booking).await;
    let batch = [hall.pay(&second, "n2", PaymentResult::Paid), hall.pay(&first, "n1", PaymentResult::Paid)];
    assert_eq!(worker.run_once(&batch).await, [state(BookingState::Confirmed), state(BookingState::Confirmed)]);
    assert_eq!((hall.payment_state(&second).await, hall.payment_state(&first).await), ("paid".into(), "refund_due".into()));
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_payment_at_the_deadline_still_gets_seats_that_nobody_took() {
    let hall = Hall::open().await;
    let worker = hall.worker().await;
    // Not expired yet, expired, and expired in the same batch.
    for (n, expire_first) in [(0_u32, None), (1, Some(false)), (2, Some(true))] {
        let (booking, payment) = held(&hall, &worker, &[2 * n, 2 * n + 1]).await;
        hall.set_deadline(booking, "0 seconds").await;
        let pay = hall.pay(&payment, &n.to_string(), PaymentResult::Paid);
        let verdicts = match expire_first {
            None => worker.run_once(&[pay]).await,
            Some(same_batch) => {
                let expire = hall.expire(booking);
                if same_batch {
                    worker.run_once(&[expire, pay]).await
                } else {
                    worker.run_once(&[expire]).await;
                    worker.run_once(&[pay]).await
                }
            }
        };
        assert_eq!(verdicts.last(), Some(&state(BookingState::Confirmed)));
        assert_eq!(hall.told(booking).await, ["BookingCreated", "BookingExpired", "PaymentProcessed", "BookingConfirmed"]);
    }
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_payment_too_late_for_its_seats_is_given_back() {
    let hall = Hall::open().await;
    let worker = hall.worker().await;
    let (booking, payment) = held(&hall, &worker, &[1, 2]).await;
    hall.set_deadline(booking, "0 seconds").await;
    let other = hall.account().await;
    let batch = [hall.expire(booking), hall.named(other, "k", &[2]), hall.pay(&payment, "n", PaymentResult::Paid)];
    let verdicts = worker.run_once(&batch).await;
    assert!(decided(&verdicts[1]).is_ok());
    assert_eq!(verdicts[2], state(BookingState::Expired));
    assert_eq!(hall.payment_state(&payment).await, "refund_due");
    assert_eq!(hall.told(booking).await, ["BookingCreated", "BookingExpired", "PaymentProcessed"]);
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_late_payment_does_not_lift_the_ticket_limit() {
    let hall = Hall::open().await;
    let worker = hall.worker().await;
    let fan = hall.account().await;
    let verdicts = worker.run_once(&[hall.best(fan, "k", 2, 6, None)]).await;
    let (booking, _) = decided(&verdicts[0]).unwrap();
    let payment = hall.attempt(booking).await;
    hall.set_deadline(booking, "0 seconds").await;
    let batch = [hall.expire(booking), hall.best(fan, "more", 0, 5, None), hall.pay(&payment, "n", PaymentResult::Paid)];
    assert_eq!(worker.run_once(&batch).await[2], state(BookingState::Expired));
    assert_eq!(hall.payment_state(&payment).await, "refund_due");
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_notice_about_a_payment_that_was_never_made_changes_nothing() {
    let hall = Hall::open().await;
    let worker = hall.worker().await;
    let (booking, payment) = held(&hall, &worker, &[1]).await;
    let (other, _) = held(&hall, &worker, &[5]).await;
    let never = Payment { id: goticket_domain::PaymentId::generate(), ..payment.clone() };
    let of_another = Payment { booking: other, ..payment };
    let batch = [hall.pay(&never, "n1", PaymentResult::Paid), hall.pay(&of_another, "n2", PaymentResult::Paid)];
    assert_eq!(worker.run_once(&batch).await, vec![Verdict::Done(Answer::Unknown); 2]);
    assert_eq!((hall.state(booking).await.as_str(), hall.state(other).await.as_str()), ("held", "held"));
    assert_eq!(hall.count("SELECT count(*) FROM webhooks_seen").await, 0, "should the payment turn up, the notice counts");
    hall.assert_clean().await;
}

#[tokio::test]
async fn who_pays_again_while_their_attempt_is_being_declined_gets_a_new_one() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    let (booking, _) = decided(&worker.run_once(&[hall.named(fan, "k", &[1])]).await[0]).unwrap();
    let (first, is_new) = attempts::open(&hall.pool, booking, fan, "sandbox").await.unwrap().unwrap();
    assert!(is_new);
    let (same, is_new) = attempts::open(&hall.pool, booking, fan, "sandbox").await.unwrap().unwrap();
    assert_eq!((same, is_new), (first.clone(), false));

    let mut declining = hall.pool.begin().await.unwrap();
    sqlx::query("UPDATE payments SET state = 'declined' WHERE id = $1").bind(first.id.0).execute(&mut *declining).await.unwrap();
    let (again, ()) = tokio::join!(attempts::open(&hall.pool, booking, fan, "sandbox"), async {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("it waits for the decline", SOON, async || (hall.count(waits).await == 1).then_some(())).await;
        declining.commit().await.unwrap();
    });
    let (second, is_new) = again.unwrap().expect("the booking is still held");
    assert!(is_new && second.id != first.id);
}
