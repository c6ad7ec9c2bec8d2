//! Places whose turns come one after the other by their scores, and when these turns are over.

use std::collections::{BTreeMap, BTreeSet};

use crate::queue::{PlaceId, Score};

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Turns {
    waiting: BTreeSet<(Score, PlaceId)>,
    frontier: Option<Score>,
    /// Up to which score all claim windows are over by then (Unix ms).
    passed: BTreeMap<i64, Score>,
}

impl Turns {
    pub(super) fn insert(&mut self, score: Score, place: PlaceId) -> bool {
        self.waiting.insert((score, place))
    }

    pub(super) fn remove(&mut self, score: Score, place: PlaceId) -> bool {
        self.waiting.remove(&(score, place))
    }

    /// The turns of everyone up to this score come; returns whose.
    pub(super) fn come(&mut self, through: Score, claim_by_ms: i64, at_ms: i64) -> Vec<(Score, PlaceId)> {
        let mut places = Vec::new();
        while let Some(&(score, place)) = self.waiting.first().filter(|(score, _)| *score <= through) {
            self.waiting.pop_first();
            places.push((score, place));
        }
        self.frontier = self.frontier.max(Some(through));
        self.end(through, claim_by_ms, at_ms);
        places
    }

    /// The turns up to this score are over by then. What is over already is kept once.
    fn end(&mut self, through: Score, claim_by_ms: i64, at_ms: i64) {
        let last = self.passed.last_key_value().map(|(over_ms, score)| (*over_ms, *score));
        if last.is_none_or(|(_, score)| score < through) {
            // Who stands before has a window that may end later: an operator can have made it shorter.
            self.passed.insert(last.map_or(claim_by_ms, |(over_ms, _)| claim_by_ms.max(over_ms)), through);
        }
        if let Some((&over_ms, _)) = self.passed.range(..=at_ms).next_back() {
            self.passed = self.passed.split_off(&over_ms);
        }
    }

    pub(super) fn before(&self, through: Score) -> impl Iterator<Item = PlaceId> {
        self.waiting.iter().take_while(move |(score, _)| *score <= through).map(|(_, place)| *place)
    }

    pub(super) fn frontier(&self) -> Option<Score> {
        self.frontier
    }

    /// The score up to which every turn is over at this time.
    pub(super) fn passed(&self, at_ms: i64) -> Option<Score> {
        self.passed.range(..=at_ms).next_back().map(|(_, score)| *score)
    }

    /// When turns are over (Unix ms), and up to which score they are then.
    pub(super) fn over(&self) -> impl Iterator<Item = (i64, Score)> {
        self.passed.iter().map(|(over_ms, score)| (*over_ms, *score))
    }
}
