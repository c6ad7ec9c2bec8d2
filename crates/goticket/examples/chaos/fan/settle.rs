//! What a fan does with the seats: pays in every way there is, gives them back, both at once, or neither.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{AGAIN, Fan, SETTLED};
use crate::habits::Temper;
use crate::history::{Attempt, Op, Outcome};
use crate::shop::{Request, Shop, To};

/// Cards of the sandbox provider, by what they do.
mod card {
    pub(crate) const PAYS: &str = "4242424242424242";
    pub(crate) const DECLINES: &str = "4000000000000002";
    pub(crate) const WEBHOOK_DOUBLED: &str = "4000000000000259";
    pub(crate) const WEBHOOK_LATE: &str = "4000000000000341";
    pub(crate) const WEBHOOK_LOST: &str = "4000000000000127";
}

impl Fan {
    pub(super) async fn settle(&mut self, shop: &Shop, temper: Temper, booking: &Attempt) -> anyhow::Result<()> {
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
                let request = self.card(booking, pay_url, card);
                shop.send(&self.account, request).await?;
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
        let requests = (0..2).map(|n| shop.send(&self.account, self.checkout(booking, self.nth + n)));
        join_all(requests).await.into_iter().try_for_each(|opened| opened.map(drop))
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

    fn checkout(&self, booking: &str, nth: usize) -> Request {
        let (body, about) = (json!({}), Some(booking.to_owned()));
        let path = format!("/v1/bookings/{booking}/payment");
        Request { body, about, ..Request::of(Op::Checkout, &self.event.id, nth, Method::POST, path) }
    }

    fn card(&self, booking: &str, pay_url: &str, card: &'static str) -> Request {
        let to = To::Provider { pay_url: pay_url.to_owned(), card };
        let (body, about) = (json!({ "card_number": card }), Some(booking.to_owned()));
        Request { to, body, about, ..Request::of(Op::Card, &self.event.id, 0, Method::POST, String::new()) }
    }

    fn cancellation(&self, booking: &str, nth: usize) -> Request {
        let (headers, about) = (vec![("prefer", "wait=5".to_owned())], Some(booking.to_owned()));
        let path = format!("/v1/bookings/{booking}");
        Request { headers, about, ..Request::of(Op::Cancel, &self.event.id, nth, Method::DELETE, path) }
    }
}
