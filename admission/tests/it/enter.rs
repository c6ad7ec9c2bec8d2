//! Who may enter the line.

use goticket_domain::queue::entry_rules::{ChallengeFor, PROOF_LIFE_S, ProofFault};
use goticket_domain::queue::{
    Challenge, ControlChange, EntryChange, EntryRefusal, EntryRules, JoinPass, JoinedPlace, QueueError, RoomState, WaitingRoom,
};
use goticket_domain::{AccountId, EventId};
use jiff::{SignedDuration, Timestamp};

use crate::world::{World, fans, generous, on_sale};

const COST: u32 = 1_000;

fn work(cost: u32) -> ControlChange {
    ControlChange {
        entry: EntryChange { proof_of_work: Some(cost), ..EntryChange::default() },
        reason: "under attack".into(),
        ..ControlChange::default()
    }
}

fn solved(challenge: &Challenge) -> JoinPass {
    JoinPass { proof: Some(challenge.solve().expect("a number solves it")), ..JoinPass::default() }
}

/// The fault that a join is refused for, and the challenge that it gets.
fn to_solve(joined: Result<JoinedPlace, QueueError>) -> (ProofFault, Challenge) {
    match joined {
        Err(QueueError::Entry(EntryRefusal::Proof { fault, challenge })) => (fault, challenge),
        other => panic!("{other:?}"),
    }
}

/// Solved, and good for so many seconds more.
fn proof_until(world: &World, event: EventId, account: AccountId, now: Timestamp, seconds: i64) -> JoinPass {
    let expires = now + SignedDuration::from_secs(seconds);
    solved(&Challenge::new(&world.keys.place.challenge_key(), ChallengeFor { event, account }, COST, expires, [7; 20]))
}

#[tokio::test]
async fn under_attack_a_new_place_costs_work_and_one_that_is_taken_nothing() {
    let (world, room, event) = on_sale(&generous()).await;
    let all = fans(3);
    room.join(event, all[0]).await.unwrap();
    assert_eq!(room.challenge(event, all[1]).await, Ok(None));
    world.set(&room, event, work(COST)).await;
    assert_eq!(room.control(event).await.unwrap().settings.entry.proof_of_work, COST);

    assert!(room.join(event, all[0]).await.unwrap().existing, "who stands in line is not asked");
    let (fault, challenge) = to_solve(room.join(event, all[1]).await);
    assert_eq!((fault, challenge.maxnumber), (ProofFault::Missing, COST));
    let pass = solved(&challenge);
    let (fault, _) = to_solve(room.join_with(event, all[2], &pass).await);
    assert_eq!(fault, ProofFault::Invalid, "another account's");
    let joined = room.join_with(event, all[1], &pass).await.unwrap();
    assert!(!joined.existing);
    let again = room.join(event, all[1]).await.unwrap();
    assert!(again.existing, "once per place");
    assert_eq!(again.ticket.kind, joined.ticket.kind);
    assert_eq!(room.control(event).await.unwrap().waiting, 2, "who was refused is not in the log");

    room.leave(event, all[1]).await.unwrap();
    let (fault, _) = to_solve(room.join(event, all[1]).await);
    assert_eq!(fault, ProofFault::Missing, "a new place, and new work");
    world.set(&room, event, work(0)).await;
    assert!(!room.join(event, all[1]).await.unwrap().existing);
}

#[tokio::test]
async fn a_forged_proof_is_refused_unseen_and_an_old_one_keeps_no_one_from_their_place() {
    let (world, room, event) = on_sale(&generous()).await;
    let (known, stranger) = (AccountId::generate(), AccountId::generate());
    room.join(event, known).await.unwrap();
    world.set(&room, event, work(COST)).await;
    let now = world.now().await;
    let fault = |joined| to_solve(joined).0;
    let old = |account| proof_until(&world, event, account, now, -1);
    assert_eq!(fault(room.join_with(event, stranger, &old(stranger)).await), ProofFault::Expired);
    assert!(room.join_with(event, known, &old(known)).await.unwrap().existing);
    let fresh = proof_until(&world, event, stranger, now, PROOF_LIFE_S);
    assert!(!room.join_with(event, stranger, &fresh).await.unwrap().existing);

    // Nothing is looked up for it: Redis has forgotten the line, and is not even asked.
    let forged = JoinPass { proof: Some("bm8=".to_owned()), ..JoinPass::default() };
    world.lose_redis(event).await;
    assert_eq!(fault(room.join_with(event, known, &forged).await), ProofFault::Invalid);
    assert_eq!(world.ask::<u64>("EXISTS", &[world.names(event).room()]).await, 0);
}

#[tokio::test]
async fn a_challenge_is_given_where_somebody_could_join() {
    let world = World::new().await;
    let room = world.replica();
    let settings = |cost| goticket_domain::queue::RoomSettings {
        entry: EntryRules { proof_of_work: cost, ..EntryRules::default() },
        ..generous()
    };
    let (lobby, scheduled) = (world.lobby(&room, &settings(COST)).await, world.publish(&settings(COST), 3_600, 7_200).await);
    let fan = fans(1)[0];
    let challenge = room.challenge(lobby, fan).await.unwrap().unwrap();
    assert!(!room.join_with(lobby, fan, &solved(&challenge)).await.unwrap().existing);
    let opens_at = world.opens_at(scheduled).await;
    assert_eq!(room.challenge(scheduled, fan).await, Err(QueueError::NotYetOpen { opens_at }));
    world.set(&room, lobby, ControlChange { state: Some(RoomState::Closed), ..ControlChange::default() }).await;
    assert_eq!(room.challenge(lobby, fan).await, Err(QueueError::ClosedToJoins { state: RoomState::Closed }));
    assert_eq!(room.challenge(EventId::generate(), fan).await, Err(QueueError::UnknownEvent));
}

#[tokio::test]
async fn what_is_asked_of_who_joins_is_checked_logged_and_told_beforehand() {
    let (world, room, event) = on_sale(&generous()).await;
    for cost in [1, 999, 5_000_001] {
        let refused = room.set_control(event, work(cost), world.operator).await.unwrap_err();
        assert!(matches!(&refused, QueueError::BadControl { field, .. } if field == "proof_of_work"), "{refused:?}");
    }
    let told = room.what_if(event, work(COST)).await.unwrap();
    assert_eq!(told.change, r#"{"proof_of_work":[0,1000]}"#);
    world.set(&room, event, work(COST)).await;
    let entry = room.log(event, None, 1).await.unwrap().remove(0);
    assert_eq!((entry.change.as_str(), entry.reason.as_str()), (r#"{"proof_of_work":[0,1000]}"#, "under attack"));
}
