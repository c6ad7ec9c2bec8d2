//! Ways to servers: cut, dropped, silent, slow, and one that loses an answer.

use std::time::Duration;

use anyhow::ensure;
use goticket_testkit::{Link, Server};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::kind::Group;
use crate::cast::Cast;

const LOOK: Duration = Duration::from_millis(10);

/// Closes all connections and refuses new ones for so long.
pub(super) async fn cut(links: &[&Link], lasts: Duration) -> anyhow::Result<String> {
    let closed: usize = links.iter().map(|link| link.cut()).sum();
    let mut refused = true;
    for link in links {
        refused &= TcpStream::connect(link.addr()).await.is_err();
    }
    sleep(lasts).await;
    restore(links);
    ensure!(closed > 0, "there was no connection to cut");
    ensure!(refused, "a cut link let a new connection in");
    Ok(format!("{closed} connections cut"))
}

/// Closes all connections, at whatever they are.
pub(super) fn drop_connections(links: &[&Link]) -> anyhow::Result<String> {
    let closed: usize = links.iter().map(|link| link.drop_connections()).sum();
    ensure!(closed > 0, "there was no connection to close");
    Ok(format!("{closed} connections closed"))
}

/// Holds everything up for so long.
pub(super) async fn silence(links: &[&Link], lasts: Duration) -> anyhow::Result<String> {
    let held_up = while_held_up(links, lasts, Link::hush).await;
    ensure!(held_up > 0, "nothing was said in that time");
    Ok(format!("{held_up} pieces held up"))
}

/// Makes everything late for so long.
pub(super) async fn slow(links: &[&Link], delay: Duration, lasts: Duration) -> anyhow::Result<String> {
    let late = while_held_up(links, lasts, |link| link.slow_down(delay)).await;
    ensure!(late > 0, "nothing was said in that time");
    Ok(format!("{late} pieces late"))
}

fn restore(links: &[&Link]) {
    for link in links {
        link.restore();
    }
}

/// How many pieces had to wait meanwhile.
async fn while_held_up(links: &[&Link], lasts: Duration, harm: impl Fn(&Link)) -> usize {
    let held_up = || links.iter().map(|link| link.held_up()).sum::<usize>();
    let before = held_up();
    for link in links {
        harm(link);
    }
    sleep(lasts).await;
    restore(links);
    held_up() - before
}

/// The next COMMIT of a worker reaches PostgreSQL; the answer does not come back. Workers who commit without saying so, and within half
/// the time have not said COMMIT, lose the answer to whatever they say next.
pub(super) async fn lose_commit(cast: &Cast, within: Duration) -> anyhow::Result<String> {
    let workers = Group::Worker.members().iter();
    let links: Vec<&Link> = workers.flat_map(|worker| cast.ways(Server::Postgres, Some(*worker))).collect();
    let lost = || links.iter().map(|link| link.answers_lost()).sum::<usize>();
    let (begun, before) = (Instant::now(), lost());
    let mut said = &b"COMMIT"[..];
    let set_trap = |said: &[u8]| {
        for link in &links {
            link.lose_answer_to(said);
        }
    };
    set_trap(said);
    while lost() == before && begun.elapsed() < within {
        if !said.is_empty() && begun.elapsed() > within / 2 {
            said = b"";
            set_trap(said);
        }
        sleep(LOOK).await;
    }
    restore(&links);
    ensure!(lost() > before, "no worker said anything in that time");
    Ok(format!("the answer to {} was lost", if said.is_empty() { "a statement" } else { "COMMIT" }))
}
