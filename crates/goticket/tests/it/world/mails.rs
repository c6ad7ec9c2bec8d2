//! What the mail server holds of tickets for each fan.

use std::collections::{BTreeMap, BTreeSet};

use goticket_testkit::Mail;
use sqlx::Row as _;

use super::World;

/// Per address: mails, and mails that differ by their Message-ID.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
pub struct Received {
    pub copies: i64,
    pub distinct: i64,
}

impl World {
    /// Mails by address.
    pub async fn received(&self) -> BTreeMap<String, Received> {
        let mut ids: BTreeMap<String, (i64, BTreeSet<String>)> = BTreeMap::new();
        for mail in self.deployment.bed.mailbox.all().await.unwrap().into_iter().filter(Mail::brings_tickets) {
            assert!(!mail.message_id.is_empty(), "a mail without Message-ID to {}", mail.to);
            let (copies, distinct) = ids.entry(mail.to.to_lowercase()).or_default();
            *copies += 1;
            distinct.insert(mail.message_id);
        }
        let count =
            |(copies, distinct): (i64, BTreeSet<String>)| Received { copies, distinct: distinct.len().try_into().unwrap() };
        ids.into_iter().map(|(address, found)| (address, count(found))).collect()
    }

    /// Confirmed bookings by the address their tickets go to: one mail each.
    pub async fn due(&self) -> BTreeMap<String, i64> {
        let due = "SELECT a.email, count(*) FROM bookings b JOIN accounts a ON a.id = b.account
                    WHERE b.state = 'confirmed' GROUP BY a.email";
        sqlx::query(due).fetch_all(&self.db).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}
