//! Two beds share the servers and nothing else.

use goticket_testkit::TestBed;
use lapin::{
    Connection, ConnectionProperties,
    options::QueueDeclareOptions,
    types::{FieldTable, ShortString},
};
use sqlx::Connection as _;

use crate::servers::send_mail;

#[tokio::test]
async fn what_one_bed_stores_the_other_does_not_see() {
    let (one, other) = tokio::join!(TestBed::new(), TestBed::new());

    let mut mine = sqlx::PgConnection::connect(&one.postgres_url).await.unwrap();
    sqlx::query("create table seats (no int)").execute(&mut mine).await.unwrap();
    let mut theirs = sqlx::PgConnection::connect(&other.postgres_url).await.unwrap();
    assert!(sqlx::query("select no from seats").execute(&mut theirs).await.is_err());

    declare(&one.amqp_url, false).await.unwrap();
    assert!(declare(&other.amqp_url, true).await.is_err(), "the other bed sees the queue");

    send_mail(&one, &one.address("fan"), "Ticket").await;
    assert_eq!(one.mailbox.all().await.unwrap().len(), 1);
    assert_eq!(other.mailbox.all().await.unwrap().len(), 0);

    assert_ne!(one.redis_prefix, other.redis_prefix);
    assert_ne!(one.kafka_topic_prefix, other.kafka_topic_prefix);
    assert_ne!(one.objects_dir, other.objects_dir);
    assert_eq!(std::fs::read_dir(&one.objects_dir).unwrap().count(), 0);
}

async fn declare(amqp_url: &str, passive: bool) -> lapin::Result<()> {
    let connection = Connection::connect(amqp_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions { durable: true, passive, ..QueueDeclareOptions::default() };
    channel.queue_declare(ShortString::from("commands"), options, FieldTable::default()).await?;
    Ok(())
}
