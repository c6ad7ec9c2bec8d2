//! How many may be admitted now: as many as the bucket has tokens, the cap has room and the stock has seats.

use super::Bucket;

/// What limits how many may be admitted, besides the bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Everyone who could buy: inside, or to come inside by a claim, until their last token ends, leeway included.
    pub inside: u64,
    /// How many may be.
    pub cap: u64,
    /// Seats for which no one is inside yet. None in a room that sells nothing that is counted.
    pub spare: Option<Spare>,
}

/// How many may be admitted now.
pub fn admissible(bucket: Bucket, room: Limits) -> u64 {
    let spare = room.spare.map_or(u64::MAX, |spare| spare.seats);
    bucket.tokens().min(room.cap.saturating_sub(room.inside)).min(spare)
}

/// Of so many turns, those of deferred places, and those of the line: who comes back has their turn first. There is one for each of them in a
/// sale, so the line moves on.
pub fn deferred_first(turns: u64, deferred: u64) -> (u64, u64) {
    let first = turns.min(deferred);
    (first, turns - first)
}

/// Seats for which no one is inside yet.
///
/// Everyone inside who has not booked yet is reckoned with one seat. Seats on hold count as sold: most are paid for, and one that comes
/// back is free in the next count, which lets the next fan in a moment later. Counting them before would admit fans who find nothing.
///
/// A count that cannot be read is no endless stock: the last one stands, less everyone admitted since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spare {
    seats: u64,
    admitted: u64,
}

impl Spare {
    /// By a count of free seats, while so many are inside who have not booked yet; `admitted` counts the turns that ever came.
    pub fn counted(free: u64, undecided: u64, admitted: u64) -> Self {
        Self { seats: free.saturating_sub(undecided), admitted }
    }

    /// As far as it is known without a count, when so many turns have come.
    #[must_use]
    pub fn uncounted(self, admitted: u64) -> Self {
        let since = admitted.saturating_sub(self.admitted);
        Self { seats: self.seats.saturating_sub(since), admitted: self.admitted.max(admitted) }
    }

    /// How many they are.
    pub fn seats(self) -> u64 {
        self.seats
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIVE_TOKENS: Bucket = Bucket { micro_tokens: 5_000_001, at_ms: 0 };

    #[test]
    fn cap_stock_and_tokens_each_limit() {
        let free = |seats| Some(Spare::counted(seats, 0, 0));
        for (inside, cap, spare, expected) in
            [(0, 10, None, 5), (7, 10, None, 3), (12, 10, None, 0), (0, 10, free(2), 2), (0, 10, free(0), 0)]
        {
            assert_eq!(admissible(FIVE_TOKENS, Limits { inside, cap, spare }), expected, "{inside} {cap} {spare:?}");
        }
    }

    #[test]
    fn who_comes_back_has_their_turn_first_and_no_more_have_one() {
        for (turns, deferred, expected) in [(5, 0, (0, 5)), (5, 3, (3, 2)), (5, 5, (5, 0)), (5, 9, (5, 0)), (0, 9, (0, 0))] {
            assert_eq!(deferred_first(turns, deferred), expected, "{turns} {deferred}");
        }
    }

    #[test]
    fn with_one_seat_left_a_hundred_ticks_admit_one_fan() {
        let mut admitted = 0;
        for _ in 0..100 {
            let spare = Some(Spare::counted(1, admitted, admitted));
            admitted += admissible(FIVE_TOKENS, Limits { inside: admitted, cap: 1_000, spare });
        }
        assert_eq!(admitted, 1);
    }

    #[test]
    fn a_count_that_is_lost_leaves_what_the_last_one_said() {
        let last = Spare::counted(10, 3, 100);
        for (admitted, seats) in [(100, 7), (104, 3), (107, 0), (200, 0)] {
            assert_eq!(last.uncounted(admitted).seats(), seats, "{admitted}");
        }
        assert_eq!(last.uncounted(103).uncounted(106).seats(), 1);
        assert_eq!(last.uncounted(90).seats(), 7, "an older count of turns gives nothing back");
    }

    proptest! {
        /// Fans buy, walk away or take their time, counts come and go: inside are never more undecided fans than there are seats.
        #[test]
        fn who_is_inside_finds_a_seat(
            seats in 0u64..50, cap in 1u64..100,
            steps in prop::collection::vec((any::<bool>(), 0u64..8, 0u64..4), 1..100),
        ) {
            let (mut free, mut undecided, mut admitted) = (seats, 0u64, 0u64);
            let mut spare = Spare::counted(free, 0, 0);
            for (counted, buyers, walk_away) in steps {
                spare = if counted { Spare::counted(free, undecided, admitted) } else { spare.uncounted(admitted) };
                let most = admissible(FIVE_TOKENS, Limits { inside: undecided, cap, spare: Some(spare) });
                admitted += most;
                undecided += most;
                prop_assert!(undecided <= free.max(undecided - most), "{undecided} inside, {free} free");
                prop_assert!(undecided <= cap);
                let bought = buyers.min(undecided).min(free);
                (free, undecided) = (free - bought, undecided - bought);
                undecided -= walk_away.min(undecided);
            }
        }
    }
}
