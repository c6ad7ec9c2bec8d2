//! Lanes: an event belongs to one lane, and everything about its bookings is decided there, in order.

use crate::EventId;

/// One lane of an installation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LaneNo(pub u16);

impl std::fmt::Display for LaneNo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How many lanes an installation has. Fixed when it is made: another number would put an event's commands into two lanes at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaneCount(u16);

impl LaneCount {
    /// Each lane is two queues, two consumers and a row: beyond this a broker spends its time on empty ones.
    pub const MAX: u16 = 1_024;

    /// The number of a new installation: enough to spread over the processes of the largest sale.
    pub const USUAL: Self = Self(64);

    /// None for zero, or more than [`Self::MAX`].
    pub fn new(count: u16) -> Option<Self> {
        (1..=Self::MAX).contains(&count).then_some(Self(count))
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }

    /// Every lane.
    pub fn all(self) -> impl Iterator<Item = LaneNo> + Clone {
        (0..self.0).map(LaneNo)
    }

    /// The lane of an event: FNV-1a (64 bit) over the id's bytes, modulo the count. It must never change.
    pub fn of(self, event: EventId) -> LaneNo {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let hash = event.0.as_bytes().iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
        // Smaller than the count, which has 16 bits.
        LaneNo(u16::try_from(hash % u64::from(self.0)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn counts_are_limited_at_both_ends() {
        for (count, allowed) in [(0, false), (1, true), (LaneCount::MAX, true), (LaneCount::MAX + 1, false)] {
            assert_eq!(LaneCount::new(count).is_some(), allowed, "{count}");
        }
    }

    /// Commands of one event in two lanes would be decided by two owners: a change of these numbers breaks every installation.
    #[test]
    fn an_event_keeps_its_lane_for_ever() {
        let event = |n: u128| EventId(Uuid::from_u128(n));
        let rows = [(0, 37), (1, 50), (2, 63), (0x0198_c5f1_0000_7000_8000_0000_0000_0001, 1)];
        for (id, lane) in rows {
            assert_eq!(LaneCount::USUAL.of(event(id)), LaneNo(lane), "{id:x}");
        }
    }

    #[test]
    fn events_spread_evenly() {
        let mut events = [0_u32; 64];
        for n in 0..64_000_u128 {
            // As ids of one second look: the same beginning, then random.
            let id = Uuid::from_u128(0x0198_c5f1_0000_7000_8000_0000_0000_0000 | n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            events[usize::from(LaneCount::USUAL.of(EventId(id)).0)] += 1;
        }
        assert!(events.iter().all(|count| (800..1_200).contains(count)), "{events:?}");
    }
}
