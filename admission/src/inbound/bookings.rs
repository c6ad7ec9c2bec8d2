//! What becomes of bookings, as the booking pipeline tells it on Kafka. All replicas are one group: each confirmation reaches one of them, and
//! again another one where that died before it was dealt with. No one waits for it: while Kafka is away, sessions last as long as they are
//! renewed.

use std::sync::Arc;
use std::time::Duration;

use goticket_contracts::events::{BOOKINGS_TOPIC, DomainEvent};
use goticket_domain::queue::QueueError;
use goticket_platform::config::KafkaConfig;
use goticket_platform::kafka::{self, BatchSize, Batches, Handle};
use goticket_platform::shutdown::Shutdown;
use rdkafka::error::KafkaResult;
use tokio::time::sleep;

use crate::app::WaitingRoomService;

/// The consumer group, without the deployment's prefix.
const GROUP: &str = "admission";
/// Domain events that are dealt with together: a crash repeats no more than these.
const SIZE: BatchSize = BatchSize { most: 1_000, linger: Duration::from_millis(20) };
/// Between two looks for the topic, which the relay makes.
const TOPIC_PAUSE: Duration = Duration::from_secs(2);

/// Joins the group. The topic must be there.
pub fn subscribe(config: &KafkaConfig) -> KafkaResult<Batches<DomainEvent>> {
    Batches::subscribe(config, GROUP, BOOKINGS_TOPIC, SIZE)
}

/// Ends the sessions of those whose booking is confirmed, until the shutdown.
pub fn follow_bookings(service: &Arc<WaitingRoomService>, config: KafkaConfig, shutdown: &Shutdown) {
    let (service, stop) = (SessionEnds(Arc::clone(service)), shutdown.token());
    shutdown.spawn("ends of sessions", async move {
        if let Some(batches) = stop.run_until_cancelled(subscribed(&config)).await {
            batches.run(service, stop).await;
        }
    });
}

async fn subscribed(config: &KafkaConfig) -> Batches<DomainEvent> {
    loop {
        let found = match kafka::has_topic(config, BOOKINGS_TOPIC).await {
            Ok(true) => subscribe(config).map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        match found {
            Ok(Some(batches)) => return batches,
            Ok(None) => tracing::debug!("the topic of bookings is not there yet"),
            Err(error) => tracing::warn!(%error, "bookings cannot be followed: sessions last as long as they are renewed"),
        }
        sleep(TOPIC_PAUSE).await;
    }
}

struct SessionEnds(Arc<WaitingRoomService>);

impl Handle<DomainEvent> for SessionEnds {
    type Error = QueueError;

    async fn handle(&self, events: &[DomainEvent]) -> Result<(), QueueError> {
        self.0.end_booked(events).await.map(|_| ())
    }
}
