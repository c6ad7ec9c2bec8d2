//! Every server answers its own protocol through the client the services use.

use std::time::Duration;

use futures::StreamExt as _;
use goticket_testkit::{TestBed, eventually};
use lapin::{
    BasicProperties, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};
use rdkafka::{
    ClientConfig, Message as _,
    consumer::{BaseConsumer, Consumer as _},
    producer::{FutureProducer, FutureRecord},
};
use redis::AsyncCommands as _;
use sqlx::Connection as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn postgres_is_empty_and_recent() {
    let bed = TestBed::new().await;
    let mut connection = sqlx::PgConnection::connect(&bed.postgres_url).await.unwrap();
    let (version, tables): (i32, i64) = sqlx::query_as(
        "select current_setting('server_version_num')::int, (select count(*) from pg_tables where schemaname = 'public')",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert!(version >= 160_000, "PostgreSQL is {version}");
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn redis_never_evicts() {
    let bed = TestBed::new().await;
    let client = redis::Client::open(bed.redis_url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("{}greeting", bed.redis_prefix);
    let () = connection.set(&key, "hello").await.unwrap();
    let greeting: String = connection.get(&key).await.unwrap();
    assert_eq!(greeting, "hello");
    let policy: Vec<String> = redis::cmd("CONFIG").arg(&["GET", "maxmemory-policy"]).query_async(&mut connection).await.unwrap();
    assert_eq!(policy, ["maxmemory-policy", "noeviction"]);
}

#[tokio::test]
async fn rabbitmq_has_quorum_queues_and_confirms() {
    let bed = TestBed::new().await;
    let connection = Connection::connect(&bed.amqp_url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let kind = ExchangeKind::Direct;
    let none = FieldTable::default;
    channel.exchange_declare("spread".into(), kind, ExchangeDeclareOptions::default(), none()).await.unwrap();
    let mut quorum = none();
    quorum.insert("x-queue-type".into(), lapin::types::AMQPValue::LongString("quorum".into()));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare("q".into(), options, quorum).await.unwrap();
    channel
        .queue_bind("q".into(), "spread".into(), "any".into(), lapin::options::QueueBindOptions::default(), none())
        .await
        .unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let confirm = channel
        .basic_publish("spread".into(), "any".into(), BasicPublishOptions::default(), b"hello", BasicProperties::default())
        .await
        .unwrap()
        .await
        .unwrap();
    assert!(confirm.is_ack());
    let mut consumer = channel.basic_consume("q".into(), "me".into(), BasicConsumeOptions::default(), none()).await.unwrap();
    let delivery = consumer.next().await.unwrap().unwrap();
    delivery.ack(BasicAckOptions::default()).await.unwrap();
    assert_eq!(delivery.data, b"hello");
}

#[tokio::test]
async fn kafka_keeps_what_an_idempotent_producer_sends() {
    let bed = TestBed::new().await;
    let topic = format!("{}events", bed.kafka_topic_prefix);
    produce(&bed.kafka_brokers, &topic, "hello").await;
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &bed.kafka_brokers)
        .set("group.id", &bed.name)
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[&topic]).unwrap();
    let payload = eventually("the event", DEADLINE, || async {
        let message = consumer.poll(Duration::from_millis(100))?.unwrap();
        message.payload().map(<[u8]>::to_vec)
    })
    .await;
    assert_eq!(payload, b"hello");
}

#[tokio::test]
async fn a_mail_to_any_address_can_be_read_back_and_purged() {
    let bed = TestBed::new().await;
    let (fan, other) = (bed.address("fan+1"), bed.address("other"));
    send_mail(&bed, &fan, "Ticket").await;
    send_mail(&bed, &other, "Reminder").await;

    let mails = eventually("the mail", DEADLINE, || async {
        let mails = bed.mailbox.messages_to(&fan).await.unwrap();
        (!mails.is_empty()).then_some(mails)
    })
    .await;
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].subject.as_str(), mails[0].message_id.as_str()), ("Ticket", "<Ticket@test>"));
    assert_eq!(mails[0].to, fan);
    assert!(mails[0].raw.contains("\r\nEnjoy"), "{}", mails[0].raw);

    assert_eq!(bed.mailbox.all().await.unwrap().len(), 2);
    bed.mailbox.purge().await.unwrap();
    assert!(bed.mailbox.all().await.unwrap().is_empty());
    assert!(bed.mailbox.messages_to(&fan).await.unwrap().is_empty());
}

pub(crate) async fn produce(brokers: &str, topic: &str, payload: &str) {
    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", brokers).set("enable.idempotence", "true").create().unwrap();
    producer.send(FutureRecord::to(topic).key("k").payload(payload), DEADLINE).await.unwrap();
}

/// Speaks SMTP by hand: the kit needs no mail client otherwise.
pub(crate) async fn send_mail(bed: &TestBed, to: &str, subject: &str) {
    let stream = TcpStream::connect((bed.smtp_host.as_str(), bed.smtp_port)).await.unwrap();
    let (reader, mut writer) = stream.into_split();
    let mut replies = BufReader::new(reader).lines();
    let from = bed.address("box-office");
    let body = format!("Message-ID: <{subject}@test>\r\nSubject: {subject}\r\nTo: {to}\r\n\r\nEnjoy\r\n.");
    let dialogue = [
        ("HELO test".to_owned(), "250"),
        (format!("MAIL FROM:<{from}>"), "250"),
        (format!("RCPT TO:<{to}>"), "250"),
        ("DATA".to_owned(), "354"),
        (body, "250"),
        ("QUIT".to_owned(), "221"),
    ];
    assert!(replies.next_line().await.unwrap().unwrap().starts_with("220"));
    for (line, expected) in dialogue {
        writer.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        let reply = loop {
            let reply = replies.next_line().await.unwrap().unwrap();
            // A hyphen announces another line of the same reply (RFC 5321, section 4.2.1).
            if reply.as_bytes().get(3) != Some(&b'-') {
                break reply;
            }
        };
        assert!(reply.starts_with(expected), "{line:?} was answered {reply:?}");
    }
}
