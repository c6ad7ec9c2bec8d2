//! The room at one moment: `look.lua`.

use std::collections::BTreeMap;

use goticket_domain::EventId;
use goticket_domain::queue::{Availability, LogHash, Phase, Score};
use redis::{RedisResult, cmd};

use super::{Lines, count, score, unexpected_numbers};

/// Most no-shows and ended sessions to let go at once: a script holds up everyone else on its shard.
const LET_GO_MAX: u32 = 1_000;

/// The room at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// How many entries of the log the line has.
    pub applied: u64,
    /// The log's hash up to there.
    pub hash: LogHash,
    /// How far the lobby has come.
    pub phase: Phase,
    /// Places in line, deferred ones included, or in the lobby.
    pub waiting: u64,
    /// Of them, those whose turn comes once more.
    pub deferred: u64,
    /// Turns that have come so far.
    pub admitted: u64,
    /// Who could buy, or may come inside by a claim.
    pub inside: u64,
    /// Of them, those who have left, and whose slot is not free yet.
    pub left: u64,
    /// Turns that came and are neither claimed nor over, as far as no-shows were let go.
    pub unclaimed: u64,
    /// The highest score whose turn has come.
    pub frontier: Option<Score>,
    /// When the next claim window or slot ends, Unix ms; none while no one is inside.
    pub ends_ms: Option<i64>,
    /// What is left per category; empty where no one has counted it yet.
    pub availability: Vec<Availability>,
}

type Reply = (u64, Vec<u8>, String, Vec<i64>, Vec<String>);

impl Lines {
    /// Looks at the room, and lets go of who is past their time.
    pub async fn look(&self, event: EventId, now_ms: i64) -> RedisResult<Snapshot> {
        let k = self.keys(event);
        let keys = [
            k.room(),
            k.line(),
            k.lobby(),
            k.admitted(),
            k.sessions(),
            k.gone(),
            k.scores(),
            k.ending(),
            k.slots(),
            k.deferred(),
            k.availability(),
        ];
        let (applied, hash, phase, numbers, stock): Reply =
            self.redis.eval(&self.scripts.look, &keys, (now_ms, LET_GO_MAX)).await?;
        let (&[waiting, admitted, inside, left, frontier, let_go, ends, deferred, unclaimed], Some(phase), Ok(hash)) =
            (numbers.as_slice(), read_phase(&phase), hash.try_into())
        else {
            return unexpected_numbers("look", &numbers);
        };
        metrics::counter!("admission_let_go_total").increment(count(let_go));
        Ok(Snapshot {
            applied,
            hash,
            phase,
            waiting: count(waiting),
            deferred: count(deferred),
            admitted: count(admitted),
            inside: count(inside),
            left: count(left),
            unclaimed: count(unclaimed),
            frontier: score(frontier),
            ends_ms: (ends >= 0).then_some(ends),
            availability: availability(&stock),
        })
    }

    /// What is left per category of an event's seats; empty where no one has counted it yet.
    pub async fn availability(&self, event: EventId) -> RedisResult<Vec<Availability>> {
        let stock: Vec<String> = self.redis.query(cmd("HGETALL").arg(self.keys(event).availability())).await?;
        Ok(availability(&stock))
    }

    /// The score up to which so many places at the front of the line reach: fewer where the line is shorter, none where it is empty.
    pub async fn reach(&self, event: EventId, places: u64) -> RedisResult<Option<(Score, u64)>> {
        self.reach_in(&self.keys(event).line(), places).await
    }

    /// The same, of deferred places.
    pub async fn reach_deferred(&self, event: EventId, places: u64) -> RedisResult<Option<(Score, u64)>> {
        self.reach_in(&self.keys(event).deferred(), places).await
    }

    async fn reach_in(&self, line: &str, places: u64) -> RedisResult<Option<(Score, u64)>> {
        let length: u64 = self.redis.query(cmd("ZCARD").arg(line)).await?;
        let Some(last) = places.min(length).checked_sub(1) else { return Ok(None) };
        let at: Vec<(Vec<u8>, i64)> = self.redis.query(cmd("ZRANGE").arg(line).arg(last).arg(last).arg("WITHSCORES")).await?;
        Ok(at.first().and_then(|(_, at)| score(*at)).map(|at| (at, last + 1)))
    }
}

/// The names in Redis.
pub(super) const PHASES: [(Phase, &str); 3] = [(Phase::Lobby, "lobby"), (Phase::Closed, "closed"), (Phase::Drawn, "drawn")];

fn read_phase(name: &str) -> Option<Phase> {
    PHASES.iter().find(|(_, of)| *of == name).map(|(phase, _)| *phase)
}

/// Reads `free:<category>` and `held:<category>`, in order of the categories.
fn availability(stock: &[String]) -> Vec<Availability> {
    let mut by_category = BTreeMap::new();
    for pair in stock.chunks_exact(2) {
        let Some((what, category)) = pair[0].split_once(':') else { continue };
        let Ok(category) = category.parse() else { continue };
        let seats = pair[1].parse().unwrap_or(0);
        let entry =
            by_category.entry(category).or_insert(Availability { category, free: 0, held: 0, capacity: None, price: None });
        match what {
            "free" => entry.free = seats,
            "held" => entry.held = seats,
            _ => {}
        }
    }
    by_category.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn availability_is_read_by_category_and_a_counter_below_zero_counts_as_none() {
        let stock = ["held:10", "2", "free:10", "5", "free:2", "-1", "version", "9", "free:x", "3"].map(str::to_owned);
        let two = Availability { category: 2, free: 0, held: 0, capacity: None, price: None };
        let ten = Availability { category: 10, free: 5, held: 2, ..two };
        assert_eq!(availability(&stock), [two, ten]);
    }
}
