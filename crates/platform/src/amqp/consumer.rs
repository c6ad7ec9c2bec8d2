//! A consumer that attaches itself again after a loss, and deliveries that know whether they can still be acknowledged.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};
use lapin::{
    BasicProperties, Channel, Connection,
    options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable},
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    line::{self, Watch},
    within,
};

/// After the broker refused the consumer, e.g. because the queue is not there.
const REATTACH_DELAY: Duration = Duration::from_millis(500);

/// Consumes one queue for ever. Dropping it gives unacknowledged deliveries back to the queue.
pub struct Consumer {
    watch: Watch,
    queue: String,
    prefetch: u16,
    priority: i32,
    generation: u64,
    attaching: Option<BoxFuture<'static, Attached>>,
    attached: Option<Attached>,
}

struct Attached {
    // The connection is kept alive by what lives on it.
    _connection: Arc<Connection>,
    _channel: Channel,
    deliveries: lapin::Consumer,
}

/// One delivered message. Dropping it without ack or nack leaves it unacknowledged until the consumer is dropped.
#[derive(Debug)]
pub struct Delivery {
    inner: lapin::message::Delivery,
    generation: u64,
}

/// The channel of the delivery is gone: it could not be acknowledged and will be (or was) delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the delivery's channel is gone: it will be delivered again")]
pub struct AckError;

impl Consumer {
    pub(super) fn new(watch: Watch, queue: String, prefetch: u16) -> Self {
        Self { watch, queue, prefetch, priority: 0, generation: 0, attaching: None, attached: None }
    }

    /// Of several consumers of a queue, those with the highest priority get everything as long as they keep up.
    #[must_use]
    pub fn with_priority(self, priority: i32) -> Self {
        Self { priority, ..self }
    }

    /// The next delivery, however long it takes and however often the connection is lost meanwhile. Can be cancelled without
    /// loss.
    pub async fn next(&mut self) -> Delivery {
        loop {
            let Some(attached) = &mut self.attached else {
                self.attach().await;
                continue;
            };
            match attached.deliveries.next().await {
                Some(Ok(inner)) => return Delivery { inner, generation: self.generation },
                Some(Err(error)) => tracing::warn!(queue = self.queue, %error, "consumer lost: attaching again"),
                None => tracing::warn!(queue = self.queue, "consumer cancelled by the broker: attaching again"),
            }
            self.attached = None;
        }
    }

    /// A delivery that is here already. None, too, while nothing is attached.
    pub fn ready(&mut self) -> Option<Delivery> {
        let next = self.attached.as_mut()?.deliveries.next().now_or_never()?;
        let Some(Ok(inner)) = next else {
            self.attached = None;
            return None;
        };
        Some(Delivery { inner, generation: self.generation })
    }

    /// Waits for one delivery, then takes what comes within `linger`, up to `max` together. All of one batch came over the
    /// same channel, so [`Delivery::ack_multiple`] on the last acknowledges all of them. Not to be cancelled after the first
    /// delivery: the batch would stay unacknowledged.
    pub async fn next_batch(&mut self, max: usize, linger: Duration) -> Vec<Delivery> {
        let first = self.next().await;
        let generation = first.generation;
        let mut batch = vec![first];
        let deadline = Instant::now() + linger;
        while batch.len() < max {
            let Some(attached) = &mut self.attached else { break };
            match timeout_at(deadline, attached.deliveries.next()).await {
                Ok(Some(Ok(inner))) => batch.push(Delivery { inner, generation }),
                Ok(_) => {
                    self.attached = None;
                    break;
                }
                Err(_) => break,
            }
        }
        batch
    }

    /// Cancelled, it goes on where it was the next time.
    async fn attach(&mut self) {
        let attaching = self.attaching.get_or_insert_with(|| {
            let (watch, queue) = (self.watch.clone(), self.queue.clone());
            attached(watch, queue, self.prefetch, self.priority).boxed()
        });
        self.attached = Some(attaching.await);
        self.attaching = None;
        self.generation += 1;
    }
}

/// Tries until it is attached. Dropped before, it leaves nothing attached: what the broker was asked for is waited for, and closed.
async fn attached(mut watch: Watch, queue: String, prefetch: u16, priority: i32) -> Attached {
    loop {
        let Some(connection) = line::connected(&mut watch).await else {
            // The line is gone for good: the process is ending, and nothing will be delivered.
            return std::future::pending().await;
        };
        match tokio::spawn(attach(connection, queue.clone(), prefetch, priority)).await {
            Ok(Ok(attached)) => return attached,
            Ok(Err(error)) => tracing::warn!(queue, %error, "consumer cannot attach yet"),
            Err(error) => tracing::warn!(queue, %error, "consumer cannot attach"),
        }
        sleep(REATTACH_DELAY).await;
    }
}

async fn attach(connection: Arc<Connection>, queue: String, prefetch: u16, priority: i32) -> Result<Attached, lapin::Error> {
    let channel = within(connection.create_channel()).await?;
    within(channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
    let tag = "".into();
    let mut arguments = FieldTable::default();
    arguments.insert("x-priority".into(), AMQPValue::LongInt(priority));
    let consuming = channel.basic_consume(queue.into(), tag, BasicConsumeOptions::default(), arguments);
    let deliveries = within(consuming).await?;
    Ok(Attached { _connection: connection, _channel: channel, deliveries })
}

impl Delivery {
    /// The message's bytes.
    pub fn body(&self) -> &[u8] {
        &self.inner.data
    }

    /// Its properties and headers.
    pub fn properties(&self) -> &BasicProperties {
        &self.inner.properties
    }

    /// The routing key it was published with.
    pub fn routing_key(&self) -> &str {
        self.inner.routing_key.as_str()
    }

    /// It may have been delivered before.
    pub fn redelivered(&self) -> bool {
        self.inner.redelivered
    }

    /// How often a quorum queue delivered it before this time.
    pub fn earlier_deliveries(&self) -> u64 {
        let headers = self.inner.properties.headers().as_ref();
        match headers.and_then(|h| h.inner().get("x-delivery-count")) {
            Some(AMQPValue::LongLongInt(n)) => u64::try_from(*n).unwrap_or(0),
            Some(AMQPValue::LongInt(n)) => u64::try_from(*n).unwrap_or(0),
            Some(AMQPValue::LongUInt(n)) => u64::from(*n),
            Some(AMQPValue::ShortShortUInt(n)) => u64::from(*n),
            _ => u64::from(self.inner.redelivered),
        }
    }

    /// Which attachment of its consumer delivered it: after a change, everything older comes again.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Done with it.
    pub async fn ack(&self) -> Result<(), AckError> {
        self.acknowledge(BasicAckOptions { multiple: false }).await
    }

    /// Done with it and with everything that the same channel delivered before it.
    pub async fn ack_multiple(&self) -> Result<(), AckError> {
        self.acknowledge(BasicAckOptions { multiple: true }).await
    }

    /// Not done with it: back to the queue, or (`requeue` false) to the dead-letter exchange.
    pub async fn nack(&self, requeue: bool) -> Result<(), AckError> {
        let options = BasicNackOptions { requeue, multiple: false };
        sent(&within(self.inner.acker.nack(options)).await)
    }

    async fn acknowledge(&self, options: BasicAckOptions) -> Result<(), AckError> {
        sent(&within(self.inner.acker.ack(options)).await)
    }
}

fn sent(result: &Result<bool, lapin::Error>) -> Result<(), AckError> {
    if matches!(result, Ok(true)) { Ok(()) } else { Err(AckError) }
}
