//! Handing a mail to the mail server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use goticket_platform::config::{SmtpConfig, SmtpTls};
use lettre::Message;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::TlsParameters;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use uuid::Uuid;

use super::connections::{Connections, Security};
use super::{MailError, ResetMail, TicketMail, VerificationMail, compose, reset, verification};

/// Sends mails. Clones share its connections.
#[derive(Clone)]
pub struct Mailer {
    connections: Arc<Connections>,
    from: Mailbox,
    timeout: Duration,
}

impl Mailer {
    /// Refuses a sender that isn't a mailbox, half a login, and a login that would cross the network in the clear.
    /// Connects at the first mail, not here: the mail server may come later than we do.
    pub fn new(config: &SmtpConfig) -> anyhow::Result<Self> {
        let from: Mailbox =
            config.from.parse().map_err(|error| anyhow!("smtp.from = {:?} is no mailbox: {error}", config.from))?;
        let tls = || TlsParameters::new(config.host.clone()).context("smtp.host has no valid name for TLS");
        let security = match config.tls {
            SmtpTls::None => Security::Plain,
            SmtpTls::StartTls => Security::StartTls(tls()?),
            SmtpTls::Implicit => Security::Implicit(tls()?),
        };
        let connections = Connections::new(config.host.clone(), config.port.get(), security, credentials(config)?);
        Ok(Self { connections: Arc::new(connections), from, timeout: config.timeout_ms.millis() })
    }

    /// The `Message-ID` that a notification's mail has, however often it is sent.
    pub fn message_id(&self, notification: Uuid) -> String {
        compose::message_id(notification, &self.from)
    }

    /// Asks the mail server for a sign of life.
    pub async fn greet(&self) -> Result<(), MailError> {
        timeout(self.timeout, self.connections.greet())
            .await
            .unwrap_or_else(|_| Err(MailError::transient(format!("no answer within {:?}", self.timeout))))
    }

    /// Composes and sends. After Ok the server has taken responsibility for the mail; after a
    /// [`MailError::Transient`] it may have, too.
    pub async fn send(&self, mail: &TicketMail) -> Result<(), MailError> {
        self.deliver(&compose::compose(mail, &self.from)?).await
    }

    /// The same, for the link that verifies an address.
    pub async fn send_verification(&self, mail: &VerificationMail) -> Result<(), MailError> {
        self.deliver(&verification::compose(mail, &self.from)?).await
    }

    /// The same, for the link by which a password is set.
    pub async fn send_reset(&self, mail: &ResetMail) -> Result<(), MailError> {
        self.deliver(&reset::compose(mail, &self.from)?).await
    }

    async fn deliver(&self, message: &Message) -> Result<(), MailError> {
        timeout(self.timeout, self.connections.send(message.envelope(), &message.formatted()))
            .await
            .unwrap_or_else(|_| Err(MailError::transient(format!("no answer within {:?}", self.timeout))))
    }
}

fn credentials(config: &SmtpConfig) -> anyhow::Result<Option<Credentials>> {
    match (&config.username, &config.password) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) if config.tls == SmtpTls::None && !is_loopback(&config.host) => {
            bail!("smtp.tls = none would send smtp.password in the clear to {}: use starttls or implicit", config.host)
        }
        (Some(user), Some(password)) => Ok(Some(Credentials::new(user.clone(), password.expose_secret().to_owned()))),
        _ => bail!("smtp.username and smtp.password go together: set both or neither"),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
