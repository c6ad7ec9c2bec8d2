//! Redis: one multiplexed connection to each node that comes back by itself, bounded in time and in requests in flight.

mod server;
mod subscribe;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ::redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisFuture, RedisResult, Script, ServerErrorKind, ToRedisArgs, Value,
    aio::ConnectionLike, from_redis_value,
};
use futures::FutureExt as _;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

pub use subscribe::{Notice, Subscription, subscribe};

use self::server::Server;
use crate::config::RedisConfig;

const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(50);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(1);

/// A handle on Redis; clones share the connection and its bound.
///
/// It is a [`ConnectionLike`], so `redis::AsyncCommands` and `cmd(…).query_async(&mut redis)` work on a clone. Not for commands
/// that block (`BLPOP`) nor for subscriptions ([`subscribe`]): they would hold up everyone else.
#[derive(Clone)]
pub struct Redis {
    server: Server,
    in_flight: Arc<Semaphore>,
    deadline: Duration,
    config: Arc<RedisConfig>,
    leaves: Arc<AtomicBool>,
}

/// Redis cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// It does not answer, or refuses us.
    #[error("Redis cannot be reached: {0}")]
    Unreachable(#[from] RedisError),
    /// It would throw keys away under memory pressure, and with them places in line and sessions.
    #[error("Redis has maxmemory-policy {0:?}: set it to noeviction")]
    Evicts(String),
}

/// Connects and checks that Redis evicts nothing. Afterwards the connection comes back by itself.
pub async fn connect(config: &RedisConfig) -> Result<Redis, ConnectError> {
    let in_flight = usize::try_from(config.max_in_flight.get()).unwrap_or(usize::MAX);
    let redis = Redis {
        server: Server::connect(config, in_flight).await?,
        in_flight: Arc::new(Semaphore::new(in_flight)),
        deadline: config.response_timeout_ms.millis(),
        config: Arc::new(config.clone()),
        leaves: Arc::default(),
    };
    redis.refuse_eviction().await?;
    Ok(redis)
}

/// True when the server, not the request, is the problem: away, too slow, starting, or read-only or moving its keys during a fail-over.
/// The request may have been carried out.
pub fn is_unavailable(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => true,
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
        ),
        _ => false,
    }
}

impl Redis {
    /// What stands before every key and channel.
    pub fn prefix(&self) -> &str {
        &self.config.prefix
    }

    /// What it was connected with: a subscription needs a connection of its own.
    pub fn config(&self) -> &RedisConfig {
        &self.config
    }

    /// `name` with the prefix before it.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix())
    }

    /// Runs one command.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        command.query_async(&mut self.clone()).await
    }

    /// Runs a pipeline in one round trip.
    pub async fn pipeline<T: FromRedisValue>(&self, pipeline: &Pipeline) -> RedisResult<T> {
        pipeline.query_async(&mut self.clone()).await
    }

    /// Runs a script by its hash; a server that lost it (restart, `SCRIPT FLUSH`) is given it again.
    pub async fn eval<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[impl ToRedisArgs],
        args: impl ToRedisArgs,
    ) -> RedisResult<T> {
        let mut call = script.prepare_invoke();
        for key in keys {
            call.key(key);
        }
        call.arg(args);
        call.invoke_async(&mut self.clone()).await
    }

    /// Asks for a sign of life.
    pub async fn ping(&self) -> RedisResult<()> {
        self.query(&::redis::cmd("PING")).await
    }

    /// After a fail-over the server may be a replica, which refuses to write for as long as we stay. Once it has closed the connection,
    /// the next one leads where the address leads by then; not more often than once in [`RECONNECT_DELAY_MAX`].
    fn leave_replica<'a>(&self, mut answers: impl Iterator<Item = &'a Value>) {
        let refuses =
            |answer: &Value| matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly));
        if answers.any(refuses) && !self.leaves.swap(true, Ordering::Relaxed) {
            let (mut server, leaves) = (self.server.clone(), Arc::clone(&self.leaves));
            tokio::spawn(async move {
                tracing::warn!("Redis is a replica by now: connecting again");
                let _ = server.send(&::redis::cmd("QUIT")).await;
                sleep(RECONNECT_DELAY_MAX).await;
                leaves.store(false, Ordering::Relaxed);
            });
        }
    }

    async fn refuse_eviction(&self) -> Result<(), ConnectError> {
        let asked = self.server.clone().ask_each(::redis::cmd("CONFIG").arg("GET").arg("maxmemory-policy")).await;
        let policies: RedisResult<Vec<Vec<String>>> =
            asked.and_then(|answers| answers.into_iter().map(|answer| Ok(from_redis_value(answer)?)).collect());
        match policies {
            Ok(policies) => policies.iter().try_for_each(|policy| must_not_evict(policy)),
            Err(error) if is_unavailable(&error) => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "Redis does not show its maxmemory-policy: make sure that it is noeviction");
                Ok(())
            }
        }
    }

    /// Waits for its turn, then for the answer, both within the time-out.
    async fn bounded<T>(&self, request: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let turn_and_answer = async {
            let _turn = self.in_flight.acquire().await.map_err(io::Error::other)?;
            request.await
        };
        match timeout(self.deadline, turn_and_answer).await {
            Ok(result) => result,
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        }
    }
}

/// `answer` is what `CONFIG GET maxmemory-policy` says: the name, then the value.
fn must_not_evict(answer: &[String]) -> Result<(), ConnectError> {
    match answer.get(1) {
        Some(policy) if policy != "noeviction" => Err(ConnectError::Evicts(policy.clone())),
        _ => Ok(()),
    }
}

impl ConnectionLike for Redis {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let mut server = self.server.clone();
        async move {
            let answer = self.bounded(server.send(cmd)).await;
            self.leave_replica(answer.iter());
            answer
        }
        .boxed()
    }

    fn req_packed_commands<'a>(&'a mut self, pipeline: &'a Pipeline, offset: usize, count: usize) -> RedisFuture<'a, Vec<Value>> {
        let mut server = self.server.clone();
        async move {
            let answers = self.bounded(server.send_all(pipeline, offset, count)).await;
            self.leave_replica(answers.iter().flatten());
            answers
        }
        .boxed()
    }

    fn get_db(&self) -> i64 {
        self.server.get_db()
    }
}

#[cfg(test)]
mod tests {
    use super::must_not_evict;

    #[test]
    fn a_server_that_evicts_is_refused() {
        let answer = |policy: &str| ["maxmemory-policy".to_owned(), policy.to_owned()];
        assert!(must_not_evict(&answer("noeviction")).is_ok());
        for policy in ["allkeys-lru", "volatile-ttl", "allkeys-random"] {
            let refusal = must_not_evict(&answer(policy)).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(refusal.contains(policy) && refusal.contains("noeviction"), "{refusal}");
        }
    }
}
