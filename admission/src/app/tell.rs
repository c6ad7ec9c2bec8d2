//! What happens in our rooms is told to the world: their logs go to Kafka, of each room in order, at least once.
//!
//! The owner of a room reads behind its cursor, appends, waits for every acknowledgement, and moves the cursor under its epoch and from where
//! it found it. Killed in between, its successor appends the same again, with the same ids. No one waits for it: while Kafka is away, fans
//! join and are admitted, and the logs keep what is to be told.

use std::sync::Arc;
use std::time::Duration;

use goticket_contracts::queue_events::{QUEUE_TOPIC, QueueEvent};
use goticket_domain::EventId;
use goticket_domain::queue::LogEntry;
use goticket_platform::config::KafkaConfig;
use goticket_platform::kafka::{self, Message, OrderedLog};
use goticket_platform::shutdown::Shutdown;
use goticket_storage::queue_relay::{self, Cursor};
use goticket_storage::rooms::log_after;
use goticket_storage::{StorageError, answered, queue_log};
use rdkafka::error::KafkaError;
use sqlx::PgPool;
use tokio::time::sleep;

use super::WaitingRoomService;

/// Segments, and changes by operators, that are told together: a second of the largest rush.
const TOLD_AT_ONCE: u32 = 200;
/// After everything was told.
const PAUSE: Duration = Duration::from_millis(250);
/// While the topic is not there: to look for it costs a connection.
const PAUSE_TOPIC: Duration = Duration::from_secs(2);
/// After something was not.
const PAUSE_FAILED: Duration = Duration::from_secs(1);

/// Tells of the rooms of one replica.
pub struct Teller {
    service: Arc<WaitingRoomService>,
    kafka: KafkaConfig,
    log: OrderedLog,
    topic_seen: bool,
}

/// Why something was not told. It is told later.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// Postgres did not do its part.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Kafka refused something for good.
    #[error("Kafka does not take what happens in waiting rooms: {0}")]
    Kafka(#[from] KafkaError),
}

/// What is to be told next of one room.
struct Stretch {
    to: Cursor,
    events: Vec<QueueEvent>,
}

impl Teller {
    /// Connects to Kafka when there is something to tell.
    pub fn new(service: Arc<WaitingRoomService>, kafka: KafkaConfig) -> Self {
        Self { service, log: OrderedLog::new(kafka.clone(), QUEUE_TOPIC), kafka, topic_seen: false }
    }

    /// Tells the next stretch of each of our rooms; returns how many messages that were. None before the relay has made the topic.
    pub async fn tell_once(&mut self) -> Result<usize, TellError> {
        let pool = self.service.pool.clone();
        let ours: Vec<EventId> = self.service.ownership.rooms().into_iter().map(|(event, _)| event).collect();
        if ours.is_empty() {
            return Ok(0);
        }
        if !self.topic_seen {
            self.topic_seen = kafka::has_topic(&self.kafka, QUEUE_TOPIC).await?;
            if !self.topic_seen {
                tracing::debug!("the topic of the waiting rooms is not there yet");
                return Ok(0);
            }
        }
        let mut told = 0;
        for from in answered(queue_relay::behind(&pool, &ours)).await? {
            // Before it is read: whoever owns it next reads at least as much.
            let Some(epoch) = self.service.ownership.epoch(from.event) else { continue };
            let Stretch { to, events } = stretch(&pool, from).await?;
            let bodies: Vec<String> = events.iter().filter_map(|event| serde_json::to_string(event).ok()).collect();
            let key = from.event.to_string();
            let messages: Vec<Message<'_>> = bodies.iter().map(|body| Message { key: key.clone(), body }).collect();
            self.log.append(&messages).await?;
            told += messages.len();
            if !answered(queue_relay::advance(&pool, epoch, from, to)).await? {
                tracing::info!(event = %from.event, "another replica tells of this room: some was told twice, with the same ids");
            }
        }
        metrics::counter!("admission_told_total").increment(told as u64);
        Ok(told)
    }

    /// Until the shutdown. What is on its way then is told again by the next owner.
    async fn run(mut self, shutdown: Shutdown) {
        let end = shutdown.token();
        let mut failing = false;
        while !end.is_cancelled() {
            let Some(step) = end.run_until_cancelled(self.tell_once()).await else { break };
            if std::mem::replace(&mut failing, step.is_err()) != step.is_err() {
                match &step {
                    Ok(_) => tracing::info!("what happens in waiting rooms is told again"),
                    Err(error) => tracing::warn!(%error, "what happens in waiting rooms is not told: it is kept"),
                }
            }
            let pause = match step {
                Ok(0) if !self.topic_seen => PAUSE_TOPIC,
                Ok(0) => PAUSE,
                Ok(_) => Duration::ZERO,
                Err(_) => PAUSE_FAILED,
            };
            let _ = end.run_until_cancelled(sleep(pause)).await;
        }
        self.log.give_up().await;
    }
}

/// Tells what happens in the rooms of this replica, until the shutdown.
pub fn tell(service: &Arc<WaitingRoomService>, kafka: KafkaConfig, shutdown: &Shutdown) {
    let teller = Teller::new(Arc::clone(service), kafka);
    shutdown.spawn("queue events", teller.run(shutdown.clone()));
}

/// What comes next in both logs, by the time at which it was written.
async fn stretch(pool: &PgPool, from: Cursor) -> Result<Stretch, StorageError> {
    let segments = answered(queue_log::read(pool, from.event, from.position, TOLD_AT_ONCE)).await?;
    let changes: Vec<LogEntry> = answered(log_after(pool, from.event, from.changes, TOLD_AT_ONCE)).await?;
    if segments.first().is_some_and(|segment| segment.first != from.position) {
        return Err(StorageError::Unexpected(format!("the log of room {} is broken at entry {}", from.event, from.position)));
    }
    let to = Cursor {
        position: segments.last().map_or(from.position, goticket_domain::queue::Segment::end),
        changes: changes.last().map_or(from.changes, |change| change.number),
        ..from
    };
    let moved = segments.iter().flat_map(|segment| QueueEvent::of_segment(from.event, segment)).collect();
    let changed = changes.iter().map(|change| QueueEvent::of_change(from.event, change)).collect();
    Ok(Stretch { to, events: merge(moved, changed) })
}

/// By time, each series in its own order whatever the clock did.
fn merge(moved: Vec<QueueEvent>, changed: Vec<QueueEvent>) -> Vec<QueueEvent> {
    let mut merged = Vec::with_capacity(moved.len() + changed.len());
    let mut changed = changed.into_iter().peekable();
    for event in moved {
        while let Some(before) = changed.next_if(|change| change.time <= event.time) {
            merged.push(before);
        }
        merged.push(event);
    }
    merged.extend(changed);
    merged
}
