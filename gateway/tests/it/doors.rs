//! Who connects and asks nothing, half of something, or takes no answer, is let go, and meanwhile the others are answered.

use std::net::SocketAddr;
use std::time::Duration;

use goticket_domain::identity::Role;
use goticket_testkit::eventually;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{interval, timeout};

use crate::world::{SOON, World, expect};

/// Longer than any test: what ends within it is ended by something else.
const NEVER_MS: &str = "300000";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Of the least that a kernel takes, so that what waits for its reader waits in the gateway.
const BUFFER: u32 = 4_096;

fn address(world: &World) -> SocketAddr {
    world.url("").trim_start_matches("http://").parse().unwrap()
}

async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(address(world)).await.unwrap()
}

/// A client that reads little at a time.
async fn connect_slow(world: &World) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(BUFFER).unwrap();
    socket.connect(address(world)).await.unwrap()
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").into_bytes()
}

/// All that comes until the gateway ends it, whatever way it does.
async fn rest(client: &mut TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    // A reset is an end, too.
    let _ = timeout(SOON, client.read_to_end(&mut read)).await.expect("it is let go");
    read
}

/// Asks on a connection that is kept; None where it is not any more.
async fn ask(client: &mut TcpStream) -> Option<()> {
    client.write_all(&get("/healthz")).await.ok()?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        let read = timeout(SOON, client.read_buf(&mut answer)).await.expect("an answer").ok()?;
        if read == 0 {
            return None;
        }
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    Some(())
}

/// As a newcomer.
async fn answers(world: &World, path: &str) {
    let newcomer = reqwest::Client::new();
    let answer = timeout(SOON, newcomer.get(world.url(path)).send()).await.expect("an answer in time").unwrap();
    expect(answer, StatusCode::OK).await;
}

#[tokio::test]
async fn silent_sockets_give_way_to_those_who_ask() {
    let world = World::with(&[("CONNECTIONS__MAX", "64"), ("CONNECTIONS__FIRST_BYTE_MS", NEVER_MS)]).await;
    let event = world.event(&world.person(Role::Organizer).await).await;
    world.board_in(event, &["open"]).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(connect(&world).await);
    }
    answers(&world, "/healthz").await;
    answers(&world, &format!("/v1/events/{event}/queue/board")).await;
    for early in &mut silent[..100] {
        assert_eq!(rest(early).await, b"", "the oldest are gone");
    }
}

#[tokio::test]
async fn who_says_nothing_or_not_all_of_it_is_let_go() {
    let rows: [(&str, &str, &[u8]); 5] = [
        ("300", NEVER_MS, b""),
        (NEVER_MS, "300", b"G"),
        (NEVER_MS, "300", b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-half: "),
        (NEVER_MS, "300", &PREFACE[..20]),
        (NEVER_MS, "300", PREFACE),
    ];
    for (first_byte, head, said) in rows {
        let world = World::with(&[
            ("CONNECTIONS__FIRST_BYTE_MS", first_byte),
            ("CONNECTIONS__HEAD_MS", head),
            ("CONNECTIONS__IDLE_MS", NEVER_MS),
        ])
        .await;
        let mut client = connect(&world).await;
        client.write_all(said).await.unwrap();
        rest(&mut client).await;
        // On a connection that has asked before, too.
        if head != NEVER_MS && !said.starts_with(&PREFACE[..3]) {
            let mut client = connect(&world).await;
            ask(&mut client).await.unwrap();
            client.write_all(said).await.unwrap();
            rest(&mut client).await;
        }
    }
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_has_the_time_of_one_that_comes_at_once() {
    let world = World::with(&[("CONNECTIONS__HEAD_MS", "1000"), ("CONNECTIONS__IDLE_MS", NEVER_MS)]).await;
    let mut client = connect(&world).await;
    client.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-drip: ").await.unwrap();
    let drips = async {
        let mut pause = interval(Duration::from_millis(20));
        loop {
            pause.tick().await;
            if client.write_all(b"x").await.is_err() {
                break;
            }
        }
    };
    timeout(SOON, drips).await.expect("it is let go");
}

#[tokio::test]
async fn a_large_answer_is_taken_at_a_pace_or_not_at_all() {
    // (a client's reads within a second, of so many bytes)
    let rows = [(0, 0), (50, 4_096)];
    for (reads, bytes) in rows {
        let world = World::with(&[("CONNECTIONS__UNREAD_MS", "1000"), ("CONNECTIONS__BYTES_PER_S", "1000000")]).await;
        let mut client = connect_slow(&world).await;
        // More than the kernels between us take.
        let many = get("/openapi.json").repeat(300);
        client.write_all(&many).await.unwrap();
        let let_go = async {
            let mut pause = interval(Duration::from_millis(20));
            let mut taken = vec![0; bytes];
            loop {
                pause.tick().await;
                let read = if reads > 0 { client.read(&mut taken).await } else { client.write(b"\r\n").await };
                if read.is_err() || matches!(read, Ok(0)) {
                    break;
                }
            }
        };
        timeout(SOON, let_go).await.unwrap_or_else(|_| panic!("{reads} reads of {bytes} bytes are let go"));
        answers(&world, "/healthz").await;
    }
}

#[tokio::test]
async fn a_kept_connection_is_closed_after_its_time_and_loses_no_request() {
    let world = World::with(&[("CONNECTIONS__IDLE_MS", "1000"), ("CONNECTIONS__FIRST_BYTE_MS", NEVER_MS)]).await;
    let mut client = connect(&world).await;
    for _ in 0..20 {
        ask(&mut client).await.expect("it is kept");
    }
    let mut read = Vec::new();
    timeout(SOON, client.read_to_end(&mut read)).await.expect("it is closed").expect("in order, without a reset");
    assert_eq!(read, b"");
}

#[tokio::test]
async fn one_network_has_its_share_unless_it_is_a_proxys() {
    for (trusted, kept_max) in [("0", 16), ("1", 40)] {
        let world = World::with(&[
            ("CONNECTIONS__MAX", "1000"),
            ("CONNECTIONS__OF_NETWORK_MAX", "16"),
            ("CONNECTIONS__IDLE_MS", NEVER_MS),
            ("TRUSTED_PROXIES", trusted),
        ])
        .await;
        let mut clients = Vec::new();
        for _ in 0..40 {
            let mut client = connect(&world).await;
            if ask(&mut client).await.is_some() {
                clients.push(client);
            }
        }
        let mut kept = 0;
        for client in &mut clients {
            kept += usize::from(ask(client).await.is_some());
        }
        // One place may be the test's own.
        assert!((kept_max - 2..=kept_max).contains(&kept), "{trusted}: {kept} of 40 connections are kept");
    }
}

mod http2 {
    use h2::client::{self, Connection, SendRequest};
    use h2::{Reason, RecvStream};

    use super::*;

    /// What a client takes of an answer without saying that it has read it.
    const WINDOW: u32 = 16 * 1024;

    async fn connect_http2(world: &World) -> (SendRequest<bytes::Bytes>, Connection<TcpStream>) {
        let client = client::Builder::new().initial_window_size(WINDOW).handshake(connect(world).await);
        client.await.unwrap()
    }

    async fn request(world: &World, client: &SendRequest<bytes::Bytes>, path: &str) -> Result<RecvStream, h2::Error> {
        let request = http::Request::get(world.url(path)).body(()).unwrap();
        let (answer, _) = client.clone().ready().await?.send_request(request, true)?;
        let answer = timeout(SOON, answer).await.expect("an answer")?;
        assert_eq!(answer.status(), 200);
        Ok(answer.into_body())
    }

    #[tokio::test]
    async fn a_stream_that_takes_nothing_is_reset_and_its_neighbours_go_on() {
        let world = World::with(&[("CONNECTIONS__UNREAD_MS", "500"), ("CONNECTIONS__IDLE_MS", "1000")]).await;
        let (client, connection) = connect_http2(&world).await;
        // Answers pings, and whatever else it is asked.
        let connection = tokio::spawn(connection);
        let mut stalled = request(&world, &client, "/openapi.json").await.unwrap();
        let reset = async {
            loop {
                match stalled.data().await.expect("not its end") {
                    // Taken, and never said to be.
                    Ok(_) => {}
                    Err(error) => return error.reason(),
                }
            }
        };
        let neighbours = async {
            loop {
                let mut answer = request(&world, &client, "/healthz").await.unwrap();
                assert_eq!(answer.data().await.unwrap().unwrap(), "ok");
            }
        };
        let reason = tokio::select! {
            reason = timeout(SOON, reset) => reason.expect("it is reset"),
            () = neighbours => unreachable!(),
        };
        assert!(matches!(reason, Some(Reason::CANCEL | Reason::INTERNAL_ERROR)), "{reason:?}");
        let mut answer = request(&world, &client, "/healthz").await.expect("the connection is still there");
        assert_eq!(answer.data().await.unwrap().unwrap(), "ok");
        // Pings do not keep it.
        timeout(SOON, connection).await.expect("it is closed after its time").unwrap().unwrap();
    }

    #[tokio::test]
    async fn so_many_requests_share_a_connection() {
        let world = World::with(&[("CONNECTIONS__STREAMS_MAX", "8"), ("CONNECTIONS__UNREAD_MS", NEVER_MS)]).await;
        let (client, connection) = connect_http2(&world).await;
        let connection = tokio::spawn(connection);
        let mut stalled = Vec::new();
        for _ in 0..8 {
            stalled.push(request(&world, &client, "/openapi.json").await.unwrap());
        }
        assert_eq!(client.current_max_send_streams(), 8);
        answers(&world, "/healthz").await;
        drop((stalled, client));
        connection.abort();
    }
}

#[tokio::test]
async fn at_the_limit_a_newcomer_is_answered_as_soon_as_someone_is_of_no_use() {
    let world = World::with(&[("CONNECTIONS__MAX", "16"), ("CONNECTIONS__IDLE_MS", NEVER_MS)]).await;
    let mut kept = Vec::new();
    for _ in 0..50 {
        let mut client = connect(&world).await;
        ask(&mut client).await.expect("one that is kept gives way");
        kept.push(client);
    }
    let told = async || world.metrics().await.contains("http_connections_ended_total{why=\"gave_way\"}").then_some(());
    eventually("it is counted", SOON, told).await;
}
