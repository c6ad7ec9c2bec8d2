//! The comparator of the time to an outcome: what no pipeline of ours could do without. One message at a time goes through an empty
//! quorum queue (published with confirm, delivered, acknowledged), and then one row is committed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::StreamExt as _;
use goticket_testkit::TestBed;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer,
    options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};
use sqlx::{Connection as _, PgConnection};

use crate::{latency::Latencies, rates::Counter, series::Run};

const QUEUE: &str = "bench.round-trip";

/// As long as a command for two seats.
const BODY: [u8; 512] = [b'x'; 512];

/// AMQP's mark of a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// Round trips before the clock starts.
const WARM_UP: usize = 100;

pub(crate) async fn run(bed: &TestBed, for_: Duration) -> anyhow::Result<Run> {
    let mut way = Way::open(bed).await?;
    for _ in 0..WARM_UP {
        way.there_and_back().await?;
    }
    let (mut counter, mut took, begun) = (Counter::default(), Vec::new(), Instant::now());
    while begun.elapsed() < for_ {
        let from = Instant::now();
        way.there_and_back().await?;
        took.push(from.elapsed());
        let until = begun.elapsed();
        counter.add(until, until, 1);
    }
    let latencies = Latencies::of(took);
    let value = latencies.ms_at(99.0).context("no round trip was finished")?;
    Ok(Run { value, rates: counter.finish(for_), flaws: Vec::new(), note: latencies.summary() })
}

/// Everything the message passes through.
struct Way {
    channel: Channel,
    arrivals: Consumer,
    db: PgConnection,
    /// Holds the channel.
    _broker: Connection,
}

impl Way {
    async fn open(bed: &TestBed) -> anyhow::Result<Self> {
        let broker = Connection::connect(&bed.amqp_url, ConnectionProperties::default()).await?;
        let channel = broker.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let declare = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(QUEUE.into(), declare, arguments).await?;
        let consume = BasicConsumeOptions::default();
        let arrivals = channel.basic_consume(QUEUE.into(), ShortString::default(), consume, FieldTable::default()).await?;
        let mut db = PgConnection::connect(&bed.postgres_url).await?;
        sqlx::raw_sql("CREATE TABLE round_trips (at timestamptz NOT NULL)").execute(&mut db).await?;
        Ok(Self { channel, arrivals, db, _broker: broker })
    }

    async fn there_and_back(&mut self) -> anyhow::Result<()> {
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        let publish = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirm = self.channel.basic_publish(ShortString::default(), QUEUE.into(), publish, &BODY, properties).await?.await?;
        ensure!(confirm.is_ack(), "the broker did not take a message");
        let delivery = self.arrivals.next().await.context("the consumer has ended")??;
        delivery.ack(BasicAckOptions::default()).await?;
        sqlx::query("INSERT INTO round_trips VALUES (now())").execute(&mut self.db).await?;
        Ok(())
    }
}
