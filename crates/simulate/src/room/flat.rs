//! A line as an array, for crowds of millions. It is durable and visible at once: there is nothing it could forget.

use std::collections::VecDeque;

use goticket_domain::queue::deferred_first;
use rand::seq::SliceRandom as _;

use super::{Room, Turns};
use crate::crowd::{Stream, stream};
use crate::scenario::Scenario;

pub(crate) struct Flat {
    seed: u64,
    joined: u32,
    /// The lobby in the order of its draw. Who came later stands behind it, in the order of their numbers.
    drawn: Vec<u32>,
    decided: u32,
    visible: u32,
    deferred: VecDeque<u32>,
    /// Whose second turn came, and is not visible yet.
    second: Vec<u32>,
}

impl Flat {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            seed: scenario.seed,
            joined: 0,
            drawn: Vec::new(),
            decided: 0,
            visible: 0,
            deferred: VecDeque::new(),
            second: Vec::new(),
        }
    }

    fn fan_at(&self, place: u32) -> u32 {
        usize::try_from(place).ok().and_then(|at| self.drawn.get(at)).copied().unwrap_or(place)
    }
}

impl Room for Flat {
    fn join(&mut self, before: u32, _now_ms: i64) {
        self.joined = self.joined.max(before);
    }

    /// Places are pseudonyms that no one chose, so an order by their hashes is any order.
    fn draw(&mut self, _now_ms: i64) {
        self.drawn = (0..self.joined).collect();
        self.drawn.shuffle(&mut stream(self.seed, Stream::Draw));
    }

    fn waiting(&self) -> u64 {
        u64::from(self.joined - self.decided)
    }

    fn deferred(&self) -> u64 {
        self.deferred.len() as u64
    }

    fn decide(&mut self, most: u64, _now_ms: i64, _claim_by_ms: i64) -> Turns {
        let (second, of_line) = deferred_first(most, self.deferred());
        self.second.extend(self.deferred.drain(..usize::try_from(second).unwrap_or(usize::MAX)));
        let first = u32::try_from(of_line.min(self.waiting())).unwrap_or(u32::MAX);
        self.decided += first;
        Turns { first: first.into(), second }
    }

    fn look(&mut self, turns: &mut Vec<u32>) {
        turns.append(&mut self.second);
        turns.extend((self.visible..self.decided).map(|place| self.fan_at(place)));
        self.visible = self.decided;
    }

    fn claim(&mut self, _fan: u32, _until_ms: i64, _slot_ms: i64, _now_ms: i64) -> bool {
        true
    }

    fn defer(&mut self, fan: u32, _now_ms: i64) {
        self.deferred.push_back(fan);
    }

    fn forget(&mut self) {}

    fn places(&self) -> Vec<Option<u32>> {
        let mut places = vec![None; usize::try_from(self.joined).unwrap_or(usize::MAX)];
        for place in 0..self.joined {
            if let Some(slot) = usize::try_from(self.fan_at(place)).ok().and_then(|fan| places.get_mut(fan)) {
                *slot = Some(place);
            }
        }
        places
    }
}
