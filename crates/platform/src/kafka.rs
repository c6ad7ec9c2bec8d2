//! Kafka clients whose settings everyone must share.

mod batches;
mod ordered_log;

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _, StreamConsumer},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    producer::FutureProducer,
};

use crate::config::KafkaConfig;

pub use batches::{Batch, BatchSize, Batches, Handle};
pub use ordered_log::{Message, OrderedLog};

/// How long a broker may take to create topics.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(30);

/// The broker's own default replication factor.
const BROKER_DEFAULT: i32 = -1;

/// A topic that must exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name without the deployment's prefix.
    pub name: String,
    /// Fixed from the start: a change would move keys to other partitions and break their order.
    pub partitions: i32,
    /// How long it keeps a record.
    pub retention: Duration,
}

impl KafkaConfig {
    /// The full name of a topic or group.
    pub fn prefixed(&self, name: &str) -> String {
        format!("{}{name}", self.topic_prefix)
    }
}

fn client(config: &KafkaConfig) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", &config.brokers)
        .set("client.id", "goticket")
        .set("socket.keepalive.enable", "true")
        .set("reconnect.backoff.ms", "100")
        .set("reconnect.backoff.max.ms", "2000");
    client
}

/// A producer that neither loses, doubles nor reorders what it was given while it lives, and gives up on a message only after
/// `message_timeout_ms`. Its queue is bounded: a full one refuses the next message.
pub fn producer(config: &KafkaConfig) -> KafkaResult<FutureProducer> {
    producing(config).set("message.timeout.ms", config.message_timeout_ms.to_string()).create()
}

/// A producer of a series in which nothing may overtake what failed: it never gives up on a message by itself, and what the
/// broker refuses for good fails everything behind it, too. It is then of no use any more: make a new one, and send again from the
/// first message that was not acknowledged.
pub fn ordered_producer(config: &KafkaConfig) -> KafkaResult<FutureProducer> {
    const FOR_EVER: &str = "0";
    producing(config).set("message.timeout.ms", FOR_EVER).set("enable.gapless.guarantee", "true").create()
}

fn producing(config: &KafkaConfig) -> ClientConfig {
    let mut client = client(config);
    client
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // As Java's clients do, so that every producer sends a key to the same partition.
        .set("partitioner", "murmur2_random")
        .set("linger.ms", config.linger_ms.to_string())
        .set("request.timeout.ms", config.request_timeout_ms.to_string())
        .set("queue.buffering.max.messages", config.queue_max_messages.to_string())
        .set("queue.buffering.max.kbytes", config.queue_max_kbytes.to_string());
    client
}

/// A consumer of `group` (prefixed like the topics) that starts at the beginning and commits only when told to.
pub fn consumer(config: &KafkaConfig, group: &str) -> KafkaResult<StreamConsumer> {
    client(config)
        .set("group.id", config.prefixed(group))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("session.timeout.ms", config.session_timeout_ms.to_string())
        .set("queued.max.messages.kbytes", config.queue_max_kbytes.to_string())
        .create()
}

/// A reader of whole logs: joins no group, commits nothing, sees only what is committed there. Assign partitions yourself.
pub fn reader(config: &KafkaConfig) -> KafkaResult<BaseConsumer> {
    // librdkafka wants a group's name even of a consumer that is never part of one.
    client(config)
        .set("group.id", config.prefixed("goticket.reader"))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("queued.max.messages.kbytes", config.queue_max_kbytes.to_string())
        .create()
}

/// Whether a topic is there. Asking does not make it, as sending to it could: not as it must be.
pub async fn has_topic(config: &KafkaConfig, name: &str) -> KafkaResult<bool> {
    let (config, name) = (config.clone(), config.prefixed(name));
    let asked = tokio::task::spawn_blocking(move || {
        let metadata = reader(&config)?.fetch_metadata(Some(&name), ADMIN_TIMEOUT)?;
        Ok(metadata.topics().iter().any(|topic| topic.error().is_none() && !topic.partitions().is_empty()))
    });
    asked.await.map_err(|_| KafkaError::Canceled)?
}

/// Creates the topics that are not there. Existing ones are left alone, with their partitions and their retention.
pub async fn ensure_topics(config: &KafkaConfig, topics: &[Topic]) -> KafkaResult<()> {
    let admin: AdminClient<DefaultClientContext> = client(config).create()?;
    let texts = |topic: &Topic| (config.prefixed(&topic.name), topic.partitions, topic.retention.as_millis().to_string());
    let texts: Vec<(String, i32, String)> = topics.iter().map(texts).collect();
    let wanted: Vec<NewTopic<'_>> = texts
        .iter()
        .map(|(name, partitions, retention_ms)| {
            NewTopic::new(name, *partitions, TopicReplication::Fixed(BROKER_DEFAULT)).set("retention.ms", retention_ms)
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(ADMIN_TIMEOUT)).request_timeout(Some(ADMIN_TIMEOUT));
    for result in admin.create_topics(&wanted, &options).await? {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => {
                tracing::error!(topic, %code, "topic cannot be created");
                return Err(KafkaError::AdminOp(code));
            }
        }
    }
    Ok(())
}
