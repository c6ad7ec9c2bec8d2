//! Where the servers come from: the ones named by environment variables; Docker where an engine
//! answers; otherwise processes of our own.
//!
//! `xtask` includes this very file, so that what it installs is what `testkit` will look for.

use std::{
    env,
    process::{Command, Stdio},
};

/// May create databases.
pub(crate) const POSTGRES_URL: &str = "GOTICKET_TEST_POSTGRES_URL";
pub(crate) const REDIS_URL: &str = "GOTICKET_TEST_REDIS_URL";
pub(crate) const AMQP_URL: &str = "GOTICKET_TEST_AMQP_URL";
/// RabbitMQ's management API, which creates the virtual hosts.
pub(crate) const AMQP_MANAGEMENT_URL: &str = "GOTICKET_TEST_AMQP_MANAGEMENT_URL";
pub(crate) const KAFKA_BROKERS: &str = "GOTICKET_TEST_KAFKA_BROKERS";
/// `smtp://host:port`
pub(crate) const SMTP_URL: &str = "GOTICKET_TEST_SMTP_URL";
/// GreenMail's REST API, which reads the mails back.
pub(crate) const MAILBOX_URL: &str = "GOTICKET_TEST_MAILBOX_URL";
/// `0` keeps Docker out of it although an engine answers.
pub(crate) const DOCKER_SWITCH: &str = "GOTICKET_DOCKER";

pub(crate) const ALL_SERVERS: [&str; 7] =
    [POSTGRES_URL, REDIS_URL, AMQP_URL, AMQP_MANAGEMENT_URL, KAFKA_BROKERS, SMTP_URL, MAILBOX_URL];

/// The images used where Docker answers.
pub(crate) mod image {
    pub(crate) const POSTGRES: &str = "postgres:17-alpine";
    pub(crate) const REDIS: &str = "redis:7-alpine";
    pub(crate) const RABBITMQ: &str = "rabbitmq:3.13-management-alpine";
    pub(crate) const KAFKA: &str = "apache/kafka:4.1.0";
    pub(crate) const MAIL: &str = "greenmail/standalone:2.1.3";
}

/// The one that applies here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Environment,
    Docker,
    Local,
}

impl Source {
    pub(crate) fn choose() -> Self {
        if ALL_SERVERS.iter().all(|name| variable(name).is_some()) {
            Self::Environment
        } else if docker_answers() {
            Self::Docker
        } else {
            Self::Local
        }
    }
}

/// A variable that is set to something.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn docker_answers() -> bool {
    if variable(DOCKER_SWITCH).is_some_and(|switch| switch == "0") {
        return false;
    }
    Command::new("docker")
        .args(["version", "--format", "{{.Server.Version}}"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|answer| answer.status.success() && !answer.stdout.trim_ascii().is_empty())
}
