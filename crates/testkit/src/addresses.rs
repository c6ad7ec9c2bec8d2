//! Where each server of a stack answers.

use anyhow::{Result, bail};

use crate::source::{self, variable};

/// Kafka's second listener, for one [`Link`](crate::Link) at a time: it advertises the port the
/// link listens on, so that clients stay behind the link after they have learnt the brokers.
pub(crate) const KAFKA_LINK_LISTENER: &str = "GOTICKET_TEST_KAFKA_LINK_LISTENER";
pub(crate) const KAFKA_LINK_ADVERTISED: &str = "GOTICKET_TEST_KAFKA_LINK_ADVERTISED";
/// The folder beds keep their files in.
pub(crate) const FOLDER: &str = "GOTICKET_TEST_FOLDER";

/// One field per server; `None` is one that has yet to be started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    pub(crate) postgres_url: Option<String>,
    pub(crate) redis_url: Option<String>,
    pub(crate) amqp_url: Option<String>,
    pub(crate) amqp_management_url: Option<String>,
    pub(crate) kafka: Option<KafkaAddresses>,
    pub(crate) smtp_url: Option<String>,
    pub(crate) mailbox_url: Option<String>,
}

/// Where Kafka answers.
#[derive(Clone, Debug)]
pub(crate) struct KafkaAddresses {
    pub(crate) brokers: String,
    pub(crate) link: Option<KafkaLink>,
}

/// Both `host:port`.
#[derive(Clone, Debug)]
pub(crate) struct KafkaLink {
    pub(crate) listener: String,
    pub(crate) advertised: String,
}

impl Addresses {
    /// The servers named by environment variables. A server that is told to us by halves is an error: half a sale later it would be one.
    pub(crate) fn from_environment() -> Result<Self> {
        for pair in [[source::AMQP_URL, source::AMQP_MANAGEMENT_URL], [source::SMTP_URL, source::MAILBOX_URL]] {
            if let [(set, true), (missing, false)] | [(missing, false), (set, true)] =
                pair.map(|name| (name, variable(name).is_some()))
            {
                bail!("{set} is set without {missing}: the two go together");
            }
        }
        let link = || Some(KafkaLink { listener: variable(KAFKA_LINK_LISTENER)?, advertised: variable(KAFKA_LINK_ADVERTISED)? });
        Ok(Self {
            postgres_url: variable(source::POSTGRES_URL),
            redis_url: variable(source::REDIS_URL),
            amqp_url: variable(source::AMQP_URL),
            amqp_management_url: variable(source::AMQP_MANAGEMENT_URL),
            kafka: variable(source::KAFKA_BROKERS).map(|brokers| KafkaAddresses { brokers, link: link() }),
            smtp_url: variable(source::SMTP_URL),
            mailbox_url: variable(source::MAILBOX_URL),
        })
    }

    /// The same as variables, for child processes.
    pub(crate) fn to_environment(&self) -> Vec<(String, String)> {
        let link = self.kafka.as_ref().and_then(|kafka| kafka.link.as_ref());
        [
            (source::POSTGRES_URL, self.postgres_url.as_ref()),
            (source::REDIS_URL, self.redis_url.as_ref()),
            (source::AMQP_URL, self.amqp_url.as_ref()),
            (source::AMQP_MANAGEMENT_URL, self.amqp_management_url.as_ref()),
            (source::KAFKA_BROKERS, self.kafka.as_ref().map(|kafka| &kafka.brokers)),
            (KAFKA_LINK_LISTENER, link.map(|link| &link.listener)),
            (KAFKA_LINK_ADVERTISED, link.map(|link| &link.advertised)),
            (source::SMTP_URL, self.smtp_url.as_ref()),
            (source::MAILBOX_URL, self.mailbox_url.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
        .collect()
    }

    /// Fills the gaps with what `started` knows.
    pub(crate) fn or(self, started: Self) -> Self {
        Self {
            postgres_url: self.postgres_url.or(started.postgres_url),
            redis_url: self.redis_url.or(started.redis_url),
            amqp_url: self.amqp_url.or(started.amqp_url),
            amqp_management_url: self.amqp_management_url.or(started.amqp_management_url),
            kafka: self.kafka.or(started.kafka),
            smtp_url: self.smtp_url.or(started.smtp_url),
            mailbox_url: self.mailbox_url.or(started.mailbox_url),
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.postgres_url.is_some()
            && self.redis_url.is_some()
            && self.amqp_url.is_some()
            && self.kafka.is_some()
            && self.smtp_url.is_some()
    }
}

/// Host and port of a URL that must have both.
pub(crate) fn host_and_port(url: &str) -> Result<(String, u16)> {
    let parsed = url::Url::parse(url)?;
    let default = match parsed.scheme() {
        "postgres" | "postgresql" => Some(5432),
        "redis" => Some(6379),
        "amqp" => Some(5672),
        "smtp" => Some(25),
        _ => None,
    };
    let host = parsed.host_str().map(str::to_owned);
    let port = parsed.port_or_known_default().or(default);
    host.zip(port).ok_or_else(|| anyhow::anyhow!("{url:?} lacks a host or a port"))
}
