//! A small sale: fans who enter, ask for seats, pay or give them back, whatever goes away in the meantime; and the ledger of what
//! they were told.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use goticket_testkit::eventually;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::Row as _;
use tokio::task::JoinSet;

use super::World;
use super::api::PATIENCE;
use super::fan::{Booking, Fan, Outcome, card, new_key};
use super::onsale::Event;

/// A fan's time to think between two requests.
const THOUGHT: Duration = Duration::from_millis(100);

/// How long a sale may need for its next outcomes.
const PROGRESS: Duration = Duration::from_secs(90);

/// One request, as its fan saw it.
#[derive(Debug)]
pub struct Entry {
    pub account: String,
    pub key: String,
    /// The API said 201 or 202 to it at least once: it must have an outcome.
    pub accepted: bool,
    pub told: Outcome,
}

/// A sale under way.
pub struct Sale {
    fans: JoinSet<()>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    ledger: Mutex<Vec<Entry>>,
    entered: AtomicUsize,
    decided: AtomicUsize,
    closing: AtomicBool,
}

impl Sale {
    /// Every fan enters and makes so many requests.
    pub fn begin(event: &Event, fans: Vec<Fan>, requests: u32) -> Self {
        let shared = Arc::new(Shared::default());
        let mut tasks = JoinSet::new();
        for (number, fan) in (0..).zip(fans) {
            let (shared, event) = (Arc::clone(&shared), event.clone());
            tasks.spawn(attend(fan, event, StdRng::seed_from_u64(number), requests, shared));
        }
        Self { fans: tasks, shared }
    }

    /// Every fan enters and asks until the sale is told to end.
    pub fn begin_endless(event: &Event, fans: Vec<Fan>) -> Self {
        Self::begin(event, fans, u32::MAX)
    }

    /// Requests that have their outcome.
    pub fn decided(&self) -> usize {
        self.shared.decided.load(Ordering::Relaxed)
    }

    /// Waits until so many fans are inside.
    pub async fn until_entered(&self, count: usize) {
        let entered = || self.shared.entered.load(Ordering::Relaxed);
        eventually(&format!("{count} fans inside"), PROGRESS, async || (entered() >= count).then_some(())).await;
    }

    /// Waits until so many requests have their outcome.
    pub async fn until_decided(&self, count: usize) {
        eventually(&format!("{count} outcomes"), PROGRESS, async || (self.decided() >= count).then_some(())).await;
    }

    /// Waits until everybody has gone home; fans of an endless sale finish what they are at.
    pub async fn end(mut self) -> Vec<Entry> {
        self.shared.closing.store(true, Ordering::Relaxed);
        while let Some(gone) = self.fans.join_next().await {
            gone.unwrap();
        }
        std::mem::take(&mut self.shared.ledger.lock().unwrap())
    }
}

async fn attend(mut fan: Fan, event: Event, mut rng: StdRng, requests: u32, shared: Arc<Shared>) {
    let mut pace = tokio::time::interval(THOUGHT);
    fan.enter().await;
    shared.entered.fetch_add(1, Ordering::Relaxed);
    for round in 0..requests {
        if requests == u32::MAX && shared.closing.load(Ordering::Relaxed) {
            return;
        }
        pace.tick().await;
        let entry = request(&fan, &wish(&event, &mut rng)).await;
        let told = entry.told.clone();
        shared.ledger.lock().unwrap().push(entry);
        shared.decided.fetch_add(1, Ordering::Relaxed);
        if let Outcome::Held(booking) = told {
            settle(&fan, &booking, round).await;
        }
    }
}

/// Named seats, often the ones that others want too, or the best of a section.
fn wish(event: &Event, rng: &mut StdRng) -> Value {
    let section = &event.sections[rng.random_range(0..event.sections.len())];
    if rng.random_bool(0.5) {
        return json!({ "section": section.no, "quantity": rng.random_range(1..=2) });
    }
    let first = section.first_seat + rng.random_range(0..section.seat_count - 1);
    json!({ "seats": [first, first + 1] })
}

/// Asks under one key until there is an outcome.
async fn request(fan: &Fan, wish: &Value) -> Entry {
    let (key, accepted) = (new_key(), AtomicBool::new(false));
    let answer = eventually("an answer to a request for seats", PATIENCE, async || {
        let answer = fan.ask(&key, wish).send().await.ok()?;
        if matches!(answer.status, StatusCode::CREATED | StatusCode::ACCEPTED) {
            accepted.store(true, Ordering::Relaxed);
        }
        (!answer.asks_to_come_back()).then_some(answer)
    })
    .await;
    let told = fan.outcome_of(&answer).await;
    Entry { account: fan.account.clone(), key, accepted: accepted.into_inner(), told }
}

/// Pays the first booking and gives later ones back, so that the sale never runs dry.
async fn settle(fan: &Fan, booking: &Booking, round: u32) {
    if round == 0 {
        let page = fan.checkout(&booking.id).await;
        let status = fan.card(&page, card::PAYS).await;
        assert!(status.is_success() || status == StatusCode::CONFLICT, "the provider says {status}");
        let paid = fan.until(&booking.id, |booking| booking.state != "held").await;
        assert_eq!(paid.state, "confirmed");
        assert_eq!(paid.numbers(), booking.numbers());
    } else {
        let given_back = fan.cancel(&booking.id).await;
        assert_eq!(given_back.state, "cancelled");
    }
}

impl World {
    /// Every accepted request has exactly one outcome, and it is what its fan was told.
    pub async fn assert_told_the_truth(&self, ledger: &[Entry]) {
        for entry in ledger {
            let rows =
                sqlx::query("SELECT id::text, seats, refusal ->> 'reason' FROM bookings WHERE account = $1::uuid AND key = $2")
                    .bind(&entry.account)
                    .bind(&entry.key)
                    .fetch_all(&self.db)
                    .await
                    .unwrap();
            // What the gateway refused by its seat map was never accepted, and needs no row.
            assert!(rows.len() == 1 || (rows.is_empty() && !entry.accepted), "{} rows for {entry:?}", rows.len());
            let Some(row) = rows.first() else { continue };
            let (seats, refused): (Vec<i32>, Option<String>) = (row.get(1), row.get(2));
            match &entry.told {
                Outcome::Held(booking) => {
                    assert_eq!(refused, None, "{entry:?}");
                    assert_eq!(row.get::<String, _>(0), booking.id, "{entry:?}");
                    assert_eq!(json!(seats), json!(booking.numbers()), "{entry:?}");
                }
                Outcome::Refused(reason) if entry.accepted => assert_eq!(refused.as_ref(), Some(reason), "{entry:?}"),
                // The map may have been ahead of a repetition.
                Outcome::Refused(_) => assert!(refused.is_some(), "{entry:?}"),
            }
        }
    }
}
