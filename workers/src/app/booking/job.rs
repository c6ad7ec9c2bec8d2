//! One command of a batch, and what becomes of it.

use goticket_contracts::{commands::CommandMessage, replies::Reply};
use goticket_domain::{
    BookingId, EventId,
    booking::{Answer, Command, RefusalReason},
};

/// One command to be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What to do.
    pub message: CommandMessage,
    /// It was delivered before, so it may have been decided.
    pub redelivered: bool,
    /// The command cannot be carried out, but its key must not stay without an answer: a request is refused, and the message
    /// goes to the dead letters.
    pub rejected: Option<Rejected>,
}

/// Why a command cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// What the fan is told.
    pub reason: RefusalReason,
    /// What stands on the dead letter.
    pub why: String,
}

/// What becomes of a command's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It had its effect, which is committed: acknowledge.
    Done(Answer),
    /// It can never be carried out: to the dead letters. What could be answered has been.
    Dead {
        /// What stands on the dead letter.
        why: String,
    },
    /// It was not decided here, because the process is ending or another one owns the lane: back to the queue.
    Undecided,
}

impl From<CommandMessage> for Job {
    fn from(message: CommandMessage) -> Self {
        Self { message, redelivered: false, rejected: None }
    }
}

impl Job {
    /// The event it is about.
    pub fn event(&self) -> EventId {
        self.message.event
    }

    /// The booking id the command was sent under.
    pub fn booking(&self) -> BookingId {
        self.message.command.booking()
    }

    /// When a request was made, in Unix milliseconds; other commands come later than their booking's id.
    pub(crate) fn asked_at_ms(&self) -> Option<i64> {
        let Command::Create { request } = &self.message.command else { return None };
        let (seconds, nanos) = request.booking.0.get_timestamp()?.to_unix();
        i64::try_from(seconds * 1_000 + u64::from(nanos / 1_000_000)).ok()
    }

    /// The same, to be refused.
    pub(crate) fn reject(&self, reason: RefusalReason, why: &str) -> Self {
        Self { rejected: Some(Rejected { reason, why: why.to_owned() }), ..self.clone() }
    }

    /// A request that every worker so far died of, as it seems: refused. Other commands are tried once more.
    pub(crate) fn on_its_last_chance(self) -> Self {
        match self.message.command {
            Command::Create { .. } if self.rejected.is_none() => {
                self.reject(RefusalReason::Failed, "delivered too often without being decided")
            }
            _ => self,
        }
    }

    /// What the waiting gateway is told, and which one it is.
    pub(crate) fn reply(&self, result: Answer) -> Option<(&str, Reply)> {
        let reply_to = self.message.reply_to.as_deref()?;
        Some((reply_to, Reply { waiter: self.booking(), result }))
    }

    /// The action's name, for metrics.
    pub(crate) fn action(&self) -> &'static str {
        match self.message.command {
            Command::Create { .. } => "create",
            Command::Pay { .. } => "pay",
            Command::Cancel { .. } => "cancel",
            Command::Expire { .. } => "expire",
            Command::Refunded { .. } => "refunded",
        }
    }
}
