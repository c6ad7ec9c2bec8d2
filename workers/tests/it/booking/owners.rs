//! Two processes that both believe they own a lane, and one that remembers little: the lane's row decides, and what is forgotten is read
//! again.

use goticket_domain::booking::{Answer, BookingState, PaymentResult, RefusalReason};
use goticket_testkit::{Link, eventually};
use goticket_workers::app::booking::{Job, LaneOwner, Verdict};
use secrecy::ExposeSecret as _;

use crate::{
    SOON,
    hall::{CAPACITY, Hall, decided, state},
};

/// An owner of the hall's lane that has decided something, and the link it reaches the database by.
async fn owner_behind_a_link(hall: &Hall) -> (LaneOwner, Link) {
    let mut url = hall.config.postgres.url.expose_secret().to_owned();
    let link = Link::before(&mut url).await.unwrap();
    let mut config = hall.config.clone();
    config.postgres.url = url.into();
    let mut owner = hall.owner_by(&config).await;
    let first = hall.named(hall.account().await, "first", &[0]);
    assert!(decided(&owner.run_once(&[first]).await[0]).is_ok());
    (owner, link)
}

fn is_lost(owner: &LaneOwner, verdicts: &[Verdict]) -> bool {
    owner.is_lost() && verdicts.iter().all(|verdict| *verdict == Verdict::Undecided)
}

#[tokio::test]
async fn an_owner_that_stood_still_while_its_lane_was_taken_changes_nothing() {
    let hall = Hall::open().await;
    let (mut paused, link) = owner_behind_a_link(&hall).await;
    let fans = hall.accounts(2).await;
    let late = [hall.named(fans[0], "late", &[7, 8])];
    link.hush();
    let (verdicts, ()) = tokio::join!(paused.run_once(&late), async {
        eventually("it stands still", SOON, async || (link.held_up() > 0).then_some(())).await;
        let next = hall.worker().await;
        assert!(decided(&next.run_once(&[hall.named(fans[1], "k", &[8, 9])]).await[0]).is_ok());
        link.restore();
    });
    assert!(is_lost(&paused, &verdicts), "{verdicts:?}");
    assert_eq!(hall.count("SELECT count(*) FROM bookings WHERE key = 'late'").await, 0);
    // What it could not decide comes again, to the next.
    assert_eq!(decided(&hall.worker().await.run_once(&late).await[0]), Err(RefusalReason::Held));
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_in_a_hole_is_found_by_the_next_owner() {
    let hall = Hall::open().await;
    let (mut unheard, link) = owner_behind_a_link(&hall).await;
    let fan = hall.account().await;
    let request = [hall.named(fan, "into-the-hole", &[7, 8])];
    link.hold_answer_to(b"into-the-hole");
    let (verdicts, found) = tokio::join!(unheard.run_once(&request), async {
        let committed =
            async || (hall.count("SELECT count(*) FROM bookings WHERE key = 'into-the-hole'").await == 1).then_some(());
        eventually("it is committed", SOON, committed).await;
        let next = hall.worker().await;
        let again = [Job { redelivered: true, ..request[0].clone() }, hall.named(hall.account().await, "k", &[8, 9])];
        let found = next.run_once(&again).await;
        link.restore();
        found
    });
    assert!(is_lost(&unheard, &verdicts), "who does not know whose its commit was says nothing: {verdicts:?}");
    assert_eq!(decided(&found[0]), Ok((request[0].booking(), vec![7, 8])));
    assert_eq!(decided(&found[1]), Err(RefusalReason::Held));
    assert_eq!(hall.told(request[0].booking()).await, ["BookingCreated"]);
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_settled_by_the_sequence() {
    let hall = Hall::open().await;
    let (mut owner, link) = owner_behind_a_link(&hall).await;
    let request = hall.named(hall.account().await, "settled", &[7, 8]);
    link.lose_answer_to(b"settled");
    let verdicts = owner.run_once(std::slice::from_ref(&request)).await;
    assert_eq!(link.caught(), 1);
    assert_eq!(decided(&verdicts[0]), Ok((request.booking(), vec![7, 8])));
    link.hold_request(b"never-heard");
    let unheard = hall.named(hall.account().await, "never-heard", &[9]);
    let (verdicts, ()) = tokio::join!(owner.run_once(std::slice::from_ref(&unheard)), async {
        eventually("it waits for an answer", SOON, async || (link.caught() == 2).then_some(())).await;
        link.drop_connections();
    });
    assert_eq!(decided(&verdicts[0]), Ok((unheard.booking(), vec![9])));
    assert!(!owner.is_lost());
    assert_eq!(hall.count("SELECT count(*) FROM outbox").await, 3, "each told once");
    hall.assert_clean().await;
}

#[tokio::test]
async fn owners_by_turns_decide_as_one() {
    let hall = Hall::open().await;
    let (one, other) = (hall.worker().await, hall.worker().await);
    let fan = hall.account().await;
    for n in 0..6_u32 {
        let (this, that) = if n % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let request = hall.named(fan, &n.to_string(), &[n]);
        assert!(decided(&this.run_once(std::slice::from_ref(&request)).await[0]).is_ok());
        let again = that.run_once(&[request.clone(), hall.named(hall.account().await, &n.to_string(), &[n])]).await;
        assert_eq!(decided(&again[0]), Ok((request.booking(), vec![n])));
        assert_eq!(decided(&again[1]), Err(RefusalReason::Held));
    }
    hall.assert_clean().await;
}

/// Limits at their edge: both events, one of them, not even one, nothing.
#[tokio::test]
async fn an_owner_that_forgets_decides_like_one_that_remembers() {
    for seats_max in [2 * CAPACITY, 2 * CAPACITY - 1, CAPACITY - 1, 0] {
        let hall = Hall::open().await;
        let next_door = hall.next_door().await;
        let worker = hall.forgetful_worker(usize::try_from(seats_max).unwrap()).await;
        let (fan, other) = (hall.account().await, hall.account().await);
        let first = [hall.named(fan, "a", &[0, 1]), next_door.named(fan, "b", &[0, 1])];
        for request in &first {
            assert!(decided(&worker.run_once(std::slice::from_ref(request)).await[0]).is_ok());
        }
        let payment = hall.attempt(first[0].booking()).await;
        let again = [
            (hall.named(other, "a", &[1, 2]), Some(RefusalReason::Held)),
            (next_door.named(other, "b", &[1, 2]), Some(RefusalReason::Held)),
            (hall.named(fan, "c", &[0]), Some(RefusalReason::Yours)),
            (next_door.best(fan, "d", 2, 9, None), Some(RefusalReason::LimitReached)),
            (hall.named(other, "e", &[2]), None),
        ];
        for (request, refused) in again {
            let verdict = worker.run_once(&[request]).await.remove(0);
            assert_eq!(decided(&verdict).err(), refused, "at {seats_max} seats");
        }
        assert_eq!(worker.run_once(&[hall.pay(&payment, "n", PaymentResult::Paid)]).await, [state(BookingState::Confirmed)]);
        assert_eq!(
            worker.run_once(&[next_door.cancel(first[1].booking(), fan)]).await,
            [Verdict::Done(Answer::State { state: BookingState::Cancelled })]
        );
        hall.assert_clean().await;
        next_door.assert_clean().await;
    }
}
