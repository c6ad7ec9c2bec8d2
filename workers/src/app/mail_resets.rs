//! Mailing links by which passwords are set: at least once. Nothing is noted, since a link is good for one use however often it comes, and whoever
//! misses theirs asks for another one.

use goticket_contracts::tasks::ResetTask;

use crate::{
    app::outcome::Outcome,
    mail::{MailError, Mailer, ResetMail},
};

/// Handles tasks of [`goticket_contracts::tasks::RESET`].
pub struct MailResets {
    mailer: Mailer,
    attempts_max: u32,
}

impl MailResets {
    /// A task is given up after `attempts_max` attempts.
    pub fn new(mailer: Mailer, attempts_max: u32) -> Self {
        Self { mailer, attempts_max }
    }

    /// Sends the mail. The same task has the same `Message-ID`, however often it is sent.
    pub async fn handle(&self, task: &ResetTask) -> Outcome {
        let mail = ResetMail {
            id: task.id,
            sent_at: task.asked_at,
            to_address: task.address.clone(),
            to_name: task.name.clone(),
            link: task.link.clone(),
            good_for_min: task.good_for_min,
        };
        match self.mailer.send_reset(&mail).await {
            Ok(()) => {
                metrics::counter!("goticket_reset_mails_sent_total").increment(1);
                Outcome::Ack
            }
            Err(error @ MailError::Transient { .. }) if task.attempts < self.attempts_max => {
                tracing::warn!(id = %task.id, attempts = task.attempts, %error, "reset mail not sent yet");
                Outcome::retry(task.attempts)
            }
            Err(error) => Outcome::DeadLetter { reason: error.to_string() },
        }
    }
}
