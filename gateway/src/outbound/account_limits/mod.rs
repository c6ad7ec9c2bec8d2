//! How much of the queue one account may fill, counted in Redis. While Redis is away nobody is counted.

use std::time::Duration;

use goticket_contracts::redis_keys;
use goticket_domain::AccountId;
use goticket_domain::booking::IdempotencyKey;
use goticket_platform::redis::Redis;
use redis::Script;

use crate::config::GatewayConfig;
use crate::fault::Fault;

/// In which refusals are counted.
const MINUTE: Duration = Duration::from_mins(1);

/// How long an undecided request counts. Longer than any queue takes to be worked off.
const UNDECIDED_LIFE: Duration = Duration::from_hours(1);

/// Whether a request may go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Admitted {
    /// Counted from now on.
    New,
    /// It came before and is not known to be decided.
    Known,
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
    undecided_max: u32,
    refusals_per_min: u32,
}

impl AccountLimits {
    pub(crate) fn new(redis: Redis, config: &GatewayConfig) -> Self {
        Self {
            redis,
            admit: Script::new(include_str!("admit.lua")),
            settle: Script::new(include_str!("settle.lua")),
            undecided_max: config.undecided_max.get(),
            refusals_per_min: config.refusals_per_min.get(),
        }
    }

    /// Counts a request that is about to be sent.
    pub(crate) async fn admit(&self, account: AccountId, key: &IdempotencyKey) -> Result<Admitted, Fault> {
        let args = (key.as_str(), self.undecided_max, self.refusals_per_min, millis(UNDECIDED_LIFE));
        let mut answer: Vec<String> = self.redis.eval(&self.admit, &self.keys(account), args).await?;
        let rest = answer.split_off(answer.len().min(1));
        match answer.first().map(String::as_str) {
            Some("new") => Ok(Admitted::New),
            Some("known") => Ok(Admitted::Known),
            Some("undecided") => Ok(Admitted::TooManyUndecided(rest)),
            Some("refused") => {
                let left = rest.first().and_then(|ms| ms.parse().ok()).map_or(MINUTE, Duration::from_millis);
                Ok(Admitted::TooManyRefusals(left))
            }
            other => Err(Fault::Bug(format!("admit.lua answered {other:?}"))),
        }
    }

    /// These are decided, so many of them refused. Losing it costs a look into the database when the account comes to its limit.
    pub(crate) async fn settle(&self, account: AccountId, keys: &[&str], refused: usize) {
        let mut args = vec![refused.to_string(), millis(MINUTE).to_string()];
        args.extend(keys.iter().map(|key| (*key).to_owned()));
        if let Err(error) = self.redis.eval::<()>(&self.settle, &self.keys(account), args).await {
            tracing::debug!(%error, %account, "a decided request still counts as undecided");
        }
    }

    fn keys(&self, account: AccountId) -> [String; 2] {
        let prefix = self.redis.prefix();
        [redis_keys::undecided(prefix, account), redis_keys::refusals(prefix, account)]
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
