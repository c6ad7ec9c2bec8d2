//! Changes of seat maps, as their lane's owner publishes them in Redis.

use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::EventId;
use goticket_platform::config::RedisConfig;
use goticket_platform::redis::{Notice, Redis, Subscription, subscribe};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// A change of some seats; it leads from one version of the map to another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SeatDelta {
    pub(crate) previous: u64,
    pub(crate) version: u64,
    /// `{previous, version, changes: [[seat, state], …]}`: written once, however many readers it has.
    pub(crate) json: String,
}

/// What is heard of one event's map.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SeatNews {
    Delta(SeatDelta),
    /// The map was replaced as a whole.
    Replaced {
        version: u64,
    },
    /// Something was missed: the map has to be read.
    Missed,
}

/// A message of the owner's script.
#[derive(Deserialize)]
struct Published {
    version: u64,
    previous: Option<u64>,
    changes: Option<Vec<(u32, u8)>>,
}

#[derive(Serialize)]
struct DeltaDocument<'a> {
    previous: u64,
    version: u64,
    changes: &'a [(u32, u8)],
}

/// Where changes are heard.
pub(crate) struct SeatDeltas {
    config: RedisConfig,
    redis: Redis,
}

/// One event's changes; a connection of its own.
pub(crate) struct SeatSubscription(Subscription);

impl SeatDeltas {
    pub(crate) fn new(config: RedisConfig, redis: Redis) -> Self {
        Self { config, redis }
    }

    /// When it returns, every later change will be heard.
    pub(crate) async fn subscribe(&self, event: EventId) -> Result<SeatSubscription, Fault> {
        let keys = EventKeys::new(self.redis.prefix(), event);
        Ok(SeatSubscription(subscribe(&self.config, [keys.seat_deltas()]).await?))
    }

    /// The version the map has now; 0 where there is none.
    pub(crate) async fn version(&self, event: EventId) -> Result<u64, Fault> {
        let keys = EventKeys::new(self.redis.prefix(), event);
        let version: Option<u64> = self.redis.query(redis::cmd("GET").arg(keys.seat_map_version())).await?;
        Ok(version.unwrap_or(0))
    }
}

impl SeatSubscription {
    /// The next news. Can be cancelled without loss.
    pub(crate) async fn next(&mut self) -> SeatNews {
        match self.0.next().await {
            Notice::Message { payload, .. } => news(&payload),
            Notice::Gap => SeatNews::Missed,
        }
    }
}

fn news(payload: &[u8]) -> SeatNews {
    let read = serde_json::from_slice::<Published>(payload).and_then(|published| match published {
        Published { version, previous: Some(previous), changes: Some(changes) } => {
            let json = serde_json::to_string(&DeltaDocument { previous, version, changes: &changes })?;
            Ok(SeatNews::Delta(SeatDelta { previous, version, json }))
        }
        Published { version, .. } => Ok(SeatNews::Replaced { version }),
    });
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, "a change of a seat map that cannot be read");
        SeatNews::Missed
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_owner_publishes_is_read() {
        let delta = r#"{"previous":3,"version":9,"changes":[[17,1],[18,2]]}"#;
        let read = SeatDelta { previous: 3, version: 9, json: delta.to_owned() };
        let rows = [
            (delta, SeatNews::Delta(read)),
            (r#"{"version":9}"#, SeatNews::Replaced { version: 9 }),
            (r#"{"previous":3,"version":9}"#, SeatNews::Replaced { version: 9 }),
            ("[]", SeatNews::Missed),
            (r#"{"previous":3,"version":-1,"changes":[]}"#, SeatNews::Missed),
        ];
        for (text, expected) in rows {
            assert_eq!(news(text.as_bytes()), expected, "{text}");
        }
    }
}
