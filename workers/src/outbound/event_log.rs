//! The log that domain events are appended to: Kafka.

use goticket_contracts::events::BOOKINGS_TOPIC;
use goticket_platform::{
    config::KafkaConfig,
    kafka::{self, Message, OrderedLog, Topic},
};
use goticket_storage::outbox::relay::OutboxRow;
use rdkafka::error::KafkaResult;

/// Appends rows in order.
pub struct EventLog {
    config: KafkaConfig,
    log: OrderedLog,
}

impl EventLog {
    /// Connects when there is something to append.
    pub fn new(config: KafkaConfig) -> Self {
        Self { log: OrderedLog::new(config.clone(), BOOKINGS_TOPIC), config }
    }

    /// Creates those of these topics that are not there yet.
    pub async fn ensure_topics(&self, topics: &[Topic]) -> KafkaResult<()> {
        kafka::ensure_topics(&self.config, topics).await
    }

    /// Appends `rows` and waits until every one is acknowledged; see [`OrderedLog::append`].
    pub async fn append(&mut self, rows: &[OutboxRow]) -> KafkaResult<()> {
        let messages: Vec<Message<'_>> = rows.iter().map(|row| Message { key: row.event.to_string(), body: &row.body }).collect();
        self.log.append(&messages).await
    }

    /// Drops the producer with whatever it has not sent.
    pub async fn give_up(&mut self) {
        self.log.give_up().await;
    }
}
