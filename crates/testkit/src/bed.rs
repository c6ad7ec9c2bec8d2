//! What one test owns.

use std::{fs, path::PathBuf, thread};

use anyhow::{Context as _, Result};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use url::Url;

use crate::{addresses::host_and_port, mailbox::Mailbox, stack::Stack};

/// A database, a virtual host, a key prefix, a topic prefix, a mail domain and a folder of its own.
///
/// Dropping it gives database, virtual host and folder back, unless the test failed: then they stay
/// until the stack ends, to be looked at.
#[derive(Debug)]
pub struct TestBed {
    /// Short and unique, e.g. `t3f9a41c07b2d`.
    pub name: String,
    /// A fresh, empty database.
    pub postgres_url: String,
    /// Shared with others: use the prefix.
    pub redis_url: String,
    /// E.g. `t3f9a41c07b2d:`
    pub redis_prefix: String,
    /// With a fresh virtual host as its path, percent-encoded.
    pub amqp_url: String,
    /// `host:port`; shared with others: use the prefix.
    pub kafka_brokers: String,
    /// E.g. `t3f9a41c07b2d.`
    pub kafka_topic_prefix: String,
    /// The mail server, which takes mail for any address.
    pub smtp_host: String,
    /// See `smtp_host`.
    pub smtp_port: u16,
    /// Only this bed sends mail to addresses of this domain.
    pub mail_domain: String,
    /// Its `all` are the mails to `mail_domain`.
    pub mailbox: Mailbox,
    /// An empty folder.
    pub objects_dir: PathBuf,
    /// The folder of the stack, where this process started it: processes marked with it end with the stack.
    pub(crate) mark: Option<PathBuf>,
    cleanup: Cleanup,
}

impl TestBed {
    /// A bed in the shared stack.
    ///
    /// # Panics
    /// When the servers cannot be had, with the reason.
    pub async fn new() -> Self {
        let bed = async { Self::in_stack(Stack::shared().await?).await };
        match bed.await {
            Ok(bed) => bed,
            Err(error) => panic!("no test bed: {error:#}"),
        }
    }

    /// A bed in a stack of one's own.
    pub async fn in_stack(stack: &Stack) -> Result<Self> {
        let name = format!("t{:012x}", rand::random::<u64>() >> 16);
        let addresses = &stack.addresses;
        let lacks = |what: &str| format!("the stack has no {what}");
        let admin_url = addresses.postgres_url.clone().with_context(|| lacks("PostgreSQL"))?;
        let (postgres_url, (amqp_url, vhost)) =
            tokio::try_join!(create_database(&admin_url, &name), create_vhost(stack, &name),)?;
        let smtp_url = addresses.smtp_url.as_ref().with_context(|| lacks("mail server"))?;
        let (smtp_host, smtp_port) = host_and_port(smtp_url)?;
        let objects_dir = stack.folder().join(&name);
        fs::create_dir_all(&objects_dir).context("make a folder for the test")?;
        let mail_domain = format!("{name}.test");
        Ok(Self {
            postgres_url,
            redis_url: addresses.redis_url.clone().with_context(|| lacks("Redis"))?,
            redis_prefix: format!("{name}:"),
            amqp_url,
            kafka_brokers: addresses.kafka.as_ref().map(|kafka| kafka.brokers.clone()).with_context(|| lacks("Kafka"))?,
            kafka_topic_prefix: format!("{name}."),
            smtp_host,
            smtp_port,
            mailbox: Mailbox::new(addresses.mailbox_url.clone().unwrap_or_default(), Some(mail_domain.clone())),
            mail_domain,
            cleanup: Cleanup { admin_url, database: name.clone(), vhost, folder: objects_dir.clone() },
            mark: stack.mark(),
            objects_dir,
            name,
        })
    }

    /// A mail address only this bed uses.
    pub fn address(&self, local_part: &str) -> String {
        format!("{local_part}@{}", self.mail_domain)
    }
}

async fn create_database(admin_url: &str, name: &str) -> Result<String> {
    let mut admin = PgConnection::connect(admin_url).await.context("connect to PostgreSQL")?;
    // Template 0 has no connections that could be in the way of tests that run side by side.
    let create = format!("create database {name} template template0");
    admin.execute(AssertSqlSafe(create)).await.context("create a database")?;
    admin.close().await?;
    let mut url = Url::parse(admin_url)?;
    url.set_path(name);
    Ok(url.into())
}

/// The address with the virtual host, and the management API's address of it. Without a management
/// API the virtual host is the one the environment names.
async fn create_vhost(stack: &Stack, name: &str) -> Result<(String, Option<Url>)> {
    let amqp_url = stack.addresses.amqp_url.as_ref().context("the stack has no RabbitMQ")?;
    let Some(management) = &stack.addresses.amqp_management_url else {
        return Ok((amqp_url.clone(), None));
    };
    let mut url = Url::parse(amqp_url)?;
    let user = url.username().to_owned();
    let http = reqwest::Client::new();
    let vhost = Url::parse(management)?.join(&format!("/api/vhosts/{name}"))?;
    http.put(vhost.clone()).send().await?.error_for_status().context("create a virtual host")?;
    let permissions = vhost.join(&format!("/api/permissions/{name}/{user}"))?;
    http.put(permissions)
        .json(&serde_json::json!({ "configure": ".*", "write": ".*", "read": ".*" }))
        .send()
        .await?
        .error_for_status()
        .context("allow the use of the virtual host")?;
    url.set_path(name);
    Ok((url.into(), Some(vhost)))
}

/// What is given back in the end.
#[derive(Clone, Debug)]
struct Cleanup {
    admin_url: String,
    database: String,
    vhost: Option<Url>,
    folder: PathBuf,
}

impl Cleanup {
    async fn run(self) -> Result<()> {
        fs::remove_dir_all(&self.folder)?;
        if let Some(vhost) = self.vhost {
            reqwest::Client::new().delete(vhost).send().await?;
        }
        let mut admin = PgConnection::connect(&self.admin_url).await?;
        let drop = format!("drop database if exists {} with (force)", self.database);
        admin.execute(AssertSqlSafe(drop)).await?;
        Ok(())
    }
}

impl Drop for TestBed {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let cleanup = self.cleanup.clone();
        // On a thread of its own: a destructor cannot wait, and the test's runtime is about to end.
        // What it does not finish before the process ends, the end of the stack does.
        let _ = thread::Builder::new().name("clean up".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(cleanup.run())
        });
    }
}
