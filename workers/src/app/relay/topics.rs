//! What the topics must be like, whoever creates them.

use std::time::Duration;

use goticket_contracts::events::TOPICS;
use goticket_platform::kafka::Topic;

use super::RelayConfig;

/// Kafka keeps a record for so much longer than the outbox keeps its row: the audit looks for every row in the log, and must not
/// take for lost what Kafka was told to forget. Kafka's own default would be seven days in all.
const LOG_OUTLIVES_OUTBOX_DAYS: u64 = 7;

impl RelayConfig {
    /// Every topic. One that exists keeps what it was created with.
    pub(crate) fn topics(&self) -> [Topic; TOPICS.len()] {
        let days = u64::from(self.retention_days.get()) + LOG_OUTLIVES_OUTBOX_DAYS;
        let (partitions, retention) = (i32::from(self.topic_partitions.get()), Duration::from_hours(24 * days));
        TOPICS.map(|name| Topic { name: name.to_owned(), partitions, retention })
    }
}
