//! A cut link is a dead server; a restored one is a live one.

use std::time::Duration;

use goticket_testkit::{Link, TestBed, eventually};
use lapin::{Connection, ConnectionProperties};
use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord},
};
use sqlx::Connection as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_cut_link_closes_and_refuses_and_a_restored_one_works() {
    let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = Link::to(&echo.local_addr().unwrap().to_string()).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = echo.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = client.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    for _ in 0..20 {
        let mut client = TcpStream::connect(link.addr()).await.unwrap();
        client.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");

        link.cut();
        // End of stream or a reset: either way the connection is over.
        assert!(matches!(client.read(&mut answer).await, Ok(0) | Err(_)));
        assert!(TcpStream::connect(link.addr()).await.is_err());
        link.restore();
    }
}

#[tokio::test]
async fn every_server_can_be_taken_away_and_given_back() {
    let (bed, links) = TestBed::behind_links().await;

    assert!(postgres(&bed).await);
    links.postgres.cut();
    assert!(!postgres(&bed).await);
    links.postgres.restore();
    assert!(postgres(&bed).await);

    assert!(redis_answers(&bed).await);
    links.redis.cut();
    assert!(!redis_answers(&bed).await);
    links.redis.restore();
    assert!(redis_answers(&bed).await);

    assert!(rabbitmq(&bed).await);
    links.amqp.cut();
    assert!(!rabbitmq(&bed).await);
    links.amqp.restore();
    assert!(rabbitmq(&bed).await);

    let smtp = || TcpStream::connect((bed.smtp_host.clone(), bed.smtp_port));
    assert!(smtp().await.is_ok());
    links.smtp.cut();
    assert!(smtp().await.is_err());
    links.smtp.restore();
    assert!(smtp().await.is_ok());
}

#[tokio::test]
async fn a_kafka_client_stays_behind_the_link() {
    let (bed, links) = TestBed::behind_links().await;
    let topic = format!("{}events", bed.kafka_topic_prefix);
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &bed.kafka_brokers)
        .set("message.timeout.ms", "2000")
        .set("reconnect.backoff.max.ms", "200")
        .create()
        .unwrap();
    let send = || async {
        let record: FutureRecord<'_, str, str> = FutureRecord::to(&topic).payload("hello");
        producer.send(record, Duration::ZERO).await.ok()
    };
    eventually("the first event", DEADLINE, send).await;
    // The client knows the broker by now. Were it advertised elsewhere, this would succeed.
    links.kafka.cut();
    assert!(send().await.is_none());
    links.kafka.restore();
    eventually("an event after the link is back", DEADLINE, send).await;
}

async fn postgres(bed: &TestBed) -> bool {
    sqlx::PgConnection::connect(&bed.postgres_url).await.is_ok()
}

async fn redis_answers(bed: &TestBed) -> bool {
    let client = redis::Client::open(bed.redis_url.as_str()).unwrap();
    client.get_multiplexed_async_connection().await.is_ok()
}

async fn rabbitmq(bed: &TestBed) -> bool {
    Connection::connect(&bed.amqp_url, ConnectionProperties::default()).await.is_ok()
}

#[tokio::test]
async fn a_link_can_drop_its_connections_be_slow_and_lose_an_answer() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = Link::to(&server.local_addr().unwrap().to_string()).await.unwrap();
    let (heard, mut said) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = server.accept().await {
            let heard = heard.clone();
            tokio::spawn(async move {
                let mut bytes = [0; 16];
                while let Ok(read @ 1..) = client.read(&mut bytes).await {
                    heard.send(String::from_utf8_lossy(&bytes[..read]).into_owned()).unwrap();
                    client.write_all(&bytes[..read]).await.unwrap();
                }
            });
        }
    });
    let mut answer = [0; 16];

    let mut client = TcpStream::connect(link.addr()).await.unwrap();
    client.write_all(b"begin").await.unwrap();
    assert_eq!(client.read(&mut answer).await.unwrap(), 5);
    assert_eq!(link.drop_connections(), 1);
    assert!(matches!(client.read(&mut answer).await, Ok(0) | Err(_)));
    assert_eq!(link.drop_connections(), 0);

    // The door stayed open.
    let mut client = TcpStream::connect(link.addr()).await.unwrap();
    link.slow_down(Duration::from_millis(100));
    let begun = std::time::Instant::now();
    client.write_all(b"slowly").await.unwrap();
    assert_eq!(client.read(&mut answer).await.unwrap(), 6);
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    assert_eq!(link.held_up(), 2);
    link.restore();

    link.lose_answer_to(b"COMMIT");
    client.write_all(b"insert").await.unwrap();
    assert_eq!(client.read(&mut answer).await.unwrap(), 6, "what is not waited for gets its answer");
    client.write_all(b"COMMIT").await.unwrap();
    assert!(matches!(client.read(&mut answer).await, Ok(0) | Err(_)));
    assert_eq!(link.caught(), 1);
    let mut all = Vec::new();
    while let Ok(one) = said.try_recv() {
        all.push(one);
    }
    assert_eq!(all, ["begin", "slowly", "insert", "COMMIT"], "the server has heard it");

    // Once.
    let mut client = TcpStream::connect(link.addr()).await.unwrap();
    client.write_all(b"COMMIT").await.unwrap();
    assert_eq!(client.read(&mut answer).await.unwrap(), 6);

    // Held: nothing is closed before the link is restored. What the server has heard differs.
    said.recv().await.unwrap();
    for (hold, heard) in [(Link::hold_answer_to as fn(&Link, &[u8]), true), (Link::hold_request, false)] {
        let mut client = TcpStream::connect(link.addr()).await.unwrap();
        let before = link.caught();
        hold(&link, b"COMMIT");
        client.write_all(b"COMMIT").await.unwrap();
        eventually("the trap to spring", DEADLINE, || async { (link.caught() > before).then_some(()) }).await;
        let waiting = tokio::time::timeout(Duration::from_millis(200), client.read(&mut answer)).await;
        assert!(waiting.is_err(), "{waiting:?}");
        link.restore();
        assert!(matches!(client.read(&mut answer).await, Ok(0) | Err(_)));
        assert_eq!(said.try_recv().is_ok(), heard);
    }

    // Late: the server hears it once the link is restored, and its answer comes.
    let mut client = TcpStream::connect(link.addr()).await.unwrap();
    let before = link.caught();
    link.delay_request(b"COMMIT");
    client.write_all(b"COMMIT").await.unwrap();
    eventually("the trap to spring", DEADLINE, || async { (link.caught() > before).then_some(()) }).await;
    assert!(said.try_recv().is_err());
    link.restore();
    assert_eq!(client.read(&mut answer).await.unwrap(), 6);
    assert_eq!(said.recv().await.as_deref(), Some("COMMIT"));
}
