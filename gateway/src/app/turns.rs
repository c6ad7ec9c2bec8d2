//! Whose turn it is: requests for seats from their arrival until they are in their lane's queue. So many are looked at together, so many
//! more wait for their turn, and whoever comes then is turned away at once.
//!
//! Without it all that come too many wait for the same few connections to the database until their time is over: work for nothing, which
//! leaves even less for the next.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests that are looked at together: enough to keep every connection to the database busy.
const AT_ONCE: usize = 128;
/// Those that wait for their turn: half a second's, where a gateway is at its best.
const WAITING_MAX: usize = 1_024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Turns {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// A place among those that wait for their turn, or have it.
#[derive(Debug)]
pub(crate) struct Place {
    place: OwnedSemaphorePermit,
    turns: Arc<Semaphore>,
}

/// A turn; over when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _place: OwnedSemaphorePermit,
    /// Nobody closes the turns.
    _turn: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub(crate) fn new() -> Self {
        Self::of(AT_ONCE, WAITING_MAX)
    }

    fn of(at_once: usize, waiting_max: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(at_once + waiting_max)), turns: Arc::new(Semaphore::new(at_once)) }
    }

    /// None: so many wait that one more is turned away.
    pub(crate) fn place(&self) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { place, turns: Arc::clone(&self.turns) })
    }
}

impl Place {
    /// In the order in which they begin to wait.
    pub(crate) async fn turn(self) -> Turn {
        let turn = self.turns.acquire_owned().await.ok();
        Turn { _place: self.place, _turn: turn }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn so_many_have_their_turn_so_many_wait_and_the_next_is_turned_away() {
        let turns = Turns::of(2, 1);
        let (one, two) = (turns.place().unwrap().turn().await, turns.place().unwrap().turn().await);
        let mut waiting = Box::pin(turns.place().unwrap().turn());
        assert!((&mut waiting).now_or_never().is_none(), "it waits");
        assert!(turns.place().is_none(), "turned away at once");
        drop(one);
        let three = waiting.await;
        // Whoever gives up waiting leaves a place.
        drop(turns.place().unwrap().turn());
        drop((two, three));
        assert!(turns.place().unwrap().turn().now_or_never().is_some());
    }
}
