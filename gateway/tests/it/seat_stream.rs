//! A seat map's stream: every change in order, or the word that the map has to be read. What is published, the owner's own script
//! publishes.

use std::cell::Cell;

use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::EventId;
use goticket_domain::identity::Role;
use goticket_testkit::eventually;
use redis::Script;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::event_stream::{Event, EventStream, ask};
use crate::world::{SEATS, SOON, World, expect, problem};

/// Those of one client address, as the gateway has it.
const STREAMS_OF_ADDRESS_MAX: usize = 100;

struct Hall {
    world: World,
    event: EventId,
    script: Script,
}

impl Hall {
    async fn on(world: World) -> Self {
        let organizer = world.person(Role::Organizer).await;
        let event = world.event(&organizer).await;
        let script = Script::new(include_str!("../../../workers/src/outbound/seats/publish.lua"));
        Self { world, event, script }
    }

    /// With a map of this version.
    async fn at(version: u64) -> Self {
        let hall = Self::on(World::new().await).await;
        hall.publish_whole(version).await;
        hall
    }

    fn keys(&self) -> EventKeys {
        EventKeys::new(self.world.redis.prefix(), self.event)
    }

    async fn run(&self, previous: u64, version: u64, changes: &[(u32, u8)], whole: &[u8]) -> bool {
        let keys = self.keys();
        let mut call = self.script.prepare_invoke();
        call.key(keys.seat_map()).key(keys.seat_map_version()).key(keys.availability());
        call.arg(keys.seat_deltas()).arg(previous).arg(version).arg(changes.len()).arg(0).arg(0).arg(whole);
        for (seat, state) in changes {
            call.arg(seat).arg(state);
        }
        let missed: i64 = call.invoke_async(&mut self.world.redis.clone()).await.unwrap();
        missed == 0
    }

    async fn publish(&self, previous: u64, version: u64, changes: &[(u32, u8)]) {
        assert!(self.run(previous, version, changes, b"").await, "{previous} → {version}");
    }

    async fn publish_whole(&self, version: u64) {
        assert!(self.run(0, version, &[], &[0; SEATS as usize / 4]).await);
    }

    fn path(&self) -> String {
        format!("/v1/events/{}/seats/stream", self.event)
    }

    async fn stream(&self, last: Option<&str>) -> EventStream {
        EventStream::open(&self.world, &self.path(), None, last).await
    }

    /// Who listens in Redis.
    async fn subscriptions(&self) -> u64 {
        let command = redis::cmd("PUBSUB").arg("NUMSUB").arg(self.keys().seat_deltas()).to_owned();
        let (_, count): (String, u64) = self.world.redis.query(&command).await.unwrap();
        count
    }
}

fn map(version: u64) -> Event {
    Event { name: "map".to_owned(), id: version.to_string(), data: json!({ "version": version }) }
}

fn delta(previous: u64, version: u64, changes: &[(u32, u8)]) -> Event {
    let data = json!({ "previous": previous, "version": version, "changes": changes });
    Event { name: "delta".to_owned(), id: version.to_string(), data }
}

#[tokio::test]
async fn the_map_comes_first_and_then_every_change_in_order() {
    let hall = Hall::at(3).await;
    let mut stream = hall.stream(None).await;
    assert_eq!(stream.next().await.unwrap(), map(3));
    assert!(stream.retry_ms.is_some_and(|ms| (2_000..=5_000).contains(&ms)));
    let seats = format!("/v1/events/{}/seats", hall.event);
    assert_eq!(expect(hall.world.get(&seats, None).await, StatusCode::OK).await["version"], 3);
    // Versions are the lane's: other events have those between.
    hall.publish(3, 4, &[(17, 1), (18, 1)]).await;
    hall.publish(4, 9, &[(17, 2), (18, 0)]).await;
    assert_eq!(stream.next().await.unwrap(), delta(3, 4, &[(17, 1), (18, 1)]));
    assert_eq!(stream.next().await.unwrap(), delta(4, 9, &[(17, 2), (18, 0)]));
    let shown = expect(hall.world.get(&seats, None).await, StatusCode::OK).await;
    assert_eq!((&shown["version"], &shown["states"].as_str().unwrap()[17..19]), (&json!(9), "20"));
}

#[tokio::test]
async fn who_comes_back_with_the_version_of_now_gets_changes_only() {
    let hall = Hall::at(3).await;
    let mut now = hall.stream(Some("3")).await;
    let mut others = Vec::new();
    for last in ["2", "4", "0", "-1", "nonsense"] {
        others.push(hall.stream(Some(last)).await);
    }
    hall.publish(3, 4, &[(1, 1)]).await;
    assert_eq!(now.next().await.unwrap(), delta(3, 4, &[(1, 1)]));
    for mut other in others {
        assert_eq!(other.next().await.unwrap(), map(3));
        assert_eq!(other.next().await.unwrap(), delta(3, 4, &[(1, 1)]));
    }
}

#[tokio::test]
async fn a_map_that_was_never_published_has_to_be_read_whatever_is_known() {
    let hall = Hall::on(World::new().await).await;
    assert_eq!(hall.stream(Some("0")).await.next().await.unwrap(), map(0));
}

#[tokio::test]
async fn a_map_that_was_replaced_or_skipped_has_to_be_read_again() {
    let hall = Hall::at(3).await;
    let mut stream = hall.stream(Some("3")).await;
    hall.publish_whole(3).await;
    assert_eq!(stream.next().await.unwrap(), map(3));
    hall.publish_whole(7).await;
    assert_eq!(stream.next().await.unwrap(), map(7));
    hall.publish(7, 8, &[(1, 1)]).await;
    assert_eq!(stream.next().await.unwrap(), delta(7, 8, &[(1, 1)]));
    // Raised past the stream: what is published next does not lead on from what was told.
    let raise = redis::cmd("SET").arg(hall.keys().seat_map_version()).arg(9).to_owned();
    let _: () = hall.world.redis.query(&raise).await.unwrap();
    hall.publish(9, 10, &[(2, 1)]).await;
    assert_eq!(stream.next().await.unwrap(), map(10));
    hall.publish(10, 11, &[(3, 1)]).await;
    assert_eq!(stream.next().await.unwrap(), delta(10, 11, &[(3, 1)]));
    // What cannot be read may have been anything.
    let nonsense = redis::cmd("PUBLISH").arg(hall.keys().seat_deltas()).arg("nonsense").to_owned();
    let _: i64 = hall.world.redis.query(&nonsense).await.unwrap();
    assert_eq!(stream.next().await.unwrap(), map(11));
}

#[tokio::test]
async fn a_subscription_that_was_lost_has_the_map_read_again() {
    let (world, links) = World::behind_links().await;
    let hall = Hall::on(world).await;
    hall.publish_whole(3).await;
    let mut stream = hall.stream(Some("3")).await;
    links.redis.cut();
    problem(ask(&hall.world, &hall.path(), None, None).await, 503, "unavailable").await;
    links.redis.restore();
    assert_eq!(stream.next().await.unwrap(), map(3));
    eventually("Redis again", SOON, async || hall.world.redis.ping().await.ok()).await;
    hall.publish(3, 4, &[(1, 1)]).await;
    assert_eq!(stream.next().await.unwrap(), delta(3, 4, &[(1, 1)]));
}

#[tokio::test]
async fn all_readers_share_one_subscription_which_ends_with_the_last() {
    let hall = Hall::at(3).await;
    assert_eq!(hall.subscriptions().await, 0);
    let mut streams = futures::future::join_all((0..5).map(|_| hall.stream(None))).await;
    assert_eq!(hall.subscriptions().await, 1);
    for (version, left) in (4..).zip((1..5).rev()) {
        streams.truncate(left);
        hall.publish(version - 1, version, &[(1, 1)]).await;
    }
    assert_eq!(streams[0].next().await.unwrap(), map(3));
    for version in 4..8 {
        assert_eq!(streams[0].next().await.unwrap(), delta(version - 1, version, &[(1, 1)]));
    }
    assert_eq!(hall.subscriptions().await, 1);
    drop(streams);
    eventually("no subscription", SOON, async || (hall.subscriptions().await == 0).then_some(())).await;
    // And it begins again with the next.
    let mut again = hall.stream(None).await;
    assert_eq!(again.next().await.unwrap(), map(7));
    assert_eq!(hall.subscriptions().await, 1);
}

#[tokio::test]
async fn who_reads_too_slowly_reads_the_map_and_holds_no_one_up() {
    // More than a connection takes that is not read, some 100 KB each; and then more changes than are kept for slow readers.
    const LARGE: u64 = 70;
    const LAST: u64 = LARGE + 300;
    let hall = Hall::at(1).await;
    let mut slow = EventStream::narrow(&hall.world, &hall.path()).await;
    assert_eq!(slow.next().await.unwrap(), map(1));
    let large: Vec<(u32, u8)> = (0..20 * SEATS).map(|n| (n % SEATS, 1)).collect();
    for version in 2..=LARGE {
        hall.publish(version - 1, version, &large).await;
    }
    let mut fast = hall.stream(None).await;
    let mut at = follow(&fast.next().await.unwrap(), 0);
    for version in LARGE + 1..=LAST {
        hall.publish(version - 1, version, &[(1, 1)]).await;
        while at < version {
            at = follow(&fast.next().await.unwrap(), at);
        }
    }

    let (mut told, mut events, mut maps) = (1, 0, 0);
    while told < LAST {
        let event = slow.next().await.unwrap();
        told = follow(&event, told);
        events += 1;
        maps += usize::from(event.name == "map");
    }
    assert!(maps > 0, "{events} events");
    assert!(events < LAST - 1, "nothing was left out");
    hall.publish(LAST, LAST + 1, &[(1, 0)]).await;
    assert_eq!(slow.next().await.unwrap(), delta(LAST, LAST + 1, &[(1, 0)]));
}

/// The version a reader has after this event, which must lead on from the one before.
fn follow(event: &Event, told: u64) -> u64 {
    let number = |value: &Value| value.as_u64().unwrap();
    let version = number(&event.data["version"]);
    assert!(version > told, "{told} and then {version}");
    match event.name.as_str() {
        "delta" => assert_eq!(number(&event.data["previous"]), told),
        name => assert_eq!(name, "map"),
    }
    version
}

#[tokio::test]
async fn an_addresss_streams_are_bounded() {
    let hall = Hall::at(1).await;
    let open = futures::future::join_all((0..STREAMS_OF_ADDRESS_MAX).map(|_| hall.stream(None))).await;
    problem(ask(&hall.world, &hall.path(), None, None).await, 429, "too_many_streams").await;
    drop(open);
    eventually("a free stream", SOON, async || {
        ask(&hall.world, &hall.path(), None, None).await.status().is_success().then_some(())
    })
    .await;
}

#[tokio::test]
async fn so_many_events_are_followed_at_once() {
    let hall = Hall::on(World::with(&[("FOLLOWED_EVENTS_MAX", "1")]).await).await;
    let other = hall.world.event(&hall.world.person(Role::Organizer).await).await;
    let others = format!("/v1/events/{other}/seats/stream");
    let open = [hall.stream(None).await, hall.stream(None).await];
    problem(ask(&hall.world, &others, None, None).await, 503, "streams_full").await;
    drop(open);
    eventually("the other event is followed", SOON, async || {
        ask(&hall.world, &others, None, None).await.status().is_success().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_drafts_stream_is_its_organizers_alone() {
    let world = World::new().await;
    let (owner, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let draft = world.draft(&owner, 60, 120).await;
    let path = format!("/v1/events/{draft}/seats/stream");
    for person in [None, Some(&fan)] {
        problem(ask(&world, &path, person, None).await, 404, "event_not_found").await;
    }
    assert_eq!(EventStream::open(&world, &path, Some(&owner), None).await.next().await.unwrap(), map(0));
    problem(ask(&world, &format!("/v1/events/{}/seats/stream", EventId::generate()), None, None).await, 404, "event_not_found")
        .await;
}

#[tokio::test]
async fn a_reader_who_stops_reading_is_let_go() {
    let hall = Hall::on(World::with(&[("CONNECTIONS__UNREAD_MS", "1000")]).await).await;
    hall.publish_whole(1).await;
    let socket = TcpSocket::new_v4().unwrap();
    // Little, so that what waits for its reader waits in the gateway.
    socket.set_recv_buffer_size(4_096).unwrap();
    let address = hall.world.url("").trim_start_matches("http://").parse().unwrap();
    let mut reader = socket.connect(address).await.unwrap();
    reader.write_all(format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", hall.path()).as_bytes()).await.unwrap();
    reader.read_u8().await.unwrap();
    eventually("they are told", SOON, async || (hall.subscriptions().await == 1).then_some(())).await;
    let version = Cell::new(1);
    // Every seat changes, again and again.
    let gone = async || {
        for _ in 0..50 {
            let last: u64 = version.replace(version.get() + 1);
            let changes: Vec<_> = (0..SEATS).map(|seat| (seat, u8::from(last.is_multiple_of(2)))).collect();
            hall.publish(last, last + 1, &changes).await;
        }
        (hall.subscriptions().await == 0).then_some(())
    };
    eventually("no one listens for them any more", SOON, gone).await;
}
