//! Connections to the mail server, kept and used again.
//!
//! Not lettre's own pool, for two reasons: that one bounds only what is idle, and it takes back a
//! connection whose conversation was cut short by a time-out or a cancelled task, so that the next mail
//! would be spoken into the middle of another. Here a connection returns only after a mail was accepted on it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::MailError;

/// Connections at a time; most relays answer 421 to many more.
const CONNECTIONS_MAX: usize = 8;
/// Far below the 5 minutes after which a server may hang up (RFC 5321, 4.5.3.2.7).
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How a conversation is protected.
#[derive(Clone)]
pub(super) enum Security {
    Plain,
    /// Upgraded before anything is said; a server that can't is not spoken to.
    StartTls(TlsParameters),
    Implicit(TlsParameters),
}

pub(super) struct Connections {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
    open: Semaphore,
}

impl Connections {
    pub(super) fn new(host: String, port: u16, security: Security, credentials: Option<Credentials>) -> Self {
        let idle = Mutex::new(Vec::with_capacity(CONNECTIONS_MAX));
        Self { host, port, security, credentials, idle, open: Semaphore::new(CONNECTIONS_MAX) }
    }

    /// One mail. May be dropped at any point: the connection is then closed, not used again.
    pub(super) async fn send(&self, envelope: &Envelope, message: &[u8]) -> Result<(), MailError> {
        let _one_of_few = self.open.acquire().await.map_err(|_| MailError::transient("the mailer is closed"))?;
        let mut connection = match self.take_idle().await {
            Some(connection) => connection,
            None => self.connect().await.map_err(|error| MailError::of_connecting(&error))?,
        };
        connection.send(envelope, message).await.map_err(|error| MailError::of_sending(&error, envelope))?;
        self.lock().push((connection, Instant::now()));
        Ok(())
    }

    /// A conversation without a mail, on a connection of its own: is the server there, and does it let us in?
    pub(super) async fn greet(&self) -> Result<(), MailError> {
        let mut connection = self.connect().await.map_err(|error| MailError::of_connecting(&error))?;
        // It has said who it is; whether it hears our good-bye is all the same.
        let _ = connection.quit().await;
        Ok(())
    }

    /// The most recently used one that still answers.
    async fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.lock().pop()?;
            if since.elapsed() < IDLE_MAX && connection.test_connected().await {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let hello = ClientId::default();
        let tls_at_once = match &self.security {
            Security::Implicit(tls) => Some(tls.clone()),
            Security::Plain | Security::StartTls(_) => None,
        };
        let server = (self.host.as_str(), self.port);
        // No time-out here: the whole conversation has one.
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, None, &hello, tls_at_once, None).await?;
        if let Security::StartTls(tls) = &self.security {
            connection.starttls(tls.clone(), &hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
