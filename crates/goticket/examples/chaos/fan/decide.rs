//! From a key to its outcome: at once, later, after hanging up, several times at once.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use tokio::time::{Instant, sleep};

use super::{AGAIN, Fan, SETTLED, Sent};
use crate::habits::Manner;
use crate::history::{Attempt, Op, Outcome};
use crate::shop::{PATIENCE, Request, Shop};

/// The longest that a fan who is told to come back later stays away.
const AWAY_MAX: Duration = Duration::from_secs(2);

impl Fan {
    /// Sends a key until it is decided: the answer that says how. `None` where the time was over before.
    pub(crate) async fn decide(
        &mut self,
        shop: &Shop,
        sent: &Sent,
        manner: Manner,
        until: Instant,
    ) -> anyhow::Result<Option<Attempt>> {
        let mut manner = Some(manner);
        while Instant::now() < until {
            let answers = match manner.take() {
                None | Some(Manner::Waits) => vec![self.book(shop, sent, 5, PATIENCE).await?],
                Some(Manner::LooksLater) => vec![self.book(shop, sent, 0, PATIENCE).await?],
                Some(Manner::HangsUp(ms)) => vec![self.book(shop, sent, 5, Duration::from_millis(ms)).await?],
                Some(Manner::AtOnce(times)) => self.book_at_once(shop, sent, times).await?,
            };
            let pending =
                answers.iter().find(|answer| answer.outcome == Outcome::Pending).and_then(|answer| answer.booking.clone());
            let away = answers.iter().filter_map(|answer| answer.retry_after_s).max().map_or(AGAIN, Duration::from_secs);
            if let Some(decided) = answers.into_iter().find(Attempt::is_decision) {
                return Ok(Some(decided));
            }
            if let Some(pending) = pending {
                // "Accepted" is a promise: no one needs to ask again. In the end the key is sent once more.
                return self.look_until_decided(shop, sent, &pending, until).await;
            }
            sleep(away.min(AWAY_MAX)).await;
        }
        Ok(None)
    }

    /// One request for seats; a token that has run out is claimed again.
    pub(super) async fn book(&mut self, shop: &Shop, sent: &Sent, wait_s: u32, timeout: Duration) -> anyhow::Result<Attempt> {
        self.nth += 1;
        let answer = shop.send(&self.account, self.booking(sent, self.nth, wait_s, timeout)).await?;
        if answer.outcome == Outcome::Conflict {
            self.claim(shop).await?;
        }
        Ok(answer)
    }

    async fn book_at_once(&mut self, shop: &Shop, sent: &Sent, times: usize) -> anyhow::Result<Vec<Attempt>> {
        self.nth += times;
        let requests = (0..times).map(|n| shop.send(&self.account, self.booking(sent, self.nth + n, 5, PATIENCE)));
        join_all(requests).await.into_iter().collect()
    }

    fn booking(&self, sent: &Sent, nth: usize, wait_s: u32, timeout: Duration) -> Request {
        let path = format!("/v1/events/{}/bookings", self.event.id);
        let headers = vec![("entry-token", self.entry.clone()), ("prefer", format!("wait={wait_s}"))];
        let (key, body) = (Some(sent.key.clone()), sent.body.clone());
        Request { key, headers, body, timeout, ..Request::of(Op::Book, &self.event.id, nth, Method::POST, path) }
    }

    /// Looks at an accepted request for a while. Unknown means not decided yet: a pending request may be forgotten, its outcome not.
    async fn look_until_decided(
        &mut self,
        shop: &Shop,
        sent: &Sent,
        pending: &str,
        until: Instant,
    ) -> anyhow::Result<Option<Attempt>> {
        let until = until.min(Instant::now() + SETTLED);
        while Instant::now() < until {
            let seen = self.look(shop, pending, Some(&sent.key)).await?;
            if seen.outcome.is_booking() || seen.outcome == Outcome::Refused {
                return Ok(Some(seen));
            }
            sleep(AGAIN).await;
        }
        Ok(None)
    }

    /// One look at a booking, or at what became of a key.
    pub(crate) async fn look(&mut self, shop: &Shop, booking: &str, key: Option<&str>) -> anyhow::Result<Attempt> {
        self.nth += 1;
        let (key, about) = (key.map(str::to_owned), Some(booking.to_owned()));
        let path = format!("/v1/bookings/{booking}");
        shop.send(&self.account, Request { key, about, ..Request::of(Op::Look, &self.event.id, self.nth, Method::GET, path) })
            .await
    }
}
