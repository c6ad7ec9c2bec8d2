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
