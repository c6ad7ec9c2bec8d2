//! Whether a fan still finds a seat of a price category when their turn comes: an honest word, from what the board says.
//!
//! The assumption: fans choose as those before them did. A category is taken by so many seats per turn as it was so far, or, where that
//! is more, by its share of all that is taken: what is sold out elsewhere is looked for here. How many of those inside have chosen already
//! is not known: before `likely` is said it is none of them, before `unlikely` is it is all. What is held counts as taken, and as something
//! that may come back.
//!
//! After few turns little is known. Then as many more fans are reckoned with as [`UNSEEN_FANS`], who each take [`UNSEEN_SEATS`] of this
//! very category before `likely` is said, and nothing before `unlikely` is: estimates are drawn towards the cautious side, less the more is
//! seen (the posterior mean of a Poisson rate under a gamma prior: Gelman et al., Bayesian Data Analysis, section 2.6).

use serde::{Deserialize, Serialize};

/// Fans who are reckoned with beside those who were seen.
const UNSEEN_FANS: u64 = 20;
/// Seats of one category that each of them takes: an order of two is the most usual one.
const UNSEEN_SEATS: u64 = 2;
/// By how much more may be taken than the estimate says where `likely` is said, in per cent of it.
const LIKELY_PERCENT: u64 = 125;
/// And so many seats beside it: a few orders that come at the same time.
const LIKELY_SEATS: u64 = 8;
/// How much less may be taken than the estimate says where `unlikely` is said, in per cent of it.
const UNLIKELY_PERCENT: u64 = 80;

/// What a fan is told of a price category.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chance {
    /// Seats are left when their turn comes, in nine cases of ten or more.
    Likely,
    /// It may be either way.
    Possible,
    /// By then it is taken, unless fans choose otherwise than before.
    Unlikely,
    /// Nothing is free, and nothing is held that could come back.
    Gone,
}

/// What is left of one price category.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CategoryStock {
    /// All its seats.
    pub capacity: u64,
    /// Seats no one has.
    pub free: u64,
    /// Seats on hold.
    pub held: u64,
}

/// How many had their turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crowd {
    /// All of them.
    pub admitted: u64,
    /// Of them, those who could still buy.
    pub inside: u64,
}

/// The chances of a fan before whom so many wait, one for each category.
pub fn chances(stock: &[CategoryStock], crowd: Crowd, ahead: u64) -> Vec<Chance> {
    let taken = |category: &CategoryStock| category.capacity.saturating_sub(category.free);
    let (all_taken, all_free) =
        stock.iter().fold((0_u64, 0_u64), |(all, free), category| (all + taken(category), free + category.free));
    let chosen_min = crowd.admitted.saturating_sub(crowd.inside) + UNSEEN_FANS;
    let chosen_max = crowd.admitted + UNSEEN_FANS;
    let chance = |category: &CategoryStock| {
        let CategoryStock { free, held, .. } = *category;
        if free + held == 0 {
            return Chance::Gone;
        }
        let share = (all_taken * free).checked_div(all_free).unwrap_or(0);
        let most = LIKELY_PERCENT * taken(category).max(share) + 100 * UNSEEN_FANS * UNSEEN_SEATS;
        let least = UNLIKELY_PERCENT * taken(category);
        // Both in hundredths of a seat, for all who have chosen together.
        let (before, hundredths) = (u128::from(ahead) + u128::from(crowd.inside), 100 * u128::from(chosen_min));
        if before * u128::from(most) + u128::from(LIKELY_SEATS) * hundredths <= u128::from(free) * hundredths {
            Chance::Likely
        } else if u128::from(ahead) * u128::from(least) >= 100 * u128::from(free + held) * u128::from(chosen_max) {
            Chance::Unlikely
        } else {
            Chance::Possible
        }
    };
    stock.iter().map(chance).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stock(capacity: u64, free: u64, held: u64) -> CategoryStock {
        CategoryStock { capacity, free, held }
    }

    #[test]
    fn the_word_follows_from_what_was_taken_and_who_stands_before() {
        use Chance::{Gone, Likely, Possible, Unlikely};
        // A thousand turns took two seats each: one of the first category, one of the second; the third is gone, the fourth all held.
        let left = [stock(3_000, 2_000, 0), stock(1_500, 500, 0), stock(10, 0, 0), stock(10, 0, 3)];
        let seen = Crowd { admitted: 1_000, inside: 0 };
        for (what, crowd, ahead, expected) in [
            ("next in line", seen, 0, [Likely, Likely, Gone, Possible]),
            ("a hundred before", seen, 100, [Likely, Likely, Gone, Possible]),
            ("three hundred", seen, 300, [Likely, Likely, Gone, Possible]),
            ("four hundred, who take 506 at worst", seen, 400, [Likely, Possible, Gone, Unlikely]),
            ("a thousand", seen, 1_000, [Possible, Unlikely, Gone, Unlikely]),
            ("three thousand", seen, 3_000, [Unlikely, Unlikely, Gone, Unlikely]),
            ("those inside still choose", Crowd { admitted: 1_000, inside: 300 }, 100, [Likely, Possible, Gone, Possible]),
        ] {
            assert_eq!(chances(&left, crowd, ahead), expected, "{what}");
        }
    }

    #[test]
    fn before_anyone_has_chosen_a_category_is_reckoned_with_as_everyones() {
        let left = [stock(1_000, 1_000, 0), stock(9_000, 9_000, 0)];
        let no_one = Crowd { admitted: 0, inside: 0 };
        for (ahead, expected) in [
            (496, [Chance::Likely, Chance::Likely]),
            (497, [Chance::Possible, Chance::Likely]),
            (5_000, [Chance::Possible, Chance::Possible]),
            (u64::MAX, [Chance::Possible, Chance::Possible]),
        ] {
            assert_eq!(chances(&left, no_one, ahead), expected, "{ahead}");
        }
    }

    proptest! {
        /// Whoever stands further in front, or finds more left, is told nothing worse.
        #[test]
        fn no_one_is_told_worse_than_those_behind(
            categories in prop::collection::vec((1_u64..100_000, 0_u64..100, 0_u64..100), 1..20), admitted in 0_u64..1_000_000,
            inside in 0_u64..10_000, ahead in 0_u64..20_000_000, more in 0_u64..1_000_000,
        ) {
            let stock: Vec<_> = categories
                .iter()
                .map(|&(capacity, free, held)| {
                    let free = capacity * free / 100;
                    stock(capacity, free, (capacity - free) * held / 100)
                })
                .collect();
            let crowd = Crowd { admitted: admitted.max(inside), inside };
            let (near, far) = (chances(&stock, crowd, ahead), chances(&stock, crowd, ahead + more));
            for ((near, far), left) in near.iter().zip(&far).zip(&stock) {
                prop_assert!(*near as u8 <= *far as u8, "{:?} {:?}", near, far);
                prop_assert_eq!(*near == Chance::Gone, left.free + left.held == 0);
                prop_assert!(*near != Chance::Likely || left.free > 0);
            }
        }
    }
}
