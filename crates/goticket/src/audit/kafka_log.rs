//! Reading the whole Kafka log back and holding it against the outbox.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::Context as _;
use goticket_contracts::events::BOOKINGS_TOPIC;
use goticket_platform::config::KafkaConfig;
use goticket_storage::audit::CommittedEvent;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::metadata::{MetadataPartition, MetadataTopic};
use rdkafka::{Message as _, Offset, TopicPartitionList};
use serde::Deserialize;
use uuid::Uuid;

/// How long the broker may be silent before the audit gives up.
const SILENCE: Duration = Duration::from_secs(20);

/// One record: its place in a partition and the CloudEvents id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogRecord {
    /// CloudEvents id.
    pub id: Uuid,
    /// Partition, for the order.
    pub partition: i32,
}

#[derive(Deserialize)]
struct Envelope {
    id: Uuid,
}

/// Every record about bookings, in log order per partition.
pub(crate) async fn read(config: &KafkaConfig) -> anyhow::Result<Vec<LogRecord>> {
    let config = config.clone();
    tokio::task::spawn_blocking(move || {
        let mut records = Vec::new();
        let name = config.prefixed(BOOKINGS_TOPIC);
        read_topic(&config, &name, &mut records).with_context(|| format!("cannot read the topic {name}"))?;
        Ok(records)
    })
    .await?
}

fn read_topic(config: &KafkaConfig, topic: &str, records: &mut Vec<LogRecord>) -> anyhow::Result<()> {
    let consumer: BaseConsumer = goticket_platform::kafka::reader(config)?;
    let metadata = consumer.fetch_metadata(Some(topic), SILENCE)?;
    let partitions: Vec<i32> = metadata.topics().iter().flat_map(MetadataTopic::partitions).map(MetadataPartition::id).collect();
    let mut unread = HashMap::new();
    let mut assignment = TopicPartitionList::new();
    for partition in partitions {
        let (low, high) = consumer.fetch_watermarks(topic, partition, SILENCE)?;
        if high > low {
            unread.insert(partition, high);
            assignment.add_partition_offset(topic, partition, Offset::Offset(low))?;
        }
    }
    consumer.assign(&assignment)?;
    while !unread.is_empty() {
        let message = consumer.poll(SILENCE).context("the broker fell silent before the end of the log")??;
        let envelope: Envelope = serde_json::from_slice(message.payload().unwrap_or_default())
            .with_context(|| format!("partition {} offset {} is no CloudEvent", message.partition(), message.offset()))?;
        records.push(LogRecord { id: envelope.id, partition: message.partition() });
        if unread.get(&message.partition()).is_some_and(|high| message.offset() + 1 >= *high) {
            unread.remove(&message.partition());
        }
    }
    Ok(())
}

/// What differs between the outbox and the log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LogComparison {
    /// Committed, not in the log.
    pub missing: Vec<String>,
    /// Records beyond the first of one id.
    pub doubled: u64,
    /// Published after a later one of the same event.
    pub out_of_order: Vec<String>,
}

impl LogComparison {
    /// Compares; both in their own order. Of a doubled record the first counts; records of other events are passed over.
    pub(crate) fn of(committed: &[CommittedEvent], log: &[LogRecord]) -> Self {
        let ours: HashSet<Uuid> = committed.iter().map(|event| event.id).collect();
        let mut position = HashMap::new();
        let mut comparison = Self::default();
        for (at, record) in log.iter().enumerate().filter(|(_, record)| ours.contains(&record.id)) {
            match position.entry(record.id) {
                Entry::Vacant(entry) => drop(entry.insert((record.partition, at))),
                Entry::Occupied(_) => comparison.doubled += 1,
            }
        }
        let mut last: HashMap<Uuid, (i32, usize)> = HashMap::new();
        for event in committed {
            let Some(found) = position.get(&event.id) else {
                comparison.missing.push(event.id.to_string());
                continue;
            };
            let before = last.insert(event.event, *found);
            if before.is_some_and(|before| before.0 != found.0 || before.1 > found.1) {
                comparison.out_of_order.push(event.id.to_string());
            }
        }
        comparison
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(ids: &[u128]) -> Vec<CommittedEvent> {
        let one = |id: &u128| CommittedEvent { id: Uuid::from_u128(*id), event: Uuid::nil() };
        ids.iter().map(one).collect()
    }

    fn log(ids: &[u128]) -> Vec<LogRecord> {
        ids.iter().map(|id| LogRecord { id: Uuid::from_u128(*id), partition: 0 }).collect()
    }

    #[test]
    fn the_log_is_held_against_the_outbox() {
        // outbox, log → missing, doubled, out of order
        type Row<'a> = (&'a [u128], &'a [u128], usize, u64, usize);
        let rows: [Row<'_>; 6] = [
            (&[], &[], 0, 0, 0),
            (&[1, 2, 3], &[1, 2, 3], 0, 0, 0),
            (&[1, 2, 3], &[1, 3], 1, 0, 0),
            (&[1, 2, 3], &[1, 2, 2, 3, 1], 0, 2, 0),
            (&[1, 2, 3], &[2, 1, 3], 0, 0, 1),
            (&[1], &[9, 9, 1], 0, 0, 0),
        ];
        for (outbox, found, missing, doubled, out_of_order) in rows {
            let c = LogComparison::of(&committed(outbox), &log(found));
            assert_eq!(
                (c.missing.len(), c.doubled, c.out_of_order.len()),
                (missing, doubled, out_of_order),
                "{outbox:?} {found:?}"
            );
        }
    }

    #[test]
    fn one_event_on_two_partitions_has_no_order() {
        let mut found = log(&[1, 2]);
        found[1].partition = 1;
        assert_eq!(LogComparison::of(&committed(&[1, 2]), &found).out_of_order.len(), 1);
    }
}
