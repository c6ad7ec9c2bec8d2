//! This process's lanes: one task for each, begun and ended as shares change.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use goticket_contracts::amqp::Names;
use goticket_domain::lane::LaneNo;
use goticket_platform::amqp::Amqp;
use goticket_storage::leases::{Change, Lease, Shares};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::healths::Healths;
use crate::{
    app::booking::{Deciding, LaneOwner},
    inbound::lane_queues::{BatchLimits, Ended, LaneQueues},
    outbound::dead_letters::DeadLetters,
};

/// What every lane of the process works with.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) deciding: Deciding,
    pub(super) amqp: Arc<Amqp>,
    pub(super) names: Names,
    pub(super) dead: DeadLetters,
    pub(super) limits: BatchLimits,
    pub(super) in_work_max: usize,
    pub(super) healths: Healths,
}

/// A lane in one epoch.
pub(super) type Holding = (LaneNo, i64);

pub(super) struct Lanes {
    parts: Parts,
    in_work: Arc<Semaphore>,
    shares: Shares,
    tick: Duration,
    running: HashMap<Holding, CancellationToken>,
    tasks: JoinSet<(Holding, Ended)>,
}

impl Lanes {
    pub(super) fn new(parts: Parts, shares: Shares, tick: Duration) -> Self {
        let in_work = Arc::new(Semaphore::new(parts.in_work_max));
        Self { parts, in_work, shares, tick, running: HashMap::new(), tasks: JoinSet::new() }
    }

    /// Until `stop`; what is in hand is finished, then every lane is given back.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(self.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.tasks.join_next() => {
                    if let Ok((holding, ended)) = ended {
                        self.ended(holding, ended).await;
                    }
                }
                _ = ticks.tick() => self.share().await,
            }
        }
        for running in self.running.values() {
            running.cancel();
        }
        while self.tasks.join_next().await.is_some() {}
        self.shares.leave().await;
    }

    async fn share(&mut self) {
        match self.shares.tick(Instant::now()).await {
            Ok(changes) => changes.into_iter().for_each(|change| self.change(change)),
            Err(error) => tracing::warn!(%error, "lanes: the shares could not be looked at"),
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Gained(Lease { key, epoch }) => self.begin((key, epoch)),
            Change::Lost(lane) | Change::GiveUp(lane) => {
                self.running.iter().filter(|((running, _), _)| *running == lane).for_each(|(_, stop)| stop.cancel());
            }
        }
    }

    fn begin(&mut self, holding: Holding) {
        let stop = CancellationToken::new();
        self.running.insert(holding, stop.clone());
        let (parts, in_work) = (self.parts.clone(), Arc::clone(&self.in_work));
        self.tasks.spawn(async move {
            let held = AssertUnwindSafe(hold(parts, in_work, holding, stop)).catch_unwind().await;
            // Its lane is still ours by the table: the next tick takes it again, in another epoch.
            (holding, held.unwrap_or(Ended::Lost))
        });
    }

    async fn ended(&mut self, holding: Holding, ended: Ended) {
        self.running.remove(&holding);
        let (lane, epoch) = holding;
        if !self.shares.held().any(|held| held.key == lane && held.epoch == epoch) {
            return;
        }
        match ended {
            Ended::Stopped => {
                if let Err(error) = self.shares.release(lane).await {
                    tracing::warn!(%lane, %error, "a lane could not be released: it is free after its lease");
                }
            }
            Ended::Lost => self.shares.forget(lane),
        }
    }
}

/// Owns a lane and consumes its queues until told to stop, or until it is another's.
async fn hold(parts: Parts, in_work: Arc<Semaphore>, (lane, epoch): Holding, stop: CancellationToken) -> Ended {
    let owner = match LaneOwner::take(parts.deciding, lane, epoch).await {
        Ok(Some(owner)) => owner,
        Ok(None) => return Ended::Lost,
        Err(error) => {
            tracing::warn!(%lane, %error, "a lane could not be looked at: trying again");
            return Ended::Lost;
        }
    };
    let _told = parts.healths.tell((lane, epoch), Arc::clone(owner.health()));
    let queues = LaneQueues::new(&parts.amqp, &parts.names, (lane, epoch), owner, parts.dead, parts.limits, in_work);
    queues.run(stop).await
}
