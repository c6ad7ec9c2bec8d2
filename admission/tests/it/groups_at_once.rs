//! Groups where everything happens at the same time, or is lost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::future::{join, join_all};
use goticket_admission::WaitingRoomService;
use goticket_domain::queue::draw::participants;
use goticket_domain::queue::{GroupRefusal, JoinedPlace, PlaceId, PlaceKind, QueueError, WaitingRoom};
use goticket_domain::{AccountId, EventId};
use goticket_storage::queue_groups;

use crate::groups::{enter, leader, lobby, own_place, standing};
use crate::world::{World, fans};

/// Largest group.
const LARGEST: u8 = 3;

/// The group's place of everyone who stands in one.
async fn groups_of(world: &World, event: EventId, all: &[AccountId]) -> HashMap<AccountId, PlaceId> {
    let mut groups = HashMap::new();
    for fan in all {
        let members = queue_groups::of_account(&world.pool, event, *fan).await.unwrap();
        groups.extend(members.iter().map(|member| (member.fan.account, member.group)));
    }
    groups
}

/// Each of these stands in one entry of the draw, and no group is too large. Returns by which place.
async fn assert_one_entry_each(world: &World, event: EventId, all: &[AccountId]) -> HashMap<AccountId, PlaceId> {
    let (groups, standing) = (groups_of(world, event, all).await, standing(world, event).await);
    let mut by = HashMap::new();
    for fan in all {
        let own = own_place(world, event, *fan);
        let group = groups.get(fan).copied().filter(|group| *group != own);
        let places: Vec<PlaceId> = [Some(own), group].into_iter().flatten().filter(|place| standing.contains(place)).collect();
        assert_eq!(places.len(), 1, "{fan} stands in {places:?}, their own is {own:?}");
        by.insert(*fan, places[0]);
    }
    let mut sizes: HashMap<PlaceId, u8> = HashMap::new();
    for group in groups.values() {
        *sizes.entry(*group).or_default() += 1;
    }
    assert!(sizes.values().all(|size| *size <= LARGEST), "{sizes:?}");
    let places: HashSet<PlaceId> = by.values().copied().collect();
    assert_eq!(places, standing, "no other place is in the draw");
    by
}

fn may_be<T>(answer: Result<T, QueueError>) -> Option<T> {
    match answer {
        Ok(done) => Some(done),
        Err(QueueError::Group(
            GroupRefusal::Full { .. }
            | GroupRefusal::Over
            | GroupRefusal::InAnother
            | GroupRefusal::LeadsAnother
            | GroupRefusal::NoPlace,
        )) => None,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn fifty_at_once_at_three_replicas_stand_in_one_entry_each() {
    let (world, one, event) = lobby(LARGEST).await;
    let replicas: [Arc<WaitingRoomService>; 3] = [Arc::clone(&one), world.replica(), world.replica()];
    let (mut all, mut codes) = (fans(50), Vec::new());
    for _ in 0..10 {
        let (lead, _, code) = leader(&*one, event).await;
        all.push(lead);
        codes.push(code);
    }
    let (fans, leaders) = all.split_at(50);
    let room = |n: usize| Arc::clone(&replicas[n % 3]);
    let fans = fans.iter().enumerate().map(|(n, fan)| {
        let (codes, all) = (&codes, [room(n), room(n + 1), room(n + 2)]);
        async move {
            // From two devices at a time, at two replicas.
            let (alone, group) = join(all[0].join(event, *fan), enter(&*all[1], event, *fan, &codes[n % 10])).await;
            alone.unwrap();
            may_be(group);
            let (again, left) = join(enter(&*all[2], event, *fan, &codes[n * 7 % 10]), all[0].leave_group(event, *fan)).await;
            left.unwrap();
            may_be(again);
            may_be(join(enter(&*all[0], event, *fan, &codes[n * 3 % 10]), all[1].join(event, *fan)).await.0);
            if n.is_multiple_of(5) {
                may_be(all[2].make_group(event, *fan).await);
            }
        }
    });
    let leaders = leaders.iter().enumerate().map(|(n, lead)| {
        let (codes, all) = (&codes, [room(n), room(n + 1), room(n + 2)]);
        async move {
            match n % 3 {
                0 => {
                    all[0].leave_group(event, *lead).await.unwrap();
                    may_be(all[1].make_group(event, *lead).await);
                }
                1 => {
                    // The place is given back, and taken again.
                    all[0].leave(event, *lead).await.unwrap();
                    all[1].join(event, *lead).await.unwrap();
                }
                _ => drop(may_be(enter(&*all[2], event, *lead, &codes[(n + 1) % 10]).await)),
            }
        }
    });
    join(join_all(fans), join_all(leaders)).await;

    let by = assert_one_entry_each(&world, event, &all).await;
    let in_groups = all.iter().filter(|fan| by[fan] != own_place(&world, event, **fan)).count();
    assert!(in_groups > 5, "{in_groups} stand in another one's place: nothing is proved");
    for (n, fan) in all.iter().enumerate() {
        let found = room(n).join(event, *fan).await.unwrap();
        assert_eq!((found.ticket.place, found.existing), (by[fan], true));
    }
    assert_eq!(one.control(event).await.unwrap().waiting, by.values().collect::<HashSet<_>>().len() as u64);
    world.start_sale(&one, event).await;
    let listed = participants(world.entries(&one, event).await);
    assert_eq!(listed, by.values().copied().collect(), "what is published is what is drawn");
}

#[tokio::test]
async fn a_lobby_that_closes_meanwhile_has_everyone_in_one_entry() {
    let (world, one, event) = lobby(LARGEST).await;
    let replicas: [Arc<WaitingRoomService>; 3] = [Arc::clone(&one), world.replica(), world.replica()];
    let mut all = fans(30);
    for fan in &all {
        one.join(event, *fan).await.unwrap();
    }
    let mut leaders = Vec::new();
    for _ in 0..15 {
        let (lead, _, code) = leader(&*one, event).await;
        leaders.push((lead, code));
    }
    let entering = all.iter().enumerate().map(|(n, fan)| {
        let (room, code) = (Arc::clone(&replicas[n % 3]), &leaders[n / 2].1);
        async move {
            // One later than the other.
            for _ in 0..n / 2 {
                room.refresh_rooms().await;
            }
            enter(&*room, event, *fan, code).await
        }
    });
    let (entered, ()) = join(join_all(entering), world.start_sale(&one, event)).await;

    let listed = participants(world.entries(&one, event).await);
    for (fan, entered) in all.iter().zip(&entered) {
        let alone = listed.contains(&own_place(&world, event, *fan));
        match entered {
            Ok(JoinedPlace { ticket, .. }) => assert!(listed.contains(&ticket.place) && !alone, "{fan} is in a group"),
            Err(error) => {
                assert_eq!(*error, QueueError::Group(GroupRefusal::Closed));
                assert!(alone, "{fan} was too late, and stands alone");
            }
        }
    }
    all.extend(leaders.iter().map(|(lead, _)| *lead));
    assert_eq!(assert_one_entry_each(&world, event, &all).await.len(), 45);
}

#[tokio::test]
async fn redis_may_forget_and_no_group_is_lost() {
    let (world, room, event) = lobby(LARGEST).await;
    let all = fans(3);
    let (lead, led, code) = leader(&*room, event).await;
    enter(&*room, event, all[0], &code).await.unwrap();
    let before = world.remember_redis(event).await;
    enter(&*room, event, all[1], &code).await.unwrap();
    // What it has is from before the last one went in, and then nothing.
    for n in 0..2 {
        if n == 0 {
            world.redis_goes_back(event, &before).await;
        } else {
            world.lose_redis(event).await;
        }
        let later = world.replica();
        assert_eq!(later.group(event, lead).await.unwrap().size, 3);
        for fan in [lead, all[0], all[1]] {
            let found = later.join(event, fan).await.unwrap();
            assert_eq!((found.ticket.place, found.existing), (led.ticket.place, true), "{n}");
        }
    }
    world.lose_redis(event).await;
    let refused = enter(&*room, event, all[2], &code).await.unwrap_err();
    assert_eq!(refused, QueueError::Group(GroupRefusal::Full { largest: LARGEST }));
    room.leave_group(event, all[0]).await.unwrap();
    world.lose_redis(event).await;
    assert_eq!(room.join(event, all[0]).await.unwrap().ticket.place, own_place(&world, event, all[0]));
    world.start_sale(&room, event).await;
    let rank = room.join(event, lead).await.unwrap().ticket.kind;
    assert!(matches!(rank, PlaceKind::Drawn { .. }));
    world.lose_redis(event).await;
    let found = world.replica().join(event, all[1]).await.unwrap();
    assert_eq!((found.ticket.place, found.ticket.kind, found.existing), (led.ticket.place, rank, true));
}
