//! Subscriptions: a connection of their own, subscribed again after each loss, and honest about what may have been missed.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use ::redis::{
    AsyncConnectionConfig, Client, Msg, ProtocolVersion, PushInfo, PushKind, RedisResult, aio::MultiplexedConnection, cmd,
};
use futures::Stream;
use tokio::{sync::mpsc, time};
use tokio_util::task::AbortOnDropHandle;

use super::{
    RECONNECT_DELAY_MAX, RECONNECT_DELAY_MIN,
    server::{first_node, nodes},
};
use crate::config::RedisConfig;

/// Messages kept for a slow reader; what comes on top is dropped and reported as a [`Notice::Gap`].
const BUFFER: usize = 8192;

/// Between two signs of life of a silent subscription.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// What a subscription yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Someone published.
    Message {
        /// The channel, as it was given to [`subscribe`].
        channel: String,
        /// The bytes.
        payload: Vec<u8>,
    },
    /// Messages may have been missed before this point (the connection was lost and is back, or the reader was too slow):
    /// read the state they were about.
    Gap,
}

/// A stream of [`Notice`]s that never ends. Dropping it ends the subscription.
pub struct Subscription {
    notices: mpsc::Receiver<Notice>,
    _task: AbortOnDropHandle<()>,
}

impl Subscription {
    /// The next notice. Can be cancelled without loss.
    pub async fn next(&mut self) -> Notice {
        match self.notices.recv().await {
            Some(notice) => notice,
            // The task lives as long as this receiver; only a runtime that shuts down ends it before.
            None => std::future::pending().await,
        }
    }
}

impl Stream for Subscription {
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        self.notices.poll_recv(cx)
    }
}

/// Subscribes to `channels` (full names, prefix included). When it returns, what is published from now on will be seen.
pub async fn subscribe<C>(config: &RedisConfig, channels: C) -> RedisResult<Subscription>
where
    C: IntoIterator,
    C::Item: Into<String>,
{
    let subscriber = Subscriber::new(config, channels.into_iter().map(Into::into).collect())?;
    let first = subscriber.attach().await?;
    let (sender, notices) = mpsc::channel(BUFFER);
    let task = tokio::spawn(subscriber.run(first, sender));
    Ok(Subscription { notices, _task: AbortOnDropHandle::new(task) })
}

struct Subscriber {
    /// Of a cluster, each node says what is published at any of them.
    clients: Vec<Client>,
    channels: Vec<String>,
    connect_timeout: Duration,
    response_timeout: Duration,
}

/// One living connection with its subscriptions.
struct Attached {
    connection: MultiplexedConnection,
    pushes: mpsc::Receiver<PushInfo>,
    overflowed: Arc<AtomicBool>,
}

impl Subscriber {
    fn new(config: &RedisConfig, channels: Vec<String>) -> RedisResult<Self> {
        let first = first_node(config)?;
        // RESP3 lets one connection both receive messages and be pinged.
        let settings = first.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let nodes = nodes(first.set_redis_settings(settings), config);
        Ok(Self {
            clients: nodes.into_iter().map(Client::open).collect::<RedisResult<_>>()?,
            channels,
            connect_timeout: config.connect_timeout_ms.millis(),
            response_timeout: config.response_timeout_ms.millis(),
        })
    }

    /// To the first node that answers.
    async fn attach(&self) -> RedisResult<Attached> {
        let mut last = self.attach_to(&self.clients[0]).await;
        for client in &self.clients[1..] {
            if last.is_ok() {
                break;
            }
            last = self.attach_to(client).await;
        }
        last
    }

    async fn attach_to(&self, client: &Client) -> RedisResult<Attached> {
        let (sender, pushes) = mpsc::channel(BUFFER);
        let overflowed = Arc::new(AtomicBool::new(false));
        let overflow = Arc::clone(&overflowed);
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout))
            .set_push_sender(move |push: PushInfo| {
                sender.try_send(push).inspect_err(|_| overflow.store(true, Ordering::Release))
            });
        let mut connection = client.get_multiplexed_async_connection_with_config(&settings).await?;
        connection.subscribe(&self.channels).await?;
        Ok(Attached { connection, pushes, overflowed })
    }

    async fn run(self, first: Attached, notices: mpsc::Sender<Notice>) {
        let mut attached = first;
        loop {
            if attached.forward(&notices).await.is_err() {
                return;
            }
            tracing::warn!(channels = ?self.channels, "subscription lost: subscribing again");
            attached = self.attach_again().await;
            tracing::info!(channels = ?self.channels, "subscription is back");
            if notices.send(Notice::Gap).await.is_err() {
                return;
            }
        }
    }

    async fn attach_again(&self) -> Attached {
        let mut delay = RECONNECT_DELAY_MIN;
        loop {
            match self.attach().await {
                Ok(attached) => return attached,
                Err(error) => tracing::debug!(%error, "subscription: no connection yet"),
            }
            time::sleep(delay).await;
            delay = (delay * 2).min(RECONNECT_DELAY_MAX);
        }
    }
}

/// Nobody reads the subscription any more.
struct Unread;

impl Attached {
    /// Passes messages on until the connection is lost.
    async fn forward(&mut self, notices: &mpsc::Sender<Notice>) -> Result<(), Unread> {
        let mut ping = time::interval(PING_INTERVAL);
        loop {
            tokio::select! {
                push = self.pushes.recv() => {
                    let Some(push) = push else { return Ok(()) };
                    if push.kind == PushKind::Disconnection {
                        return Ok(());
                    }
                    if let Some(notice) = message(push) {
                        notices.send(notice).await.map_err(|_| Unread)?;
                    }
                }
                _ = ping.tick() => {
                    let alive: RedisResult<()> = cmd("PING").query_async(&mut self.connection).await;
                    if alive.is_err() {
                        return Ok(());
                    }
                }
            }
            if self.overflowed.swap(false, Ordering::AcqRel) {
                notices.send(Notice::Gap).await.map_err(|_| Unread)?;
            }
        }
    }
}

fn message(push: PushInfo) -> Option<Notice> {
    let message = Msg::from_push_info(push)?;
    Some(Notice::Message { channel: message.get_channel().ok()?, payload: message.get_payload_bytes().to_vec() })
}
