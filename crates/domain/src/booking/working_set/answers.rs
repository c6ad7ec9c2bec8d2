//! What was answered lately under which key.

use std::collections::{HashMap, VecDeque};

use crate::{
    AccountId,
    booking::{IdempotencyKey, Outcome, PayloadHash},
};

/// Answers one working set remembers; older ones are found in the database when their key comes again. An answer takes some 300 bytes.
pub(super) const ANSWERS_MAX: usize = 20_000;

type Key = (AccountId, IdempotencyKey);

#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    answered: HashMap<Key, (PayloadHash, Outcome)>,
    /// The oldest first. A key may stand here that was forgotten meanwhile.
    order: VecDeque<Key>,
}

/// What is known about a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Known {
    /// Nothing: decide.
    Nothing,
    /// The same was asked and answered before.
    Answered(Outcome),
    /// The key was used for something else before.
    Reused,
}

impl Answers {
    pub(super) fn look_up(&self, account: AccountId, key: &IdempotencyKey, hash: PayloadHash) -> Known {
        match self.answered.get(&(account, key.clone())) {
            None => Known::Nothing,
            Some((known, outcome)) if *known == hash => Known::Answered(outcome.clone()),
            Some(_) => Known::Reused,
        }
    }

    pub(super) fn knows(&self, account: AccountId, key: &IdempotencyKey) -> bool {
        self.answered.contains_key(&(account, key.clone()))
    }

    /// The first answer of a key stays.
    pub(super) fn remember(&mut self, account: AccountId, key: IdempotencyKey, hash: PayloadHash, outcome: Outcome) {
        let key = (account, key);
        if !self.answered.contains_key(&key) {
            self.order.push_back(key.clone());
            self.answered.insert(key, (hash, outcome));
        }
    }

    pub(super) fn forget(&mut self, account: AccountId, key: &IdempotencyKey) {
        self.answered.remove(&(account, key.clone()));
    }

    /// Down to [`ANSWERS_MAX`].
    pub(super) fn shrink(&mut self) {
        while self.order.len() > ANSWERS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.answered.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use uuid::Uuid;

    use super::*;
    use crate::{
        BookingId,
        booking::{Refusal, RefusalReason},
    };

    #[test]
    fn the_oldest_answers_beyond_the_limit_are_forgotten() {
        let (mut answers, account, hash) = (Answers::default(), AccountId(Uuid::nil()), PayloadHash([0; 32]));
        let key = |n: usize| IdempotencyKey::parse(&n.to_string()).unwrap();
        for n in 0..=ANSWERS_MAX {
            let refusal = Refusal::from(RefusalReason::Sold);
            answers.remember(account, key(n), hash, Outcome::Refused { booking: BookingId(Uuid::nil()), refusal });
        }
        assert!(answers.knows(account, &key(0)), "not in the middle of a batch");
        answers.shrink();
        assert_eq!(answers.look_up(account, &key(0), hash), Known::Nothing);
        assert!(answers.knows(account, &key(1)) && answers.knows(account, &key(ANSWERS_MAX)));
    }
}
