//! The seat map's bitmap in Redis: two bits per seat, the first seat in the highest bits (as BITFIELD counts).

use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::{EventId, SeatNo};
use goticket_platform::redis::Redis;
use redis::Script;

use crate::fault::Fault;

const SEATS_PER_BYTE: usize = 4;

/// What Redis has of an event.
pub(crate) enum Stored {
    /// The map, one state per seat.
    Map { version: u64, states: Vec<u8> },
    /// Never built, or lost.
    Missing { version: u64 },
}

/// Reads and rebuilds maps; changing them is the booking worker's.
pub(crate) struct RedisSeatMap {
    redis: Redis,
    rebuild: Script,
}

impl RedisSeatMap {
    pub(crate) fn new(redis: Redis) -> Self {
        Self { redis, rebuild: Script::new(include_str!("rebuild.lua")) }
    }

    pub(crate) async fn version(&self, event: EventId) -> Result<u64, Fault> {
        let keys = EventKeys::new(self.redis.prefix(), event);
        let version: Option<u64> = self.redis.query(redis::cmd("GET").arg(keys.seat_map_version())).await?;
        Ok(version.unwrap_or(0))
    }

    pub(crate) async fn read(&self, event: EventId, capacity: u32) -> Result<Stored, Fault> {
        let keys = EventKeys::new(self.redis.prefix(), event);
        // One command, so that version and map belong together.
        let both = redis::cmd("MGET").arg(keys.seat_map_version()).arg(keys.seat_map()).to_owned();
        let (version, map): (Option<u64>, Option<Vec<u8>>) = self.redis.query(&both).await?;
        let version = version.unwrap_or(0);
        Ok(match map {
            Some(map) => Stored::Map { version, states: unpack(&map, capacity) },
            None => Stored::Missing { version },
        })
    }

    /// Which of these seats have a lock.
    pub(crate) async fn locked(&self, event: EventId, seats: &[SeatNo]) -> Result<Vec<SeatNo>, Fault> {
        let keys = EventKeys::new(self.redis.prefix(), event);
        let mut read = redis::cmd("MGET");
        read.arg(seats.iter().map(|seat| keys.seat_lock(*seat)).collect::<Vec<_>>());
        let locks: Vec<Option<String>> = self.redis.query(&read).await?;
        Ok(seats.iter().zip(locks).filter(|(_, lock)| lock.is_some()).map(|(seat, _)| *seat).collect())
    }

    /// False where the map changed since `version`, or somebody else was faster. `counts`: category, free, held.
    pub(crate) async fn rebuild(
        &self,
        event: EventId,
        version: u64,
        states: &[u8],
        counts: &[(u16, u32, u32)],
    ) -> Result<bool, Fault> {
        let keys = EventKeys::new(self.redis.prefix(), event);
        let mut call = self.rebuild.prepare_invoke();
        call.key(keys.seat_map()).key(keys.seat_map_version()).key(keys.availability());
        call.arg(version).arg(pack(states));
        for (category, free, held) in counts {
            call.arg(format!("free:{category}")).arg(free).arg(format!("held:{category}")).arg(held);
        }
        let stored: i64 = call.invoke_async(&mut self.redis.clone()).await?;
        Ok(stored == 1)
    }
}

fn pack(states: &[u8]) -> Vec<u8> {
    let byte = |seats: &[u8]| {
        let shifted = seats.iter().zip([6, 4, 2, 0]).map(|(state, shift)| (state & 0b11) << shift);
        shifted.fold(0, |byte, bits| byte | bits)
    };
    states.chunks(SEATS_PER_BYTE).map(byte).collect()
}

/// Seats beyond the stored bytes are free, as BITFIELD has it.
fn unpack(map: &[u8], capacity: u32) -> Vec<u8> {
    let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
    let state = |no: usize| map.get(no / SEATS_PER_BYTE).map_or(0, |byte| (byte >> (6 - 2 * (no % SEATS_PER_BYTE))) & 0b11);
    (0..capacity).map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_comes_back_as_it_was_packed() {
        for capacity in 0..20_u8 {
            let states: Vec<u8> = (0..capacity).map(|no| no % 3).collect();
            assert_eq!(unpack(&pack(&states), u32::from(capacity)), states);
        }
        assert_eq!(pack(&[2, 0, 1, 0, 1]), [0b1000_0100, 0b0100_0000]);
        assert_eq!(unpack(&[], 2), [0, 0]);
    }
}
