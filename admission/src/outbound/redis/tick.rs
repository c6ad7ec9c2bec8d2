//! Moving the room: `tick.lua`.

use std::collections::BTreeMap;

use goticket_domain::queue::{Availability, Score};
use goticket_storage::rooms::Room;
use redis::RedisResult;

use super::{Lines, Reply, count, score, unexpected};

/// How much one call may move. A script holds up everyone else on its shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// Most fans to admit; 0 while nothing can be made durable.
    pub admit_max: u32,
    /// Most no-shows and ended sessions to let go.
    pub let_go_max: u32,
}

/// The room at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Redis' time, Unix ms.
    pub now_ms: i64,
    /// Places in line, or in the lobby.
    pub waiting: u64,
    /// Admitted so far.
    pub admitted: u64,
    /// Inside: to be claimed, in a session, or lost by Redis and still to be counted.
    pub active: u64,
    /// The highest score admitted.
    pub frontier: Option<Score>,
    /// The next sequence number.
    pub next_sequence: u64,
    /// Admitted by this very call.
    pub admitted_now: u64,
    /// Let go by this very call.
    pub let_go: u64,
    /// Of the active, those lost by Redis.
    pub ghosts: u64,
    /// What is left per category; empty where nobody has counted it yet.
    pub availability: Vec<Availability>,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TickAnswer {
    /// The room as it is now.
    Moved(Snapshot),
    /// Redis does not know the room, or is behind what is durable.
    Cold,
    /// The settings are older than those the room was moved with before.
    Stale,
}

impl Lines {
    /// Takes the settings over, lets go, refills, admits.
    pub async fn tick(&self, room: &Room, order: Order) -> RedisResult<TickAnswer> {
        let k = self.keys(room.event);
        let keys = [k.room(), k.line(), k.lobby(), k.admitted(), k.sessions(), k.gone(), k.scores(), k.availability()];
        let set = &room.settings;
        let args = (
            (room.epoch, room.revision, room.state.as_str(), set.rate_per_min, set.burst, set.active_cap),
            (u64::from(set.claim_window_s) * 1_000, room.admitted, room.frontier_number()),
            (order.admit_max, order.let_go_max),
        );
        let (status, numbers, stock): (String, Vec<i64>, Vec<String>) = self.redis.eval(&self.scripts.tick, &keys, args).await?;
        match (status.as_str(), numbers.as_slice()) {
            ("OK", &[now_ms, waiting, admitted, active, frontier, next_sequence, admitted_now, let_go, ghosts]) => {
                Ok(TickAnswer::Moved(Snapshot {
                    now_ms,
                    waiting: count(waiting),
                    admitted: count(admitted),
                    active: count(active),
                    frontier: score(frontier),
                    next_sequence: count(next_sequence),
                    admitted_now: count(admitted_now),
                    let_go: count(let_go),
                    ghosts: count(ghosts),
                    availability: availability(&stock),
                }))
            }
            ("COLD", _) => Ok(TickAnswer::Cold),
            ("STALE", _) => Ok(TickAnswer::Stale),
            _ => {
                let reply: Reply = (status, numbers);
                unexpected("tick", &reply)
            }
        }
    }
}

/// Reads `free:<category>` and `held:<category>`, in order of the categories.
fn availability(stock: &[String]) -> Vec<Availability> {
    let mut by_category = BTreeMap::new();
    for pair in stock.chunks_exact(2) {
        let Some((what, category)) = pair[0].split_once(':') else { continue };
        let Ok(category) = category.parse() else { continue };
        let seats = pair[1].parse().unwrap_or(0);
        let entry = by_category.entry(category).or_insert(Availability { category, free: 0, held: 0 });
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
        let two = Availability { category: 2, free: 0, held: 0 };
        let ten = Availability { category: 10, free: 5, held: 2 };
        assert_eq!(availability(&stock), [two, ten]);
    }
}
