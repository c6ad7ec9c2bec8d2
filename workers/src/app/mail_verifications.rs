//! Mailing links that verify addresses: at least once. Nothing is noted, since a link that comes twice proves the same, and whoever misses
//! theirs asks for another one.

use goticket_contracts::tasks::VerifyTask;

use crate::{
    app::outcome::Outcome,
    mail::{MailError, Mailer, VerificationMail},
};

/// Handles tasks of [`goticket_contracts::tasks::VERIFY`].
pub struct MailVerifications {
    mailer: Mailer,
    attempts_max: u32,
}

impl MailVerifications {
    /// A task is given up after `attempts_max` attempts.
    pub fn new(mailer: Mailer, attempts_max: u32) -> Self {
        Self { mailer, attempts_max }
    }

    /// Sends the mail. The same task has the same `Message-ID`, however often it is sent.
    pub async fn handle(&self, task: &VerifyTask) -> Outcome {
        let mail = VerificationMail {
            id: task.id,
            sent_at: task.asked_at,
            to_address: task.address.clone(),
            to_name: task.name.clone(),
            link: task.link.clone(),
            good_for_h: task.good_for_h,
        };
        match self.mailer.send_verification(&mail).await {
            Ok(()) => {
                metrics::counter!("goticket_verification_mails_sent_total").increment(1);
                Outcome::Ack
            }
            Err(error @ MailError::Transient { .. }) if task.attempts < self.attempts_max => {
                tracing::warn!(id = %task.id, attempts = task.attempts, %error, "verification mail not sent yet");
                Outcome::retry(task.attempts)
            }
            Err(error) => Outcome::DeadLetter { reason: error.to_string() },
        }
    }
}
