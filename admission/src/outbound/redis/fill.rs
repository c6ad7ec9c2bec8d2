//! Filling Redis from the log: the line is built aside and then put in place at once (`swap.lua`).

use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, StreamExt as _};
use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::EventId;
use goticket_domain::queue::{EMPTY_LOG, Line, LogHash, PlaceId, Score, Standing};
use goticket_platform::redis::Redis;
use redis::{Cmd, Pipeline, RedisResult, cmd, pipe};

use super::look::PHASES;
use super::{Lines, Reply, unexpected};

/// Places written by one command.
const CHUNK: usize = 1_000;
/// Such commands under way: while Redis carries one out, the next are made and sent. Others of this process wait for no more than these.
const UNDER_WAY: usize = 4;

/// What was left aside by a filling that was broken off is gone after this.
const ASIDE_S: u32 = 600;

/// A whole line, and the log it follows from.
pub struct Filling<'a> {
    /// The line.
    pub line: &'a Line,
    /// How many entries of the log are in it.
    pub size: u64,
    /// The log's hash up to there.
    pub hash: LogHash,
    /// When the last of them was written.
    pub at_ms: i64,
}

/// The pairs of one key that is filled.
type Members = Vec<(u64, PlaceId)>;

impl Lines {
    /// How many entries of the log the line has, and the log's hash up to there.
    pub async fn applied(&self, event: EventId) -> RedisResult<(u64, LogHash)> {
        let (applied, hash): (Option<u64>, Option<Vec<u8>>) =
            self.redis.query(cmd("HMGET").arg(self.keys(event).room()).arg(&["applied", "hash"])).await?;
        let hash = hash.and_then(|hash| hash.try_into().ok()).unwrap_or(EMPTY_LOG);
        Ok((applied.unwrap_or(0), hash))
    }

    /// Puts this line in the place of what is there, which had `seen` entries. False where somebody else has moved it since.
    pub async fn fill(&self, event: EventId, seen: u64, filling: &Filling<'_>) -> RedisResult<bool> {
        let aside = EventKeys::aside(self.redis.prefix(), event, uuid::Uuid::now_v7());
        let (mut line, mut lobby, mut admitted, mut sessions, mut slots) =
            (Members::new(), Members::new(), Members::new(), Members::new(), Members::new());
        let (mut deferred, mut scores) = (Members::new(), Vec::new());
        for (place, standing) in filling.line.places() {
            match standing {
                Standing::Lobby { position } => lobby.push((position, place)),
                Standing::Waiting(score) => line.push((score.as_u64(), place)),
                Standing::Deferred(score) => deferred.push((score.as_u64(), place)),
                Standing::Admitted { score, claim_by_ms } => {
                    admitted.push((time(claim_by_ms), place));
                    scores.push((score.as_u64().to_string(), place));
                }
                Standing::Inside { score, session } => {
                    sessions.push((time(session.until_ms), place));
                    slots.push((time(session.slot_ms), place));
                    scores.push((format!("{} {}", score.as_u64(), session.since_ms), place));
                }
            }
        }
        let ending = filling.line.ending().map(|(place, until_ms)| (time(until_ms), place)).collect();
        for (key, mut members) in [
            (aside.line(), line),
            (aside.lobby(), lobby),
            (aside.admitted(), admitted),
            (aside.sessions(), sessions),
            (aside.slots(), slots),
            (aside.deferred(), deferred),
            (aside.ending(), ending),
        ] {
            // Redis puts what comes in order at the end, and looks for the place of everything else.
            members.sort_unstable();
            self.write(&key, &members, |chunk| {
                let mut add = cmd("ZADD");
                add.arg(&key);
                for (score, place) in chunk {
                    add.arg(score).arg(place.0.as_slice());
                }
                add
            })
            .await?;
        }
        let key = aside.scores();
        self.write(&key, &scores, |chunk| {
            let mut set = cmd("HSET");
            set.arg(&key);
            for (score, place) in chunk {
                set.arg(place.0.as_slice()).arg(score);
            }
            set
        })
        .await?;
        let (key, ever) = (aside.ever_deferred(), filling.line.ever_deferred().map(|place| ((), place)).collect::<Vec<_>>());
        self.write(&key, &ever, |chunk| {
            let mut add = cmd("SADD");
            add.arg(&key);
            for ((), place) in chunk {
                add.arg(place.0.as_slice());
            }
            add
        })
        .await?;
        self.write_turns(&aside.turns(), filling.line.turns()).await?;
        self.write_turns(&aside.deferred_turns(), filling.line.deferred_turns()).await?;
        self.swap(event, seen, &aside, filling).await
    }

    async fn write<T>(&self, key: &str, members: &[(T, PlaceId)], add: impl Fn(&[(T, PlaceId)]) -> Cmd) -> RedisResult<()> {
        let mut writes = Writes { redis: self.redis.clone(), under_way: FuturesOrdered::new() };
        for chunk in members.chunks(CHUNK) {
            writes.begin(aside(key, add(chunk))).await?;
        }
        writes.finish().await
    }

    /// So many as a claim window has admissions.
    async fn write_turns(&self, key: &str, turns: impl Iterator<Item = (i64, Score)>) -> RedisResult<()> {
        let turns: Vec<(i64, u64)> = turns.map(|(over_ms, through)| (over_ms, through.as_u64())).collect();
        for chunk in turns.chunks(CHUNK) {
            self.redis.pipeline::<()>(&aside(key, cmd("ZADD").arg(key).arg(chunk).clone())).await?;
        }
        Ok(())
    }

    async fn swap(&self, event: EventId, seen: u64, aside: &EventKeys, filling: &Filling<'_>) -> RedisResult<bool> {
        let keys = [self.line_keys(event), line_keys(aside)].concat();
        let phase = PHASES.iter().find(|(phase, _)| *phase == filling.line.phase()).map_or("", |(_, name)| name);
        let number = |score: Option<Score>| score.map_or(-1, |score| i64::try_from(score.as_u64()).unwrap_or(-1));
        let (frontier, deferred_frontier) = (number(filling.line.frontier()), number(filling.line.deferred_frontier()));
        let so_far = (filling.line.admitted(), filling.at_ms, deferred_frontier);
        let args = (filling.size, filling.hash.as_slice(), seen, phase, frontier, so_far);
        let reply: Reply = self.redis.eval(&self.scripts.swap, &keys, args).await?;
        match reply.0.as_str() {
            "OK" => Ok(true),
            "DONE" => Ok(false),
            _ => unexpected("swap", &reply),
        }
    }
}

/// Writes, some of which are under way.
struct Writes {
    redis: Redis,
    under_way: FuturesOrdered<BoxFuture<'static, RedisResult<()>>>,
}

impl Writes {
    /// Waits until there is room for one more.
    async fn begin(&mut self, write: Pipeline) -> RedisResult<()> {
        if self.under_way.len() >= UNDER_WAY {
            self.under_way.next().await.transpose()?;
        }
        let redis = self.redis.clone();
        self.under_way.push_back(Box::pin(async move { redis.pipeline(&write).await }));
        Ok(())
    }

    async fn finish(mut self) -> RedisResult<()> {
        while let Some(written) = self.under_way.next().await {
            written?;
        }
        Ok(())
    }
}

/// A write beside the line, and that it goes by itself if it is left there.
fn aside(key: &str, write: Cmd) -> Pipeline {
    let mut step = pipe();
    step.add_command(write).ignore().cmd("EXPIRE").arg(key).arg(ASIDE_S).ignore();
    step
}

/// Times are after 1970.
fn time(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

/// The keys that hold a line, in the scripts' order.
pub fn line_keys(k: &EventKeys) -> Vec<String> {
    vec![
        k.room(),
        k.line(),
        k.lobby(),
        k.admitted(),
        k.sessions(),
        k.gone(),
        k.scores(),
        k.ending(),
        k.turns(),
        k.slots(),
        k.deferred(),
        k.ever_deferred(),
        k.deferred_turns(),
    ]
}
