//! Codes: made once, checked by their signature, used by so many accounts and no more.

use std::sync::Arc;

use goticket_admission::WaitingRoomService;
use goticket_domain::queue::entry_rules::{CodeKind, MadeCodes, NewCodes};
use goticket_domain::queue::{
    CodeRule, ControlChange, EntryChange, EntryRefusal, EntryRules, JoinPass, JoinedPlace, QueueError, RoomSettings, WaitingRoom,
};
use goticket_domain::{AccountId, EventId};
use jiff::{SignedDuration, Timestamp};

use crate::world::{World, fans, generous, on_sale};

fn by_code() -> RoomSettings {
    RoomSettings { entry: EntryRules { code: CodeRule::Code { until: None }, ..EntryRules::default() }, ..generous() }
}

fn set(code: CodeRule) -> ControlChange {
    ControlChange { entry: EntryChange { code: Some(code), ..EntryChange::default() }, ..ControlChange::default() }
}

async fn make(world: &World, room: &WaitingRoomService, event: EventId, codes: u32, uses: u32) -> Vec<String> {
    let valid_until = world.now().await + SignedDuration::from_hours(1);
    made(world, room, event, NewCodes { codes, uses, ..new(None, valid_until) }).await.codes
}

fn new(valid_from: Option<Timestamp>, valid_until: Timestamp) -> NewCodes {
    NewCodes { kind: CodeKind::Presale, codes: 1, uses: 1, valid_from, valid_until, reason: "members first".into() }
}

async fn made(world: &World, room: &WaitingRoomService, event: EventId, new: NewCodes) -> MadeCodes {
    room.make_codes(event, new, world.operator).await.unwrap()
}

async fn join(room: &WaitingRoomService, event: EventId, fan: AccountId, code: &str) -> Result<JoinedPlace, QueueError> {
    room.join_with(event, fan, &JoinPass { code: Some(code.to_owned()), ..JoinPass::default() }).await
}

fn refused(joined: Result<JoinedPlace, QueueError>) -> EntryRefusal {
    match joined {
        Err(QueueError::Entry(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

async fn used(room: &WaitingRoomService, event: EventId, code: &str) -> u32 {
    room.code(event, code).await.unwrap().used
}

#[tokio::test]
async fn a_code_lets_in_as_many_accounts_as_it_says_and_each_once() {
    let (world, room, event) = on_sale(&by_code()).await;
    let all = fans(4);
    assert_eq!(refused(room.join(event, all[0]).await), EntryRefusal::CodeRequired { until: None });
    let code = make(&world, &room, event, 3, 2).await.remove(1);
    for fan in [all[0], all[1], all[0]] {
        join(&room, event, fan, &code.to_lowercase()).await.unwrap();
    }
    assert_eq!(refused(join(&room, event, all[2], &code).await), EntryRefusal::CodeUsedUp);
    assert!(room.join(event, all[1]).await.unwrap().existing, "a place is found again without a code");
    assert_eq!(used(&room, event, &code).await, 2);
    // Who leaves has used it, and may come back by it; their use is no one else's.
    room.leave(event, all[1]).await.unwrap();
    assert_eq!(refused(join(&room, event, all[3], &code).await), EntryRefusal::CodeUsedUp);
    assert!(!join(&room, event, all[1], &code).await.unwrap().existing);
    assert_eq!((used(&room, event, &code).await, room.control(event).await.unwrap().waiting), (2, 2));
    let batches = room.code_batches(event).await.unwrap();
    assert_eq!((batches.len(), batches[0].batch.codes, batches[0].used, batches[0].revoked), (1, 3, 2, 0));
}

#[tokio::test]
async fn fifty_at_once_at_three_replicas_use_a_code_as_often_as_it_may_be() {
    const USES: usize = 17;
    let (world, one, event) = on_sale(&by_code()).await;
    let codes = make(&world, &one, event, 2, u32::try_from(USES).unwrap()).await;
    let replicas: Vec<Arc<WaitingRoomService>> = vec![Arc::clone(&one), world.replica(), world.replica()];
    for code in &codes {
        let all = fans(50);
        let before = one.control(event).await.unwrap().waiting;
        let joining = all.iter().enumerate().map(|(index, fan)| {
            let room = Arc::clone(&replicas[index % 3]);
            // Everyone twice: from two tabs.
            async move { (join(&room, event, *fan, code).await, join(&room, event, *fan, code).await) }
        });
        let joined = futures::future::join_all(joining).await;
        let inside = joined.iter().filter(|(first, _)| first.is_ok()).count();
        assert_eq!(inside, USES);
        for (first, second) in joined {
            match (first, second) {
                (Ok(first), Ok(second)) => assert_eq!(first.ticket.kind, second.ticket.kind),
                (first, second) => {
                    assert_eq!((refused(first), refused(second)), (EntryRefusal::CodeUsedUp, EntryRefusal::CodeUsedUp));
                }
            }
        }
        assert_eq!(usize::try_from(used(&one, event, code).await).unwrap(), USES);
        let waiting = one.control(event).await.unwrap().waiting - before;
        assert_eq!(usize::try_from(waiting).unwrap(), USES, "who is in line, and no one else, has used it");
    }
}

#[tokio::test]
async fn one_account_uses_one_code_however_many_it_tries_at_once() {
    let (world, one, event) = on_sale(&by_code()).await;
    let other = world.replica();
    let codes = make(&world, &one, event, 8, 1).await;
    let fan = AccountId::generate();
    let joining =
        codes.iter().enumerate().map(|(index, code)| join(if index % 2 == 0 { &one } else { &other }, event, fan, code));
    for joined in futures::future::join_all(joining).await {
        joined.unwrap();
    }
    assert_eq!(one.code_batches(event).await.unwrap()[0].used, 1);
}

#[tokio::test]
async fn a_join_that_fails_has_used_nothing() {
    let world = World::on(goticket_testkit::TestBed::new().await, &[("ADMISSION__MAX_LINE", "1")]).await;
    let room = world.replica();
    let event = world.on_sale(&room, &RoomSettings { rate_per_min: 0, ..by_code() }).await;
    let code = make(&world, &room, event, 1, 5).await.remove(0);
    let all = fans(3);
    join(&room, event, all[0], &code).await.unwrap();
    assert_eq!(join(&room, event, all[1], &code).await.unwrap_err(), QueueError::Full);
    assert_eq!(used(&room, event, &code).await, 1);
    // The log cannot be written: what was counted for it is not counted.
    let spoilt = "ALTER TABLE queue_log ADD CONSTRAINT spoilt CHECK (first < 0) NOT VALID";
    room.leave(event, all[0]).await.unwrap();
    sqlx::query(spoilt).execute(&world.pool).await.unwrap();
    assert_eq!(join(&room, event, all[2], &code).await.unwrap_err(), QueueError::Unavailable);
    assert_eq!(used(&room, event, &code).await, 1);
    sqlx::query("ALTER TABLE queue_log DROP CONSTRAINT spoilt").execute(&world.pool).await.unwrap();
    assert!(!join(&room, event, all[2], &code).await.unwrap().existing);
    assert_eq!(used(&room, event, &code).await, 2);
}

#[tokio::test]
async fn a_code_that_is_none_is_refused_unseen() {
    let (world, room, event) = on_sale(&by_code()).await;
    let other = world.on_sale(&room, &by_code()).await;
    let code = make(&world, &room, event, 1, 1).await.remove(0);
    let fan = AccountId::generate();
    let last = if code.ends_with('0') { "1" } else { "0" };
    let guessed = format!("{}{last}", &code[..code.len() - 1]);
    let unknown_batch = format!("ZZ{}", &code[2..]);
    // Neither Redis nor Postgres is asked: both have lost what they would say.
    world.lose_redis(event).await;
    sqlx::query("ALTER TABLE queue_code_uses RENAME TO gone").execute(&world.pool).await.unwrap();
    for typed in [guessed.as_str(), &unknown_batch, "", "ABCD", "0000-0000-0000-0000", &"A".repeat(10_000)] {
        assert_eq!(refused(join(&room, event, fan, typed).await), EntryRefusal::CodeInvalid, "{typed:.40}");
    }
    assert_eq!(refused(join(&room, other, fan, &code).await), EntryRefusal::CodeInvalid, "another event's");
    assert_eq!(world.ask::<u64>("EXISTS", &[world.names(event).room()]).await, 0);
    assert!(matches!(room.code(event, &guessed).await, Err(QueueError::Entry(EntryRefusal::CodeInvalid))));
    sqlx::query("ALTER TABLE gone RENAME TO queue_code_uses").execute(&world.pool).await.unwrap();
    assert!(!join(&room, event, fan, &code).await.unwrap().existing);
}

#[tokio::test]
async fn a_code_has_a_window_and_a_place_outlives_it() {
    let (world, room, event) = on_sale(&by_code()).await;
    let now = world.now().await;
    let hours = SignedDuration::from_hours;
    let early = made(&world, &room, event, new(Some(now + hours(1)), now + hours(2))).await.codes.remove(0);
    let fan = AccountId::generate();
    let from = Timestamp::from_second((now + hours(1)).as_second()).unwrap();
    assert_eq!(refused(join(&room, event, fan, &early).await), EntryRefusal::CodeNotYetValid { from });

    // One that ends while its holder waits: signed as it would be after it was over.
    let good = made(&world, &room, event, new(None, now + hours(1))).await;
    join(&room, event, fan, &good.codes[0]).await.unwrap();
    let until = now - hours(1);
    let moved = "UPDATE queue_code_batches SET valid_from = to_timestamp($2), valid_until = to_timestamp($3) WHERE event = $1 AND batch = 2";
    sqlx::query(moved)
        .bind(event.0)
        .bind((now - hours(2)).as_second())
        .bind(until.as_second())
        .execute(&world.pool)
        .await
        .unwrap();
    let ended = goticket_domain::queue::entry_rules::CodeBatch { valid_from: now - hours(2), valid_until: until, ..good.batch };
    let ended = ended.code(&world.keys.place.code_key(event), 0).to_string();
    let later = world.replica();
    assert_eq!(refused(join(&later, event, AccountId::generate(), &ended).await), EntryRefusal::CodeExpired { until });
    assert!(join(&later, event, fan, &ended).await.unwrap().existing, "who is in line is found");
}

#[tokio::test]
async fn a_revoked_code_lets_no_one_in_and_throws_no_one_out() {
    let (world, room, event) = on_sale(&by_code()).await;
    let codes = make(&world, &room, event, 2, 5).await;
    let all = fans(2);
    join(&room, event, all[0], &codes[0]).await.unwrap();
    let revoked = room.revoke_code(event, &codes[0], world.operator, "it leaked").await.unwrap();
    assert!((revoked.used, revoked.revoked_at.is_some()) == (1, true), "{revoked:?}");
    let again = room.revoke_code(event, &codes[0], world.operator, "twice").await.unwrap();
    assert_eq!(again.revoked_at, revoked.revoked_at);
    assert_eq!(refused(join(&room, event, all[1], &codes[0]).await), EntryRefusal::CodeRevoked);
    assert!(join(&room, event, all[0], &codes[0]).await.unwrap().existing);
    // Who came in by it, and left, needs another one.
    room.leave(event, all[0]).await.unwrap();
    assert_eq!(refused(join(&room, event, all[0], &codes[0]).await), EntryRefusal::CodeRevoked);
    assert!(!join(&room, event, all[0], &codes[1]).await.unwrap().existing);
    assert_eq!(used(&room, event, &codes[1]).await, 1);

    let log = room.log(event, None, 2).await.unwrap();
    assert_eq!(log[0].change, r#"{"code_revoked":{"batch":1,"number":0}}"#);
    let made: serde_json::Value = serde_json::from_str(&log[1].change).unwrap();
    assert_eq!((&made["codes_made"]["codes"], &made["codes_made"]["number"]), (&2.into(), &1.into()));
    assert!(codes.iter().all(|code| log.iter().all(|entry| !entry.change.contains(code.as_str()))), "no code is in the log");
}

#[tokio::test]
async fn a_presale_ends_when_the_public_sale_begins() {
    let (world, room, event) = on_sale(&generous()).await;
    let now = world.now().await;
    let until = now + SignedDuration::from_hours(1);
    world.set(&room, event, set(CodeRule::Code { until: Some(until) })).await;
    assert_eq!(room.control(event).await.unwrap().settings.entry.code, CodeRule::Code { until: Some(until) });
    let fan = AccountId::generate();
    assert_eq!(refused(room.join(event, fan).await), EntryRefusal::CodeRequired { until: Some(until) });
    world.set(&room, event, set(CodeRule::Code { until: Some(now - SignedDuration::from_secs(1)) })).await;
    assert!(!room.join(event, fan).await.unwrap().existing);
    world.set(&room, event, set(CodeRule::Open)).await;
    assert!(!room.join(event, AccountId::generate()).await.unwrap().existing);
}

#[tokio::test]
async fn a_guess_is_worth_work_where_the_room_asks_for_it_and_a_code_that_is_missing_is_not() {
    let (world, room, event) = on_sale(&by_code()).await;
    let code = make(&world, &room, event, 1, 1).await.remove(0);
    let entry = EntryChange { proof_of_work: Some(1_000), ..EntryChange::default() };
    world.set(&room, event, ControlChange { entry, ..ControlChange::default() }).await;
    let fan = AccountId::generate();
    assert_eq!(refused(room.join(event, fan).await), EntryRefusal::CodeRequired { until: None });
    for typed in ["nonsense", code.as_str()] {
        assert!(matches!(refused(join(&room, event, fan, typed).await), EntryRefusal::Proof { .. }), "{typed}");
    }
    let proof = room.challenge(event, fan).await.unwrap().unwrap().solve();
    let pass = |code: &str| JoinPass { proof: proof.clone(), code: Some(code.to_owned()), ..JoinPass::default() };
    assert_eq!(refused(room.join_with(event, fan, &pass("nonsense")).await), EntryRefusal::CodeInvalid);
    assert!(!room.join_with(event, fan, &pass(&code)).await.unwrap().existing);
}

#[tokio::test]
async fn another_replica_takes_a_code_that_was_made_a_moment_ago() {
    let (world, one, event) = on_sale(&by_code()).await;
    let other = world.replica();
    other.refresh_rooms().await;
    for _ in 0..2 {
        let code = make(&world, &one, event, 1, 1).await.remove(0);
        other.refresh_rooms().await;
        join(&other, event, AccountId::generate(), &code).await.unwrap();
    }
    let refused = one.make_codes(
        event,
        NewCodes { codes: 0, ..new(None, world.now().await + SignedDuration::from_hours(1)) },
        world.operator,
    );
    assert!(matches!(refused.await, Err(QueueError::BadControl { field, .. }) if field == "codes"));
    assert_eq!(one.code_batches(EventId::generate()).await, Err(QueueError::UnknownEvent));
}
