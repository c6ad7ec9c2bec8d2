//! Domain events from Kafka, for the notifier.

use goticket_contracts::events::{BOOKINGS_TOPIC, DomainEvent};
use goticket_platform::{
    config::KafkaConfig,
    kafka::{Batch, BatchSize, Batches, Handle},
};
use rdkafka::error::KafkaResult;
use tokio_util::sync::CancellationToken;

use crate::{
    app::notify::{Notify, NotifyError},
    config::NotifierConfig,
};

/// The consumer group, without the deployment's prefix.
const GROUP: &str = "notifier";

/// The notifier's place in the log.
pub struct DomainEvents(Batches<DomainEvent>);

impl DomainEvents {
    /// Joins the group.
    pub fn subscribe(kafka: &KafkaConfig, config: &NotifierConfig) -> KafkaResult<Self> {
        let size = BatchSize { most: config.batch_max.get(), linger: config.linger_ms.millis() };
        Batches::subscribe(kafka, GROUP, BOOKINGS_TOPIC, size).map(Self)
    }

    /// The next events, as soon as there is one.
    pub async fn next_batch(&self) -> Batch<DomainEvent> {
        self.0.next().await
    }

    /// Everything up to the end of this batch is dealt with.
    pub fn commit(&self, batch: &Batch<DomainEvent>) -> KafkaResult<()> {
        self.0.commit(batch)
    }

    /// Lets `notify` deal with everything, in order, until `stop`.
    pub async fn run(self, notify: Notify, stop: CancellationToken) {
        self.0.run(notify, stop).await;
    }
}

impl Handle<DomainEvent> for Notify {
    type Error = NotifyError;

    async fn handle(&self, events: &[DomainEvent]) -> Result<(), NotifyError> {
        self.tell(events).await.map(|_| ())
    }
}
