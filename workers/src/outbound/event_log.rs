//! The log that domain events are appended to: Kafka.

use std::{collections::VecDeque, time::Duration};

use goticket_contracts::events::BOOKINGS_TOPIC;
use goticket_platform::{
    config::KafkaConfig,
    kafka::{self, Topic},
};
use goticket_storage::outbox::relay::OutboxRow;
use rdkafka::{
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{DeliveryFuture, FutureProducer, FutureRecord},
};

/// Structured mode of the CloudEvents binding for Kafka.
const CONTENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";

/// How long to wait for room in a full queue of which nothing is ours.
const FULL_PAUSE: Duration = Duration::from_millis(20);

/// Appends rows in order. Its producer is made at first use and again after a failure.
pub struct EventLog {
    config: KafkaConfig,
    producer: Option<FutureProducer>,
}

impl EventLog {
    /// Connects when there is something to append.
    pub fn new(config: KafkaConfig) -> Self {
        Self { config, producer: None }
    }

    /// Creates those of these topics that are not there yet.
    pub async fn ensure_topics(&self, topics: &[Topic]) -> KafkaResult<()> {
        kafka::ensure_topics(&self.config, topics).await
    }

    /// Appends `rows` and waits until every one is acknowledged, for as long as that takes. After an error, some of them may
    /// have been appended, and of each event only the first ones: appending all of them again, by whomever, keeps its order, because
    /// whoever skips an id they have seen reads the same series. Dropping the future leaves it to the producer what is still sent.
    pub async fn append(&mut self, rows: &[OutboxRow]) -> KafkaResult<()> {
        let producer = match &self.producer {
            Some(producer) => producer,
            None => self.producer.insert(kafka::ordered_producer(&self.config)?),
        };
        let outcome = append(producer, &self.config, rows).await;
        if outcome.is_err() {
            self.give_up().await;
        }
        outcome
    }

    /// Drops the producer with whatever it has not sent.
    pub async fn give_up(&mut self) {
        if let Some(producer) = self.producer.take() {
            // Waits for the producer's threads.
            let _ = tokio::task::spawn_blocking(move || drop(producer)).await;
        }
    }
}

async fn append(producer: &FutureProducer, config: &KafkaConfig, rows: &[OutboxRow]) -> KafkaResult<()> {
    let mut unacknowledged = VecDeque::with_capacity(rows.len());
    for row in rows {
        let delivery = enqueue(producer, config, row, &mut unacknowledged).await?;
        unacknowledged.push_back(delivery);
    }
    while let Some(delivery) = unacknowledged.pop_front() {
        acknowledged(delivery).await?;
    }
    Ok(())
}

/// Waits for acknowledgements of earlier rows while the producer's queue is full: it is bounded, whatever Kafka does.
async fn enqueue(
    producer: &FutureProducer,
    config: &KafkaConfig,
    row: &OutboxRow,
    earlier: &mut VecDeque<DeliveryFuture>,
) -> KafkaResult<DeliveryFuture> {
    let (topic, key) = (config.prefixed(BOOKINGS_TOPIC), row.event.to_string());
    let headers = OwnedHeaders::new().insert(Header { key: "content-type", value: Some(CONTENT_TYPE) });
    let mut record = FutureRecord::to(&topic).key(&key).payload(&row.body).headers(headers);
    loop {
        match producer.send_result(record) {
            Ok(delivery) => return Ok(delivery),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => record = refused,
            Err((error, _)) => return Err(error),
        }
        match earlier.pop_front() {
            Some(delivery) => acknowledged(delivery).await?,
            None => tokio::time::sleep(FULL_PAUSE).await,
        }
    }
}

async fn acknowledged(delivery: DeliveryFuture) -> KafkaResult<()> {
    match delivery.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(error),
        Err(_) => Err(KafkaError::Canceled),
    }
}
