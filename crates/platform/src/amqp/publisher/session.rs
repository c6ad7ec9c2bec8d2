//! One channel, and what is in flight on it.

use std::{
    collections::HashSet,
    ops::ControlFlow::{self, Break, Continue},
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection,
    options::BasicPublishOptions,
    types::{AMQPValue, FieldTable},
};
use tokio::sync::mpsc;

use super::{PublishError, Request};

/// Header that tells one publish from another while its confirm is awaited. Consumers ignore it.
const TAG_HEADER: &str = "x-publish-tag";

/// How often a session looks whether its channel is still one.
const LIFE_CHECK: Duration = Duration::from_millis(250);

/// A publish whose confirm has come, or whose channel is gone.
struct Settled {
    tag: i64,
    request: Request,
    confirmation: Result<Confirmation, lapin::Error>,
}

/// The channel.
pub(super) struct Session {
    channel: Channel,
    connection: Arc<Connection>,
    next_tag: i64,
    in_flight: FuturesUnordered<BoxFuture<'static, Settled>>,
    /// Tags of returned messages whose own confirm has not been reported yet.
    returned: HashSet<i64>,
}

impl Session {
    pub(super) fn new(channel: Channel, connection: Arc<Connection>) -> Self {
        Self { channel, connection, next_tag: 0, in_flight: FuturesUnordered::new(), returned: HashSet::new() }
    }

    /// Until the channel is lost (`Continue`) or nobody publishes any more (`Break`). Dropping the session drops what is in
    /// flight, whose callers read that as [`PublishError::Unknown`].
    pub(super) async fn serve(mut self, requests: &mut mpsc::Receiver<Request>) -> ControlFlow<()> {
        let mut life = tokio::time::interval(LIFE_CHECK);
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => self.publish(request),
                    None => return Break(()),
                },
                Some(settled) = self.in_flight.next() => self.settle(settled),
                _ = life.tick() => {}
            }
            if !self.channel.status().connected() {
                return Continue(());
            }
        }
    }

    fn publish(&mut self, request: Request) {
        if request.answer.is_closed() || self.connection.status().blocked() {
            // Frames for a blocked connection would pile up in memory and be delivered after the alarm.
            return request.refuse();
        }
        self.next_tag += 1;
        self.in_flight.push(publish(self.channel.clone(), self.next_tag, request).boxed());
    }

    /// Reports everything that has come in by now. The returned messages are looked at first: lapin resolves the confirm
    /// that carries one no later than that message's own confirm, so both are in this batch or the carrier was in an earlier one.
    fn settle(&mut self, first: Settled) {
        let mut batch = vec![first];
        while let Some(Some(settled)) = self.in_flight.next().now_or_never() {
            batch.push(settled);
        }
        for settled in &mut batch {
            let carried = match &mut settled.confirmation {
                Ok(Confirmation::Ack(message) | Confirmation::Nack(message)) => message.take(),
                _ => None,
            };
            if let Some(message) = carried {
                self.returned.extend(tag_of(&message.delivery.properties));
            }
        }
        for Settled { tag, request, confirmation } in batch {
            let outcome = match confirmation {
                _ if self.returned.remove(&tag) => Err(PublishError::Unroutable),
                Ok(Confirmation::Ack(_)) => Ok(()),
                Ok(Confirmation::Nack(_)) => Err(PublishError::Nacked),
                Ok(Confirmation::NotRequested) | Err(_) => Err(PublishError::Unknown),
            };
            let _ = request.answer.send(outcome);
        }
    }
}

async fn publish(channel: Channel, tag: i64, mut request: Request) -> Settled {
    let confirmation = send(&channel, tag, &mut request).await;
    Settled { tag, request, confirmation }
}

async fn send(channel: &Channel, tag: i64, request: &mut Request) -> Result<Confirmation, lapin::Error> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = tagged(std::mem::take(&mut request.properties), tag);
    let body = std::mem::take(&mut request.body);
    let (exchange, routing_key) = (std::mem::take(&mut request.exchange), std::mem::take(&mut request.routing_key));
    channel.basic_publish(exchange, routing_key, options, &body, properties).await?.await
}

fn tagged(properties: BasicProperties, tag: i64) -> BasicProperties {
    let mut headers = properties.headers().clone().unwrap_or_default();
    headers.insert(TAG_HEADER.into(), AMQPValue::LongLongInt(tag));
    properties.with_headers(headers)
}

fn tag_of(properties: &BasicProperties) -> Option<i64> {
    match properties.headers().as_ref().map(FieldTable::inner)?.get(TAG_HEADER)? {
        AMQPValue::LongLongInt(tag) => Some(*tag),
        _ => None,
    }
}
