//! Everyone whose turn has come, until they are through: what they will do, and when.

use std::collections::VecDeque;

/// Something that will happen to a fan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) fan: u32,
    pub(crate) what: What,
}

/// What it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// They claim their turn, which is theirs until then.
    Claim { claim_by_ms: i64, decides_after_ms: u32, buys: bool },
    /// Their claim window is over.
    WindowOver,
    /// They come back after that.
    Returns,
    /// They have decided.
    Decided { buys: bool },
    /// The last token with which they could buy is over.
    SlotEnds,
}

/// What is to come, by the tick in which it comes.
pub(crate) struct Agenda {
    tick_ms: i64,
    /// The first slot is the tick that is next.
    ticks: VecDeque<Vec<Event>>,
    next_ms: i64,
}

impl Agenda {
    pub(crate) fn new(start_ms: i64, tick_ms: u32) -> Self {
        Self { tick_ms: tick_ms.into(), ticks: VecDeque::new(), next_ms: start_ms }
    }

    /// It happens in the first tick that is not before this time.
    pub(crate) fn add(&mut self, at_ms: i64, fan: u32, what: What) {
        let later = (at_ms - self.next_ms + self.tick_ms - 1).div_euclid(self.tick_ms).max(0);
        let slot = usize::try_from(later).unwrap_or(usize::MAX);
        if slot >= self.ticks.len() {
            self.ticks.resize_with(slot + 1, Vec::new);
        }
        if let Some(events) = self.ticks.get_mut(slot) {
            events.push(Event { fan, what });
        }
    }

    /// What happens in the next tick.
    pub(crate) fn advance(&mut self) -> Vec<Event> {
        self.next_ms += self.tick_ms;
        self.ticks.pop_front().unwrap_or_default()
    }
}

/// How many are inside, and what is left for them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Inside {
    /// Everyone who could buy: they count against the cap.
    pub(crate) slots: u64,
    /// Those of them who have not decided yet.
    pub(crate) undecided: u64,
    /// Seats that are free. None where they are not counted.
    pub(crate) free: Option<u64>,
}

impl Inside {
    /// A fan wants so many seats. Returns how many they get.
    pub(crate) fn sell(&mut self, seats: u32) -> u64 {
        let sold = u64::from(seats).min(self.free.unwrap_or(u64::MAX));
        self.free = self.free.map(|free| free - sold);
        sold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_happens_before_its_time_and_nothing_is_forgotten() {
        let mut agenda = Agenda::new(-500, 250);
        for (fan, at_ms) in [(0, -9_000), (1, -500), (2, -499), (3, -250), (4, 1_000)] {
            agenda.add(at_ms, fan, What::SlotEnds);
        }
        let fans = |events: Vec<Event>| events.iter().map(|event| event.fan).collect::<Vec<_>>();
        assert_eq!(fans(agenda.advance()), [0, 1], "at -500");
        assert_eq!(fans(agenda.advance()), [2, 3], "at -250");
        for _ in 0..4 {
            assert!(agenda.advance().is_empty());
        }
        assert_eq!(fans(agenda.advance()), [4], "at 1000");
    }

    #[test]
    fn no_more_is_sold_than_there_is() {
        let mut inside = Inside { free: Some(3), ..Inside::default() };
        assert_eq!([inside.sell(2), inside.sell(2), inside.sell(2)], [2, 1, 0]);
        assert_eq!(Inside::default().sell(2), 2);
    }
}
