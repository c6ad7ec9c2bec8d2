//! When domain events can be read from Kafka, by a consumer like any other.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context as _;
use goticket_contracts::events::BOOKINGS_TOPIC;
use goticket_platform::{config::KafkaConfig, kafka::reader};
use jiff::Timestamp;
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use serde::Deserialize;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::latency::Latencies;

/// How long the broker may take to say what there is, and the relay to make the topic.
const METADATA: Duration = Duration::from_secs(10);
const TOPIC: Duration = Duration::from_secs(30);

/// How long one look for records takes at most.
const POLL: Duration = Duration::from_millis(100);

/// How long the last of the domain events may take.
const ARRIVED: Duration = Duration::from_secs(30);

type Arrivals = Arc<Mutex<HashMap<Uuid, Timestamp>>>;

/// Reads the whole topic of bookings, on a thread of its own, and notes when it got what.
pub(crate) struct Reader {
    arrivals: Arrivals,
    stop: Arc<AtomicBool>,
}

/// How far Kafka was behind.
pub(crate) struct Lag {
    pub behind: Latencies,
    /// Committed, and not to be read.
    pub missing: usize,
}

#[derive(Deserialize)]
struct Envelope {
    id: Uuid,
}

impl Reader {
    pub(crate) async fn start(config: &KafkaConfig) -> anyhow::Result<Self> {
        let (arrivals, stop) = (Arrivals::default(), Arc::new(AtomicBool::new(false)));
        let consumer: BaseConsumer = reader(config)?;
        let topic = config.prefixed(BOOKINGS_TOPIC);
        let consumer = tokio::task::spawn_blocking(move || assigned(consumer, &topic)).await??;
        let (noted, stopped) = (Arc::clone(&arrivals), Arc::clone(&stop));
        thread::Builder::new().name("kafka reader".to_owned()).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let Some(Ok(message)) = consumer.poll(POLL) else { continue };
                let now = super::now();
                if let Ok(Envelope { id }) = serde_json::from_slice(message.payload().unwrap_or_default()) {
                    // A relay may append a record twice: it can be read since the first.
                    noted.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(now);
                }
            }
        })?;
        Ok(Self { arrivals, stop })
    }

    /// From the time that stands in the outbox to the time a record was read here, of what was committed between two times. Both are the
    /// clock of this machine. In the outbox stands when a batch was decided, which is before its commit: the lag is rather a few
    /// milliseconds shorter than told.
    pub(crate) async fn lag(self, postgres_url: &str, from: Timestamp, until: Timestamp) -> anyhow::Result<Lag> {
        let mut db = PgConnection::connect(postgres_url).await?;
        let written: Vec<(Uuid, i64)> =
            sqlx::query_as("SELECT id, (extract(epoch FROM written_at) * 1000000)::bigint FROM outbox")
                .fetch_all(&mut db)
                .await
                .context("read the outbox")?;
        db.close().await?;
        let at = |(id, us)| Ok((id, Timestamp::from_microsecond(us)?));
        let written = written.into_iter().map(at).collect::<anyhow::Result<Vec<_>>>()?;
        let rows: Vec<(Uuid, Timestamp)> = written.into_iter().filter(|(_, at)| (from..=until).contains(at)).collect();
        let deadline = Instant::now() + ARRIVED;
        let missing = loop {
            let missing = self.missing(&rows);
            if missing == 0 || Instant::now() > deadline {
                break missing;
            }
            sleep(POLL).await;
        };
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = rows.iter().filter_map(|(id, written)| {
            let took = arrivals.get(id)?.duration_since(*written);
            Some(took.try_into().unwrap_or_default())
        });
        Ok(Lag { behind: Latencies::of(behind), missing })
    }

    fn missing(&self, rows: &[(Uuid, Timestamp)]) -> usize {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        rows.iter().filter(|(id, _)| !arrivals.contains_key(id)).count()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Waits for the topic, and takes all its partitions.
fn assigned(consumer: BaseConsumer, topic: &str) -> anyhow::Result<BaseConsumer> {
    let until = std::time::Instant::now() + TOPIC;
    let partitions = loop {
        // All topics: asking for one that is not there would make it, with a number of partitions that is not the relay's.
        let metadata = consumer.fetch_metadata(None, METADATA)?;
        if let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) {
            break found.partitions().len();
        }
        anyhow::ensure!(std::time::Instant::now() < until, "there is no topic {topic}");
        thread::sleep(POLL);
    };
    let mut assignment = TopicPartitionList::new();
    for partition in 0..i32::try_from(partitions)? {
        assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    Ok(consumer)
}
