//! Delivering the planned faults. A fault counts when it was seen to happen: a process that is gone, connections that were closed, bytes
//! that were held up.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::kind::{Harm, Kind};
use super::plan::Planned;
use super::{commits, processes, servers, ways};
use crate::cast::{Cast, Process};

/// What came of a planned fault.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub planned: Planned,
    /// What showed that it happened, or why it did not.
    pub seen: Result<String, String>,
}

/// Delivers every fault at its time from `begun` on, each as a task of its own, and returns when all are over.
pub(crate) async fn carry_out(cast: &Arc<Cast>, faults: Vec<Planned>, begun: Instant) -> Vec<Delivery> {
    let mut tasks = JoinSet::new();
    for planned in faults {
        let cast = Arc::clone(cast);
        tasks.spawn(async move {
            sleep_until(begun + Duration::from_millis(planned.at_ms)).await;
            println!("{planned}");
            let seen = deliver(&cast, &planned).await.map_err(|error| format!("{error:#}"));
            if let Err(why) = &seen {
                println!("         {} was not seen to happen: {why}", planned.kind);
            }
            Delivery { planned, seen }
        });
    }
    let mut delivered = tasks.join_all().await;
    delivered.sort_by_key(|delivery| delivery.planned.at_ms);
    delivered
}

async fn deliver(cast: &Cast, planned: &Planned) -> anyhow::Result<String> {
    let lasts = Duration::from_millis(planned.for_ms);
    let whom = || planned.whom.unwrap_or(Process::WorkerA);
    match planned.kind {
        Kind::Kill(_) => processes::kill(cast, whom(), lasts).await,
        Kind::Stop(_) => processes::stop(cast, whom(), lasts).await,
        Kind::Way(harm, server) => {
            let links = cast.ways(server, planned.whom);
            match harm {
                Harm::Cut => ways::cut(&links, lasts).await,
                Harm::Drop => ways::drop_connections(&links),
                Harm::Silence => ways::silence(&links, lasts).await,
                Harm::Slow => ways::slow(&links, Duration::from_millis(planned.delay_ms), lasts).await,
            }
        }
        Kind::AtCommit(moment) => commits::catch(cast, moment, lasts).await,
        Kind::FlushRedis => servers::flush_redis(cast).await,
        Kind::Alarm(scarce) => servers::alarm(cast, scarce, lasts).await,
        Kind::FillDisk(server) => servers::fill_disk(cast, server, lasts).await,
        Kind::Restart(server) => servers::restart(cast, server, lasts).await,
        Kind::TerminateBackends => servers::terminate_backends(cast).await,
    }
}
