//! What the tables cannot know: commands that were accepted and not decided, and what nobody could handle.

use std::time::Duration;

use goticket_contracts::amqp::Names;
use goticket_domain::lane::LaneCount;
use goticket_platform::amqp::Amqp;
use tokio::time::sleep;

use super::CheckResult;

/// How often a queue is looked at before it counts as not empty, and the pause in between: some seconds in which what is on its way (a
/// hold's end, a late payment) gets through. Seen empty once is enough: everything accepted before is in a worker's hands.
const LOOKS: u32 = 25;
const PAUSE: Duration = Duration::from_millis(200);

/// Both checks. The queues are those of all events.
pub(super) async fn checks(amqp: &Amqp, lanes: LaneCount) -> anyhow::Result<[CheckResult; 2]> {
    let names = Names::new(amqp.prefix());
    let undecided = left(amqp, names.lane_queues(lanes).collect()).await?;
    let dead = left(amqp, vec![names.dead_queue()]).await?;
    Ok([
        check(
            "requests are decided",
            "no accepted command waits in a lane's queue: run this when the sale is over or paused, and the workers are running",
            undecided.into_iter().map(|(queue, count)| (format!("{queue}, still undecided: {count}"), count)),
        ),
        check(
            "no dead letters",
            "no command and no task was given up: the dead-letter queue is empty",
            dead.into_iter().map(|(queue, count)| (format!("{queue}: {count}"), count)),
        ),
    ])
}

/// The queues that were never seen empty, and how many messages wait in each. One that is not there has nothing to wait.
async fn left(amqp: &Amqp, mut queues: Vec<String>) -> anyhow::Result<Vec<(String, u32)>> {
    let mut looks = 0;
    loop {
        let mut left = Vec::new();
        for queue in queues {
            if let Some(count @ 1..) = amqp.waiting(&queue).await? {
                left.push((queue, count));
            }
        }
        looks += 1;
        if left.is_empty() || looks == LOOKS {
            return Ok(left);
        }
        queues = left.into_iter().map(|(queue, _)| queue).collect();
        sleep(PAUSE).await;
    }
}

fn check(name: &str, proves: &str, found: impl Iterator<Item = (String, u32)>) -> CheckResult {
    let (named, counts): (Vec<String>, Vec<u32>) = found.unzip();
    CheckResult { name: name.to_owned(), proves: proves.to_owned(), violations: counts.into_iter().map(u64::from).sum(), named }
}
