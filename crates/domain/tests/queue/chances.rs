//! What fans are told of price categories, against what they find: sales with several kinds of crowds, fan by fan.

use goticket_domain::queue::{Availability, Board, Chance};

use crate::room::empty_board;

/// Seconds between two looks of those who watch.
const LOOK_EVERY_S: u64 = 20;
/// Of those who wait, every so many-th watches.
const WATCHES_EVERY: u64 = 25;
/// `likely` is true in at least so many of a hundred looks at each sale, and `unlikely` of all.
const LIKELY_PERCENT_MIN: u64 = 90;

/// A seeded stream of numbers (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below
    }

    fn percent(&mut self, of: u64) -> bool {
        self.roll(100) < of
    }
}

/// Who comes, and what for.
struct Crowd {
    what: &'static str,
    fans: u64,
    /// Seats of each category, and how many of a hundred fans look for it first.
    categories: &'static [(u32, u64)],
    /// Of a hundred who do not find their category, so many take another one.
    take_another: u64,
    /// Of a hundred, so many want something.
    buyers: u64,
    /// Longest time to choose, in seconds.
    choose_s_max: u64,
    cap: u64,
}

const CROWDS: [Crowd; 5] = [
    Crowd {
        what: "as many seats as wishes, in the same proportions",
        fans: 8_000,
        categories: &[(2_000, 20), (5_000, 50), (3_000, 30)],
        take_another: 80,
        buyers: 80,
        choose_s_max: 180,
        cap: 2_000,
    },
    Crowd {
        what: "everyone wants the few cheap ones, and takes others then",
        fans: 8_000,
        categories: &[(1_000, 70), (6_000, 20), (3_000, 10)],
        take_another: 70,
        buyers: 85,
        choose_s_max: 240,
        cap: 1_000,
    },
    Crowd {
        what: "no one takes anything but what they came for",
        fans: 10_000,
        categories: &[(500, 60), (4_000, 30), (8_000, 10)],
        take_another: 0,
        buyers: 90,
        choose_s_max: 120,
        cap: 3_000,
    },
    Crowd {
        what: "one category",
        fans: 6_000,
        categories: &[(8_000, 100)],
        take_another: 0,
        buyers: 70,
        choose_s_max: 300,
        cap: 800,
    },
    Crowd {
        what: "many small ones",
        fans: 5_000,
        categories: &[(200, 5), (200, 15), (400, 10), (400, 20), (800, 10), (800, 10), (1_600, 20), (1_600, 10)],
        take_another: 90,
        buyers: 90,
        choose_s_max: 180,
        cap: 1_500,
    },
];

/// An order that is held, until it is paid for or its time is over.
struct Hold {
    ends_s: u64,
    category: usize,
    seats: u32,
    paid: bool,
}

#[derive(Default)]
struct Tally {
    looks: [(u64, u64); 4],
}

impl Tally {
    /// Of the looks that said this: how many there were, and how many of them were followed by a seat.
    fn of(&self, chance: Chance) -> (u64, u64) {
        self.looks[chance as usize]
    }

    fn add(&mut self, chance: Chance, found: bool) {
        let (looks, seats) = &mut self.looks[chance as usize];
        *looks += 1;
        *seats += u64::from(found);
    }
}

/// Sells until everyone had their turn: ten turns a second as long as the cap has room.
fn sell(crowd: &Crowd, seed: u64) -> Tally {
    let mut dice = Dice(seed);
    let mut left: Vec<Availability> = (0..)
        .zip(crowd.categories)
        .map(|(category, &(seats, _))| Availability { category, free: seats, held: 0, capacity: Some(seats), price: Some(1) })
        .collect();
    let (mut admitted, mut inside, mut now_s) = (0_u64, 0_u64, 0_u64);
    let mut choosing: Vec<(u64, u64)> = Vec::new();
    let mut holds: Vec<Hold> = Vec::new();
    let mut said: Vec<Vec<(usize, Chance)>> = vec![Vec::new(); usize::try_from(crowd.fans).unwrap()];
    let mut tally = Tally::default();
    while admitted < crowd.fans || inside > 0 {
        holds.retain(|hold| {
            if hold.ends_s == now_s {
                left[hold.category].held -= hold.seats;
                left[hold.category].free += if hold.paid { 0 } else { hold.seats };
            }
            hold.ends_s > now_s
        });
        let chosen: Vec<u64> = choosing.iter().filter(|(at_s, _)| *at_s == now_s).map(|(_, fan)| *fan).collect();
        choosing.retain(|(at_s, _)| *at_s > now_s);
        for fan in chosen {
            inside -= 1;
            for (category, chance) in &said[usize::try_from(fan).unwrap()] {
                tally.add(*chance, left[*category].free > 0);
            }
            if let Some((category, seats)) = choose(crowd, &left, &mut dice) {
                left[category].free -= seats;
                left[category].held += seats;
                let paid = dice.percent(88);
                holds.push(Hold { ends_s: now_s + if paid { 20 + dice.roll(60) } else { 180 }, category, seats, paid });
            }
        }
        for _ in 0..10.min(crowd.cap - inside).min(crowd.fans - admitted) {
            choosing.push((now_s + 10 + dice.roll(crowd.choose_s_max), admitted));
            admitted += 1;
            inside += 1;
        }
        if now_s % LOOK_EVERY_S == 0 {
            let board = Board { admitted, inside, availability: left.clone(), ..empty_board() };
            for fan in (admitted..crowd.fans).filter(|fan| fan % WATCHES_EVERY == 0) {
                let told = board.chances_of(fan - admitted);
                said[usize::try_from(fan).unwrap()].extend(told.iter().map(|of| (usize::from(of.category), of.chance)));
            }
        }
        now_s += 1;
    }
    tally
}

/// What a fan takes.
fn choose(crowd: &Crowd, left: &[Availability], dice: &mut Dice) -> Option<(usize, u32)> {
    if !dice.percent(crowd.buyers) {
        return None;
    }
    let seats = [1, 2, 2, 2, 3, 4][usize::try_from(dice.roll(6)).unwrap()];
    let mut wish = dice.roll(crowd.categories.iter().map(|(_, percent)| percent).sum());
    let first = crowd.categories.iter().position(|(_, percent)| {
        let here = wish < *percent;
        wish = wish.saturating_sub(*percent);
        here
    })?;
    if left[first].free >= seats {
        return Some((first, seats));
    }
    if !dice.percent(crowd.take_another) {
        return None;
    }
    let others: Vec<usize> = (0..left.len()).filter(|at| left[*at].free >= seats).collect();
    let at = usize::try_from(dice.roll(others.len().max(1) as u64)).unwrap();
    others.get(at).map(|at| (*at, seats))
}

#[test]
fn likely_comes_true_in_nine_cases_of_ten_and_gone_in_all() {
    let (mut all_gone, mut all_unlikely, mut naive) = (0, (0, 0), (0, 0));
    for crowd in &CROWDS {
        for seed in 1..=3 {
            let what = format!("{}, seed {seed}", crowd.what);
            let tally = sell(crowd, seed);
            let [likely, possible, unlikely, gone] =
                [Chance::Likely, Chance::Possible, Chance::Unlikely, Chance::Gone].map(|chance| tally.of(chance));
            let what = format!("{what}: likely {likely:?}, possible {possible:?}, unlikely {unlikely:?}, gone {gone:?}");
            assert!(likely.0 >= 300, "it is said often enough to mean something; {what}");
            assert!(likely.1 * 100 >= likely.0 * LIKELY_PERCENT_MIN, "{what}");
            assert_eq!(gone.1, 0, "what is gone does not come back; {what}");
            // It is no word for the first in line alone.
            let found = likely.1 + possible.1 + unlikely.1;
            assert!(likely.1 * 6 >= found, "{} of {found}; {what}", likely.1);
            all_gone += gone.0;
            all_unlikely = (all_unlikely.0 + unlikely.0, all_unlikely.1 + unlikely.1);
            naive = (naive.0 + likely.0 + possible.0 + unlikely.0, naive.1 + found);
        }
    }
    assert!(all_gone > 1_000, "{all_gone}");
    assert!(all_unlikely.0 > 1_000 && all_unlikely.1 * 100 <= all_unlikely.0 * (100 - LIKELY_PERCENT_MIN), "{all_unlikely:?}");
    // The control: that something is free now is no promise.
    assert!(naive.1 * 100 < naive.0 * LIKELY_PERCENT_MIN, "{naive:?}");
}
