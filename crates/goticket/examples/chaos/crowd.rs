//! The crowd: so many fans at a time. Who has had enough goes home, and another one comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::fan::{Fan, Hours};
use crate::shop::{Account, Shop};
use crate::stage::Event;

/// How long the first of them may take to be inside, before anything goes wrong.
const FIRST_INSIDE: Duration = Duration::from_mins(1);

/// A crowd on its way.
pub(crate) struct Crowd {
    slots: JoinSet<anyhow::Result<Vec<Fan>>>,
    inside: Arc<AtomicUsize>,
    early: usize,
    hours: watch::Sender<Option<Hours>>,
}

/// The place of one fan after the other.
struct Slot {
    shop: Arc<Shop>,
    /// The last of the list comes first.
    fans: Vec<Fan>,
    /// Comes after the opening: when, as a share of the first half of the sale.
    late: Option<f64>,
    inside: Arc<AtomicUsize>,
    hours: watch::Receiver<Option<Hours>>,
}

/// How many accounts such a crowd needs.
pub(crate) fn accounts_needed(fans: u32, seconds: u64) -> u32 {
    fans.saturating_mul(2 + u32::try_from(seconds / 10).unwrap_or(u32::MAX)).min(100_000)
}

impl Crowd {
    /// Sends half of them in; the others come one by one during the first half of the sale.
    pub(crate) fn gather(shop: &Arc<Shop>, accounts: Vec<Account>, events: &[Arc<Event>], seed: u64, at_a_time: usize) -> Self {
        let mut queues: Vec<Vec<Fan>> = (0..at_a_time).map(|_| Vec::new()).collect();
        for account in accounts.into_iter().rev() {
            let n = account.number as usize;
            let event = Arc::clone(&events[n % events.len()]);
            queues[n % at_a_time].push(Fan::new(account, event, seed));
        }
        let (hours, told) = watch::channel(None);
        let (inside, early) = (Arc::new(AtomicUsize::new(0)), at_a_time.div_ceil(2));
        let mut slots = JoinSet::new();
        for (n, fans) in queues.into_iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a number of fans")]
            let late = (n >= early).then(|| (n - early) as f64 / early as f64);
            let slot = Slot { shop: Arc::clone(shop), fans, late, inside: Arc::clone(&inside), hours: told.clone() };
            slots.spawn(slot.run());
        }
        Self { slots, inside, early, hours }
    }

    /// Waits until most of the first are inside.
    pub(crate) async fn first_inside(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.inside.load(Ordering::Relaxed) * 3 < self.early * 2 {
            ensure!(begun.elapsed() < FIRST_INSIDE, "hardly anyone gets in, although nothing has gone wrong yet");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Opens the doors.
    pub(crate) fn open(&self, hours: Hours) {
        self.hours.send_replace(Some(hours));
    }

    /// Waits until all have gone home: those who have sent a key.
    pub(crate) async fn go_home(mut self) -> anyhow::Result<Vec<Fan>> {
        let mut home = Vec::new();
        while let Some(slot) = self.slots.join_next().await {
            home.extend(slot??);
        }
        Ok(home)
    }
}

impl Slot {
    async fn run(mut self) -> anyhow::Result<Vec<Fan>> {
        let mut home = Vec::new();
        if let Some(late) = self.late {
            let hours = self.hours().await?;
            sleep_until(hours.opens + (hours.closes - hours.opens).mul_f64(late / 2.0)).await;
        } else if let Some(mut fan) = self.fans.pop() {
            let inside = fan.enter(&self.shop, Instant::now() + FIRST_INSIDE).await?;
            self.inside.fetch_add(usize::from(inside), Ordering::Relaxed);
            let hours = self.hours().await?;
            if inside {
                fan.shop(&self.shop, hours).await?;
            }
            home.push(fan);
        }
        let hours = self.hours().await?;
        while let Some(mut fan) = self.fans.pop().filter(|_| Instant::now() < hours.closes) {
            if fan.enter(&self.shop, hours.closes).await? {
                fan.shop(&self.shop, hours).await?;
            }
            home.push(fan);
        }
        home.retain(|fan| !fan.sent.is_empty());
        Ok(home)
    }

    async fn hours(&mut self) -> anyhow::Result<Hours> {
        let told = self.hours.wait_for(Option::is_some).await.context("the sale was called off")?;
        told.context("no hours were told")
    }
}
