//! Polls for a place: the ticket is enough. What costs the waiting room something is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use goticket_domain::identity::Role;
use goticket_domain::queue::entry_rules::{CodeBatchState, CodeState, MadeCodes, NewCodes};
use goticket_domain::queue::{
    Challenge, Claimed, ClaimedPlace, ControlChange, DrawProofs, DrawRecord, Group, JoinPass, JoinedPlace, LobbyPage, LogEntry,
    PlaceId, PublishedBoard, QueueError, RenewedTicket, RoomControl, WaitingRoom, WhatIf,
};
use goticket_domain::{AccountId, EventId};
use goticket_gateway::Gateway;
use goticket_testkit::eventually;
use reqwest::{Response, StatusCode};
use serde_json::json;

use crate::world::{Person, SOON, World, expect, problem};

/// Of one account within a minute, as the gateway has them.
const JOINS_OF_ACCOUNT_MAX: usize = 30;
const EXACT_OF_ACCOUNT_MAX: usize = 12;

struct Line {
    world: World,
    fan: Person,
    event: EventId,
    queue: String,
    ticket: String,
}

impl Line {
    /// In an open room, with a place in it.
    async fn with(settings: &[(&str, &str)]) -> Self {
        let world = World::with(settings).await;
        let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
        let event = world.event(&organizer).await;
        world.board_in(event, &["open"]).await;
        let queue = format!("/v1/events/{event}/queue");
        let joined = expect(world.post(&queue, Some(&fan), &json!({})).await, StatusCode::CREATED).await;
        let ticket = joined["place_ticket"].as_str().unwrap().to_owned();
        Self { world, fan, event, queue, ticket }
    }

    async fn poll(&self, query: &str, ticket: &str) -> Response {
        let url = self.world.url(&format!("{}/place{query}", self.queue));
        self.world.http.get(url).header("Place-Ticket", ticket).send().await.unwrap()
    }

    async fn join(&self, fan: &Person) -> Response {
        self.world.post(&self.queue, Some(fan), &json!({})).await
    }
}

#[tokio::test]
async fn a_poll_needs_the_ticket_alone() {
    let line = Line::with(&[]).await;
    for query in ["", "?exact=true"] {
        let place = expect(line.poll(query, &line.ticket).await, StatusCode::OK).await;
        assert!(["waiting", "turn"].contains(&place["location"]["where"].as_str().unwrap()), "{place}");
    }
    // A session that is over is no one's business here.
    let ended = Person { token: "nonsense".to_owned(), ..line.fan.clone() };
    let request = line.world.request(reqwest::Method::GET, &format!("{}/place", line.queue), Some(&ended));
    expect(request.header("Place-Ticket", &line.ticket).send().await.unwrap(), StatusCode::OK).await;

    let end = line.ticket.len() - 1;
    let other_mac = format!("{}{}", &line.ticket[..end], if line.ticket.ends_with('A') { "Q" } else { "A" });
    for ticket in [other_mac.as_str(), "", "p2.x.y", &line.ticket[1..]] {
        problem(line.poll("", ticket).await, 403, "place_ticket_invalid").await;
    }
    problem(line.world.get(&format!("{}/place", line.queue), Some(&line.fan)).await, 403, "place_ticket_invalid").await;
    let other = line.world.event(&line.world.person(Role::Organizer).await).await;
    line.world.board_in(other, &["open"]).await;
    let url = line.world.url(&format!("/v1/events/{other}/queue/place"));
    problem(line.world.http.get(url).header("Place-Ticket", &line.ticket).send().await.unwrap(), 403, "place_ticket_invalid")
        .await;
}

#[tokio::test]
async fn the_ticket_alone_claims_nothing() {
    let line = Line::with(&[]).await;
    let claim = format!("{}/claim", line.queue);
    let request = |person| line.world.request(reqwest::Method::POST, &claim, person).header("Place-Ticket", &line.ticket);
    problem(request(None).send().await.unwrap(), 401, "access_token_missing").await;
    let other = line.world.person(Role::User).await;
    problem(request(Some(&other)).send().await.unwrap(), 403, "place_ticket_invalid").await;
}

#[tokio::test]
async fn who_waits_meets_no_limit_and_who_asks_exactly_does() {
    let line = Line::with(&[("AUTH_PER_MIN", "1"), ("AUTH_BURST", "1"), ("JOINS_PER_MIN", "1"), ("JOINS_BURST", "1")]).await;
    for _ in 0..EXACT_OF_ACCOUNT_MAX {
        expect(line.poll("?exact=true", &line.ticket).await, StatusCode::OK).await;
    }
    problem(line.poll("?exact=true", &line.ticket).await, 429, "rate_limited").await;
    for _ in 0..200 {
        expect(line.poll("", &line.ticket).await, StatusCode::OK).await;
        expect(line.poll("?exact=false", &line.ticket).await, StatusCode::OK).await;
    }
}

#[tokio::test]
async fn joins_are_bounded_for_each_account() {
    let line = Line::with(&[]).await;
    for _ in 1..JOINS_OF_ACCOUNT_MAX {
        expect(line.join(&line.fan).await, StatusCode::OK).await;
    }
    problem(line.join(&line.fan).await, 429, "rate_limited").await;
    expect(line.join(&line.world.person(Role::User).await).await, StatusCode::CREATED).await;
}

#[tokio::test]
async fn joins_are_bounded_for_each_network() {
    let line = Line::with(&[("JOINS_PER_MIN", "1"), ("JOINS_BURST", "3"), ("TRUSTED_PROXIES", "1")]).await;
    let join = async |address: &str| {
        let fan = line.world.person(Role::User).await;
        let request = line.world.request(reqwest::Method::POST, &line.queue, Some(&fan)).header("x-forwarded-for", address);
        request.send().await.unwrap()
    };
    for host in 1..=3 {
        expect(join(&format!("2001:db8::{host}")).await, StatusCode::CREATED).await;
    }
    problem(join("2001:db8::4").await, 429, "rate_limited").await;
    expect(join("192.0.2.1").await, StatusCode::CREATED).await;
}

#[tokio::test]
async fn an_event_without_a_room_costs_the_waiting_room_nothing() {
    let line = Line::with(&[]).await;
    let counting = Arc::new(Counting { room: line.world.room.clone(), calls: AtomicUsize::new(0) });
    let gateway = Gateway::start(line.world.config.clone(), counting.clone()).await.unwrap();
    let url = |event| format!("http://{}/v1/events/{event}/queue", gateway.address());
    let unknown = EventId::generate();
    for _ in 0..5 {
        let fan = line.world.person(Role::User).await;
        let join = line.world.http.post(url(unknown)).bearer_auth(&fan.token).send().await.unwrap();
        problem(join, 404, "event_not_found").await;
        let challenge = line.world.http.get(format!("{}/challenge", url(unknown))).bearer_auth(&fan.token).send().await.unwrap();
        problem(challenge, 404, "event_not_found").await;
        let leave = line.world.http.delete(url(unknown)).bearer_auth(&fan.token).send().await.unwrap();
        problem(leave, 404, "event_not_found").await;
    }
    assert_eq!(counting.calls.load(Ordering::Relaxed), 0);
    let join = line.world.http.post(url(line.event)).bearer_auth(&line.fan.token).send().await.unwrap();
    expect(join, StatusCode::OK).await;
    assert_eq!(counting.calls.load(Ordering::Relaxed), 1);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn an_event_that_was_looked_up_in_vain_is_not_looked_up_again_at_once() {
    let (world, links) = World::behind_links().await;
    let fan = world.person(Role::User).await;
    let path = format!("/v1/events/{}/queue", EventId::generate());
    let join = async || world.post(&path, Some(&fan), &json!({})).await.status();
    eventually("an answer without the database", SOON, async || {
        let looked_up = join().await;
        links.postgres.cut();
        let remembered = join().await;
        links.postgres.restore();
        (looked_up == StatusCode::NOT_FOUND && remembered == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
}

/// The same room, and how often it is asked about one account.
struct Counting<R> {
    room: Arc<R>,
    calls: AtomicUsize,
}

impl<R> Counting<R> {
    fn asked(&self) -> &R {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.room
    }
}

#[async_trait]
impl<R: WaitingRoom> WaitingRoom for Counting<R> {
    async fn join_with(&self, event: EventId, account: AccountId, pass: &JoinPass) -> Result<JoinedPlace, QueueError> {
        self.asked().join_with(event, account, pass).await
    }

    async fn group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError> {
        self.asked().group(event, account).await
    }

    async fn make_group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError> {
        self.asked().make_group(event, account).await
    }

    async fn leave_group(&self, event: EventId, account: AccountId) -> Result<(), QueueError> {
        self.asked().leave_group(event, account).await
    }

    async fn challenge(&self, event: EventId, account: AccountId) -> Result<Option<Challenge>, QueueError> {
        self.asked().challenge(event, account).await
    }

    async fn make_codes(&self, event: EventId, new: NewCodes, actor: AccountId) -> Result<MadeCodes, QueueError> {
        self.room.make_codes(event, new, actor).await
    }

    async fn code_batches(&self, event: EventId) -> Result<Vec<CodeBatchState>, QueueError> {
        self.room.code_batches(event).await
    }

    async fn code(&self, event: EventId, code: &str) -> Result<CodeState, QueueError> {
        self.room.code(event, code).await
    }

    async fn revoke_code(&self, event: EventId, code: &str, actor: AccountId, reason: &str) -> Result<CodeState, QueueError> {
        self.room.revoke_code(event, code, actor, reason).await
    }

    async fn place(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<ClaimedPlace, QueueError> {
        self.asked().place(event, account, signed_ticket).await
    }

    async fn claim(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<Claimed, QueueError> {
        self.asked().claim(event, account, signed_ticket).await
    }

    async fn leave(&self, event: EventId, account: AccountId) -> Result<(), QueueError> {
        self.asked().leave(event, account).await
    }

    async fn control(&self, event: EventId) -> Result<RoomControl, QueueError> {
        self.room.control(event).await
    }

    async fn set_control(&self, event: EventId, change: ControlChange, actor: AccountId) -> Result<RoomControl, QueueError> {
        self.room.set_control(event, change, actor).await
    }

    async fn renew(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<RenewedTicket, QueueError> {
        self.asked().renew(event, account, signed_ticket).await
    }

    async fn draw(&self, event: EventId) -> Result<DrawRecord, QueueError> {
        self.room.draw(event).await
    }

    async fn lobby(&self, event: EventId, from: u64) -> Result<LobbyPage, QueueError> {
        self.room.lobby(event, from).await
    }

    async fn proofs(&self, event: EventId, place: PlaceId, size: Option<u64>) -> Result<DrawProofs, QueueError> {
        self.room.proofs(event, place, size).await
    }

    async fn what_if(&self, event: EventId, change: ControlChange) -> Result<WhatIf, QueueError> {
        self.room.what_if(event, change).await
    }

    async fn log(&self, event: EventId, before: Option<u64>, limit: u32) -> Result<Vec<LogEntry>, QueueError> {
        self.room.log(event, before, limit).await
    }

    async fn watch(&self) -> Result<BoxStream<'static, Arc<PublishedBoard>>, QueueError> {
        self.room.watch().await
    }
}
