//! Bodies that do not come hold no slot: what a head proves is checked before, and the work begins when the body is there.

use std::time::Duration;

use futures::future::join_all;
use goticket_domain::EventId;
use goticket_domain::identity::Role;
use goticket_testkit::eventually;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Interval, interval, timeout};
use uuid::Uuid;

use crate::world::{Person, SOON, World, expect, problem};

fn host(world: &World) -> String {
    world.url("").replace("http://", "")
}

/// Every operation that reads a body: method and path.
async fn reading(world: &World) -> Vec<(String, String)> {
    let api = expect(world.get("/openapi.json", None).await, StatusCode::OK).await;
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        let operations = item.as_object().unwrap().iter().filter(|(_, operation)| operation["requestBody"].is_object());
        found.extend(operations.map(|(method, _)| (method.to_uppercase(), path.clone())));
    }
    assert!(found.len() >= 12, "{found:?}");
    found
}

/// A head that says that a body of nine bytes follows, and proves whatever it has to.
fn head(world: &World, (method, path): &(String, String), event: EventId, person: &Person) -> String {
    let path = path.replace("{event}", &event.to_string()).replace("{booking}", &Uuid::now_v7().to_string());
    let path = ["{organization}", "{account}"].iter().fold(path, |path, name| path.replace(name, &Uuid::now_v7().to_string()));
    assert!(!path.contains('{'), "{path}");
    let (token, entry) = (&person.token, world.entry_token(event, person));
    let signature = format!("t={},v1={}", Timestamp::now().as_second(), "00".repeat(32));
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nentry-token: {entry}\r\nidempotency-key: k\r\n\
         sandbox-signature: {signature}\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"
    )
}

async fn send(world: &World, head: &str) -> TcpStream {
    let mut client = TcpStream::connect(host(world)).await.unwrap();
    client.write_all(head.as_bytes()).await.unwrap();
    client
}

/// All that is answered, to the connection's end.
async fn answer(client: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let _ = timeout(SOON, client.read_to_end(&mut read)).await.expect("it is let go");
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn stalled_bodies_leave_every_slot_to_others_and_are_told_so() {
    let world = World::with(&[("REQUESTS_MAX", "1"), ("WAITING_MAX", "1")]).await;
    let (admin, fan) = (world.person(Role::Admin).await, world.person(Role::User).await);
    let event = world.event(&admin).await;
    let mut stalled = Vec::new();
    for operation in reading(&world).await {
        for _ in 0..3 {
            stalled.push((operation.clone(), send(&world, &head(&world, &operation, event, &admin)).await));
        }
    }
    expect(world.get("/v1/events", None).await, StatusCode::OK).await;
    let who = json!({ "email": "nobody@example.com", "password": "correct horse" });
    problem(world.post("/v1/auth/login", None, &who).await, 401, "wrong_credentials").await;
    let asked = world.request(Method::POST, &format!("/v1/events/{event}/bookings"), Some(&fan));
    let asked = asked.header("Entry-Token", world.entry_token(event, &fan)).header("Idempotency-Key", "k");
    let asked = asked.header("Prefer", "wait=0").json(&json!({ "seats": [1] })).send().await.unwrap();
    expect(asked, StatusCode::ACCEPTED).await;
    for (operation, client) in &mut stalled {
        let told = answer(client).await;
        assert!(told.starts_with("HTTP/1.1 408 "), "{operation:?}: {told}");
        assert!(told.contains("\"body_too_slow\"") && told.to_lowercase().contains("connection: close"), "{operation:?}: {told}");
    }
}

#[tokio::test]
async fn what_a_head_does_not_prove_is_refused_before_its_body_is_waited_for() {
    let world = World::with(&[("CONNECTIONS__BODY_MS", "60000"), ("AUTH_PER_MIN", "1"), ("AUTH_BURST", "1")]).await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let old = world.access_token(fan.id, Role::User, Duration::ZERO);
    let bookings = ("POST".to_owned(), "/v1/events/{event}/bookings".to_owned());
    let venues = ("POST".to_owned(), "/v1/venues".to_owned());
    let webhook = ("POST".to_owned(), "/v1/payments/sandbox/webhook".to_owned());
    let good = |operation| head(&world, operation, event, &fan);
    let rows = [
        (good(&bookings).replace(&fan.token, "x"), 401, "access_token_invalid"),
        (good(&bookings).replace(&fan.token, &old), 401, "access_token_"),
        (good(&bookings).replace("entry-token", "x-none"), 403, "entry_token_missing"),
        (good(&bookings).replace("idempotency-key", "x-none"), 400, "idempotency_key_missing"),
        (good(&bookings).replace("application/json", "text/plain"), 415, "unsupported_media_type"),
        (good(&venues), 403, "role_required"),
        (good(&venues).replace("authorization", "x-none"), 401, "access_token_missing"),
        (good(&webhook).replace("sandbox-signature", "x-none"), 401, "signature_invalid"),
        (good(&webhook).replace(",v1=", ",v2="), 401, "signature_invalid"),
        (good(&webhook).replace("t=1", "t=0"), 401, "signature_invalid"),
    ];
    for (head, status, code) in rows {
        let told = answer(&mut send(&world, &head).await).await;
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")) && told.contains(code), "{code}: {head}{told}");
    }
    let login = ("POST".to_owned(), "/v1/auth/login".to_owned());
    let _first = send(&world, &good(&login)).await;
    let limited = async || {
        let mut another = send(&world, &good(&login)).await;
        let told = answer(&mut another);
        timeout(Duration::from_secs(1), told).await.is_ok_and(|told| told.starts_with("HTTP/1.1 429 ")).then_some(())
    };
    eventually("whoever comes too often is told before their body", SOON, limited).await;
}

/// Goes on until the gateway has ended it. Whoever sends slowly is told something then; whoever `reads`, a byte at a time, notices by what it
/// sends, since what came before can still be read.
async fn slow(mut client: TcpStream, begin: String, more: &[u8], reads: bool, mut pause: Interval) {
    client.write_all(begin.as_bytes()).await.unwrap();
    loop {
        pause.tick().await;
        let sent = client.write_all(more).await;
        let over = match client.try_read(&mut [0]) {
            Ok(come) => !reads || come == 0,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        };
        if over || sent.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn slow_heads_slow_bodies_and_slow_readers_hold_no_one_else() {
    const EACH: usize = 25;
    let world = World::with(&[
        ("REQUESTS_MAX", "8"),
        ("CONNECTIONS__HEAD_MS", "2000"),
        ("CONNECTIONS__BODY_MS", "2000"),
        ("CONNECTIONS__UNREAD_MS", "2000"),
        ("CONNECTIONS__BYTES_PER_S", "10000"),
    ])
    .await;
    let event = world.event(&world.person(Role::Organizer).await).await;
    world.board_in(event, &["open"]).await;
    let board = world.url(&format!("/v1/events/{event}/queue/board"));
    let address = host(&world).parse().unwrap();
    let large = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let post = "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 4096\r\n\r\n{";
    let modes: [(&str, &[u8], bool); 3] =
        [("GET /v1/events HTTP/1.1\r\nhost: x\r\n", b"x-slow: 1\r\n", false), (post, b" ", false), (&large, b"\n", true)];
    let mut slow_ones = JoinSet::new();
    for (begin, more, reads) in modes {
        for _ in 0..EACH {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4_096).unwrap();
            let client = socket.connect(address).await.unwrap();
            slow_ones.spawn(slow(client, begin.to_owned(), more, reads, interval(Duration::from_millis(100))));
        }
    }
    for _ in 0..30 {
        let newcomer = reqwest::Client::new();
        let answer = timeout(SOON, newcomer.get(&board).send()).await.expect("an answer in time");
        expect(answer.unwrap(), StatusCode::OK).await;
    }
    let mut ended = 0;
    while let Some(slow) = timeout(SOON, slow_ones.join_next()).await.expect("they are let go") {
        slow.unwrap();
        ended += 1;
    }
    assert_eq!(ended, 3 * EACH);
}

#[tokio::test]
async fn whose_body_is_there_takes_a_slot_or_is_turned_away() {
    let world = World::with(&[("REQUESTS_MAX", "1"), ("PASSWORD_WORKERS", "1")]).await;
    let account = json!({ "email": "a@example.com", "password": "correct horse", "name": "A" });
    expect(world.post("/v1/auth/register", None, &account).await, StatusCode::CREATED).await;
    let who: Value = json!({ "email": "a@example.com", "password": "correct horse" });
    // Each that has a slot is hashed for a while.
    let turned_away = async || {
        let log_ins = (0..8).map(|_| world.request(Method::POST, "/v1/auth/login", None).json(&who).send());
        let mut answers = join_all(log_ins).await.into_iter().map(Result::unwrap);
        let refused = answers.find(|answer| answer.status() != StatusCode::OK)?;
        Some(problem(refused, 503, "overloaded").await)
    };
    eventually("one is turned away", SOON, turned_away).await;
    expect(world.get("/healthz", None).await, StatusCode::OK).await;
    let room = async || (world.get("/v1/events", None).await.status() == StatusCode::OK).then_some(());
    eventually("room for others", SOON, room).await;
}
