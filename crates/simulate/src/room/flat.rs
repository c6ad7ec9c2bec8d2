//! A line as an array, for crowds of millions. It is durable and visible at once: there is nothing it could forget.

use rand::seq::SliceRandom as _;

use super::Room;
use crate::crowd::{Stream, stream};
use crate::scenario::Scenario;

pub(crate) struct Flat {
    seed: u64,
    joined: u32,
    /// The lobby in the order of its draw. Who came later stands behind it, in the order of their numbers.
    drawn: Vec<u32>,
    decided: u32,
    visible: u32,
}

impl Flat {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self { seed: scenario.seed, joined: 0, drawn: Vec::new(), decided: 0, visible: 0 }
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

    fn decide(&mut self, most: u64, _now_ms: i64, _claim_by_ms: i64) -> u64 {
        let turns = u32::try_from(most.min(self.waiting())).unwrap_or(u32::MAX);
        self.decided += turns;
        turns.into()
    }

    fn look(&mut self, turns: &mut Vec<u32>) {
        turns.extend((self.visible..self.decided).map(|place| self.fan_at(place)));
        self.visible = self.decided;
    }

    fn claim(&mut self, _fan: u32, _until_ms: i64, _now_ms: i64) -> bool {
        true
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
