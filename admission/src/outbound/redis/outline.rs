//! The line's outline: `outline.lua`.

use std::sync::LazyLock;

use goticket_domain::EventId;
use goticket_domain::queue::{Pivot, Pivots, Score};
use redis::RedisResult;

use super::{Lines, count, score, unexpected_numbers};

/// What a board tells of a line, at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outline {
    /// How many entries of the log the line has.
    pub applied: u64,
    /// Places in line; of a lobby that is being drawn, too.
    pub waiting: u64,
    /// The highest score whose turn has come.
    pub frontier: Option<Score>,
    /// The score up to which every turn is over.
    pub passed: Option<Score>,
    /// The highest score of a deferred place whose second turn has come.
    pub deferred_frontier: Option<Score>,
    /// The score up to which the second turn of every deferred place is over.
    pub deferred_passed: Option<Score>,
    /// Known points.
    pub pivots: Pivots,
}

/// As the script answers.
type Reply = (u64, u64, i64, i64, i64, i64, Vec<i64>, i64, i64);

/// So many more may stand in line than were seen there a moment ago, until it is asked again.
pub const MORE_MAX: u64 = 2_000;

/// As the script takes them.
static RANKS: LazyLock<Vec<u64>> = LazyLock::new(|| Pivots::ranks().collect());

impl Lines {
    /// The outline of a line whose lobby is closed, and in which so many stood a moment ago. Hundreds of ranks cost more than all the rest,
    /// and most lines are short: those behind its end are not asked for.
    pub async fn outline(&self, event: EventId, now_ms: i64, waiting: u64) -> RedisResult<Outline> {
        let most = waiting.saturating_add(MORE_MAX);
        let asked = RANKS.partition_point(|rank| *rank < most);
        match self.outline_at(event, now_ms, &RANKS[..asked]).await? {
            outline if outline.waiting <= most => Ok(outline),
            _ => self.outline_at(event, now_ms, &RANKS).await,
        }
    }

    async fn outline_at(&self, event: EventId, now_ms: i64, ranks: &[u64]) -> RedisResult<Outline> {
        let k = self.keys(event);
        let keys = [k.room(), k.line(), k.lobby(), k.turns(), k.deferred_turns()];
        let (applied, waiting, frontier, passed, ahead, late, scores, deferred_frontier, deferred_passed): Reply =
            self.redis.eval(&self.scripts.outline, &keys, (now_ms, ranks)).await?;
        let Some(known) = scores.iter().map(|at| score(*at)).collect() else { return unexpected_numbers("outline", &scores) };
        let late = score(late).map(|score| Pivot { score, ahead: count(ahead) });
        let pivots = Pivots::new(known, late);
        Ok(Outline {
            applied,
            waiting,
            frontier: score(frontier),
            passed: score(passed),
            deferred_frontier: score(deferred_frontier),
            deferred_passed: score(deferred_passed),
            pivots,
        })
    }
}
