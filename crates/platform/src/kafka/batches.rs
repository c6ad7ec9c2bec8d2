//! A topic of JSON, in batches; a batch's offsets are committed after it was dealt with, so what is in the middle of it at a crash comes again.

use std::{fmt, marker::PhantomData, time::Duration};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _, StreamConsumer},
    error::KafkaResult,
    message::BorrowedMessage,
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::consumer;
use crate::config::KafkaConfig;

/// Pauses after failures grow from the first to the second.
const BACK_OFF_MIN: Duration = Duration::from_millis(200);
const BACK_OFF_MAX: Duration = Duration::from_secs(5);

/// How much is dealt with together.
#[derive(Clone, Copy, Debug)]
pub struct BatchSize {
    /// Records.
    pub most: u16,
    /// How long a batch waits for more of them.
    pub linger: Duration,
}

/// Whoever deals with what was read.
pub trait Handle<T>: Send + Sync {
    /// Why it is not dealt with yet.
    type Error: fmt::Display + Send;

    /// Deals with all of these, in order. After an error it is asked again, with the same ones.
    fn handle(&self, records: &[T]) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A group's place in a topic.
pub struct Batches<T> {
    consumer: StreamConsumer,
    group: &'static str,
    size: BatchSize,
    reads: PhantomData<fn() -> T>,
}

/// Consecutive records and where they end.
pub struct Batch<T> {
    /// What could be read of them.
    pub records: Vec<T>,
    ends: TopicPartitionList,
}

impl<T: DeserializeOwned + Send + Sync> Batches<T> {
    /// Joins the group. Its name and the topic's are those without the deployment's prefix. The topic must be there: who subscribes to one that
    /// is not hears of it only minutes after it is.
    pub fn subscribe(config: &KafkaConfig, group: &'static str, topic: &str, size: BatchSize) -> KafkaResult<Self> {
        let consumer = consumer(config, group)?;
        consumer.subscribe(&[&config.prefixed(topic)])?;
        Ok(Self { consumer, group, size, reads: PhantomData })
    }

    /// The next records, as soon as there is one.
    pub async fn next(&self) -> Batch<T> {
        let mut batch = Batch { records: Vec::new(), ends: TopicPartitionList::new() };
        batch.add(&self.record().await, self.group);
        let deadline = Instant::now() + self.size.linger;
        for _ in 1..self.size.most {
            match timeout_at(deadline, self.consumer.recv()).await {
                Ok(Ok(message)) => batch.add(&message, self.group),
                Ok(Err(error)) => {
                    tracing::warn!(group = self.group, %error, "Kafka");
                    break;
                }
                Err(_) => break,
            }
        }
        batch
    }

    /// An outage leaves hundreds of error reports in the consumer's queue, before the first record: a pause after each would outlast the
    /// outage by far. The client paces its own attempts.
    async fn record(&self) -> BorrowedMessage<'_> {
        loop {
            match self.consumer.recv().await {
                Ok(message) => return message,
                Err(error) => tracing::warn!(group = self.group, %error, "Kafka"),
            }
        }
    }

    /// Everything up to the end of this batch is dealt with.
    pub fn commit(&self, batch: &Batch<T>) -> KafkaResult<()> {
        self.consumer.commit(&batch.ends, CommitMode::Async)
    }

    /// Lets `by` deal with everything, in order, until `stop`.
    pub async fn run(self, by: impl Handle<T>, stop: CancellationToken) {
        while let Some(batch) = stop.run_until_cancelled(self.next()).await {
            let mut back_off = BACK_OFF_MIN;
            while let Err(error) = by.handle(&batch.records).await {
                tracing::warn!(group = self.group, %error, "domain events are not dealt with: trying again");
                if stop.run_until_cancelled(sleep(back_off)).await.is_none() {
                    return;
                }
                back_off = (back_off * 2).min(BACK_OFF_MAX);
            }
            if let Err(error) = self.commit(&batch) {
                // The group's partitions may have moved; whoever has them now begins a little earlier.
                tracing::warn!(group = self.group, %error, "offsets not committed");
            }
        }
    }
}

impl<T: DeserializeOwned> Batch<T> {
    /// A record that cannot be read is counted and passed over: it must not block its partition.
    fn add(&mut self, message: &BorrowedMessage<'_>, group: &'static str) {
        match serde_json::from_slice(message.payload().unwrap_or_default()) {
            Ok(record) => self.records.push(record),
            Err(error) => {
                metrics::counter!("goticket_records_skipped_total", "group" => group).increment(1);
                let (partition, offset) = (message.partition(), message.offset());
                tracing::warn!(group, partition, offset, %error, "a record is no domain event");
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
