//! Ready-made checks of the servers GoTicket stands on.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, future::ready};
use rdkafka::{ClientContext, producer::FutureProducer, producer::Producer as _, util::AsyncRuntime};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::Check;
use crate::{amqp::Amqp, redis::Redis};

/// How long Kafka may take to describe itself; less than the time-out of a check, because it blocks a thread.
const METADATA_TIMEOUT: Duration = Duration::from_millis(1500);

/// A statement runs.
pub fn postgres(pool: PgPool) -> Check {
    Arc::new(move || {
        let pool = pool.clone();
        async move {
            let answer = sqlx::query("SELECT 1").execute(&pool).await;
            answer.map(drop).map_err(|error| match error {
                sqlx::Error::PoolTimedOut => "no connection became free in time".to_owned(),
                other => other.to_string(),
            })
        }
        .boxed()
    })
}

/// Redis answers a PING.
pub fn redis(redis: Redis) -> Check {
    Arc::new(move || {
        let redis = redis.clone();
        async move { redis.ping().await.map_err(|error| error.to_string()) }.boxed()
    })
}

/// Both connections to RabbitMQ are up and not blocked.
pub fn amqp(amqp: &Amqp) -> Check {
    let health = amqp.health();
    Arc::new(move || ready(health()).boxed())
}

/// A broker describes the cluster.
pub fn kafka<C, R>(producer: FutureProducer<C, R>) -> Check
where
    C: ClientContext + 'static,
    R: AsyncRuntime + Send + Sync + 'static,
{
    Arc::new(move || {
        let producer = producer.clone();
        let asked = tokio::task::spawn_blocking(move || producer.client().fetch_metadata(None, METADATA_TIMEOUT).map(drop));
        async move {
            match asked.await {
                Ok(answer) => answer.map_err(|error| error.to_string()),
                Err(_) => Err("the check did not run".to_owned()),
            }
        }
        .boxed()
    })
}

/// The process is not on its way out: balancers must stop sending before it stops answering.
pub fn not_draining(shutdown: CancellationToken) -> Check {
    Arc::new(move || {
        let state = if shutdown.is_cancelled() { Err("shutting down".to_owned()) } else { Ok(()) };
        ready(state).boxed()
    })
}
