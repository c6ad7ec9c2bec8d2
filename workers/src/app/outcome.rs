//! What becomes of a message: nothing else decides its fate.

use std::time::Duration;

use goticket_contracts::amqp::RETRY_DELAYS_S;

/// The decision of whoever handled a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Done, or nothing to do.
    Ack,
    /// Not now: again after a while.
    Retry {
        /// How long to wait at least, as far as there is a waiting queue for it.
        after: Duration,
    },
    /// Never: put aside for a person to look at.
    DeadLetter {
        /// What is wrong with it.
        reason: String,
    },
}

impl Outcome {
    /// Again, later the more often it was tried before.
    pub fn retry(tried_before: u32) -> Self {
        let step = usize::try_from(tried_before).unwrap_or(usize::MAX).min(RETRY_DELAYS_S.len() - 1);
        Self::Retry { after: Duration::from_secs(RETRY_DELAYS_S[step].into()) }
    }

    /// For metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Retry { .. } => "retry",
            Self::DeadLetter { .. } => "dead_letter",
        }
    }
}
