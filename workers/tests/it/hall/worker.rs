//! A worker of one lane, as a test steps it.

use std::sync::Arc;

use goticket_domain::lane::LaneNo;
use goticket_workers::app::booking::{Deciding, Job, LaneOwner, Verdict};
use sqlx::PgPool;
use tokio::sync::Mutex;

/// Takes the lane, whoever has it, and takes it again when another one took it meanwhile. Clones are the same worker.
#[derive(Clone)]
pub(crate) struct Worker {
    deciding: Deciding,
    pool: PgPool,
    lane: LaneNo,
    owner: Arc<Mutex<Option<LaneOwner>>>,
}

impl Worker {
    pub(super) fn new(deciding: Deciding, pool: PgPool, lane: LaneNo) -> Self {
        Self { deciding, pool, lane, owner: Arc::default() }
    }

    /// One verdict per job. What another owner kept this one from deciding is decided after taking the lane again.
    pub(crate) async fn run_once(&self, jobs: &[Job]) -> Vec<Verdict> {
        let mut owner = self.owner.lock().await;
        let mut verdicts: Vec<Option<Verdict>> = vec![None; jobs.len()];
        loop {
            let open: Vec<usize> = (0..jobs.len()).filter(|place| verdicts[*place].is_none()).collect();
            let batch: Vec<Job> = open.iter().map(|place| jobs[*place].clone()).collect();
            let decided = match owner.as_mut().filter(|owner| !owner.is_lost()) {
                Some(owner) => Box::pin(owner.run_once(&batch)).await,
                None => Box::pin(owner.insert(take(&self.deciding, &self.pool, self.lane).await.1).run_once(&batch)).await,
            };
            for (place, verdict) in open.into_iter().zip(decided) {
                verdicts[place] = Some(verdict).filter(|verdict| *verdict != Verdict::Undecided);
            }
            if verdicts.iter().all(Option::is_some) {
                return verdicts.into_iter().flatten().collect();
            }
        }
    }

    /// What a lane does between batches.
    pub(crate) async fn keep_up(&self) {
        if let Some(owner) = self.owner.lock().await.as_mut() {
            let _ = owner.refresh_terms().await;
            let repairs = owner.maps_to_repair().await;
            owner.board().publish(&repairs).await;
        }
    }
}

/// Takes a lane in a new epoch, without regard to whoever has it; also while the database comes and goes.
pub(super) async fn take(deciding: &Deciding, pool: &PgPool, lane: LaneNo) -> (i64, LaneOwner) {
    loop {
        let epoch = sqlx::query_scalar("UPDATE lanes SET epoch = epoch + 1 WHERE lane = $1 RETURNING epoch")
            .bind(i16::try_from(lane.0).unwrap())
            .fetch_one(pool)
            .await;
        let Ok(epoch) = epoch else { continue };
        if let Ok(Some(owner)) = LaneOwner::take(deciding.clone(), lane, epoch).await {
            return (epoch, owner);
        }
    }
}
