//! Where places stand: `find.lua`.

use goticket_domain::EventId;
use goticket_domain::queue::{PlaceId, Session, Standing};
use redis::{RedisResult, cmd};

use super::{Lines, count, score, unexpected_numbers};

/// Numbers that the script returns of each place.
const NUMBERS: usize = 5;

/// Where a place stands, or why it stands nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// It stands here.
    Here(Standing),
    /// Its turn came, and was not claimed in time.
    Passed {
        /// It comes once more, if the fan comes back.
        once_more: bool,
    },
    /// It left, or its session is over.
    Over,
    /// Nothing is known of it.
    Nowhere,
}

/// Some places, all at the same moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    /// How many entries of the log the line has.
    pub applied: u64,
    /// How long the line is.
    pub waiting: u64,
    /// Where they stand, in the order in which they were asked for.
    pub found: Vec<Found>,
}

impl Lines {
    /// Looks these places up.
    pub async fn find(&self, event: EventId, now_ms: i64, places: &[PlaceId]) -> RedisResult<Places> {
        let names: Vec<&[u8]> = places.iter().map(|place| place.0.as_slice()).collect();
        let numbers: Vec<i64> = self.redis.eval(&self.scripts.find, &self.line_keys(event), (now_ms, names)).await?;
        let (Some((&[applied, waiting], found)), true) =
            (numbers.split_first_chunk(), numbers.len() == 2 + NUMBERS * places.len())
        else {
            return unexpected_numbers("find", &numbers);
        };
        let found = found.chunks_exact(NUMBERS).map(read).collect::<Option<Vec<Found>>>();
        match found {
            Some(found) => Ok(Places { applied: count(applied), waiting: count(waiting), found }),
            None => unexpected_numbers("find", &numbers),
        }
    }

    /// How many deferred places have their turn before one; none where it is not deferred.
    pub async fn deferred_ahead_of(&self, event: EventId, place: PlaceId) -> RedisResult<Option<u64>> {
        self.redis.query(cmd("ZRANK").arg(self.keys(event).deferred()).arg(place.0.as_slice())).await
    }

    /// Whether this place was ever deferred.
    pub async fn was_deferred(&self, event: EventId, place: PlaceId) -> RedisResult<bool> {
        self.redis.query(cmd("SISMEMBER").arg(self.keys(event).ever_deferred()).arg(place.0.as_slice())).await
    }

    /// How many stand before a place in line; none where it does not stand there.
    pub async fn ahead_of(&self, event: EventId, place: PlaceId) -> RedisResult<Option<u64>> {
        self.redis.query(cmd("ZRANK").arg(self.keys(event).line()).arg(place.0.as_slice())).await
    }
}

fn read(numbers: &[i64]) -> Option<Found> {
    Some(match *numbers {
        [0, ..] => Found::Nowhere,
        [1, position, ..] => Found::Here(Standing::Lobby { position: count(position) }),
        [2, at, ..] => Found::Here(Standing::Waiting(score(at)?)),
        [3, at, claim_by_ms, ..] => Found::Here(Standing::Admitted { score: score(at)?, claim_by_ms }),
        [4, at, until_ms, slot_ms, since_ms] => {
            Found::Here(Standing::Inside { score: score(at)?, session: Session { since_ms, until_ms, slot_ms } })
        }
        [5, ..] => Found::Passed { once_more: false },
        [6, ..] => Found::Over,
        [7, at, ..] => Found::Here(Standing::Deferred(score(at)?)),
        [8, ..] => Found::Passed { once_more: true },
        _ => return None,
    })
}
