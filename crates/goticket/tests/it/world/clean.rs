//! How every test ends: the world is clean.

use std::time::Duration;

use goticket_contracts::amqp::Names;
use goticket_storage::lanes;
use goticket_testkit::eventually;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use sqlx::Row as _;

use super::World;

/// How long mails, domain events and retries may take to settle.
const SETTLING: Duration = Duration::from_secs(90);

/// The prefix of queues in `defaults.toml`; a test has a virtual host of its own.
const AMQP_PREFIX: &str = "goticket.";

/// The gateway's gauge of requests that wait for a decision.
const WAITERS: &str = "gateway_waiters";

impl World {
    /// Nothing oversold, lost, doubled, locked, waiting or left over.
    pub async fn assert_clean(&mut self) {
        self.assert_clean_but_for_copies().await;
        for (address, received) in self.received().await {
            assert_eq!(received.copies, received.distinct, "{address} got a mail twice");
        }
    }

    /// The same, but a mail may have been sent twice under one Message-ID: SMTP knows no transactions, so a sender that is killed
    /// between the server's acceptance and its own commit can only repeat itself recognisably.
    pub async fn assert_clean_but_for_copies(&mut self) {
        self.deployment.all_alive().unwrap();
        self.audited().await;
        self.mails_arrived().await;
        eventually("an outbox that is drained", SETTLING, async || (self.unpublished().await == 0).then_some(())).await;
        eventually("queues that are empty", SETTLING, async || {
            let queues = self.messages().await;
            queues.iter().all(|(_, count)| *count == 0).then_some(()).ok_or(queues).ok()
        })
        .await;
        eventually("no lock in Redis", SETTLING, async || self.locks().await.is_empty().then_some(())).await;
        eventually("no waiter in the gateway", SETTLING, async || (self.waiters().await == 0.0).then_some(())).await;
        assert_eq!(self.api.faults(), Vec::<String>::new(), "answers broke the rules that all answers keep");
        self.deployment.all_alive().unwrap();
    }

    /// Waits until `goticket audit` passes for every event; in vain: says what it says.
    async fn audited(&self) {
        let deadline = std::time::Instant::now() + SETTLING;
        for event in &self.events {
            let mut audit = self.deployment.try_command(&["audit", "--event", event], &[]).await.unwrap();
            while !audit.success {
                assert!(std::time::Instant::now() < deadline, "{}", audit.stdout);
                audit = self.deployment.try_command(&["audit", "--event", event], &[]).await.unwrap();
            }
        }
    }

    async fn mails_arrived(&self) {
        let due = self.due().await;
        eventually("all mails", SETTLING, async || {
            let received = self.received().await;
            due.iter().all(|(address, count)| received.get(address).is_some_and(|found| found.distinct >= *count)).then_some(())
        })
        .await;
        for (address, found) in self.received().await {
            assert_eq!(found.distinct, due.get(&address).copied().unwrap_or_default(), "mails to {address}");
        }
    }

    async fn unpublished(&self) -> i64 {
        let behind = "SELECT count(*) FROM outbox o JOIN outbox_cursors c USING (lane) WHERE o.position > c.position";
        sqlx::query(behind).fetch_one(&self.db).await.unwrap().get(0)
    }

    /// Messages in the queues of commands, and in the one nobody could handle.
    pub async fn messages(&self) -> Vec<(String, u32)> {
        let names = Names::new(AMQP_PREFIX);
        let connection = self.broker().await;
        let channel = connection.create_channel().await.unwrap();
        let lanes = lanes::count(&self.db).await.unwrap();
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let mut found = Vec::new();
        for queue in names.lane_queues(lanes).chain([names.dead_queue()]) {
            let declared = channel.queue_declare(queue.as_str().into(), passive, FieldTable::default()).await.unwrap();
            found.push((queue, declared.message_count()));
        }
        connection.close(200, "done".into()).await.unwrap();
        found
    }

    /// A connection to the test's own virtual host.
    pub async fn broker(&self) -> Connection {
        Connection::connect(&self.deployment.bed.amqp_url, ConnectionProperties::default()).await.unwrap()
    }

    async fn locks(&self) -> Vec<String> {
        let client = redis::Client::open(self.deployment.bed.redis_url.as_str()).unwrap();
        let mut redis = client.get_multiplexed_async_connection().await.unwrap();
        let pattern = format!("{}*:lock:*", self.deployment.bed.redis_prefix);
        redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await.unwrap()
    }

    /// The gateway's waiters, from its metrics; a gauge that was never moved is not there yet.
    pub async fn waiters(&self) -> f64 {
        let metrics = self.private().get("/metrics").answer().await;
        let text = String::from_utf8(metrics.bytes).unwrap();
        let gauge = text.lines().find(|line| line.starts_with(WAITERS)).and_then(|line| line.rsplit(' ').next());
        gauge.map_or(0.0, |gauge| gauge.parse().unwrap())
    }
}
