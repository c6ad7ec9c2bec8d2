//! One verified person, one place.

use std::sync::Arc;

use goticket_admission::WaitingRoomService;
use goticket_domain::AccountId;
use goticket_domain::identity::{Assurance, EmailAddress, Role};
use goticket_domain::queue::entry_rules::{CodeKind, NewCodes};
use goticket_domain::queue::{CodeRule, EntryRefusal, EntryRules, JoinPass, JoinedPlace, QueueError, RoomSettings, WaitingRoom};
use goticket_storage::accounts;
use jiff::SignedDuration;

use crate::world::{World, generous, on_sale};

fn verified(code: CodeRule) -> RoomSettings {
    let entry = EntryRules { identity: Assurance::VerifiedEmail, code, ..EntryRules::default() };
    RoomSettings { entry, ..generous() }
}

/// An account with this address, which is not verified.
async fn account(world: &World, address: &str) -> (AccountId, EmailAddress) {
    let email = EmailAddress::parse(address).unwrap();
    let account = accounts::insert(&world.pool, &email, "Somebody", Role::User, None).await.unwrap().unwrap();
    (account.id, email)
}

/// One whose address is.
async fn person(world: &World, address: &str) -> AccountId {
    let (account, email) = account(world, address).await;
    assert!(accounts::verify_email(&world.pool, account, &email).await.unwrap());
    account
}

fn refused(joined: Result<JoinedPlace, QueueError>) -> EntryRefusal {
    match joined {
        Err(QueueError::Entry(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_takes_a_verified_address_and_a_person_has_one_place_whatever_their_accounts() {
    let (world, room, event) = on_sale(&verified(CodeRule::Open)).await;
    let (jane, email) = account(&world, "jane.doe@gmail.com").await;
    assert_eq!(refused(room.join(event, jane).await), EntryRefusal::IdentityNotVerified);
    assert_eq!(refused(room.join(event, AccountId::generate()).await), EntryRefusal::IdentityNotVerified, "no account at all");
    let other = EmailAddress::parse("jane.doe@example.com").unwrap();
    assert!(!accounts::verify_email(&world.pool, jane, &other).await.unwrap(), "another address proves nothing");
    assert!(accounts::verify_email(&world.pool, jane, &email).await.unwrap());
    assert!(!room.join(event, jane).await.unwrap().existing);

    let again = person(&world, "janedoe+second@googlemail.com").await;
    let john = person(&world, "john.doe@gmail.com").await;
    assert_eq!(refused(room.join(event, again).await), EntryRefusal::IdentityHasPlace);
    assert!(!room.join(event, john).await.unwrap().existing);
    assert!(room.join(event, jane).await.unwrap().existing);
    // It is the first account's, also after it left.
    room.leave(event, jane).await.unwrap();
    assert_eq!(refused(room.join(event, again).await), EntryRefusal::IdentityHasPlace);
    assert!(!room.join(event, jane).await.unwrap().existing);
    assert_eq!(room.control(event).await.unwrap().waiting, 2);
    // Of each event.
    let elsewhere = world.on_sale(&room, &verified(CodeRule::Open)).await;
    assert!(!room.join(elsewhere, again).await.unwrap().existing);
}

#[tokio::test]
async fn of_accounts_that_join_at_once_at_three_replicas_each_person_has_one_place() {
    const PEOPLE: usize = 12;
    let (world, one, event) = on_sale(&verified(CodeRule::Open)).await;
    let replicas: Vec<Arc<WaitingRoomService>> = vec![Arc::clone(&one), world.replica(), world.replica()];
    let mut all = Vec::new();
    for number in 0..PEOPLE {
        for alias in 0..4 {
            all.push((number, person(&world, &format!("person{number}+{alias}@gmail.com")).await));
        }
    }
    let joining = all.iter().enumerate().map(|(index, (_, account))| {
        let room = Arc::clone(&replicas[index % 3]);
        async move { room.join(event, *account).await }
    });
    let joined = futures::future::join_all(joining).await;
    let mut places = [0; PEOPLE];
    for ((number, _), joined) in all.iter().zip(joined) {
        match joined {
            Ok(_) => places[*number] += 1,
            Err(error) => assert_eq!(error, QueueError::Entry(EntryRefusal::IdentityHasPlace)),
        }
    }
    assert_eq!(places, [1; PEOPLE]);
    assert_eq!(one.control(event).await.unwrap().waiting, PEOPLE as u64);
}

#[tokio::test]
async fn who_is_refused_has_used_no_code_and_claimed_no_place() {
    let (world, room, event) = on_sale(&verified(CodeRule::Code { until: None })).await;
    let valid_until = world.now().await + SignedDuration::from_hours(1);
    let new = NewCodes { kind: CodeKind::Invite, codes: 2, uses: 1, valid_from: None, valid_until, reason: "a test".into() };
    let codes = room.make_codes(event, new, world.operator).await.unwrap().codes;
    let join = async |account: AccountId, code: &str| {
        room.join_with(event, account, &JoinPass { code: Some(code.to_owned()), ..JoinPass::default() }).await
    };
    let (unverified, _) = account(&world, "unverified@example.com").await;
    let (jane, jane_too) = (person(&world, "jane@gmail.com").await, person(&world, "jane+2@gmail.com").await);
    let john = person(&world, "john@gmail.com").await;
    assert_eq!(refused(join(unverified, &codes[0]).await), EntryRefusal::IdentityNotVerified);
    assert_eq!(room.code(event, &codes[0]).await.unwrap().used, 0);
    join(john, &codes[0]).await.unwrap();
    assert_eq!(refused(join(jane, &codes[0]).await), EntryRefusal::CodeUsedUp);
    // She may take another account of hers for another try.
    join(jane_too, &codes[1]).await.unwrap();
    assert_eq!(refused(join(jane, &codes[1]).await), EntryRefusal::IdentityHasPlace);
    assert_eq!(room.code_batches(event).await.unwrap()[0].used, 2);
    let claimed: i64 = sqlx::query_scalar("SELECT count(*) FROM queue_identities").fetch_one(&world.pool).await.unwrap();
    assert_eq!(claimed, 2);
}

#[tokio::test]
async fn who_stands_in_line_before_it_is_asked_for_stays_there() {
    let (world, room, event) = on_sale(&generous()).await;
    let early = AccountId::generate();
    room.join(event, early).await.unwrap();
    let entry = goticket_domain::queue::EntryChange { identity: Some(Assurance::VerifiedEmail), ..Default::default() };
    let change = goticket_domain::queue::ControlChange { entry, reason: "a test".into(), ..Default::default() };
    world.set(&room, event, change).await;
    assert_eq!(room.control(event).await.unwrap().settings.entry.identity, Assurance::VerifiedEmail);
    assert!(room.join(event, early).await.unwrap().existing);
    assert_eq!(refused(room.join(event, AccountId::generate()).await), EntryRefusal::IdentityNotVerified);
}
