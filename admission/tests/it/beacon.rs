//! A draw that waits for a public beacon's round.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use goticket_admission::WaitingRoomService;
use goticket_domain::EventId;
use goticket_domain::queue::{BeaconChain, ControlChange, DrawRecord, LobbyEntry, QueueError, RoomState, WaitingRoom};
use goticket_draw::{Fan, Stage, TestSigner, Verdict, Weak, Wrong, check};
use goticket_testkit::{TestBed, eventually};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{World, fans, generous};

const SOON: Duration = Duration::from_secs(30);
const MARGIN_S: u32 = 4;

/// What a relay answers.
#[derive(Clone, Copy)]
enum Answers {
    /// That it has no such round yet.
    Nothing,
    /// Another round than it was asked for.
    Another,
    /// The round.
    Truth,
}

#[derive(Clone)]
struct Relay {
    signer: TestSigner,
    answers: Arc<Mutex<Answers>>,
}

impl Relay {
    fn now(&self, answers: Answers) {
        *self.answers.lock().unwrap() = answers;
    }

    async fn serve(self) -> SocketAddr {
        let answer = async |State(relay): State<Self>, Path((_, round)): Path<(String, u64)>| {
            let round = match *relay.answers.lock().unwrap() {
                Answers::Nothing => return Err(StatusCode::NOT_FOUND),
                Answers::Another => round + 1,
                Answers::Truth => round,
            };
            Ok::<axum::Json<Value>, _>(axum::Json(json!({ "round": round, "signature": relay.signer.sign(round) })))
        };
        let router = axum::Router::new().route("/{chain}/public/{round}", axum::routing::get(answer)).with_state(self);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }
}

/// A world whose rooms draw by a beacon with a round every second.
struct Beaconed {
    world: World,
    relay: Relay,
    chain: BeaconChain,
}

impl Beaconed {
    async fn new() -> Self {
        let relay = Relay { signer: TestSigner::new(7), answers: Arc::new(Mutex::new(Answers::Truth)) };
        let chain = relay.signer.chain(0, 1);
        let address = relay.clone().serve().await;
        let settings = [
            ("ADMISSION__BEACON__RELAYS", format!("http://{address}")),
            ("ADMISSION__BEACON__CHAIN", chain.chain.clone()),
            ("ADMISSION__BEACON__PUBLIC_KEY", relay.signer.key().to_hex()),
            ("ADMISSION__BEACON__GENESIS_S", chain.genesis_s.to_string()),
            ("ADMISSION__BEACON__PERIOD_S", "1".to_owned()),
            ("ADMISSION__BEACON__MARGIN_S", MARGIN_S.to_string()),
        ];
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Self { world: World::on(TestBed::new().await, &settings).await, relay, chain }
    }

    /// With a lobby of twenty.
    async fn with_lobby() -> (Self, Arc<WaitingRoomService>, EventId) {
        let this = Self::new().await;
        let room = this.world.replica();
        let event = this.world.lobby(&room, &generous()).await;
        for fan in fans(20) {
            room.join(event, fan).await.unwrap();
        }
        (this, room, event)
    }

    /// The same, whose sale has begun: its lobby is closed, and its round is to come.
    async fn with_closed_lobby() -> (Self, Arc<WaitingRoomService>, EventId) {
        let (this, room, event) = Self::with_lobby().await;
        this.world.sale_is_due(event).await;
        room.tick_once().await;
        (this, room, event)
    }

    async fn check(&self, room: &WaitingRoomService, event: EventId) -> Result<Verdict, Wrong> {
        let (record, entries) = (self.world.record(room, event).await, self.world.entries(room, event).await);
        let leaves: Vec<u8> = entries.iter().flat_map(LobbyEntry::leaf).collect();
        check(&record, &leaves, &self.relay.signer.known(&self.chain), &Fan::default())
    }

    async fn is_drawn_by(&self, room: &WaitingRoomService, event: EventId) {
        eventually("the draw", SOON, || async {
            room.tick_once().await;
            (self.world.room(event).await.state == RoomState::Open).then_some(())
        })
        .await;
    }

    /// Ticks until a time has come. Nothing is drawn before.
    async fn tick_until(&self, room: &WaitingRoomService, event: EventId, at: Timestamp) {
        eventually("the round's time", SOON, || async {
            room.tick_once().await;
            let now = self.world.room(event).await;
            assert_eq!(now.state, RoomState::Lobby);
            (now.read_at > at).then_some(())
        })
        .await;
    }
}

fn round_comes_at(record: &DrawRecord) -> Timestamp {
    record.announced.last().unwrap().terms.beacon.as_ref().unwrap().comes_at()
}

#[tokio::test]
async fn the_list_is_public_before_the_round_exists_and_no_other_round_takes_its_place() {
    let (b, room, event) = Beaconed::with_closed_lobby().await;

    let record = b.world.record(&room, event).await;
    let (closed, comes_at) = (record.closed.clone().unwrap(), round_comes_at(&record));
    assert!(closed.at < comes_at && record.outcome.is_none(), "{record:?}");
    assert_eq!(b.world.entries(&room, event).await.len(), 20);
    assert_eq!(b.check(&room, event).await.unwrap().stage, Stage::Closed);
    let shown = b.world.board(&room, event).await.draw.unwrap();
    assert_eq!((shown.lobby, shown.seed), (Some(closed), None));
    let early = room.join(event, fans(1)[0]).await.unwrap();
    assert!(early.ticket.score().is_some(), "who comes now stands behind the lobby");

    // The beacon is late, and then a relay lies.
    for answers in [Answers::Nothing, Answers::Another] {
        b.relay.now(answers);
        b.tick_until(&room, event, comes_at).await;
    }
    b.relay.now(Answers::Truth);
    b.is_drawn_by(&room, event).await;
    let verdict = b.check(&room, event).await.unwrap();
    assert_eq!((verdict.stage, verdict.participants), (Stage::Drawn, Some(20)));
    assert!(!verdict.weak.contains(&Weak::Steerable), "{verdict:?}");
    assert_eq!(b.world.record(&room, event).await.announced, record.announced);
}

#[tokio::test]
async fn a_start_that_moves_is_announced_and_names_a_round_after_it() {
    let (b, room, event) = Beaconed::with_lobby().await;
    let before = b.world.record(&room, event).await;
    let early = ControlChange { state: Some(RoomState::Open), reason: "early".into(), ..ControlChange::default() };
    b.world.set(&room, event, early).await;
    let after = b.world.record(&room, event).await;
    assert_eq!((before.announced.len(), after.announced.len()), (1, 2));
    assert_eq!(after.announced[0], before.announced[0]);
    let moved = &after.announced[1];
    assert_eq!(moved.terms.commitment, before.announced[0].terms.commitment);
    let least = moved.at.as_second() + i64::from(MARGIN_S);
    assert!(round_comes_at(&after).as_second() >= least, "{after:?}");
    b.is_drawn_by(&room, event).await;
    b.check(&room, event).await.unwrap();
}

#[tokio::test]
async fn another_owner_draws_by_the_round_that_the_first_one_waited_for() {
    let (b, room, event) = Beaconed::with_closed_lobby().await;
    let record = b.world.record(&room, event).await;
    let other = b.world.successor().await;
    b.is_drawn_by(&other, event).await;
    let drawn = b.world.record(&other, event).await;
    assert_eq!((drawn.announced, drawn.closed), (record.announced, record.closed));
    b.check(&other, event).await.unwrap();
}

/// Then the order could have been known before the list was public, and nothing that is done later proves that it was not.
#[tokio::test]
async fn a_lobby_that_is_closed_after_its_round_names_another_one_and_everyone_sees_it() {
    let (b, room, event) = Beaconed::with_lobby().await;
    b.world.sale_is_due(event).await;
    drop(room);
    // The sale's start is announced, and then no one is there until its round has come.
    let owner = b.world.successor().await;
    owner.share_rooms().await;
    owner.refresh_rooms().await;
    owner.announce_all().await;
    let comes_at = round_comes_at(&b.world.record(&owner, event).await);
    eventually("the round", SOON, || async { (b.world.room(event).await.read_at > comes_at).then_some(()) }).await;
    assert_eq!(owner.lobby(event, 0).await, Err(QueueError::NotClosed));
    owner.tick_once().await;
    let record = b.world.record(&owner, event).await;
    assert!(round_comes_at(&record) > record.closed.as_ref().unwrap().at, "{record:?}");
    b.is_drawn_by(&owner, event).await;
    let wrong = b.check(&owner, event).await.unwrap_err();
    assert_eq!(wrong.name(), "late_announcement", "{wrong}");
}
