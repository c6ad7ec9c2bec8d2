//! The composition root: connects what the chosen roles need, and starts them.

mod booking;
mod ends;
mod health;
mod shared;

use std::str::FromStr;

use goticket_platform::{
    health::{Readiness, checks},
    kafka,
    shutdown::Shutdown,
};

use self::shared::Shared;
use crate::Config;

/// One kind of worker. A process runs any subset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum WorkerRole {
    /// Decides booking commands.
    Booking,
    /// Finds holds whose deadline has passed.
    Expiry,
    /// Publishes the outbox to Kafka.
    Relay,
    /// Makes tasks of domain events.
    Notifier,
    /// Prints tickets.
    Pdf,
    /// Mails tickets.
    Mail,
    /// Asks the payment provider about what has no answer.
    Payments,
}

impl WorkerRole {
    /// Every role.
    pub const ALL: [Self; 7] = [Self::Booking, Self::Expiry, Self::Relay, Self::Notifier, Self::Pdf, Self::Mail, Self::Payments];

    /// The name used on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Expiry => "expiry",
            Self::Relay => "relay",
            Self::Notifier => "notifier",
            Self::Pdf => "pdf",
            Self::Mail => "mail",
            Self::Payments => "payments",
        }
    }
}

impl FromStr for WorkerRole {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("unknown role {text:?}: one of {}", known()))
    }
}

/// Runs these roles until the shutdown begins; what they have in hand is finished.
pub async fn run(config: Config, roles: &[WorkerRole], shutdown: Shutdown) -> anyhow::Result<()> {
    let readiness = Readiness::new();
    health::serve(&config, readiness.clone(), &shutdown).await?;
    if roles.iter().any(|role| matches!(role, WorkerRole::Relay | WorkerRole::Notifier)) {
        // By one client of its own, whichever of the two are played here.
        readiness.optional("kafka", checks::kafka(kafka::producer(&config.kafka)?));
    }
    let others = roles.iter().any(|role| *role != WorkerRole::Booking);
    let shared = if others { Some(Shared::connect(&config, &readiness).await?) } else { None };
    for role in roles {
        match (role, &shared) {
            (WorkerRole::Booking, _) => booking::start(&config, &readiness, &shutdown).await?,
            (WorkerRole::Expiry, Some(shared)) => ends::expiry(&config, shared, &shutdown),
            (WorkerRole::Relay, Some(shared)) => ends::relay(&config, shared, &shutdown),
            (WorkerRole::Notifier, Some(shared)) => ends::notifier(&config, shared, &shutdown)?,
            (WorkerRole::Pdf, Some(shared)) => ends::pdf(&config, shared, &shutdown),
            (WorkerRole::Mail, Some(shared)) => ends::mail(&config, shared, &readiness, &shutdown)?,
            (WorkerRole::Payments, Some(shared)) => ends::payments(&config, shared, &shutdown)?,
            (_, None) => {}
        }
    }
    shutdown.token().cancelled().await;
    shutdown.drain(config.shutdown.drain_ms.millis()).await?;
    Ok(())
}
