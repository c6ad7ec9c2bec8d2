//! Who lets their turn pass has one more, soon; and no third. Those who wait stand where they stood.

use std::sync::Arc;

use goticket_admission::WaitingRoomService;
use goticket_domain::queue::{
    ClaimedPlace, ControlChange, Entry, JoinedPlace, Location, PlaceKind, QueueError, RoomSettings, RoomState, WaitingRoom,
};
use goticket_domain::{AccountId, EventId};

use crate::world::{World, fans, generous, on_sale};

struct Line {
    world: World,
    room: Arc<WaitingRoomService>,
    event: EventId,
    fans: Vec<(AccountId, JoinedPlace)>,
}

impl Line {
    /// So many fans, of whom the first ones had their turn and let it pass. One may be inside at a time.
    async fn new(all: usize, missed: usize) -> Self {
        let (world, room, event) = on_sale(&RoomSettings { active_cap: 1, ..generous() }).await;
        let mut joined = Vec::new();
        for fan in fans(all) {
            joined.push((fan, room.join(event, fan).await.unwrap()));
        }
        let line = Self { world, room, event, fans: joined };
        line.turn_passed(&line.fans[missed - 1].1).await;
        line
    }

    /// The turn of everyone up to this one came, and their claim windows are over.
    async fn turn_passed(&self, joined: &JoinedPlace) {
        let (through, claim_by_ms) = (joined.ticket.score().unwrap(), self.world.now().await.as_millisecond() - 5_000);
        let entry = match joined.ticket.kind {
            PlaceKind::Deferred { .. } => Entry::AdmitDeferred { through, claim_by_ms },
            _ => Entry::Admit { through, claim_by_ms },
        };
        self.world.append(&self.room, self.event, vec![entry]).await;
    }

    async fn join(&self, n: usize) -> JoinedPlace {
        self.room.join(self.event, self.fans[n].0).await.unwrap()
    }

    async fn claim(&self, n: usize, ticket: &JoinedPlace) -> Result<(), QueueError> {
        self.room.claim(self.event, self.fans[n].0, &ticket.signed).await.map(|_| ())
    }

    async fn place(&self, n: usize) -> Result<ClaimedPlace, QueueError> {
        self.room.place(self.event, self.fans[n].0, &self.fans[n].1.signed).await
    }

    async fn admit(&self) {
        self.world.admit(&self.room, self.event).await;
    }

    /// How many stand before someone who waits.
    async fn ahead(&self, ticket: &JoinedPlace) -> u64 {
        match self.told(ticket).await {
            Location::Waiting { ahead, .. } => ahead,
            other => panic!("{other:?}"),
        }
    }

    /// By its ticket alone.
    async fn told(&self, ticket: &JoinedPlace) -> Location {
        self.room.tick_once().await;
        self.world.board(&self.room, self.event).await.locate(&ticket.ticket)
    }
}

#[tokio::test]
async fn who_joins_again_has_the_next_turn_and_those_who_wait_keep_their_places() {
    let mut line = Line::new(5, 2).await;
    line.world.set(&line.room, line.event, ControlChange { rate_per_min: Some(0), ..ControlChange::default() }).await;
    line.world.empty_bucket(line.event).await;
    let waiting = line.fans[4].1.clone();
    let (was, ticket) = (line.ahead(&waiting).await, line.fans[0].1.clone());
    assert_eq!((was, line.told(&ticket).await), (2, Location::Passed));
    let (second, first) = (line.join(1).await, line.join(0).await);
    for (again, n) in [(&first, 0), (&second, 1)] {
        assert!(matches!(again.ticket.kind, PlaceKind::Deferred { .. }), "{:?}", again.ticket.kind);
        assert_eq!((line.join(n).await.existing, line.join(n).await.ticket.kind), (true, again.ticket.kind), "from another tab");
        assert_eq!(
            line.claim(n, again).await,
            Err(QueueError::Deferred { ahead: u64::from(n == 0) }),
            "in the order in which they came back"
        );
    }
    assert_eq!([line.told(&first).await, line.told(&second).await], [Location::Deferred; 2]);
    assert_eq!(line.ahead(&waiting).await, was, "no one who waits is moved back");

    let rate = ControlChange { rate_per_min: Some(600_000), ..ControlChange::default() };
    line.world.set(&line.room, line.event, rate).await;
    for forgets in [true, false] {
        if forgets {
            line.world.lose_redis(line.event).await;
            line.room = line.world.successor().await;
        }
        line.admit().await;
    }
    assert_eq!(
        [line.told(&first).await, line.told(&second).await],
        [Location::Deferred, Location::Turn],
        "through the cap as anyone"
    );
    assert!(matches!(line.place(2).await, Ok(ClaimedPlace::Waiting { ahead: 0, .. })), "ahead of those who wait");
    // The ticket of before is good for a claim, too.
    line.claim(1, &line.fans[1].1).await.unwrap();
}

#[tokio::test]
async fn who_claims_too_late_has_one_more_turn_and_no_third() {
    let line = Line::new(3, 1).await;
    let old = line.fans[0].1.clone();
    assert_eq!(line.claim(0, &old).await, Err(QueueError::Deferred { ahead: 0 }));
    assert_eq!(line.claim(0, &old).await, Err(QueueError::Deferred { ahead: 0 }), "they may ask as often as they like");
    let again = line.join(0).await;
    assert!(again.existing && matches!(again.ticket.kind, PlaceKind::Deferred { .. }));
    line.turn_passed(&again).await;
    for forgets in [false, true] {
        if forgets {
            line.world.lose_redis(line.event).await;
        }
        assert_eq!(line.told(&again).await, Location::Passed, "once and for all");
        assert_eq!(line.claim(0, &again).await, Err(QueueError::ClaimWindowPassed));
    }
    let third = line.join(0).await;
    assert!(!third.existing && matches!(third.ticket.kind, PlaceKind::Late { .. }), "at the end of the line");
}

#[tokio::test]
async fn no_account_gets_two_deferrals_by_leaving_and_joining() {
    let line = Line::new(2, 1).await;
    let deferred = line.join(0).await;
    line.room.leave(line.event, line.fans[0].0).await.unwrap();
    assert_eq!(line.claim(0, &deferred).await, Err(QueueError::NotInLine));
    for forgets in [false, true] {
        let late = line.join(0).await;
        assert!(matches!(late.ticket.kind, PlaceKind::Late { .. }), "{:?}", late.ticket.kind);
        line.turn_passed(&late).await;
        if forgets {
            line.world.lose_redis(line.event).await;
        }
    }
    assert!(matches!(line.join(0).await.ticket.kind, PlaceKind::Late { .. }));
}

#[tokio::test]
async fn a_room_that_takes_no_one_in_any_more_takes_those_back_whose_turn_passed() {
    let line = Line::new(3, 1).await;
    let drain = ControlChange { state: Some(RoomState::Draining), ..ControlChange::default() };
    line.world.set(&line.room, line.event, drain).await;
    let again = line.join(0).await;
    assert!(matches!(again.ticket.kind, PlaceKind::Deferred { .. }));
    line.admit().await;
    assert_eq!(line.told(&again).await, Location::Turn);
    line.claim(0, &again).await.unwrap();
}

#[tokio::test]
async fn many_who_come_back_at_once_through_two_replicas_are_deferred_once_each() {
    let line = Line::new(30, 20).await;
    let other = line.world.replica();
    let joins = (0..40).map(|n| {
        let (room, fan) = (if n % 2 == 0 { &line.room } else { &other }, line.fans[n / 2].0);
        room.join(line.event, fan)
    });
    let mut sequences: Vec<u64> = Vec::new();
    for joined in futures::future::join_all(joins).await {
        let PlaceKind::Deferred { sequence } = joined.unwrap().ticket.kind else { panic!("not deferred") };
        sequences.push(sequence);
    }
    sequences.sort_unstable();
    sequences.dedup();
    assert_eq!(sequences.len(), 20);
    assert_eq!(line.room.control(line.event).await.unwrap().waiting, 30, "twenty of them, and ten who wait");
}
