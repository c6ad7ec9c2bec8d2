//! Publishing with confirms: the caller learns what became of its message, or that it cannot be known.
//!
//! One task owns the channel. That is not only for order: lapin numbers a publish and queues its frames in two steps, so two
//! threads on one channel can swap the confirms of their messages; and it hands a returned (unroutable) message to whichever
//! confirm comes next, which need not be that message's. So every message carries a tag, one task publishes, and what the broker
//! returned is matched by tag before any confirm of the same moment is reported.

mod session;

use std::{sync::Arc, time::Duration};

use lapin::{BasicProperties, Channel, Connection, options::ConfirmSelectOptions, types::ShortString};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::{Instant, sleep, timeout_at},
};

use self::session::Session;
use super::{
    line::{self, Watch},
    within,
};
use crate::config::AmqpConfig;

/// AMQP's mark of a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// After a channel could not be opened.
const REOPEN_DELAY: Duration = Duration::from_millis(200);

/// Why a message is not known to be in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// No queue takes it: it is gone. The topology is wrong, trying again does not help.
    #[error("no queue takes the message")]
    Unroutable,
    /// The broker could not store it: it is gone.
    #[error("the broker could not store the message")]
    Nacked,
    /// It was sent, and the connection was lost or the time-out passed before the confirm: it may be delivered, even later.
    #[error("the broker did not confirm the message: it may be delivered")]
    Unknown,
    /// It was not sent: no connection, an alarm at the broker, or too many publishes in flight.
    #[error("the broker takes no messages at present")]
    Unavailable,
}

/// Properties of a message that survives a restart of the broker.
pub fn persistent() -> BasicProperties {
    BasicProperties::default().with_delivery_mode(PERSISTENT)
}

/// Publishes with confirm and `mandatory`. Clones share one channel; hundreds of publishes can be in flight.
#[derive(Clone)]
pub struct Publisher {
    requests: mpsc::Sender<Request>,
    in_flight: Arc<Semaphore>,
    watch: Watch,
    confirm_timeout: Duration,
}

struct Request {
    exchange: ShortString,
    routing_key: ShortString,
    properties: BasicProperties,
    body: Vec<u8>,
    answer: oneshot::Sender<Result<(), PublishError>>,
    /// Given back when the broker answered or the connection is lost, not when the caller stopped waiting.
    _permit: OwnedSemaphorePermit,
}

impl Publisher {
    pub(super) fn start(watch: Watch, config: &AmqpConfig) -> Self {
        let bound = usize::try_from(config.max_in_flight.get()).unwrap_or(Semaphore::MAX_PERMITS);
        let (sender, requests) = mpsc::channel(bound);
        // Ends with the last clone of the sender, or with the line.
        tokio::spawn(run(watch.clone(), requests));
        Self {
            requests: sender,
            in_flight: Arc::new(Semaphore::new(bound)),
            watch,
            confirm_timeout: config.confirm_timeout_ms.millis(),
        }
    }

    /// Publishes one message (see [`persistent`] for its properties) and waits until the broker has it in a queue. A caller
    /// that stops waiting leaves the outcome unknown.
    pub async fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        properties: BasicProperties,
        body: Vec<u8>,
    ) -> Result<(), PublishError> {
        // A name longer than AMQP's 255 bytes names no queue.
        let exchange = ShortString::try_new(exchange).map_err(|_| PublishError::Unroutable)?;
        let routing_key = ShortString::try_new(routing_key).map_err(|_| PublishError::Unroutable)?;
        if line::living(&self.watch).is_none_or(|connection| connection.status().blocked()) {
            return Err(PublishError::Unavailable);
        }
        let deadline = Instant::now() + self.confirm_timeout;
        let Ok(Ok(permit)) = timeout_at(deadline, Arc::clone(&self.in_flight).acquire_owned()).await else {
            return Err(PublishError::Unavailable);
        };
        let (answer, answered) = oneshot::channel();
        let request = Request { exchange, routing_key, properties, body, answer, _permit: permit };
        self.requests.try_send(request).map_err(|_| PublishError::Unavailable)?;
        match timeout_at(deadline, answered).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(PublishError::Unknown),
        }
    }
}

/// Serves one connection after the other.
async fn run(mut watch: Watch, mut requests: mpsc::Receiver<Request>) {
    loop {
        let connection = tokio::select! {
            connection = line::connected(&mut watch) => match connection {
                Some(connection) => connection,
                None => return,
            },
            request = requests.recv() => match request {
                Some(request) => { request.refuse(); continue }
                None => return,
            },
        };
        match open(&connection).await {
            Ok(channel) => {
                if Session::new(channel, connection).serve(&mut requests).await.is_break() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "RabbitMQ: no channel to publish on");
                sleep(REOPEN_DELAY).await;
            }
        }
    }
}

async fn open(connection: &Connection) -> Result<Channel, lapin::Error> {
    let channel = within(connection.create_channel()).await?;
    within(channel.confirm_select(ConfirmSelectOptions::default())).await?;
    Ok(channel)
}

impl Request {
    /// Nothing of it was sent.
    fn refuse(self) {
        let _ = self.answer.send(Err(PublishError::Unavailable));
    }
}
