//! Ways to servers: cut, dropped, silent, slow.

use std::time::Duration;

use anyhow::ensure;
use goticket_testkit::Link;
use tokio::net::TcpStream;
use tokio::time::sleep;

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

pub(super) fn restore(links: &[&Link]) {
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
