//! The moment of a worker's commit: whichever worker writes a batch next.

use std::time::Duration;

use anyhow::Context as _;
use goticket_testkit::{Link, Server};
use tokio::time::{Instant, sleep};

use super::kind::{Group, Moment};
use super::plan::COMMIT_WITHIN_MS;
use super::processes;
use super::ways::restore;
use crate::cast::{Cast, Process};

const LOOK: Duration = Duration::from_millis(2);

/// How long an answer that is held may stay away before PostgreSQL has surely carried out what it answers to.
const CARRIED_OUT: Duration = Duration::from_millis(20);

/// What the one statement of a batch carries, which commits by itself: the domain events of its bookings.
const CARRIED: &str = "goticket.Booking";

/// Workers who within half the time have not written a batch are caught at whatever they say next.
pub(super) async fn catch(cast: &Cast, moment: Moment, lasts: Duration) -> anyhow::Result<String> {
    let ways: Vec<(Process, &Link)> = Group::Worker
        .members()
        .iter()
        .flat_map(|worker| cast.ways(Server::Postgres, Some(*worker)).into_iter().map(|link| (*worker, link)))
        .collect();
    let links: Vec<&Link> = ways.iter().map(|(_, link)| *link).collect();
    let within = Duration::from_millis(COMMIT_WITHIN_MS);
    let caught = caught(&ways, moment, within).await;
    let dead = lasts.saturating_sub(within);
    let what = match (caught, moment) {
        (None, _) => None,
        (Some((_, said)), Moment::AnswerLost) => Some(format!("the answer to {said} was lost")),
        (Some((worker, said)), _) => {
            sleep(CARRIED_OUT).await;
            // Restored only when the worker is gone: it must never hear.
            let killed = processes::kill_now(cast, worker).await;
            restore(&links);
            killed?;
            sleep(dead).await;
            cast.start(worker).await?;
            let when = if moment == Moment::KilledBefore { "before" } else { "after" };
            Some(format!("{} was killed {when} its {said} was carried out", worker.name()))
        }
    };
    restore(&links);
    what.context("no worker said anything in that time")
}

/// Which worker was caught, and at what.
async fn caught(ways: &[(Process, &Link)], moment: Moment, within: Duration) -> Option<(Process, &'static str)> {
    let before: Vec<usize> = ways.iter().map(|(_, link)| link.caught()).collect();
    let set_traps = |said: &[u8]| {
        for (_, link) in ways {
            match moment {
                Moment::AnswerLost => link.lose_answer_to(said),
                Moment::KilledBefore => link.hold_request(said),
                Moment::KilledAfter => link.hold_answer_to(said),
            }
        }
    };
    let begun = Instant::now();
    let mut said = "batch";
    set_traps(CARRIED.as_bytes());
    while begun.elapsed() < within {
        let caught = ways.iter().zip(&before).find(|((_, link), before)| link.caught() > **before);
        if let Some(((worker, _), _)) = caught {
            return Some((*worker, said));
        }
        if said == "batch" && begun.elapsed() > within / 2 {
            said = "statement";
            set_traps(b"");
        }
        sleep(LOOK).await;
    }
    None
}
