//! RabbitMQ: two connections that come back by themselves, one to publish on and one to consume on.
//!
//! They are two because a broker under a memory or disk alarm stops reading a connection that publishes: acks on the same
//! connection would wait, too, and the queues could not drain.
//!
//! lapin's automatic recovery is not used: while it reconnects, pending confirms hang. Here a lost connection is thrown away with
//! all that was in flight on it (publishes become [`PublishError::Unknown`], deliveries come again), and a new one is made.

mod consumer;
mod line;
mod publisher;
mod topology;

use std::time::Duration;

use goticket_contracts::amqp::Topology;
use lapin::Channel;
use tokio::time::timeout;

pub use consumer::{AckError, Consumer, Delivery};
pub use line::ConnectError;
pub use publisher::{PublishError, Publisher, persistent};
pub use topology::{TopologyError, declare};

use self::line::Line;
use crate::config::AmqpConfig;

/// Opening a channel, declaring, acknowledging: what a living broker answers at once.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// RabbitMQ, as one process uses it. Dropping it closes both connections.
pub struct Amqp {
    publishing: Line,
    consuming: Line,
    publisher: Publisher,
    prefix: String,
}

/// Connects twice, under `name` (shown by the broker's management). Afterwards both connections come back by themselves.
pub async fn connect(config: &AmqpConfig, name: &str) -> Result<Amqp, ConnectError> {
    let publishing = Line::open(config, &format!("{name} (publishing)")).await?;
    let consuming = Line::open(config, &format!("{name} (consuming)")).await?;
    let publisher = Publisher::start(publishing.watch(), config);
    Ok(Amqp { publishing, consuming, publisher, prefix: config.prefix.clone() })
}

impl Amqp {
    /// What stands before every exchange and queue.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The publisher; clones share one channel.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// A new channel on the consuming connection, for declaring exchanges and queues. It does not survive a loss of the connection.
    pub async fn channel(&self) -> Result<Channel, lapin::Error> {
        let connection = self.consuming.current().ok_or_else(away)?;
        within(connection.create_channel()).await
    }

    /// Declares exchanges, queues and bindings on a channel of its own; those that exist are left alone.
    pub async fn declare(&self, topology: &Topology) -> Result<(), TopologyError> {
        let channel = self.channel().await.map_err(|source| TopologyError { what: "a channel".to_owned(), source })?;
        declare(&channel, topology).await
    }

    /// Messages that wait in `queue`; those that a consumer has in hand do not count. `None` where there is no such queue.
    pub async fn waiting(&self, queue: &str) -> Result<Option<u32>, lapin::Error> {
        // A channel of its own: asking for a queue that is not there closes it.
        topology::waiting(&self.channel().await?, queue).await
    }

    /// A consumer of `queue` that survives losses of the connection, with at most `prefetch` unacknowledged deliveries.
    /// It attaches on its first [`Consumer::next`].
    pub fn consume(&self, queue: impl Into<String>, prefetch: u16) -> Consumer {
        Consumer::new(self.consuming.watch(), queue.into(), prefetch)
    }

    /// Both connections are up, and the broker is not refusing to read.
    pub fn health(&self) -> impl Fn() -> Result<(), String> + Send + Sync + 'static {
        let (publishing, consuming) = (self.publishing.watch(), self.consuming.watch());
        move || {
            let publishing = line::living(&publishing).ok_or("no connection to publish on")?;
            line::living(&consuming).ok_or("no connection to consume on")?;
            if publishing.status().blocked() {
                return Err("the broker refuses publishes (memory or disk alarm)".to_owned());
            }
            Ok(())
        }
    }
}

fn away() -> lapin::Error {
    lapin::ErrorKind::InvalidConnectionState(lapin::ConnectionState::Closed).into()
}

/// An answer within [`ANSWER_TIMEOUT`], or an I/O error.
async fn within<T>(answer: impl Future<Output = Result<T, lapin::Error>>) -> Result<T, lapin::Error> {
    timeout(ANSWER_TIMEOUT, answer).await.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
}
