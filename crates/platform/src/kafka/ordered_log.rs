//! A topic that is appended to in order, by one producer at a time.

use std::{collections::VecDeque, time::Duration};

use rdkafka::{
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{DeliveryFuture, FutureProducer, FutureRecord},
};

use super::ordered_producer;
use crate::config::KafkaConfig;

/// Structured mode of the CloudEvents binding for Kafka.
const CONTENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";

/// How long to wait for room in a full queue of which nothing is ours.
const FULL_PAUSE: Duration = Duration::from_millis(20);

/// A CloudEvent, and the key whose order it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The key.
    pub key: String,
    /// JSON.
    pub body: &'a str,
}

/// Appends messages in order. Its producer is made at first use and again after a failure.
pub struct OrderedLog {
    config: KafkaConfig,
    topic: String,
    producer: Option<FutureProducer>,
}

impl OrderedLog {
    /// Connects when there is something to append. The topic is named without the deployment's prefix.
    pub fn new(config: KafkaConfig, topic: &str) -> Self {
        Self { topic: config.prefixed(topic), config, producer: None }
    }

    /// Appends the messages and waits until every one is acknowledged, for as long as that takes. After an error, some of them may
    /// have been appended, and of each key only the first ones: appending all of them again, by whomever, keeps its order, because
    /// whoever skips an id they have seen reads the same series. Dropping the future leaves it to the producer what is still sent.
    pub async fn append(&mut self, messages: &[Message<'_>]) -> KafkaResult<()> {
        let producer = match &self.producer {
            Some(producer) => producer,
            None => self.producer.insert(ordered_producer(&self.config)?),
        };
        let outcome = append(producer, &self.topic, messages).await;
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

async fn append(producer: &FutureProducer, topic: &str, messages: &[Message<'_>]) -> KafkaResult<()> {
    let mut unacknowledged = VecDeque::with_capacity(messages.len());
    for message in messages {
        let delivery = enqueue(producer, topic, message, &mut unacknowledged).await?;
        unacknowledged.push_back(delivery);
    }
    while let Some(delivery) = unacknowledged.pop_front() {
        acknowledged(delivery).await?;
    }
    Ok(())
}

/// Waits for acknowledgements of earlier messages while the producer's queue is full: it is bounded, whatever Kafka does.
async fn enqueue(
    producer: &FutureProducer,
    topic: &str,
    message: &Message<'_>,
    earlier: &mut VecDeque<DeliveryFuture>,
) -> KafkaResult<DeliveryFuture> {
    let headers = OwnedHeaders::new().insert(Header { key: "content-type", value: Some(CONTENT_TYPE) });
    let mut record = FutureRecord::to(topic).key(&message.key).payload(message.body).headers(headers);
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
