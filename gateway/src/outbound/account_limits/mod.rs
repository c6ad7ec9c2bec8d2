//! How much of the queue one account may fill, counted in Redis. While Redis is away nobody is counted.

use std::time::Duration;

use goticket_contracts::redis_keys;
use goticket_domain::AccountId;
use goticket_domain::booking::{IdempotencyKey, PayloadHash, Refusal};
use goticket_platform::redis::Redis;
use redis::Script;
use serde::{Deserialize, Serialize};

use crate::config::GatewayConfig;
use crate::fault::Fault;

/// In which refusals are counted.
const MINUTE: Duration = Duration::from_mins(1);

/// How long an undecided request counts. Longer than any queue takes to be worked off.
const UNDECIDED_LIFE: Duration = Duration::from_hours(1);

/// How long copies of a request are told what it was told: as long as those that were sent at once may be on their way.
const COPIES: Duration = Duration::from_secs(3);

/// What copies of a request are told that was refused before the queue.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// A copy asks for the same.
    pub(crate) payload_hash: PayloadHash,
    pub(crate) refusal: Refusal,
}

/// Whether a request may go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Admitted {
    /// Counted from now on.
    New,
    /// It came before, is not known to be decided, and must be sent: what is in its way may be its own booking.
    Known,
    /// One of this key was refused a moment ago.
    Told(Told),
    /// So many are undecided already, as far as is known: these.
    TooManyUndecided(Vec<String>),
    /// So many were refused in this minute, which is over then.
    TooManyRefusals(Duration),
}

/// See the module.
pub(crate) struct AccountLimits {
    redis: Redis,
    admit: Script,
    settle: Script,
    refuse: Script,
    undecided_max: u32,
    refusals_per_min: u32,
}

impl AccountLimits {
    pub(crate) fn new(redis: Redis, config: &GatewayConfig) -> Self {
        Self {
            redis,
            admit: Script::new(include_str!("admit.lua")),
            settle: Script::new(include_str!("settle.lua")),
            refuse: Script::new(include_str!("refuse.lua")),
            undecided_max: config.undecided_max.get(),
            refusals_per_min: config.refusals_per_min.get(),
        }
    }

    /// Counts a request that is about to be sent.
    pub(crate) async fn admit(&self, account: AccountId, key: &IdempotencyKey) -> Result<Admitted, Fault> {
        let args = (key.as_str(), self.undecided_max, self.refusals_per_min, millis(UNDECIDED_LIFE), millis(COPIES));
        let mut answer: Vec<String> = self.redis.eval(&self.admit, &self.keys_of(account, key), args).await?;
        let rest = answer.split_off(answer.len().min(1));
        match answer.first().map(String::as_str) {
            Some("new") => Ok(Admitted::New),
            Some("known") => Ok(Admitted::Known),
            Some("told") => {
                let told = rest.first().and_then(|told| serde_json::from_str(told).ok());
                told.map(Admitted::Told).ok_or_else(|| Fault::Bug(format!("what copies are told is {rest:?}")))
            }
            Some("undecided") => Ok(Admitted::TooManyUndecided(rest)),
            Some("refused") => {
                let left = rest.first().and_then(|ms| ms.parse().ok()).map_or(MINUTE, Duration::from_millis);
                Ok(Admitted::TooManyRefusals(left))
            }
            other => Err(Fault::Bug(format!("admit.lua answered {other:?}"))),
        }
    }

    /// This one is decided, or was not sent after all. Whoever comes with it in the next minute is known.
    pub(crate) async fn settle(&self, account: AccountId, key: &IdempotencyKey, refused: bool) {
        self.note_decided(account, &self.keys_of(account, key), &[key.as_str()], usize::from(refused)).await;
    }

    /// These are decided, so many of them refused.
    pub(crate) async fn settle_all(&self, account: AccountId, keys: &[&str], refused: usize) {
        self.note_decided(account, &self.keys(account), keys, refused).await;
    }

    /// Losing it costs a look into the database when the account comes to its limit.
    async fn note_decided(&self, account: AccountId, redis_keys: &[String], keys: &[&str], refused: usize) {
        let mut args = vec![refused.to_string(), millis(MINUTE).to_string()];
        args.extend(keys.iter().map(|key| (*key).to_owned()));
        if let Err(error) = self.redis.eval::<()>(&self.settle, redis_keys, args).await {
            tracing::debug!(%error, %account, "a decided request still counts as undecided");
        }
    }

    /// Refuses a request that was let in, and its copies for a moment. False: copies of it went on, and so must it.
    pub(crate) async fn refuse(&self, account: AccountId, key: &IdempotencyKey, told: &Told) -> Result<bool, Fault> {
        let told = serde_json::to_string(told).map_err(|error| Fault::Bug(error.to_string()))?;
        let args = (key.as_str(), told, millis(COPIES), millis(MINUTE));
        Ok(self.redis.eval(&self.refuse, &self.keys_of(account, key), args).await?)
    }

    fn keys(&self, account: AccountId) -> [String; 2] {
        let prefix = self.redis.prefix();
        [redis_keys::undecided(prefix, account), redis_keys::refusals(prefix, account)]
    }

    fn keys_of(&self, account: AccountId, key: &IdempotencyKey) -> [String; 3] {
        let [undecided, refusals] = self.keys(account);
        [undecided, refusals, redis_keys::copies(self.redis.prefix(), account, key)]
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
