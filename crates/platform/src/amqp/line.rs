//! One supervised connection: whoever needs it watches for the current one.

use std::{io, sync::Arc, time::Duration};

use futures::StreamExt as _;
use lapin::{
    Connection, ConnectionProperties,
    tcp::{AMQPUriTcpExt as _, OwnedTLSConfig},
    uri::AMQPUri,
};
use secrecy::ExposeSecret as _;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use crate::config::AmqpConfig;

const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(100);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(2);

/// A loss whose event was missed is seen after this.
const LOSS_CHECK: Duration = Duration::from_millis(250);

/// The current connection, `None` while there is none.
pub(super) type Watch = watch::Receiver<Option<Arc<Connection>>>;

/// RabbitMQ cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// It does not answer, or refuses us.
    #[error("RabbitMQ cannot be reached: {0}")]
    Unreachable(#[from] lapin::Error),
    /// It does not answer in time.
    #[error("RabbitMQ did not answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The URL has a part that AMQP does not know.
    #[error("`amqp.url` (GOTICKET__AMQP__URL) cannot be understood")]
    Url,
}

/// A connection that is made again when it is lost. Dropping the line closes it.
pub(super) struct Line {
    current: Watch,
    _supervisor: AbortOnDropHandle<()>,
}

impl Line {
    pub(super) async fn open(config: &AmqpConfig, name: &str) -> Result<Self, ConnectError> {
        let dial = Dial::new(config, name)?;
        let (sender, current) = watch::channel(Some(dial.connect().await?));
        let supervisor = tokio::spawn(supervise(dial, sender));
        Ok(Self { current, _supervisor: AbortOnDropHandle::new(supervisor) })
    }

    pub(super) fn watch(&self) -> Watch {
        self.current.clone()
    }

    pub(super) fn current(&self) -> Option<Arc<Connection>> {
        living(&self.current)
    }
}

/// The connection, unless it is lost.
pub(super) fn living(watch: &Watch) -> Option<Arc<Connection>> {
    watch.borrow().clone().filter(|connection| connection.status().connected())
}

/// Waits until there is a connection; `None` when the line is gone for good.
pub(super) async fn connected(watch: &mut Watch) -> Option<Arc<Connection>> {
    let current = watch.wait_for(|c| c.as_ref().is_some_and(|c| c.status().connected())).await.ok()?;
    current.clone()
}

async fn supervise(dial: Dial, sender: watch::Sender<Option<Arc<Connection>>>) {
    loop {
        let current = sender.borrow().clone();
        if let Some(connection) = current {
            lost(&connection).await;
        }
        sender.send_replace(None);
        tracing::warn!(connection = dial.name, "RabbitMQ: connection lost");
        let connection = dial.connect_again().await;
        sender.send_replace(Some(connection));
        tracing::info!(connection = dial.name, "RabbitMQ: connection is back");
    }
}

/// Returns when the connection is no longer one.
async fn lost(connection: &Connection) {
    let mut events = connection.events_listener();
    while connection.status().connected() {
        tokio::select! {
            event = events.next() => if event.is_none() { return },
            () = sleep(LOSS_CHECK) => {}
        }
    }
}

/// How to connect.
struct Dial {
    uri: AMQPUri,
    name: String,
    timeout: Duration,
}

impl Dial {
    fn new(config: &AmqpConfig, name: &str) -> Result<Self, ConnectError> {
        let mut uri: AMQPUri = config.url.expose_secret().parse().map_err(|_| ConnectError::Url)?;
        uri.query.heartbeat = Some(config.heartbeat_s.get());
        Ok(Self { uri, name: name.to_owned(), timeout: config.connect_timeout_ms.millis() })
    }

    async fn connect(&self) -> Result<Arc<Connection>, ConnectError> {
        let limit = self.timeout;
        // lapin connects on a thread of its own: without a limit in there, an unreachable host would hold it for minutes.
        let properties = ConnectionProperties::default().with_connection_name(self.name.as_str().into());
        let connecting = Connection::connector(
            self.uri.clone(),
            lapin::runtime::default_runtime()?,
            async move |uri, runtime| {
                let tls = OwnedTLSConfig::default();
                match timeout(limit, uri.connect_with_config_async(tls.as_ref(), &runtime)).await {
                    Ok(stream) => Ok(stream?),
                    Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
                }
            },
            properties,
        );
        match timeout(limit, connecting).await {
            Ok(connection) => Ok(Arc::new(connection?)),
            Err(_) => Err(ConnectError::TimedOut(limit)),
        }
    }

    async fn connect_again(&self) -> Arc<Connection> {
        let mut delay = RECONNECT_DELAY_MIN;
        loop {
            match self.connect().await {
                Ok(connection) => return connection,
                Err(error) => tracing::debug!(connection = self.name, %error, "RabbitMQ: no connection yet"),
            }
            sleep(delay).await;
            delay = (delay * 2).min(RECONNECT_DELAY_MAX);
        }
    }
}
