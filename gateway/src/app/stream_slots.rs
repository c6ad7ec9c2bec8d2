//! How many streams may be open in this process: in all, and to one reader.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::gauge;

/// Streams of bookings in this process. Each reads its booking once a second: with more of them the database's connections would be
/// taken up by streams that have nothing to tell.
pub(crate) const BOOKING_STREAMS_MAX: usize = 1_000;
/// Those of one account: some bookings in some tabs.
pub(crate) const BOOKING_STREAMS_OF_ACCOUNT_MAX: usize = 8;

/// Streams of boards in this process. All streams together leave a fifth of the connections it takes to requests; those who wait for
/// their turn are many more than those who choose their seats.
pub(crate) const BOARD_STREAMS_MAX: usize = 10_240;
/// Those of one place ticket: some tabs and devices, and some that are lost and not found to be yet.
pub(crate) const BOARD_STREAMS_OF_PLACE_MAX: usize = 8;

/// Streams of seats in this process.
pub(crate) const SEAT_STREAMS_MAX: usize = 2_048;
/// Those of one client address. Many fans behind one address share it; who finds none free asks for the map now and then.
pub(crate) const SEAT_STREAMS_OF_ADDRESS_MAX: usize = 100;

/// The streams of one kind, by who reads them.
pub(crate) struct StreamSlots<K> {
    kind: &'static str,
    max: usize,
    of_one_max: usize,
    open: Mutex<Open<K>>,
}

struct Open<K> {
    all: usize,
    by_reader: HashMap<K, usize>,
}

/// The right to one stream; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct StreamSlot<K: Hash + Eq> {
    slots: Arc<StreamSlots<K>>,
    reader: K,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoSlot {
    /// This process has as many streams as it takes.
    #[error("no stream is free")]
    Full,
    #[error("this reader has too many streams")]
    TooManyOfOne,
}

impl<K> std::fmt::Debug for StreamSlots<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamSlots").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Clone> StreamSlots<K> {
    pub(crate) fn new(kind: &'static str, max: usize, of_one_max: usize) -> Arc<Self> {
        Arc::new(Self { kind, max, of_one_max, open: Mutex::new(Open { all: 0, by_reader: HashMap::new() }) })
    }

    pub(crate) fn take(self: &Arc<Self>, reader: K) -> Result<StreamSlot<K>, NoSlot> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.max {
            return Err(NoSlot::Full);
        }
        if open.by_reader.get(&reader).is_some_and(|count| *count >= self.of_one_max) {
            return Err(NoSlot::TooManyOfOne);
        }
        open.all += 1;
        *open.by_reader.entry(reader.clone()).or_default() += 1;
        gauge!("gateway_streams", "kind" => self.kind).increment(1);
        Ok(StreamSlot { slots: Arc::clone(self), reader })
    }
}

impl<K: Hash + Eq> Drop for StreamSlot<K> {
    fn drop(&mut self) {
        let mut open = self.slots.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        if let Some(count) = open.by_reader.get_mut(&self.reader) {
            *count -= 1;
            if *count == 0 {
                open.by_reader.remove(&self.reader);
            }
        }
        gauge!("gateway_streams", "kind" => self.slots.kind).decrement(1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn slots_are_bounded_in_all_and_for_one_and_come_back() {
        let slots = StreamSlots::new("test", 3, 2);
        let (one, two) = (slots.take('a').unwrap(), slots.take('a').unwrap());
        assert_eq!(slots.take('a').unwrap_err(), NoSlot::TooManyOfOne);
        let three = slots.take('b').unwrap();
        assert_eq!(slots.take('c').unwrap_err(), NoSlot::Full);
        drop(one);
        let again = slots.take('a').unwrap();
        drop((two, three, again));
        let open = slots.open.lock().unwrap();
        assert_eq!((open.all, open.by_reader.len()), (0, 0));
    }
}
