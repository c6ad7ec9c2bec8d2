//! One request, one outcome.

use goticket_domain::booking::{Answer, Outcome, RefusalReason};
use goticket_workers::app::booking::Verdict;

use crate::hall::{Hall, decided};

fn replayed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Done(Answer::Decided { replayed: true, .. }))
}

#[tokio::test]
async fn a_replayed_key_gets_the_stored_outcome_and_a_changed_payload_gets_none() {
    let hall = Hall::open().await;
    let fan = hall.account().await;
    let first = hall.worker().await.run_once(&[hall.named(fan, "k", &[1, 2]), hall.named(fan, "refused", &[2])]).await;
    // Another process, another day.
    let worker = hall.worker().await;
    let again = worker.run_once(&[hall.named(fan, "k", &[1, 2]), hall.named(fan, "refused", &[2])]).await;
    assert!(again.iter().all(replayed), "{again:?}");
    assert_eq!(decided(&again[0]), decided(&first[0]));
    assert_eq!(decided(&again[1]), Err(RefusalReason::Yours));
    let changed = worker.run_once(&[hall.named(fan, "k", &[1]), hall.best(fan, "refused", 0, 1, None)]).await;
    assert_eq!(changed, vec![Verdict::Done(Answer::KeyReused); 2]);
    assert_eq!(hall.count("SELECT count(*) FROM outbox").await, 2, "told once");
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_key_that_comes_twice_in_one_batch_is_decided_once() {
    let hall = Hall::open().await;
    let fans = hall.accounts(2).await;
    let batch = [
        hall.best(fans[0], "k", 0, 2, None),
        hall.best(fans[0], "k", 0, 2, None),
        hall.best(fans[0], "k", 0, 3, None),
        hall.best(fans[1], "k", 0, 2, None),
    ];
    let verdicts = hall.worker().await.run_once(&batch).await;
    assert_eq!(decided(&verdicts[0]), decided(&verdicts[1]));
    assert!(!replayed(&verdicts[0]) && replayed(&verdicts[1]));
    assert_eq!(verdicts[2], Verdict::Done(Answer::KeyReused));
    assert_ne!(decided(&verdicts[0]), decided(&verdicts[3]), "keys belong to accounts");
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_message_that_is_delivered_again_is_no_replay_to_the_one_who_waits() {
    let hall = Hall::open().await;
    let job = [hall.named(hall.account().await, "k", &[1])];
    let first = hall.worker().await.run_once(&job).await;
    let again = hall.worker().await.run_once(&job).await;
    assert_eq!(first, again);
    assert!(!replayed(&again[0]));
    hall.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_at_two_workers_at_once_gets_equal_answers() {
    let hall = Hall::open().await;
    let (one, two) = (hall.worker().await, hall.worker().await);
    for round in 0..20 {
        let fan = hall.account().await;
        let (a, b) = ([hall.best(fan, "k", 2, 1, None)], [hall.best(fan, "k", 2, 1, None)]);
        let (a, b) = tokio::join!(one.run_once(&a), two.run_once(&b));
        let outcome = |verdict: &Verdict| match verdict {
            Verdict::Done(Answer::Decided { decided, .. }) => decided.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(outcome(&a[0]), outcome(&b[0]));
        assert_eq!(usize::from(replayed(&a[0])) + usize::from(replayed(&b[0])), 1, "round {round}: decided by one of them");
        assert!(matches!(outcome(&a[0]), Outcome::Held { .. }));
    }
    hall.assert_clean().await;
}
