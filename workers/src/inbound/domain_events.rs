//! Domain events from Kafka, in batches; a batch's offsets are committed after it was dealt with, so what is in the middle of it at
//! a crash comes again.

use std::time::Duration;

use goticket_contracts::events::{BOOKINGS_TOPIC, DomainEvent};
use goticket_platform::{config::KafkaConfig, kafka};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _, StreamConsumer},
    error::KafkaResult,
    message::BorrowedMessage,
};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{app::notify::Notify, config::NotifierConfig};

/// The consumer group, without the deployment's prefix.
const GROUP: &str = "notifier";

/// Pauses after failures grow from the first to the second.
const BACK_OFF_MIN: Duration = Duration::from_millis(200);
const BACK_OFF_MAX: Duration = Duration::from_secs(5);

/// The notifier's place in the log.
pub struct DomainEvents {
    consumer: StreamConsumer,
    config: NotifierConfig,
}

/// Consecutive events and where they end.
pub struct Batch {
    /// What could be read of them.
    pub events: Vec<DomainEvent>,
    ends: TopicPartitionList,
}

impl DomainEvents {
    /// Joins the group.
    pub fn subscribe(kafka: &KafkaConfig, config: NotifierConfig) -> KafkaResult<Self> {
        let consumer = kafka::consumer(kafka, GROUP)?;
        consumer.subscribe(&[&kafka.prefixed(BOOKINGS_TOPIC)])?;
        Ok(Self { consumer, config })
    }

    /// The next events, as soon as there is one.
    pub async fn next_batch(&self) -> Batch {
        let mut batch = Batch { events: Vec::new(), ends: TopicPartitionList::new() };
        batch.add(&self.next().await);
        let deadline = Instant::now() + self.config.linger_ms.millis();
        for _ in 1..self.config.batch_max.get() {
            match timeout_at(deadline, self.consumer.recv()).await {
                Ok(Ok(message)) => batch.add(&message),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "notifier: Kafka");
                    break;
                }
                Err(_) => break,
            }
        }
        batch
    }

    /// An outage leaves hundreds of error reports in the consumer's queue, before the first record: a pause after each would outlast the
    /// outage by far. The client paces its own attempts.
    async fn next(&self) -> BorrowedMessage<'_> {
        loop {
            match self.consumer.recv().await {
                Ok(message) => return message,
                Err(error) => tracing::warn!(%error, "notifier: Kafka"),
            }
        }
    }

    /// Everything up to the end of this batch is dealt with.
    pub fn commit(&self, batch: &Batch) -> KafkaResult<()> {
        self.consumer.commit(&batch.ends, CommitMode::Async)
    }

    /// Lets `notify` deal with everything, in order, until `stop`.
    pub async fn run(self, notify: Notify, stop: CancellationToken) {
        while let Some(batch) = stop.run_until_cancelled(self.next_batch()).await {
            let mut back_off = BACK_OFF_MIN;
            while let Err(error) = notify.tell(&batch.events).await {
                tracing::warn!(%error, "notifier: trying again");
                if stop.run_until_cancelled(sleep(back_off)).await.is_none() {
                    return;
                }
                back_off = (back_off * 2).min(BACK_OFF_MAX);
            }
            if let Err(error) = self.commit(&batch) {
                // The group's partitions may have moved; whoever has them now begins a little earlier.
                tracing::warn!(%error, "notifier: offsets not committed");
            }
        }
    }
}

impl Batch {
    /// A record that is no domain event is counted and passed over: it must not block its partition.
    fn add(&mut self, message: &BorrowedMessage<'_>) {
        match serde_json::from_slice(message.payload().unwrap_or_default()) {
            Ok(event) => self.events.push(event),
            Err(error) => {
                metrics::counter!("goticket_notifier_skipped_total").increment(1);
                let (partition, offset) = (message.partition(), message.offset());
                tracing::warn!(partition, offset, %error, "a record is no domain event");
            }
        }
        let (topic, partition) = (message.topic(), message.partition());
        let mut end = match self.ends.find_partition(topic, partition) {
            Some(known) => known,
            None => self.ends.add_partition(topic, partition),
        };
        // Only invalid numbers are refused.
        let _ = end.set_offset(Offset::Offset(message.offset() + 1));
    }
}
