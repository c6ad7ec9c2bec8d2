//! Mailing printed tickets, once.
//!
//! Of several copies of a task one at a time holds the claim on the notification; when it has sent the mail, the others find that.
//! Between the mail server's "accepted" and our note of it lies a moment in which nobody else can know: a worker that dies there
//! leaves a claim that runs out, and the mail goes out again under the same `Message-ID`, by which a mailbox can tell. While the
//! database is away the worker keeps the note, and keeps trying. So: at least once, and exactly once unless a process dies in that
//! moment, or another one gets a copy of the task after the claim has run out.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use goticket_contracts::{objects, tasks::TicketTask};
use goticket_storage::{
    StorageError, answered,
    bookings::printable::{Printable, PrintableTicket, printable},
    notifications::{self, Claim, NotificationState},
};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::outcome::Outcome,
    mail::{MailError, Mailer, TicketLine, TicketMail},
    outbound::object_folder::ObjectFolder,
};

/// How long a claim outlives the longest conversation with the mail server: longer than a database takes to fail over, so that no
/// other process sends again what could not be noted meanwhile. The mail of a sender that died waits for so long.
const CLAIM_MARGIN: Duration = Duration::from_secs(45);

/// When a task whose notification is claimed by another looks again.
const CLAIMED_PAUSE: Duration = Duration::from_secs(15);

/// Pauses between attempts to note that a mail is out grow from the first to the second.
const NOTE_PAUSE_MIN: Duration = Duration::from_millis(50);
const NOTE_PAUSE_MAX: Duration = Duration::from_secs(2);

/// For how long a shutdown waits for that note; part of the process' drain.
const LAST_NOTE: Duration = Duration::from_secs(5);

/// Handles mail tasks.
pub struct MailTickets {
    pool: PgPool,
    folder: ObjectFolder,
    mailer: Mailer,
    lease: SignedDuration,
    attempts_max: u32,
    /// Mails that are out, and not noted yet: claimed by us even when the claim in the database has run out.
    unnoted: Mutex<HashSet<Uuid>>,
    stop: CancellationToken,
}

/// Why a mail did not go out.
enum Failure {
    Transient(String),
    Permanent(String),
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Transient(error.to_string())
    }
}

impl From<MailError> for Failure {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Permanent { .. } => Self::Permanent(error.to_string()),
            MailError::Transient { .. } => Self::Transient(error.to_string()),
        }
    }
}

impl MailTickets {
    /// `smtp_timeout` is what `mailer` allows one conversation; a task is given up after `attempts_max` attempts. `stop` begins
    /// the shutdown.
    pub fn new(
        pool: PgPool,
        folder: ObjectFolder,
        mailer: Mailer,
        smtp_timeout: Duration,
        attempts_max: u32,
        stop: CancellationToken,
    ) -> Self {
        let lease = SignedDuration::try_from(smtp_timeout + CLAIM_MARGIN).unwrap_or(SignedDuration::from_mins(2));
        Self { pool, folder, mailer, lease, attempts_max, unnoted: Mutex::default(), stop }
    }

    /// Sends the mail unless it was sent.
    pub async fn handle(&self, task: &TicketTask) -> Outcome {
        if self.unnoted().contains(&task.notification) {
            return Outcome::Retry { after: CLAIMED_PAUSE };
        }
        match answered(notifications::claim(&self.pool, task.notification, self.lease)).await {
            Ok(Claim::Ours { at }) => self.claimed(task, at).await,
            Ok(Claim::NotOurs { state: NotificationState::Sent | NotificationState::Failed }) => Outcome::Ack,
            // Claimed by another, who may be dead.
            Ok(Claim::NotOurs { state: NotificationState::Rendered }) => Outcome::Retry { after: CLAIMED_PAUSE },
            Ok(Claim::NotOurs { state: NotificationState::Pending }) => {
                Outcome::DeadLetter { reason: "its tickets are not printed".to_owned() }
            }
            Ok(Claim::Unknown) => Outcome::DeadLetter { reason: "there is no such notification".to_owned() },
            Err(error) => {
                tracing::warn!(notification = %task.notification, %error, "mail not claimed");
                Outcome::retry(task.attempts)
            }
        }
    }

    async fn claimed(&self, task: &TicketTask, at: Timestamp) -> Outcome {
        let id = task.notification;
        match self.send(task, at).await {
            Ok(()) => self.sent(task).await,
            Err(Failure::Transient(reason)) if task.attempts < self.attempts_max => {
                tracing::warn!(notification = %id, attempts = task.attempts, reason, "mail not sent yet");
                if let Err(error) = answered(notifications::release(&self.pool, id, &reason)).await {
                    tracing::warn!(notification = %id, %error, "claim not given back: it runs out");
                }
                Outcome::retry(task.attempts)
            }
            Err(Failure::Transient(reason) | Failure::Permanent(reason)) => {
                match answered(notifications::mark_failed(&self.pool, id, &reason)).await {
                    Ok(_) => Outcome::DeadLetter { reason },
                    Err(_) => Outcome::retry(task.attempts),
                }
            }
        }
    }

    /// The mail is out: until that is noted it would go out again. The delivery stays unacknowledged meanwhile.
    async fn sent(&self, task: &TicketTask) -> Outcome {
        self.unnoted().insert(task.notification);
        let outcome = tokio::select! {
            () = self.note_sent(task.notification) => Outcome::Ack,
            () = self.last_note() => Outcome::retry(task.attempts),
        };
        self.unnoted().remove(&task.notification);
        outcome
    }

    /// Tries until it succeeds.
    async fn note_sent(&self, id: Uuid) {
        let mut pause = NOTE_PAUSE_MIN;
        while let Err(error) = answered(notifications::mark_sent(&self.pool, id)).await {
            tracing::warn!(notification = %id, %error, "a mail that was sent is not noted yet");
            sleep(pause).await;
            pause = (pause * 2).min(NOTE_PAUSE_MAX);
        }
        metrics::counter!("goticket_mails_sent_total").increment(1);
    }

    async fn last_note(&self) {
        self.stop.cancelled().await;
        sleep(LAST_NOTE).await;
    }

    fn unnoted(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.unnoted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, task: &TicketTask, at: Timestamp) -> Result<(), Failure> {
        let booking = answered(printable(&self.pool, task.booking)).await?;
        let booking = booking.ok_or_else(|| Failure::Permanent("there is no such booking".to_owned()))?;
        let pdf = self.folder.get(&objects::booking_pdf(task.booking)).await;
        let pdf = pdf.map_err(|error| Failure::Transient(format!("the tickets cannot be read: {error}")))?;
        let pdf = pdf.ok_or_else(|| Failure::Transient("the tickets are not in the folder".to_owned()))?;
        Ok(self.mailer.send(&mail(task, booking, at, pdf)).await?)
    }
}

fn mail(task: &TicketTask, booking: Printable, sent_at: Timestamp, pdf: Vec<u8>) -> TicketMail {
    TicketMail {
        notification: task.notification,
        sent_at,
        to_address: booking.email,
        to_name: booking.holder,
        booking_reference: booking.booking.to_string(),
        event_title: booking.title,
        venue: booking.venue,
        starts_at: booking.starts_at,
        time_zone: booking.time_zone,
        tickets: booking.tickets.iter().map(line).collect(),
        total: booking.total,
        pdf,
    }
}

fn line(ticket: &PrintableTicket) -> TicketLine {
    let mut place = ticket.section.clone();
    for (word, name) in [("row", &ticket.row), ("seat", &ticket.number)] {
        if let Some(name) = name.as_ref().filter(|name| !name.is_empty()) {
            place = format!("{place}, {word} {name}");
        }
    }
    TicketLine { place, category: ticket.category.clone(), price: ticket.price }
}
