//! One command of a batch, and what becomes of it.

use goticket_contracts::{
    commands::{Action, Command},
    replies::{Reply, ReplyResult},
};
use goticket_domain::{BookingId, booking::RefusalReason};

/// One command to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// What to do.
    pub command: Command,
    /// The command cannot be carried out, but its key must not stay without an answer: a request is refused, and the message
    /// goes to the dead letters.
    pub condemned: Option<Condemned>,
}

/// Why a command cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condemned {
    /// What the fan is told.
    pub reason: RefusalReason,
    /// What stands on the dead letter.
    pub why: String,
}

/// What becomes of a command's message.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It had its effect, which is committed: acknowledge.
    Done(ReplyResult),
    /// It can never be carried out: to the dead letters. What could be answered has been.
    Dead {
        /// What stands on the dead letter.
        why: String,
    },
    /// Nothing was decided, because the process is ending: back to the queue.
    Undecided,
}

impl From<Command> for Job {
    fn from(command: Command) -> Self {
        Self { command, condemned: None }
    }
}

impl Job {
    /// The booking id the command was sent under.
    pub fn booking(&self) -> BookingId {
        match &self.command.action {
            Action::Create { request } => request.booking,
            Action::Pay { notice } => notice.booking,
            Action::Cancel { booking, .. } | Action::Expire { booking } => *booking,
        }
    }

    /// When a request was made, in Unix milliseconds; other commands come later than their booking's id.
    pub(crate) fn asked_at_ms(&self) -> Option<i64> {
        let Action::Create { request } = &self.command.action else { return None };
        let (seconds, nanos) = request.booking.0.get_timestamp()?.to_unix();
        i64::try_from(seconds * 1_000 + u64::from(nanos / 1_000_000)).ok()
    }

    /// The same, to be refused.
    pub(crate) fn condemn(&self, reason: RefusalReason, why: &str) -> Self {
        Self { command: self.command.clone(), condemned: Some(Condemned { reason, why: why.to_owned() }) }
    }

    /// A request that every worker so far died of, as it seems: refused. Other commands are tried once more.
    pub(crate) fn on_its_last_chance(self) -> Self {
        match self.command.action {
            Action::Create { .. } if self.condemned.is_none() => {
                self.condemn(RefusalReason::Failed, "delivered too often without being decided")
            }
            _ => self,
        }
    }

    /// What the waiting gateway is told, and which one it is.
    pub(crate) fn reply(&self, result: ReplyResult) -> Option<(&str, Reply)> {
        let reply_to = self.command.reply_to.as_deref()?;
        Some((reply_to, Reply { waiter: self.booking(), result }))
    }

    /// The action's name, for metrics.
    pub(crate) fn action(&self) -> &'static str {
        match self.command.action {
            Action::Create { .. } => "create",
            Action::Pay { .. } => "pay",
            Action::Cancel { .. } => "cancel",
            Action::Expire { .. } => "expire",
        }
    }
}
