//! One bed's virtual host as RabbitMQ's operators see it, and what they can do to it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use url::Url;

use crate::{bed::TestBed, stack::Stack};

/// A virtual host of a RabbitMQ, through its management API.
#[derive(Clone, Debug)]
pub struct VirtualHost {
    api: Url,
    name: String,
}

impl Stack {
    /// That of a bed in this stack.
    pub fn virtual_host(&self, bed: &TestBed) -> Result<VirtualHost> {
        Ok(VirtualHost { api: Url::parse(self.amqp_management_url()?)?, name: bed.name.clone() })
    }

    /// How many consumers each of the host's queues has; queues without one are missing. Asked of the queues themselves: what the
    /// management API says of consumers was seen to be wrong for a minute.
    pub async fn consumers(&self, host: &VirtualHost) -> Result<BTreeMap<String, usize>> {
        let mut listing = self.rabbitmqctl(&["--silent", "list_consumers", "-p", &host.name, "queue_name"])?;
        let listed = listing.output().await?;
        ensure!(listed.status.success(), "no consumers are listed: {}", String::from_utf8_lossy(&listed.stderr));
        let mut found = BTreeMap::new();
        for queue in String::from_utf8(listed.stdout)?.lines().filter(|queue| !queue.is_empty()) {
            *found.entry(queue.to_owned()).or_default() += 1;
        }
        Ok(found)
    }

    /// Has the broker write down now what it was told to declare: for some moments it keeps that in memory, and one that is killed then
    /// comes back with queues that have forgotten their messages. What it confirms in a queue that is older is on disk.
    pub async fn write_declarations_down(&self) -> Result<()> {
        self.eval("mnesia:sync_log(), [ok = dets:sync(Table) || Table <- dets:all()], ok.").await
    }

    /// Has queues elect a leader that have none after the broker was killed, as an operator would. By itself a queue of RabbitMQ 3.10.8 may
    /// stay without one for minutes when a client speaks to it before its election.
    pub async fn elect_leaders(&self, host: &VirtualHost) -> Result<()> {
        let code = format!(
            "[ra:trigger_election(amqqueue:get_pid(Q)) || Q <- rabbit_amqqueue:list(<<\"{}\">>),
                 ra_leaderboard:lookup_leader(element(1, amqqueue:get_pid(Q))) =:= undefined], ok.",
            host.name
        );
        self.eval(&code).await
    }

    /// Has the broker close one of the host's channels that consume, as after an error of its client: the connection stays. Only where
    /// the broker is this stack's own process.
    pub async fn close_consuming_channel(&self, host: &VirtualHost) -> Result<()> {
        // A client that acknowledges what it was never given has its channel closed.
        let code = format!(
            "[Channel | _] = [C || [{{pid, C}}, {{vhost, <<\"{}\">>}}, {{consumer_count, N}}]
                 <- rabbit_channel:info_all([pid, vhost, consumer_count]), N > 0],
             rabbit_channel:do(Channel, {{'basic.ack', 1000000000, false}}).",
            host.name
        );
        self.eval(&code).await
    }

    /// Erlang at the broker; it must come to `ok`.
    async fn eval(&self, code: &str) -> Result<()> {
        let done = self.rabbitmqctl(&["eval", code])?.output().await?;
        let (said, error) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        ensure!(done.status.success() && said.trim() == "ok", "{code} came to {said}{error}");
        Ok(())
    }
}

impl VirtualHost {
    /// Queues, exchanges and bindings, in words.
    pub async fn topology(&self) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for kind in ["queues", "exchanges", "bindings"] {
            for one in self.list(kind).await? {
                let of = |member: &str| one[member].as_str().unwrap_or_default().to_owned();
                found.insert(match kind {
                    "bindings" => format!("{:?} of {:?} goes to {:?}", of("routing_key"), of("source"), of("destination")),
                    _ => format!("{kind}: {:?}, {}, {}", of("name"), of("type"), one["arguments"]),
                });
            }
        }
        Ok(found)
    }

    /// Closes by force every connection whose client calls it so, e.g. `goticket-workers (consuming)`; returns how many there were.
    pub async fn close_connections(&self, called: &str) -> Result<usize> {
        let mut closed = 0;
        let mut url = self.api.join("/api/vhosts/")?;
        url.path_segments_mut().ok().context("no path")?.pop_if_empty().extend([&self.name, "connections"]);
        for connection in get(url).await? {
            if connection["client_properties"]["connection_name"].as_str().is_some_and(|name| name.contains(called)) {
                let name = connection["name"].as_str().context("a connection without a name")?;
                let mut url = self.api.join("/api/connections/")?;
                url.path_segments_mut().ok().context("no path")?.pop_if_empty().push(name);
                // One that has just ended by itself is not there.
                closed += usize::from(reqwest::Client::new().delete(url).send().await?.status().is_success());
            }
        }
        Ok(closed)
    }

    async fn list(&self, kind: &str) -> Result<Vec<Value>> {
        get(self.api.join(&format!("/api/{kind}/{}", self.name))?).await
    }
}

async fn get(url: Url) -> Result<Vec<Value>> {
    Ok(reqwest::get(url).await?.error_for_status()?.json().await?)
}
