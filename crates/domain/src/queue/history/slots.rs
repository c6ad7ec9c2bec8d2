//! Slots that are taken, counted as time goes on.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::queue::PlaceId;

/// Whose, and whether nothing is renewed for it any more.
type Key = (PlaceId, bool);

#[derive(Default)]
pub(super) struct Slots {
    ends: HashMap<Key, i64>,
    /// Each end that a slot ever had: those that were moved since are passed over.
    coming: BinaryHeap<Reverse<(i64, Key)>>,
    ending: u64,
}

impl Slots {
    /// Time has come so far.
    pub(super) fn free_until(&mut self, at_ms: i64) {
        while let Some(Reverse((end_ms, key))) = self.coming.peek().copied().filter(|Reverse((end_ms, _))| *end_ms <= at_ms) {
            self.coming.pop();
            if self.ends.get(&key) == Some(&end_ms) {
                self.free(key);
            }
        }
    }

    /// A place has these slots now. True where it takes one that it did not take before.
    pub(super) fn follow(&mut self, place: PlaceId, standing_ms: Option<i64>, ending_ms: Option<i64>, at_ms: i64) -> bool {
        let ending = self.put((place, true), ending_ms.filter(|end_ms| *end_ms > at_ms));
        self.put((place, false), standing_ms.filter(|end_ms| *end_ms > at_ms)) || ending
    }

    /// All that are taken.
    pub(super) fn taken(&self) -> u64 {
        self.ends.len() as u64
    }

    /// Those of fans who have neither booked nor left.
    pub(super) fn undecided(&self) -> u64 {
        self.taken() - self.ending
    }

    fn put(&mut self, key: Key, end_ms: Option<i64>) -> bool {
        let Some(end_ms) = end_ms else {
            self.free(key);
            return false;
        };
        let before = self.ends.insert(key, end_ms);
        if before != Some(end_ms) {
            self.coming.push(Reverse((end_ms, key)));
        }
        self.ending += u64::from(before.is_none() && key.1);
        before.is_none()
    }

    fn free(&mut self, key: Key) {
        if self.ends.remove(&key).is_some() {
            self.ending -= u64::from(key.1);
        }
    }
}
