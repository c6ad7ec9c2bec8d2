//! The requests of a load, in the order they come.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use super::load::{Aim, Load, Order};

/// One request for two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Which one of the run.
    pub no: u32,
    /// Index of the event.
    pub event: u32,
    /// The places `2 * pair` and the next one.
    pub pair: u32,
}

/// Those that are made on the clock; without end where they aim at places that may be taken.
pub(crate) struct Requests {
    load: Load,
    /// The order in which the pairs of an event are asked for.
    pairs: Vec<u32>,
    random: StdRng,
    before: u32,
    next: u32,
}

impl Requests {
    /// The same seed, the same requests.
    pub(crate) fn new(load: &Load, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut pairs: Vec<u32> = (0..load.hall.pairs()).collect();
        pairs.shuffle(&mut random);
        let pairs = sections_first(load, pairs);
        Self { load: load.clone(), pairs, random, before: load.events * load.pairs_sold_before(), next: 0 }
    }

    /// Those that are made before the clock starts.
    pub(crate) fn before(&self) -> Vec<Request> {
        let sold = self.load.pairs_sold_before();
        (0..self.before).map(|no| Request { no, event: no / sold, pair: self.pairs[(no % sold) as usize] }).collect()
    }

    /// Event and place in the order of its pairs, while there are any left.
    fn free(&self, n: u32) -> Option<(u32, u32)> {
        let (events, sold) = (self.load.events, self.load.pairs_sold_before());
        let left = self.load.hall.pairs() - sold;
        let (event, rank) = match self.load.order {
            Order::Mixed => (n % events, n / events),
            Order::InTurn => (n.checked_div(left)?, n % left),
        };
        (event < events && rank < left).then(|| (event, self.pairs[(sold + rank) as usize]))
    }

    fn hot(&mut self, n: u32, requests_percent: u32, places_percent: u32) -> (u32, u32) {
        let all = self.load.hall.pairs();
        let hot = (u64::from(all) * u64::from(places_percent) / 100).try_into().unwrap_or(all).max(1);
        let among = if self.random.random_range(0..100) < requests_percent { hot } else { all };
        (n % self.load.events, self.random.random_range(0..among))
    }
}

/// Puts one pair of each section before all others, which keep their order.
fn sections_first(load: &Load, pairs: Vec<u32>) -> Vec<u32> {
    let mut met = vec![false; usize::from(load.hall.sections)];
    let mut is_first = |pair: &u32| !std::mem::replace(&mut met[usize::from(load.hall.section_of(*pair))], true);
    let (first, others): (Vec<u32>, Vec<u32>) = pairs.into_iter().partition(|pair| is_first(pair));
    [first, others].concat()
}

impl Iterator for Requests {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let (event, pair) = match self.load.aim {
            Aim::Free => self.free(self.next)?,
            Aim::Hot { requests_percent, places_percent } => self.hot(self.next, requests_percent, places_percent),
        };
        let no = self.before + self.next;
        self.next += 1;
        Some(Request { no, event, pair })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::booking::load::Hall;

    fn load(events: u32, order: Order, sold_percent: u32) -> Load {
        Load { events, order, sold_percent, ..Load::named(Hall::seated(2, 10)) }
    }

    #[test]
    fn every_pair_of_every_event_is_asked_for_once() {
        for load in [
            load(1, Order::Mixed, 0),
            load(1, Order::InTurn, 50),
            load(3, Order::Mixed, 0),
            load(3, Order::InTurn, 50),
            load(3, Order::InTurn, 100),
        ] {
            let requests = Requests::new(&load, 1);
            let before = requests.before();
            let asked: Vec<Request> = before.iter().copied().chain(requests).collect();
            let places: HashSet<(u32, u32)> = asked.iter().map(|request| (request.event, request.pair)).collect();
            assert_eq!((asked.len(), places.len()), (load.accounts() as usize, load.accounts() as usize), "{load:?}");
            assert!(asked.iter().map(|request| request.no).eq(0..load.accounts()), "{load:?}");
            let sold = if load.sold_percent == 0 { 2 } else { 10 * load.sold_percent / 100 };
            assert_eq!(before.len(), (load.events * sold) as usize, "{load:?}");
            let sections: HashSet<_> = before.iter().map(|request| (request.event, load.hall.section_of(request.pair))).collect();
            assert_eq!(sections.len(), 2 * load.events as usize, "no section is met for the first time on the clock");
        }
    }

    #[test]
    fn events_are_mixed_or_take_turns() {
        let events = |order| Requests::new(&load(3, order, 0), 1).map(|request| request.event).take(12).collect::<Vec<_>>();
        assert_eq!(events(Order::Mixed), [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
        assert_eq!(events(Order::InTurn), [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
    }

    #[test]
    fn ninety_of_a_hundred_want_the_hot_places() {
        let aim = Aim::Hot { requests_percent: 90, places_percent: 1 };
        let load = Load { aim, ..Load::named(Hall::seated(20, 500)) };
        let asked: Vec<Request> = Requests::new(&load, 7).take(10_000).collect();
        let hot = asked.iter().filter(|request| request.pair < 50).count();
        assert!((8_900..9_200).contains(&hot), "{hot}");
        assert!(asked.iter().any(|request| request.pair > 4_900));
    }

    #[test]
    fn the_same_seed_gives_the_same_requests() {
        let asked = |seed| Requests::new(&load(2, Order::Mixed, 0), seed).collect::<Vec<_>>();
        assert_eq!(asked(5), asked(5));
        assert_ne!(asked(5), asked(6));
    }
}
