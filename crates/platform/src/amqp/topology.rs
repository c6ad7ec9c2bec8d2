//! Declaring the topology that the contracts describe, and looking at it. Whoever starts first does it; for the others it changes
//! nothing.

use goticket_contracts::amqp::{Exchange, ExchangeKind, Queue, Topology};
use lapin::{
    Channel, ErrorKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::{AMQPValue, FieldTable},
};

use super::within;

/// Something could not be declared.
#[derive(Debug, thiserror::Error)]
#[error("RabbitMQ refuses {what}: {source}")]
pub struct TopologyError {
    pub(super) what: String,
    pub(super) source: lapin::Error,
}

/// Declares exchanges, then queues with their bindings; those that exist are left alone. One that exists with other arguments is
/// an error, and closes the channel.
pub async fn declare(channel: &Channel, topology: &Topology) -> Result<(), TopologyError> {
    for exchange in &topology.exchanges {
        let failed = |source| TopologyError { what: format!("the exchange {:?}", exchange.name), source };
        declare_exchange(channel, exchange).await.map_err(failed)?;
    }
    for queue in &topology.queues {
        let failed = |source| TopologyError { what: format!("the queue {:?} or its binding", queue.name), source };
        declare_queue(channel, queue).await.map_err(failed)?;
    }
    Ok(())
}

async fn declare_exchange(channel: &Channel, exchange: &Exchange) -> Result<(), lapin::Error> {
    let kind = match exchange.kind {
        ExchangeKind::Direct => lapin::ExchangeKind::Direct,
        ExchangeKind::Fanout => lapin::ExchangeKind::Fanout,
    };
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    within(channel.exchange_declare(exchange.name.as_str().into(), kind, options, FieldTable::default())).await
}

async fn declare_queue(channel: &Channel, queue: &Queue) -> Result<(), lapin::Error> {
    let name = queue.name.as_str();
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    within(channel.queue_declare(name.into(), options, arguments(queue))).await?;
    let (exchange, binding) = (queue.exchange.as_str(), queue.binding.as_str());
    let bound =
        channel.queue_bind(name.into(), exchange.into(), binding.into(), QueueBindOptions::default(), FieldTable::default());
    within(bound).await
}

/// See [`super::Amqp::waiting`].
pub(super) async fn waiting(channel: &Channel, queue: &str) -> Result<Option<u32>, lapin::Error> {
    let look = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    match within(channel.queue_declare(queue.into(), look, FieldTable::default())).await {
        Ok(found) => Ok(Some(found.message_count())),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_not_found(error: &lapin::Error) -> bool {
    let not_found = AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND);
    matches!(error.kind(), ErrorKind::ProtocolError(refusal) if *refusal.kind() == not_found)
}

fn arguments(queue: &Queue) -> FieldTable {
    let text = |value: &str| AMQPValue::LongString(value.into());
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    if let Some(limit) = queue.delivery_limit {
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(limit.into()));
    }
    if let Some((exchange, routing_key)) = &queue.dead_letter {
        arguments.insert("x-dead-letter-exchange".into(), text(exchange));
        if let Some(key) = routing_key {
            arguments.insert("x-dead-letter-routing-key".into(), text(key));
        }
    }
    if let Some(ttl) = queue.message_ttl_ms {
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(ttl.into()));
    }
    if let Some(length) = queue.max_length {
        arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(length.into()));
        // Whoever publishes hears of it; the default would drop what has waited longest.
        arguments.insert("x-overflow".into(), text("reject-publish"));
    }
    arguments
}
