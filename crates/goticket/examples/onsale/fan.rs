//! One fan, from the lobby to the ticket: polls their place, claims their entry token, looks at the map, asks for seats, pays.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{Api, Booking, Entry, Joined, Location, Payment, Place, SeatStates, With};
use crate::night::Night;
use crate::stage::{Account, Onsale};
use crate::tally::{Step, Tally};

/// Requests for seats a fan makes before they give up.
const MAX_REQUESTS: u32 = 4;
/// How long a fan waits for a pending outcome or a payment's confirmation before they call it undecided.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at a booking.
const LOOK_AGAIN: Duration = Duration::from_millis(150);

/// Cards of the sandbox provider, by what they do.
mod card {
    pub(crate) const PAYS: &str = "4242424242424242";
    pub(crate) const DECLINES: &str = "4000000000000002";
    pub(crate) const PAYS_WITH_DOUBLED_WEBHOOKS: &str = "4000000000000259";
    pub(crate) const PAYS_LATE: &str = "4000000000000341";
}

/// How a fan pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Temper {
    Pays,
    DeclinedFirst,
    PaysTwice,
    PaysLate,
    WalksAway,
    Cancels,
}

/// What became of a fan.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    pub email: String,
    /// Seats they paid for.
    pub seats: Vec<u32>,
    /// The confirmed booking.
    pub confirmed: Option<String>,
    /// Requests that were accepted and never decided.
    pub undecided: u32,
    /// What went wrong that should not have.
    pub fault: Option<String>,
}

/// One fan.
pub(crate) struct Fan {
    pub email: String,
    pub token: String,
    /// Joins only after the start.
    pub late: bool,
    pub rng: StdRng,
}

impl Fan {
    pub(crate) fn new(account: Account, number: u64, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number));
        Self { email: account.email, token: account.access_token, late: rng.random_bool(0.05), rng }
    }

    /// The whole evening.
    pub(crate) async fn attend(mut self, night: Night) -> Story {
        let Night { api, onsale, tally, .. } = night;
        let mut story = Story { email: self.email.clone(), ..Story::default() };
        if let Err(error) = self.evening(&api, &onsale, &tally, &mut story).await {
            story.fault = Some(format!("{error:#}"));
        }
        tally.done.add(1);
        story
    }

    async fn evening(&mut self, api: &Api, onsale: &Onsale, tally: &Tally, story: &mut Story) -> anyhow::Result<()> {
        let mut joined = self.join(api, onsale).await?;
        tally.joined.add(1);
        let entry = loop {
            if !self.wait_for_turn(api, onsale, tally, &mut joined).await? {
                return Ok(());
            }
            let claim = self.queue(api, onsale, Step::Claim, Method::POST, "/claim", &joined.place_ticket).await?;
            // The board they read may be a moment ahead of their own place.
            if claim.code() != "not_your_turn" {
                break claim.ok::<Entry>("claim")?;
            }
        };
        tally.admitted.add(1);
        self.shop(api, onsale, tally, story, &entry.entry_token).await?;
        let with = With { token: Some(&self.token), ..With::default() };
        api.call(Step::Other, Method::DELETE, &format!("/v1/events/{}/queue", onsale.event), with).await?;
        Ok(())
    }

    async fn join(&mut self, api: &Api, onsale: &Onsale) -> anyhow::Result<Joined> {
        let opens = if self.late { onsale.start } else { onsale.lobby_opens_at };
        let spread = if self.late { onsale.late_window } else { onsale.lobby_window };
        let moment = opens + spread.mul_f64(self.rng.random::<f64>());
        tokio::time::sleep_until(moment.into()).await;
        let path = format!("/v1/events/{}/queue", onsale.event);
        let with = With { token: Some(&self.token), ..With::default() };
        api.call(Step::Join, Method::POST, &path, with).await?.ok("join")
    }

    /// Polls as often as they are told to. False where they went home because there is nothing left.
    async fn wait_for_turn(&mut self, api: &Api, onsale: &Onsale, tally: &Tally, joined: &mut Joined) -> anyhow::Result<bool> {
        let mut wait_ms = joined.poll_after_ms;
        loop {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            let answer = self.queue(api, onsale, Step::Place, Method::GET, "/place", &joined.place_ticket).await?;
            let place: Place = answer.ok("place")?;
            if let Some(drawn) = place.drawn {
                joined.place_ticket = drawn.place_ticket;
            }
            if matches!(place.location, Location::Turn | Location::Passed) {
                return Ok(true);
            }
            if place.sold_out || place.state == "closed" {
                tally.sold_out();
                tally.refused("sold_out_while_waiting");
                return Ok(false);
            }
            wait_ms = place.poll_after_ms;
        }
    }

    async fn queue(
        &self,
        api: &Api,
        onsale: &Onsale,
        step: Step,
        method: Method,
        path: &str,
        ticket: &str,
    ) -> anyhow::Result<crate::api::Answer> {
        let path = format!("/v1/events/{}/queue{path}", onsale.event);
        let with = With { token: Some(&self.token), headers: &[("place-ticket", ticket)], body: None };
        api.call(step, method, &path, with).await
    }

    async fn shop(&mut self, api: &Api, onsale: &Onsale, tally: &Tally, story: &mut Story, entry: &str) -> anyhow::Result<()> {
        let temper = self.temper();
        for _ in 0..MAX_REQUESTS {
            let path = format!("/v1/events/{}/seats?geometry=false", onsale.event);
            let with = With { token: Some(&self.token), ..With::default() };
            let map: SeatStates = api.call(Step::SeatMap, Method::GET, &path, with).await?.ok("seat map")?;
            let Some(wish) = self.wish(onsale, map.states.as_bytes()) else {
                tally.refused("nothing_left_to_ask_for");
                return Ok(());
            };
            match self.ask(api, onsale, story, entry, &wish).await? {
                Asked::Held(booking) => {
                    tally.held.add(1);
                    return self.settle(api, tally, story, temper, &booking).await;
                }
                Asked::Refused(reason) => tally.refused(&reason),
                Asked::Undecided => return Ok(()),
            }
        }
        Ok(())
    }

    fn temper(&mut self) -> Temper {
        match self.rng.random_range(0..100) {
            0..6 => Temper::DeclinedFirst,
            6..10 => Temper::PaysTwice,
            10..13 => Temper::PaysLate,
            13..18 => Temper::WalksAway,
            18..20 => Temper::Cancels,
            _ => Temper::Pays,
        }
    }

    /// Named seats side by side that look free, or the best of a section that has enough; fewer when little is left.
    fn wish(&mut self, onsale: &Onsale, states: &[u8]) -> Option<Value> {
        let wanted = [1, 2, 2, 2, 3, 4][self.rng.random_range(0..6)];
        let sections = &onsale.sections;
        let start = self.rng.random_range(0..sections.len());
        for quantity in (1..=wanted).rev() {
            for turn in 0..sections.len() {
                let section = &sections[(start + turn) % sections.len()];
                let first = section.first_seat as usize;
                let free: Vec<usize> =
                    (first..first + section.seat_count as usize).filter(|seat| states.get(*seat) == Some(&b'0')).collect();
                if free.len() < quantity {
                    continue;
                }
                if self.rng.random_bool(0.5) {
                    return Some(json!({ "section": section.no, "quantity": quantity }));
                }
                let from = self.rng.random_range(0..=free.len() - quantity);
                return Some(json!({ "seats": free[from..from + quantity] }));
            }
        }
        None
    }

    async fn ask(&mut self, api: &Api, onsale: &Onsale, story: &mut Story, entry: &str, wish: &Value) -> anyhow::Result<Asked> {
        let key = format!("{:032x}", self.rng.random::<u128>());
        let path = format!("/v1/events/{}/bookings", onsale.event);
        let headers = [("entry-token", entry), ("idempotency-key", &key), ("prefer", "wait=10")];
        let with = With { token: Some(&self.token), headers: &headers, body: Some(wish) };
        let answer = api.call(Step::Book, Method::POST, &path, with).await?;
        match answer.status {
            StatusCode::CREATED => Ok(Asked::Held(answer.ok("booking")?)),
            StatusCode::CONFLICT => Ok(Asked::Refused(answer.code().to_owned())),
            StatusCode::ACCEPTED => {
                let accepted: Booking = answer.ok("booking")?;
                self.outcome(api, story, &accepted.id).await
            }
            other => anyhow::bail!("booking: {other} {}", answer.body),
        }
    }

    /// Looks at a pending request until it is decided.
    async fn outcome(&self, api: &Api, story: &mut Story, id: &str) -> anyhow::Result<Asked> {
        let booking = self.until(api, id, |booking| booking.state != "pending").await?;
        Ok(match booking {
            None => {
                story.undecided += 1;
                Asked::Undecided
            }
            Some(booking) if booking.state == "refused" => Asked::Refused(booking.reason.unwrap_or_default()),
            Some(booking) => Asked::Held(booking),
        })
    }

    async fn until(&self, api: &Api, id: &str, reached: impl Fn(&Booking) -> bool) -> anyhow::Result<Option<Booking>> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let with = With { token: Some(&self.token), ..With::default() };
            let answer = api.call(Step::Other, Method::GET, &format!("/v1/bookings/{id}"), with).await?;
            let booking: Booking = answer.ok("booking")?;
            if reached(&booking) {
                return Ok(Some(booking));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(None)
    }

    async fn settle(
        &mut self,
        api: &Api,
        tally: &Tally,
        story: &mut Story,
        temper: Temper,
        booking: &Booking,
    ) -> anyhow::Result<()> {
        let path = format!("/v1/bookings/{}", booking.id);
        match temper {
            Temper::WalksAway => return Ok(()),
            Temper::Cancels => {
                let with = With { token: Some(&self.token), headers: &[("prefer", "wait=10")], body: None };
                api.call(Step::Other, Method::DELETE, &path, with).await?;
                return Ok(());
            }
            Temper::DeclinedFirst => {
                let declined = self.open_payment(api, &path).await?;
                api.pay(&declined.pay_url, card::DECLINES).await?;
            }
            Temper::Pays | Temper::PaysTwice | Temper::PaysLate => {}
        }
        let payment = self.open_payment(api, &path).await?;
        let number = match temper {
            Temper::PaysTwice => card::PAYS_WITH_DOUBLED_WEBHOOKS,
            Temper::PaysLate => card::PAYS_LATE,
            _ => card::PAYS,
        };
        let paid_at = Instant::now();
        api.pay(&payment.pay_url, number).await?;
        if temper == Temper::PaysTwice {
            api.pay(&payment.pay_url, number).await?;
        }
        let end = self.until(api, &booking.id, |booking| booking.state != "held").await?;
        let Some(end) = end else {
            story.undecided += 1;
            return Ok(());
        };
        if end.state == "confirmed" {
            tally.record(Step::Confirm, paid_at.elapsed());
            tally.confirmed.add(1);
            tally.sold(end.seats.len());
            story.seats = end.seats.iter().map(|seat| seat.no).collect();
            story.confirmed = Some(end.id);
        }
        Ok(())
    }

    async fn open_payment(&self, api: &Api, booking_path: &str) -> anyhow::Result<Payment> {
        let body = json!({});
        let with = With { token: Some(&self.token), headers: &[], body: Some(&body) };
        let answer = api.call(Step::Payment, Method::POST, &format!("{booking_path}/payment"), with).await?;
        answer.ok("payment").context(booking_path.to_owned())
    }
}

enum Asked {
    Held(Booking),
    Refused(String),
    Undecided,
}
