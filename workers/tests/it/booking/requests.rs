//! What requests get, in one batch and over several.

use goticket_domain::booking::{Command, RefusalReason};
use goticket_workers::app::booking::Verdict;

use crate::hall::{Hall, decided};

#[tokio::test]
async fn a_batch_is_decided_in_arrival_order_over_all_sections() {
    let hall = Hall::open().await;
    let fans = hall.accounts(7).await;
    let batch = [
        hall.named(fans[0], "a", &[3, 4]),
        hall.named(fans[1], "a", &[4, 5]),
        hall.best(fans[2], "a", 0, 3, None),
        hall.best(fans[3], "a", 1, 2, Some(1)),
        hall.best(fans[4], "a", 2, 10, None),
        hall.named(fans[5], "a", &[5]),
        hall.best(fans[6], "a", 0, 9, None),
    ];
    let verdicts: Vec<_> = hall.worker().await.run_once(&batch).await.iter().map(decided).collect();
    let seats = |n: usize| verdicts[n].as_ref().map(|(_, seats)| seats.clone()).map_err(|reason| *reason);
    assert_eq!(seats(0), Ok(vec![3, 4]));
    assert_eq!(seats(1), Err(RefusalReason::Held));
    assert_eq!(seats(2), Ok(vec![0, 1, 2]), "the front row's three that leave no single seat");
    assert_eq!(seats(3), Ok(vec![22, 23]), "the centre of what has this price");
    assert_eq!(seats(4), Ok((26..36).collect()));
    assert_eq!(seats(5), Ok(vec![5]));
    assert_eq!(seats(6), Err(RefusalReason::NotTogether));
    assert_eq!(hall.count("SELECT sum(total_minor)::bigint FROM bookings").await, (2 + 3 + 1) * 5_000 + (2 + 10) * 3_000);
    hall.assert_clean().await;
}

#[tokio::test]
async fn refusals_tell_the_truth() {
    let hall = Hall::open().await;
    let fans = hall.accounts(3).await;
    let worker = hall.worker().await;
    let batch = [hall.named(fans[0], "1", &[0, 1, 2, 3, 4, 5, 6, 7]), hall.named(fans[0], "2", &[8, 9])];
    let first = worker.run_once(&batch).await;
    assert!(first.iter().all(|verdict| decided(verdict).is_ok()));
    let (sold, _) = decided(&first[0]).unwrap();
    let payment = hall.attempt(sold).await;
    worker.run_once(&[hall.pay(&payment, "n", goticket_domain::booking::PaymentResult::Paid)]).await;

    let rows = [
        (hall.named(fans[0], "3", &[10]), RefusalReason::LimitReached),
        (hall.named(fans[1], "1", &[7, 8]), RefusalReason::Sold),
        (hall.named(fans[1], "2", &[8, 10]), RefusalReason::Held),
        (hall.named(fans[1], "3", &[15, 16]), RefusalReason::Invalid),
        (hall.named(fans[1], "4", &[99]), RefusalReason::Invalid),
        (hall.best(fans[1], "5", 0, 7, None), RefusalReason::NotTogether),
        (hall.best(fans[1], "6", 0, 1, Some(1)), RefusalReason::Invalid),
        (hall.best(fans[1], "7", 9, 1, None), RefusalReason::Invalid),
        (hall.named(fans[0], "8", &[8, 9]), RefusalReason::Yours),
    ];
    for (job, reason) in rows {
        assert_eq!(decided(&worker.run_once(std::slice::from_ref(&job)).await[0]), Err(reason), "{job:?}");
    }
    hall.assert_clean().await;
}

#[tokio::test]
async fn nothing_is_given_before_the_sale_begins_nor_after_the_event_has_started_or_is_closed() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    use RefusalReason::{Closed, NotOnSale};
    for (n, (change, reason)) in [
        ("UPDATE events SET onsale_at = clock_timestamp() + '1 hour'::interval", NotOnSale),
        ("UPDATE events SET onsale_at = clock_timestamp() - '1 hour'::interval, status = 'draft'", NotOnSale),
        ("UPDATE events SET status = 'closed'", Closed),
        ("UPDATE events SET status = 'published', starts_at = clock_timestamp()", Closed),
    ]
    .into_iter()
    .enumerate()
    {
        sqlx::query(change).execute(&hall.pool).await.unwrap();
        worker.keep_up().await;
        let verdicts = worker.run_once(&[hall.named(fan, &n.to_string(), &[1])]).await;
        assert_eq!(decided(&verdicts[0]), Err(reason), "{change}");
    }
    sqlx::query("UPDATE events SET starts_at = clock_timestamp() + '1 minute'::interval").execute(&hall.pool).await.unwrap();
    worker.keep_up().await;
    assert!(decided(&worker.run_once(&[hall.named(fan, "open", &[1])]).await[0]).is_ok());
    hall.assert_clean().await;
}

#[tokio::test]
async fn an_unknown_event_is_refused_and_its_refusal_kept() {
    let hall = Hall::open().await;
    let (fan, worker) = (hall.account().await, hall.worker().await);
    let mut job = hall.named(fan, "k", &[1]);
    let other = goticket_domain::EventId::generate();
    job.message.event = other;
    if let Command::Create { request } = &mut job.message.command {
        request.event = other;
    }
    let first = worker.run_once(std::slice::from_ref(&job)).await;
    assert_eq!(decided(&first[0]), Err(RefusalReason::Invalid));
    let again = worker.run_once(&[job]).await;
    assert!(matches!(again[0], Verdict::Done(_)));
    assert_eq!(hall.count("SELECT count(*) FROM bookings").await, 1);
    hall.assert_clean().await;
}

#[tokio::test]
async fn best_available_fills_a_section_to_the_last_seat() {
    let hall = Hall::open().await;
    let worker = hall.worker().await;
    let fans = hall.accounts(17).await;
    let batch: Vec<_> = fans.iter().map(|fan| hall.best(*fan, "k", 0, 1, None)).collect();
    let verdicts = worker.run_once(&batch).await;
    let mut seats: Vec<u32> = verdicts.iter().filter_map(|verdict| decided(verdict).ok()).flat_map(|(_, seats)| seats).collect();
    seats.sort_unstable();
    assert_eq!(seats, (0..16).collect::<Vec<_>>());
    assert_eq!(decided(&verdicts[16]), Err(RefusalReason::Held));
    hall.assert_clean().await;
}
