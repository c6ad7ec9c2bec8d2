//! How long an admitted fan may take to claim: what is set, but never so short that their next poll could come too late.
//!
//! When operators raise the rate, turns come to fans who were told to come back in half a minute.

use std::collections::VecDeque;

use super::poll::{Distance, POLL_MAX_MS, longest_ms};

/// For a poll that is answered late, and the claim after it, in milliseconds.
const MARGIN_MS: u64 = 5_000;

/// What a board told of the line, as far as poll intervals follow from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// The order is still to be drawn; so many take part.
    Lobby {
        /// Places in the lobby.
        joined: u64,
    },
    /// So many turns had come.
    Line {
        /// Turns that had come.
        admitted: u64,
    },
}

/// The boards of the last while: how long those who are admitted now may have been told to wait.
#[derive(Clone, Debug, Default)]
pub struct AnnouncedPolls {
    boards: VecDeque<(i64, Shown, u32)>,
}

impl AnnouncedPolls {
    /// A board was shown, with this rate in force. A time before the last one's begins again.
    pub fn show(&mut self, at_ms: i64, shown: Shown, rate_per_min: u32) {
        if self.boards.back().is_some_and(|&(last_ms, ..)| at_ms < last_ms) {
            self.boards.clear();
        }
        let horizon_ms = at_ms.saturating_sub_unsigned(POLL_MAX_MS);
        // One board from before the horizon stays: it was what was shown when the horizon was now.
        while self.boards.get(1).is_some_and(|&(next_ms, ..)| next_ms <= horizon_ms) {
            self.boards.pop_front();
        }
        self.boards.push_back((at_ms, shown, rate_per_min));
    }

    /// The longest interval that anyone up to the turn with this number may have been told. The longest there is where boards were
    /// shown that are not known here, by a replica that is no more.
    pub fn longest_ms(&self, turn: u64, now_ms: i64) -> u64 {
        let horizon_ms = now_ms.saturating_sub_unsigned(POLL_MAX_MS);
        if self.boards.front().is_none_or(|&(first_ms, ..)| first_ms > horizon_ms) {
            return POLL_MAX_MS;
        }
        let told = self.boards.iter().map(|&(_, shown, rate_per_min)| {
            let distance = match shown {
                Shown::Lobby { joined } => Distance::Lobby { joined },
                Shown::Line { admitted } => Distance::Ahead(turn.saturating_sub(admitted)),
            };
            longest_ms(distance, rate_per_min)
        });
        told.max().unwrap_or(POLL_MAX_MS)
    }

    /// The claim window of everyone up to the turn with this number, where this one is set.
    pub fn claim_window_ms(&self, set_ms: u64, turn: u64, now_ms: i64) -> u64 {
        set_ms.max(2 * self.longest_ms(turn, now_ms) + MARGIN_MS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::queue::{PlaceId, poll_after_ms};

    const SET_MS: u64 = 10_000;

    fn shown(boards: &[(i64, u64, u32)]) -> AnnouncedPolls {
        let mut polls = AnnouncedPolls::default();
        for &(at_ms, admitted, rate_per_min) in boards {
            polls.show(at_ms, Shown::Line { admitted }, rate_per_min);
        }
        polls
    }

    #[test]
    fn a_window_lasts_for_two_polls_of_those_it_is_for() {
        let steady: Vec<_> = (0..60).map(|second| (second * 1_000, 0, 6_000)).collect();
        let raised: Vec<_> = (0..60).map(|second| (second * 1_000, 0, if second < 45 { 60 } else { 600_000 })).collect();
        let forgotten: Vec<_> = (0..120).map(|second| (second * 1_000, 0, if second < 45 { 60 } else { 600_000 })).collect();
        for (what, boards, turn, now_ms, expected_ms) in [
            ("a replica that has shown nothing", &[][..], 1, 0, 65_000),
            ("or nothing that long ago", &[(0, 0, 6_000)][..], 1, 29_999, 65_000),
            ("at the front polls are short", &steady[..], 1, 60_000, SET_MS),
            ("thirty seconds away they last 3.6 s", &steady[..], 3_000, 60_000, 12_200),
            ("the rate was raised a moment ago", &raised[..], 3_000, 60_000, 65_000),
            ("and long ago", &forgotten[..], 3_000, 120_000, SET_MS),
        ] {
            assert_eq!(shown(boards).claim_window_ms(SET_MS, turn, now_ms), expected_ms, "{what}");
        }
        assert_eq!(shown(&steady).claim_window_ms(90_000, 3_000, 60_000), 90_000, "what is set is the least");
    }

    proptest! {
        /// Whoever polls as they are told finds their turn with half of the window to go, whatever the rate does.
        #[test]
        fn who_polls_as_told_has_time_to_claim(
            rates in prop::collection::vec((0u32..600_000, 1usize..40), 1..12), place: [u8; 16], phase in 0usize..30,
            turn in 1u64..200_000,
        ) {
            let mut polls = AnnouncedPolls::default();
            let (mut admitted, mut next_poll_ms, mut now_ms) = (0u64, i64::try_from(phase).unwrap() * 1_000, 0i64);
            for (rate, seconds) in rates {
                for _ in 0..seconds {
                    polls.show(now_ms, Shown::Line { admitted }, rate);
                    if now_ms >= next_poll_ms {
                        let told = poll_after_ms(PlaceId(place), Distance::Ahead((turn - 1) - admitted), rate);
                        next_poll_ms = now_ms + i64::try_from(told).unwrap();
                    }
                    now_ms += 1_000;
                    let turns = (u64::from(rate) / 60).min(turn - admitted);
                    admitted += turns;
                    if admitted == turn {
                        let window = polls.claim_window_ms(SET_MS, turn, now_ms);
                        let late = u64::try_from(next_poll_ms - now_ms).unwrap_or(0);
                        prop_assert!(late * 2 <= window, "polls {late} ms after the turn, window {window} ms");
                        return Ok(());
                    }
                }
            }
        }
    }
}
