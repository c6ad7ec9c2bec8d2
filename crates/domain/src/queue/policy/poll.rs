//! How long a fan waits before asking again: a tenth of the time to their turn.
//!
//! By the rate that is set, not by how fast the line moves: when it stands still (a pause, a full cap, a pipeline that is away) no
//! interval gets shorter, so an emergency makes no more polls than there were. At a rate of r per second all polls together are at most
//! about 45 r + waiting / 25 per second.

use crate::queue::PlaceId;

/// Shortest interval, in milliseconds.
const POLL_MIN_MS: u64 = 1_000;
/// Longest interval, in milliseconds: an operator's message must reach everyone within it.
pub(super) const POLL_MAX_MS: u64 = 30_000;
/// Shortest interval in the lobby, where nothing happens until the draw, in milliseconds.
const LOBBY_POLL_MIN_MS: u64 = 5_000;
/// By how much an interval may be longer than the distance says, in thousandths: who came in one second must not come back in one.
const JITTER: u64 = 200;
/// Polls until the turn, at an even pace.
const POLLS_TO_TURN: u64 = 10;

/// How far a fan is from their turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Distance {
    /// It has come.
    Turn,
    /// The order is still to be drawn among so many.
    Lobby {
        /// Places in the lobby.
        joined: u64,
    },
    /// So many stand before.
    Ahead(u64),
    /// Nothing comes any more: inside, or their turn is over.
    Over,
}

/// How long the holder of `place` should wait before asking again.
pub fn poll_after_ms(place: PlaceId, distance: Distance, rate_per_min: u32) -> u64 {
    let dice = u64::from(u16::from_be_bytes([place.0[0], place.0[1]]));
    with_jitter(evenly_ms(distance, rate_per_min), dice * JITTER / u64::from(u16::MAX))
}

/// The longest that anyone at this distance is told.
pub(super) fn longest_ms(distance: Distance, rate_per_min: u32) -> u64 {
    with_jitter(evenly_ms(distance, rate_per_min), JITTER)
}

fn with_jitter(even_ms: u64, thousandths: u64) -> u64 {
    even_ms + even_ms * thousandths / 1_000
}

fn evenly_ms(distance: Distance, rate_per_min: u32) -> u64 {
    let longest = POLL_MAX_MS * 1_000 / (1_000 + JITTER);
    let by_distance = |ahead: u64| match rate_per_min {
        0 => longest,
        rate => (ahead.saturating_mul(60_000 / POLLS_TO_TURN) / u64::from(rate)).clamp(POLL_MIN_MS, longest),
    };
    match distance {
        Distance::Turn => POLL_MIN_MS,
        Distance::Lobby { joined } => by_distance(joined).max(LOBBY_POLL_MIN_MS),
        Distance::Ahead(ahead) => by_distance(ahead),
        Distance::Over => longest,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EARLIEST: PlaceId = PlaceId([0; 16]);
    const LATEST: PlaceId = PlaceId([255; 16]);

    #[test]
    fn intervals_grow_with_distance_to_half_a_minute() {
        for (distance, rate_per_min, earliest_ms, latest_ms) in [
            (Distance::Turn, 600, 1_000, 1_200),
            (Distance::Ahead(0), 600, 1_000, 1_200),
            (Distance::Ahead(600), 600, 6_000, 7_200),
            (Distance::Ahead(2_499), 600, 24_990, 29_988),
            (Distance::Ahead(2_500), 600, 25_000, POLL_MAX_MS),
            (Distance::Ahead(u64::MAX), 1, 25_000, POLL_MAX_MS),
            (Distance::Ahead(0), 0, 25_000, POLL_MAX_MS),
            (Distance::Lobby { joined: 0 }, 600, 5_000, 6_000),
            (Distance::Lobby { joined: 14_000_000 }, 60_000, 25_000, POLL_MAX_MS),
        ] {
            let told = (poll_after_ms(EARLIEST, distance, rate_per_min), poll_after_ms(LATEST, distance, rate_per_min));
            assert_eq!(told, (earliest_ms, latest_ms), "{distance:?} {rate_per_min}");
        }
    }

    proptest! {
        #[test]
        fn who_is_further_away_or_slower_asks_no_sooner(
            place: [u8; 16], ahead in 0u64..20_000_000, more in 0u64..1_000_000, rate in 1u32..600_000, slower in 0u32..600_000,
        ) {
            let place = PlaceId(place);
            let told = poll_after_ms(place, Distance::Ahead(ahead), rate);
            prop_assert!((POLL_MIN_MS..=POLL_MAX_MS).contains(&told));
            prop_assert!(told <= longest_ms(Distance::Ahead(ahead), rate));
            prop_assert!(told <= poll_after_ms(place, Distance::Ahead(ahead + more), rate));
            prop_assert!(told <= poll_after_ms(place, Distance::Ahead(ahead), rate.min(slower)));
        }
    }
}
