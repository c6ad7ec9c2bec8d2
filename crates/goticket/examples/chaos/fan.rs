//! One fan: enters, asks for seats again and again, pays, cancels, walks away. Never gives a key up before it is decided, unless the time is
//! over: then the key is sent again in the end.

mod decide;
mod settle;

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::habits;
use crate::history::{Attempt, Op, Outcome};
use crate::shop::{Account, PATIENCE, Request, Shop};
use crate::stage::Event;

/// Between two looks, two repetitions, two tries.
const AGAIN: Duration = Duration::from_millis(150);

/// How long a fan waits for what a payment or a cancellation comes to, before turning to something else.
const SETTLED: Duration = Duration::from_secs(8);

/// Bookings after which a fan goes home, and another one comes.
const BOOKINGS_MAX: u32 = 25;

/// A key that was sent, and what it asked for.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub key: String,
    /// The request's.
    pub body: Value,
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
                if let Some(ticket) = place.answer["drawn"]["place_ticket"].as_str() {
                    ticket.clone_into(&mut self.place);
                }
                if ["turn", "passed"].iter().any(|now| place.answer["location"]["where"] == *now) && self.claim(shop).await? {
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
        let mut request = Request::of(op, &self.event.id, self.nth, method, format!("/v1/events/{}/queue{path}", self.event.id));
        if !self.place.is_empty() {
            request.headers.push(("place-ticket", self.place.clone()));
        }
        shop.send(&self.account, request).await
    }

    /// Asks for seats until the doors close, or until this fan has had enough.
    pub(crate) async fn shop(&mut self, shop: &Shop, hours: Hours) -> anyhow::Result<()> {
        for _ in 0..BOOKINGS_MAX {
            let thought = Duration::from_millis(self.rng.random_range(20..400));
            sleep(thought).await;
            if Instant::now() >= hours.closes {
                return Ok(());
            }
            let temper = habits::temper(&mut self.rng);
            let body = habits::choice(&mut self.rng, &self.event, temper);
            let manner = habits::manner(&mut self.rng);
            let sent = Sent { key: format!("{:032x}", self.rng.random::<u128>()), body };
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
}
