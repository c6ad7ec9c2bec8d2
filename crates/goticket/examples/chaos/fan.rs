//! One fan: enters, asks for seats again and again, pays, cancels, walks away. Never gives a key up before it is decided, unless the time is
//! over: then the key is sent again in the end.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::history::{Attempt, Op, Outcome};
use crate::shop::{Account, Ask, PATIENCE, Shop, To};
use crate::stage::Event;
use crate::wish::{self, Manner, Temper};

/// Cards of the sandbox provider, by what they do.
mod card {
    pub(crate) const PAYS: &str = "4242424242424242";
    pub(crate) const DECLINES: &str = "4000000000000002";
    pub(crate) const WEBHOOK_DOUBLED: &str = "4000000000000259";
    pub(crate) const WEBHOOK_LATE: &str = "4000000000000341";
    pub(crate) const WEBHOOK_LOST: &str = "4000000000000127";
}

/// Between two looks, two repetitions, two tries.
const AGAIN: Duration = Duration::from_millis(150);

/// The longest that a fan who is told to come back later stays away.
const AWAY_MAX: Duration = Duration::from_secs(2);

/// How long a fan waits for what a payment or a cancellation comes to, before turning to something else.
const SETTLED: Duration = Duration::from_secs(8);

/// Bookings after which a fan goes home, and another one comes.
const BOOKINGS_MAX: u32 = 25;

/// A key that was sent, and what it asked for.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub key: String,
    pub wish: Value,
}

/// A fan in front of one event.
pub(crate) struct Fan {
    pub account: Account,
    pub event: Arc<Event>,
    pub sent: Vec<Sent>,
    place: String,
    entry: String,
    rng: StdRng,
    /// The gateway asked last.
    nth: usize,
}

/// When the sale is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hours {
    pub opens: Instant,
    /// Nothing new is begun.
    pub closes: Instant,
    /// What was begun is left as it is.
    pub lights_out: Instant,
}

impl Fan {
    pub(crate) fn new(account: Account, event: Arc<Event>, seed: u64) -> Self {
        let stream = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(account.number.into());
        let nth = account.number as usize;
        let (place, entry) = (String::new(), String::new());
        Self { account, event, sent: Vec::new(), place, entry, rng: StdRng::seed_from_u64(stream), nth }
    }

    /// Joins, waits for the turn, claims; false where the doors closed before.
    pub(crate) async fn enter(&mut self, shop: &Shop, until: Instant) -> anyhow::Result<bool> {
        while Instant::now() < until {
            if self.place.is_empty() {
                let joined = self.queue(shop, Op::Join, Method::POST, "").await?;
                if let Some(ticket) = joined.answer["place_ticket"].as_str() {
                    ticket.clone_into(&mut self.place);
                }
            } else {
                let place = self.queue(shop, Op::Place, Method::GET, "/place").await?;
                if place.answer["location"]["where"] == "turn" && self.claim(shop).await? {
                    return Ok(true);
                }
            }
            sleep(AGAIN).await;
        }
        Ok(false)
    }

    async fn claim(&mut self, shop: &Shop) -> anyhow::Result<bool> {
        let claimed = self.queue(shop, Op::Claim, Method::POST, "/claim").await?;
        if let Some(token) = claimed.answer["entry_token"].as_str() {
            token.clone_into(&mut self.entry);
        }
        Ok(claimed.outcome == Outcome::Done)
    }

    async fn queue(&mut self, shop: &Shop, op: Op, method: Method, path: &str) -> anyhow::Result<Attempt> {
        self.nth += 1;
        let mut ask = Ask::of(op, &self.event.id, self.nth, method, format!("/v1/events/{}/queue{path}", self.event.id));
        if !self.place.is_empty() {
            ask.headers.push(("place-ticket", self.place.clone()));
        }
        shop.send(&self.account, ask).await
    }

    /// Asks for seats until the doors close, or until this fan has had enough.
    pub(crate) async fn shop(&mut self, shop: &Shop, hours: Hours) -> anyhow::Result<()> {
        for _ in 0..BOOKINGS_MAX {
            let thought = Duration::from_millis(self.rng.random_range(20..400));
            sleep(thought).await;
            if Instant::now() >= hours.closes {
                return Ok(());
            }
            let temper = wish::temper(&mut self.rng);
            let wish = wish::wish(&mut self.rng, &self.event, temper);
            let manner = wish::manner(&mut self.rng);
            let sent = Sent { key: format!("{:032x}", self.rng.random::<u128>()), wish };
            self.sent.push(sent.clone());
            let decided = self.decide(shop, &sent, manner, hours.lights_out).await?;
            if self.rng.random_bool(0.2) {
                let n = self.rng.random_range(0..self.sent.len());
                let again = self.sent[n].clone();
                self.book(shop, &again, 5, PATIENCE).await?;
            }
            match decided {
                Some(decided) if decided.outcome.is_booking() => self.settle(shop, temper, &decided).await?,
                Some(decided) if decided.code.as_deref() == Some("limit_reached") => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

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
                // "Accepted" is a promise: nobody needs to ask again. In the end the key is sent once more.
                return self.look_until_decided(shop, sent, &pending, until).await;
            }
            sleep(away.min(AWAY_MAX)).await;
        }
        Ok(None)
    }

    /// One request for seats; a token that has run out is claimed again.
    async fn book(&mut self, shop: &Shop, sent: &Sent, wait_s: u32, timeout: Duration) -> anyhow::Result<Attempt> {
        self.nth += 1;
        let answer = shop.send(&self.account, self.booking(sent, self.nth, wait_s, timeout)).await?;
        if answer.outcome == Outcome::Conflict {
            self.claim(shop).await?;
        }
        Ok(answer)
    }

    async fn book_at_once(&mut self, shop: &Shop, sent: &Sent, times: usize) -> anyhow::Result<Vec<Attempt>> {
        self.nth += times;
        let asks = (0..times).map(|n| shop.send(&self.account, self.booking(sent, self.nth + n, 5, PATIENCE)));
        join_all(asks).await.into_iter().collect()
    }

    fn booking(&self, sent: &Sent, nth: usize, wait_s: u32, timeout: Duration) -> Ask {
        let path = format!("/v1/events/{}/bookings", self.event.id);
        let headers = vec![("entry-token", self.entry.clone()), ("prefer", format!("wait={wait_s}"))];
        let (key, body) = (Some(sent.key.clone()), sent.wish.clone());
        Ask { key, headers, body, timeout, ..Ask::of(Op::Book, &self.event.id, nth, Method::POST, path) }
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
        shop.send(&self.account, Ask { key, about, ..Ask::of(Op::Look, &self.event.id, self.nth, Method::GET, path) }).await
    }

    async fn settle(&mut self, shop: &Shop, temper: Temper, booking: &Attempt) -> anyhow::Result<()> {
        let Some(id) = booking.booking.clone() else { return Ok(()) };
        match temper {
            Temper::WalksAway => return Ok(()),
            Temper::Pays => self.pay(shop, &id, card::PAYS).await?,
            Temper::PaysLate => return self.pay(shop, &id, card::WEBHOOK_LATE).await,
            Temper::PaysUntold => return self.pay(shop, &id, card::WEBHOOK_LOST).await,
            Temper::PaysAfterDecline => {
                self.pay(shop, &id, card::DECLINES).await?;
                self.pay(shop, &id, card::PAYS).await?;
            }
            Temper::PaysTwice => {
                self.checkout_twice(shop, &id).await?;
                self.pay(shop, &id, card::WEBHOOK_DOUBLED).await?;
                self.pay(shop, &id, card::WEBHOOK_DOUBLED).await?;
            }
            Temper::Cancels => self.cancel(shop, &id).await?,
            Temper::CancelsWhilePaying => self.cancel_while_paying(shop, &id).await?,
        }
        let until = Instant::now() + SETTLED;
        while Instant::now() < until {
            let seen = self.look(shop, &id, None).await?;
            if seen.outcome.is_booking() && seen.outcome != Outcome::Held {
                return Ok(());
            }
            sleep(AGAIN).await;
        }
        Ok(())
    }

    /// Opens a payment and types the card. A booking that cannot be paid any more is left.
    async fn pay(&mut self, shop: &Shop, booking: &str, card: &'static str) -> anyhow::Result<()> {
        let until = Instant::now() + SETTLED;
        while Instant::now() < until {
            self.nth += 1;
            let opened = shop.send(&self.account, self.checkout(booking, self.nth)).await?;
            if let Some(pay_url) = opened.answer["pay_url"].as_str() {
                let ask = self.card(booking, pay_url, card);
                shop.send(&self.account, ask).await?;
                return Ok(());
            }
            if matches!(opened.outcome, Outcome::Conflict | Outcome::Wrong) {
                return Ok(());
            }
            sleep(AGAIN).await;
        }
        Ok(())
    }

    async fn checkout_twice(&mut self, shop: &Shop, booking: &str) -> anyhow::Result<()> {
        self.nth += 2;
        let asks = (0..2).map(|n| shop.send(&self.account, self.checkout(booking, self.nth + n)));
        join_all(asks).await.into_iter().try_for_each(|opened| opened.map(drop))
    }

    async fn cancel_while_paying(&mut self, shop: &Shop, booking: &str) -> anyhow::Result<()> {
        self.nth += 1;
        let opened = shop.send(&self.account, self.checkout(booking, self.nth)).await?;
        let Some(pay_url) = opened.answer["pay_url"].as_str() else { return Ok(()) };
        let (pay, cancel) = (self.card(booking, pay_url, card::PAYS), self.cancellation(booking, self.nth + 1));
        let (paid, cancelled) = tokio::join!(shop.send(&self.account, pay), shop.send(&self.account, cancel));
        paid.and(cancelled).map(drop)
    }

    async fn cancel(&mut self, shop: &Shop, booking: &str) -> anyhow::Result<()> {
        let until = Instant::now() + SETTLED;
        while Instant::now() < until {
            self.nth += 1;
            let answer = shop.send(&self.account, self.cancellation(booking, self.nth)).await?;
            if !matches!(answer.outcome, Outcome::ComeBack | Outcome::Unknown) {
                return Ok(());
            }
            sleep(AGAIN).await;
        }
        Ok(())
    }

    fn checkout(&self, booking: &str, nth: usize) -> Ask {
        let (body, about) = (json!({}), Some(booking.to_owned()));
        let path = format!("/v1/bookings/{booking}/payment");
        Ask { body, about, ..Ask::of(Op::Checkout, &self.event.id, nth, Method::POST, path) }
    }

    fn card(&self, booking: &str, pay_url: &str, card: &'static str) -> Ask {
        let to = To::Provider { pay_url: pay_url.to_owned(), card };
        let (body, about) = (json!({ "card_number": card }), Some(booking.to_owned()));
        Ask { to, body, about, ..Ask::of(Op::Card, &self.event.id, 0, Method::POST, String::new()) }
    }

    fn cancellation(&self, booking: &str, nth: usize) -> Ask {
        let (headers, about) = (vec![("prefer", "wait=5".to_owned())], Some(booking.to_owned()));
        let path = format!("/v1/bookings/{booking}");
        Ask { headers, about, ..Ask::of(Op::Cancel, &self.event.id, nth, Method::DELETE, path) }
    }
}
