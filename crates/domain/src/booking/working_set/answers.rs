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
        let key = (account, key.clone());
        self.answered.remove(&key);
        // Of the latest answer no trace is left: decided again, it is not the oldest one.
        if self.order.back() == Some(&key) {
            self.order.pop_back();
        }
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
    use crate::{BookingId, booking::RefusalReason};

    fn key(n: usize) -> IdempotencyKey {
        IdempotencyKey::parse(&n.to_string()).unwrap()
    }

    fn remember(answers: &mut Answers, n: usize) {
        let outcome = Outcome::Refused { booking: BookingId(Uuid::nil()), refusal: RefusalReason::Sold.into() };
        answers.remember(ANN, key(n), PayloadHash([0; 32]), outcome);
    }

    const ANN: AccountId = AccountId(Uuid::nil());

    #[test]
    fn the_oldest_answers_beyond_the_limit_are_forgotten() {
        let mut answers = Answers::default();
        (0..=ANSWERS_MAX).for_each(|n| remember(&mut answers, n));
        assert!(answers.knows(ANN, &key(0)), "not in the middle of a batch");
        answers.shrink();
        assert_eq!(answers.look_up(ANN, &key(0), PayloadHash([0; 32])), Known::Nothing);
        assert!(answers.knows(ANN, &key(1)) && answers.knows(ANN, &key(ANSWERS_MAX)));
    }

    #[test]
    fn what_was_taken_back_and_decided_again_is_as_old_as_its_decision() {
        let mut answers = Answers::default();
        remember(&mut answers, 0);
        answers.forget(ANN, &key(0));
        assert!(!answers.knows(ANN, &key(0)));
        (0..ANSWERS_MAX).for_each(|n| remember(&mut answers, n));
        answers.shrink();
        assert!(answers.knows(ANN, &key(0)), "there are no more than may be remembered");
    }
}
