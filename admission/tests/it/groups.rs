//! Groups: one place for several people, all or none.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use goticket_admission::WaitingRoomService;
use goticket_domain::queue::draw::participants;
use goticket_domain::queue::entry_rules::{CodeKind, NewCodes};
use goticket_domain::queue::{
    CodeRule, ControlChange, Entry, EntryChange, EntryRefusal, EntryRules, Group, GroupRefusal, JoinPass, JoinedPlace,
    LobbyEntry, Location, PlaceId, PlaceKind, QueueError, RoomSettings, WaitingRoom,
};
use goticket_domain::{AccountId, EventId};
use goticket_storage::queue_log;
use jiff::SignedDuration;

use crate::world::{World, fans, generous};

/// A room whose groups are of at most so many. No turn comes before a test says so.
pub(crate) fn grouped(groups: u8) -> RoomSettings {
    RoomSettings { rate_per_min: 0, entry: EntryRules { groups, ..EntryRules::default() }, ..generous() }
}

pub(crate) async fn lobby(groups: u8) -> (World, Arc<WaitingRoomService>, EventId) {
    let world = World::new().await;
    let room = world.replica();
    let event = world.lobby(&room, &grouped(groups)).await;
    (world, room, event)
}

pub(crate) async fn enter(room: &dyn WaitingRoom, event: EventId, fan: AccountId, code: &str) -> Result<JoinedPlace, QueueError> {
    room.join_with(event, fan, &JoinPass { group: Some(code.to_owned()), ..JoinPass::default() }).await
}

/// Somebody who leads a group, with their place and its code.
pub(crate) async fn leader(room: &dyn WaitingRoom, event: EventId) -> (AccountId, JoinedPlace, String) {
    let fan = AccountId::generate();
    let joined = room.join(event, fan).await.unwrap();
    (fan, joined, room.make_group(event, fan).await.unwrap().code)
}

pub(crate) fn own_place(world: &World, event: EventId, fan: AccountId) -> PlaceId {
    PlaceId::of(&world.keys.place.event_key(event), fan)
}

/// Who would be drawn, by the room's log.
pub(crate) async fn standing(world: &World, event: EventId) -> HashSet<PlaceId> {
    let segments = queue_log::read(&world.pool, event, 0, 10_000).await.unwrap();
    participants(segments.iter().flat_map(|segment| segment.entries.iter().filter_map(LobbyEntry::of)))
}

fn refused<T: std::fmt::Debug>(answer: Result<T, QueueError>) -> GroupRefusal {
    match answer {
        Err(QueueError::Group(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// Their turns come.
async fn admit(world: &World, room: &WaitingRoomService, event: EventId) {
    world.set(room, event, ControlChange { rate_per_min: Some(600_000), ..ControlChange::default() }).await;
    world.admit(room, event).await;
}

#[tokio::test]
async fn a_group_is_its_leaders_place_in_lobby_draw_and_turn() {
    let (world, room, event) = lobby(3).await;
    let all = fans(3);
    let (lead, led, code) = leader(&*room, event).await;
    let made = room.make_group(event, lead).await.unwrap();
    assert_eq!(made, Group { code: code.clone(), size: 1, largest: 3, leads: true }, "the same every time");
    // One who stands in the lobby already, and one who does not.
    room.join(event, all[0]).await.unwrap();
    let alone = room.join(event, all[2]).await.unwrap();
    let mut members = Vec::new();
    for fan in &all[..2] {
        let joined = enter(&*room, event, *fan, &code).await.unwrap();
        assert_eq!((joined.ticket.place, joined.ticket.account), (led.ticket.place, *fan));
        assert_eq!((joined.ticket.kind, joined.existing), (PlaceKind::Lobby, false));
        assert_eq!(joined.receipt.as_ref().unwrap().position, led.receipt.as_ref().unwrap().position);
        for again in [enter(&*room, event, *fan, &code).await.unwrap(), room.join(event, *fan).await.unwrap()] {
            assert_eq!((again.ticket.place, again.existing), (led.ticket.place, true));
        }
        members.push(joined);
    }
    assert_eq!(room.group(event, all[1]).await.unwrap(), Group { code, size: 3, largest: 3, leads: false });
    assert_eq!(standing(&world, event).await, HashSet::from([led.ticket.place, alone.ticket.place]));
    assert_eq!(room.control(event).await.unwrap().waiting, 2);

    // By the ticket and the board alone, as polls are answered.
    room.tick_once().await;
    assert_eq!(world.board(&room, event).await.locate(&members[1].ticket), Location::Lobby { joined: 2 });
    world.start_sale(&room, event).await;
    room.tick_once().await;
    let board = world.board(&room, event).await;
    assert_eq!(board.locate(&members[1].ticket), Location::Drawn);
    let ranked = room.renew(event, all[1], &members[1].signed).await.unwrap().ticket;
    let led_ranked = room.renew(event, lead, &led.signed).await.unwrap().ticket;
    assert_eq!((ranked.kind, ranked.account), (led_ranked.kind, all[1]));
    assert!(matches!(board.locate(&ranked), Location::Waiting { .. }));
    assert_eq!(board.locate(&ranked), board.locate(&led_ranked));
    admit(&world, &room, event).await;
    assert_eq!(world.board(&room, event).await.locate(&ranked), Location::Turn);

    for (fan, member) in all.iter().zip(&members) {
        assert_eq!(refused(room.claim(event, *fan, &member.signed).await), GroupRefusal::LeaderClaims);
    }
    room.claim(event, lead, &led.signed).await.unwrap();
    assert_eq!(room.control(event).await.unwrap().active, 2, "one slot for all of them, and one for who stands alone");
    world.assert_history(event).await;
}

#[tokio::test]
async fn who_leaves_a_group_stands_alone_again_and_so_does_everyone_when_its_leader_does() {
    let (world, room, event) = lobby(4).await;
    let all = fans(3);
    let (lead, led, code) = leader(&*room, event).await;
    let places: Vec<PlaceId> = all.iter().map(|fan| own_place(&world, event, *fan)).collect();
    let enter_all = async || {
        for fan in &all {
            enter(&*room, event, *fan, &code).await.unwrap();
        }
        assert_eq!(standing(&world, event).await, HashSet::from([led.ticket.place]));
    };
    enter_all().await;
    room.leave_group(event, all[0]).await.unwrap();
    room.leave_group(event, all[0]).await.unwrap();
    assert_eq!(standing(&world, event).await, HashSet::from([led.ticket.place, places[0]]));
    let alone = room.join(event, all[0]).await.unwrap();
    assert_eq!((alone.ticket.place, alone.existing), (places[0], true));
    assert_eq!(room.group(event, lead).await.unwrap().size, 3);
    // Who gives their place back gives back their part of the group.
    room.leave(event, all[1]).await.unwrap();
    assert_eq!(standing(&world, event).await, HashSet::from([led.ticket.place, places[0]]));
    assert!(!room.join(event, all[1]).await.unwrap().existing);

    enter_all().await;
    room.leave_group(event, lead).await.unwrap();
    let everyone = HashSet::from([led.ticket.place, places[0], places[1], places[2]]);
    assert_eq!(standing(&world, event).await, everyone);
    for fan in all.iter().chain([&lead]) {
        assert_eq!(refused(room.group(event, *fan).await), GroupRefusal::InNone);
        assert!(room.join(event, *fan).await.unwrap().existing);
    }
    assert_eq!(refused(enter(&*room, event, all[0], &code).await), GroupRefusal::Over);
    assert_eq!(room.make_group(event, lead).await.unwrap().code, code);

    enter_all().await;
    room.leave(event, lead).await.unwrap();
    assert_eq!(standing(&world, event).await, places.iter().copied().collect());
    assert_eq!(refused(room.group(event, all[0]).await), GroupRefusal::InNone);
    assert_eq!(room.control(event).await.unwrap().waiting, 3);
}

#[tokio::test]
async fn no_one_stands_in_two_groups_and_none_is_larger_than_allowed() {
    use GroupRefusal::{CodeInvalid, Full, InAnother, InNone, LeadsAnother, NoPlace, NotAllowed};
    let (world, room, event) = lobby(2).await;
    let all = fans(3);
    let (lead, _, code) = leader(&*room, event).await;
    let (other_lead, _, other_code) = leader(&*room, event).await;
    enter(&*room, event, all[0], &code).await.unwrap();
    assert_eq!(refused(enter(&*room, event, all[1], &code).await), Full { largest: 2 });
    assert_eq!(refused(enter(&*room, event, all[0], &other_code).await), InAnother);
    assert_eq!(refused(enter(&*room, event, lead, &other_code).await), LeadsAnother);
    assert_eq!(refused(room.make_group(event, all[1]).await), NoPlace, "there is no place to make it of");
    assert_eq!(refused(room.group(event, all[1]).await), InNone);
    assert!(!room.make_group(event, all[0]).await.unwrap().leads, "the one in which they stand");
    // Who leads no one goes into another one, and theirs is none any more.
    room.leave_group(event, all[0]).await.unwrap();
    let gone = enter(&*room, event, other_lead, &code).await.unwrap();
    assert!(!gone.existing);
    assert_eq!(refused(enter(&*room, event, all[2], &other_code).await), GroupRefusal::Over);
    assert_eq!(room.group(event, lead).await.unwrap().size, 2);

    let elsewhere = world.lobby(&room, &grouped(2)).await;
    assert_eq!(refused(enter(&*room, elsewhere, all[1], &code).await), CodeInvalid, "of another event");
    let none = world.lobby(&room, &grouped(0)).await;
    room.join(none, all[1]).await.unwrap();
    assert_eq!(refused(room.make_group(none, all[1]).await), NotAllowed);
    assert_eq!(refused(enter(&*room, none, all[2], &code).await), NotAllowed);
    assert_eq!(refused(room.group(none, all[1]).await), InNone);
    room.leave_group(none, all[1]).await.unwrap();
}

#[tokio::test]
async fn a_code_that_is_none_is_refused_unseen() {
    let (world, room, event) = lobby(2).await;
    let (_, led, code) = leader(&*room, event).await;
    let other = GroupRefusal::CodeInvalid;
    let guessed = format!("{}{}", &code[..31], if code.ends_with('A') { "E" } else { "A" });
    // Neither Redis nor Postgres is asked: both have lost what they would say.
    world.lose_redis(event).await;
    sqlx::query("ALTER TABLE queue_group_members RENAME TO gone").execute(&world.pool).await.unwrap();
    for typed in [guessed.as_str(), &led.ticket.place.to_hex(), "", "nonsense", &"A".repeat(10_000)] {
        assert_eq!(refused(enter(&*room, event, AccountId::generate(), typed).await), other, "{typed:.40}");
    }
    assert_eq!(world.ask::<u64>("EXISTS", &[world.names(event).room()]).await, 0);
    sqlx::query("ALTER TABLE gone RENAME TO queue_group_members").execute(&world.pool).await.unwrap();
    assert!(!enter(&*room, event, AccountId::generate(), &code).await.unwrap().existing);
}

#[tokio::test]
async fn when_the_lobby_is_closed_groups_are_final() {
    let (world, room, event) = lobby(3).await;
    let all = fans(3);
    let (lead, led, code) = leader(&*room, event).await;
    enter(&*room, event, all[0], &code).await.unwrap();
    let alone = room.join(event, all[1]).await.unwrap();
    world.start_sale(&room, event).await;
    for fan in &all[1..] {
        assert_eq!(refused(enter(&*room, event, *fan, &code).await), GroupRefusal::Closed);
    }
    assert_eq!(refused(room.leave_group(event, all[0]).await), GroupRefusal::Closed);
    assert_eq!(refused(room.leave(event, all[0]).await), GroupRefusal::Closed);
    assert_eq!(refused(room.leave_group(event, lead).await), GroupRefusal::Closed);
    assert_eq!(refused(room.make_group(event, all[1]).await), GroupRefusal::Closed);
    // Both are found by everyone who stands in them.
    for (fan, pass) in [(all[0], Some(code.clone())), (all[0], None), (lead, None)] {
        let found = room.join_with(event, fan, &JoinPass { group: pass, ..JoinPass::default() }).await.unwrap();
        assert_eq!((found.ticket.place, found.existing), (led.ticket.place, true));
        assert!(matches!(found.ticket.kind, PlaceKind::Drawn { .. }));
    }
    assert_eq!(room.make_group(event, lead).await.unwrap().size, 2);
    assert_eq!(room.join(event, all[1]).await.unwrap().ticket.place, alone.ticket.place);
    assert!(!room.join(event, all[2]).await.unwrap().existing, "who comes later stands alone");
}

#[tokio::test]
async fn when_a_groups_place_is_over_each_of_it_begins_alone() {
    let (world, room, event) = lobby(3).await;
    let all = fans(3);
    let (lead, _, code) = leader(&*room, event).await;
    for fan in &all[..2] {
        enter(&*room, event, *fan, &code).await.unwrap();
    }
    let (other, led, passed) = leader(&*room, event).await;
    enter(&*room, event, all[2], &passed).await.unwrap();
    world.start_sale(&room, event).await;
    // One gives the place back.
    room.leave(event, lead).await.unwrap();
    for fan in &all[..2] {
        let late = room.join(event, *fan).await.unwrap();
        assert_eq!((late.ticket.place, late.existing), (own_place(&world, event, *fan), false));
        assert!(matches!(late.ticket.kind, PlaceKind::Late { .. }));
    }
    // The other one's turn passes: it comes once more, whoever of the group comes back.
    let turn_passes = async |joined: &JoinedPlace| {
        let (through, claim_by_ms) = (joined.ticket.score().unwrap(), world.now().await.as_millisecond() - 5_000);
        let entry = match joined.ticket.kind {
            PlaceKind::Deferred { .. } => Entry::AdmitDeferred { through, claim_by_ms },
            _ => Entry::Admit { through, claim_by_ms },
        };
        world.append(&room, event, vec![entry]).await;
    };
    let drawn = room.join(event, other).await.unwrap();
    turn_passes(&drawn).await;
    let deferred = room.join(event, all[2]).await.unwrap();
    assert_eq!((deferred.ticket.place, deferred.existing), (led.ticket.place, false));
    assert!(matches!(deferred.ticket.kind, PlaceKind::Deferred { .. }));
    assert_eq!(room.join(event, other).await.unwrap().ticket.kind, deferred.ticket.kind);
    turn_passes(&deferred).await;
    assert_eq!(refused(enter(&*room, event, all[2], &passed).await), GroupRefusal::Over);
    assert_eq!(refused(room.group(event, other).await), GroupRefusal::InNone);
    for fan in [other, all[2]] {
        let late = room.join(event, fan).await.unwrap();
        assert_eq!((late.ticket.place, late.existing), (own_place(&world, event, fan), false));
        assert!(room.join(event, fan).await.unwrap().existing);
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM queue_group_members").fetch_one(&world.pool).await.unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn a_group_is_found_where_no_one_else_is_taken_in() {
    let world = World::on(goticket_testkit::TestBed::new().await, &[("ADMISSION__MAX_LINE", "1")]).await;
    let room = world.replica();
    let event = world.lobby(&room, &grouped(2)).await;
    let (lead, led, code) = leader(&*room, event).await;
    let member = AccountId::generate();
    enter(&*room, event, member, &code).await.unwrap();
    assert_eq!(room.join(event, AccountId::generate()).await.unwrap_err(), QueueError::Full);
    assert_eq!(room.join(event, member).await.unwrap().ticket.place, led.ticket.place);
    world.start_sale(&room, event).await;
    for state in [goticket_domain::queue::RoomState::Draining, goticket_domain::queue::RoomState::Paused] {
        world.set(&room, event, ControlChange { state: Some(state), ..ControlChange::default() }).await;
        for fan in [lead, member] {
            assert_eq!(room.join(event, fan).await.unwrap().ticket.place, led.ticket.place, "{state:?}");
        }
    }
}

#[tokio::test]
async fn each_of_a_group_shows_what_the_room_asks_for() {
    let world = World::new().await;
    let room = world.replica();
    let entry = EntryRules { code: CodeRule::Code { until: None }, groups: 2, ..EntryRules::default() };
    let event = world.lobby(&room, &RoomSettings { entry, ..generous() }).await;
    let valid_until = world.now().await + SignedDuration::from_hours(1);
    let new = NewCodes { kind: CodeKind::Presale, codes: 3, uses: 1, valid_from: None, valid_until, reason: "a test".into() };
    let codes = room.make_codes(event, new, world.operator).await.unwrap().codes;
    let all = fans(3);
    let join = async |fan: AccountId, code: Option<&str>, group: Option<&str>| {
        let pass = JoinPass { code: code.map(str::to_owned), group: group.map(str::to_owned), ..JoinPass::default() };
        room.join_with(event, fan, &pass).await
    };
    let used = async || room.code_batches(event).await.unwrap()[0].used;
    join(all[0], Some(&codes[0]), None).await.unwrap();
    let group = room.make_group(event, all[0]).await.unwrap().code;
    let asked = QueueError::Entry(EntryRefusal::CodeRequired { until: None });
    assert_eq!(join(all[1], None, Some(&group)).await.unwrap_err(), asked);
    assert_eq!(join(all[1], Some(&codes[0]), Some(&group)).await.unwrap_err(), EntryRefusal::CodeUsedUp.into());
    assert_eq!(room.group(event, all[0]).await.unwrap().size, 1, "who is refused is in no group");
    join(all[1], Some(&codes[1]), Some(&group)).await.unwrap();
    // Who has it finds it without.
    for group in [Some(group.as_str()), None] {
        assert!(join(all[1], None, group).await.unwrap().existing);
    }
    assert_eq!(used().await, 2);
    assert_eq!(refused(join(all[2], Some(&codes[2]), Some(&group)).await), GroupRefusal::Full { largest: 2 });
    assert_eq!(used().await, 2, "who is refused by the group has used no code");
    // Who comes out of it has shown theirs.
    room.leave_group(event, all[0]).await.unwrap();
    assert!(join(all[1], None, None).await.unwrap().existing);
}

#[tokio::test]
async fn groups_are_allowed_before_the_lobby_opens_and_up_to_an_accounts_seats() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.publish(&generous(), 3_600, 7_200).await;
    room.refresh_rooms().await;
    let change = |groups| ControlChange {
        entry: EntryChange { groups: Some(groups), ..EntryChange::default() },
        ..ControlChange::default()
    };
    let refused = |field: Result<goticket_domain::queue::RoomControl, QueueError>| match field {
        Err(QueueError::BadControl { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    // The event's accounts may have four seats.
    for groups in [1, 5, 9] {
        assert_eq!(refused(room.set_control(event, change(groups), world.operator).await), "groups", "{groups}");
        assert!(matches!(room.what_if(event, change(groups)).await, Err(QueueError::BadControl { .. })), "{groups}");
    }
    for groups in [2, 4, 0, 4] {
        assert_eq!(room.set_control(event, change(groups), world.operator).await.unwrap().settings.entry.groups, groups);
    }
    assert_eq!(world.room(event).await.settings.entry.groups, 4);
    assert_eq!(world.control_log(event).await.last().unwrap().change, r#"{"groups":[0,4]}"#);
    let open = world.lobby(&room, &grouped(3)).await;
    for groups in [0, 2, 4] {
        assert_eq!(refused(room.set_control(open, change(groups), world.operator).await), "groups", "{groups}");
    }
    world.set(&room, open, change(3)).await;
}

#[tokio::test]
async fn a_room_without_groups_asks_nothing_of_them() {
    let (world, room, event) = lobby(0).await;
    sqlx::query("ALTER TABLE queue_group_members RENAME TO gone").execute(&world.pool).await.unwrap();
    let fan = AccountId::generate();
    room.join(event, fan).await.unwrap();
    room.leave(event, fan).await.unwrap();
    assert!(!room.join(event, fan).await.unwrap().existing);
    let places: BTreeSet<PlaceId> = standing(&world, event).await.into_iter().collect();
    assert_eq!(places, BTreeSet::from([own_place(&world, event, fan)]));
}
