//! How long whoever is inside takes a slot: as long as something that was given out for it buys, and no longer.

use super::Limits;

/// A renewal that would keep a slot for less than this needs no entry in the log: the fan gets a token that ends with the slot as it stands.
/// A fan who claims again and again writes no more than twelve entries a minute.
const RENEWAL_MIN_MS: i64 = 5_000;

/// A claimed turn. Times are Unix milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Session {
    /// When it was claimed.
    pub since_ms: i64,
    /// Its end, whatever is renewed.
    pub until_ms: i64,
    /// The end of its slot, when the last token that was given out for it has ended, leeway included. Never after the session.
    pub slot_ms: i64,
}

impl Session {
    /// Whether it counts against the cap, and may be renewed.
    pub fn has_slot(self, now_ms: i64) -> bool {
        self.slot_ms > now_ms
    }

    /// Until when it takes its slot where a token that buys for so long, leeway included, is given out now. None where that is not to be written
    /// down: it would hardly be longer, or the slot is over and may be another one's by now.
    pub fn renewed_until_ms(self, now_ms: i64, buys_ms: i64) -> Option<i64> {
        let slot_ms = slot_until_ms(now_ms, buys_ms, self.until_ms);
        let longer_ms = slot_ms.saturating_sub(self.slot_ms);
        let worth_it = longer_ms >= RENEWAL_MIN_MS || (longer_ms > 0 && slot_ms == self.until_ms);
        (self.has_slot(now_ms) && worth_it).then_some(slot_ms)
    }
}

/// The end of the slot for which a token that buys for so long, leeway included, is given out now.
pub fn slot_until_ms(now_ms: i64, buys_ms: i64, session_until_ms: i64) -> i64 {
    now_ms.saturating_add(buys_ms).min(session_until_ms)
}

/// Whether a session whose slot is over may have one again. Its turn was paid for by the bucket when it came.
pub fn may_resume(room: Limits) -> bool {
    room.inside < room.cap && room.spare.is_none_or(|spare| spare.seats() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Spare;

    #[test]
    fn a_renewal_is_written_where_it_keeps_the_slot_for_a_while() {
        let session = Session { since_ms: 0, until_ms: 600_000, slot_ms: 70_000 };
        // (what, when, until when it is kept then)
        for (what, now_ms, expected) in [
            ("at once", 0, None),
            ("a moment before the edge", 4_999, None),
            ("at the edge", 5_000, Some(75_000)),
            ("at half the time", 30_000, Some(100_000)),
            ("at the last moment", 69_999, Some(139_999)),
            ("too late", 70_000, None),
        ] {
            assert_eq!(session.renewed_until_ms(now_ms, 70_000), expected, "{what}");
        }
    }

    #[test]
    fn a_slot_is_kept_to_the_end_of_its_session_and_not_longer() {
        let session = Session { since_ms: 0, until_ms: 100_000, slot_ms: 98_000 };
        assert_eq!(session.renewed_until_ms(29_000, 70_000), None);
        assert_eq!(session.renewed_until_ms(30_000, 70_000), Some(100_000), "the last one, however short");
        assert_eq!(Session { slot_ms: 100_000, ..session }.renewed_until_ms(90_000, 70_000), None);
        assert_eq!([slot_until_ms(0, 70, 100), slot_until_ms(50, 70, 100)], [70, 100]);
    }

    #[test]
    fn a_session_comes_back_where_there_is_room_and_something_left() {
        let free = |seats| Some(Spare::counted(seats, 0, 0));
        for (inside, cap, spare, expected) in
            [(9, 10, None, true), (10, 10, None, false), (11, 10, None, false), (0, 10, free(1), true), (0, 10, free(0), false)]
        {
            assert_eq!(may_resume(Limits { inside, cap, spare }), expected, "{inside} {cap} {spare:?}");
        }
    }
}
