//! Dead letters: messages nobody can handle, with the reason written on them.

use goticket_contracts::amqp::Names;
use goticket_platform::amqp::{Delivery, PublishError, Publisher, persistent};
use lapin::types::{AMQPValue, FieldTable};

/// Header that says why.
pub const REASON_HEADER: &str = "x-goticket-reason";

/// Where dead letters go.
#[derive(Clone)]
pub struct DeadLetters {
    publisher: Publisher,
    exchange: String,
}

impl DeadLetters {
    /// The dead letters of this deployment.
    pub fn new(publisher: Publisher, names: &Names) -> Self {
        Self { publisher, exchange: names.dead_exchange() }
    }

    /// Stores the message with its reason. Not acknowledged yet: the caller does that, so that there are two rather than none.
    pub async fn store(&self, delivery: &Delivery, why: &str) -> Result<(), PublishError> {
        let mut headers = FieldTable::default();
        headers.insert(REASON_HEADER.into(), AMQPValue::LongString(why.into()));
        let properties = persistent().with_headers(headers);
        let properties = match delivery.properties().message_id() {
            Some(id) => properties.with_message_id(id.clone()),
            None => properties,
        };
        self.publisher.publish(&self.exchange, delivery.routing_key(), properties, delivery.body().to_vec()).await
    }
}
