//! Filling Redis from the log: the line is built aside and then put in place at once (`swap.lua`).

use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::EventId;
use goticket_domain::queue::{EMPTY_LOG, Line, LogHash, PlaceId, Standing};
use redis::{Cmd, RedisResult, cmd};

use super::look::PHASES;
use super::{Lines, Reply, unexpected};

/// Places written by one command.
const CHUNK: usize = 1_000;

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
        let (mut line, mut lobby, mut admitted, mut sessions, mut scores) =
            (Members::new(), Members::new(), Members::new(), Members::new(), Members::new());
        for (place, standing) in filling.line.places() {
            match standing {
                Standing::Lobby { position } => lobby.push((position, place)),
                Standing::Waiting(score) => line.push((score.as_u64(), place)),
                Standing::Admitted { score, claim_by_ms } => {
                    admitted.push((time(claim_by_ms), place));
                    scores.push((score.as_u64(), place));
                }
                Standing::Inside { score, until_ms } => {
                    sessions.push((time(until_ms), place));
                    scores.push((score.as_u64(), place));
                }
            }
        }
        let ending = filling.line.ending().map(|(place, until_ms)| (time(until_ms), place)).collect();
        for (key, members) in [
            (aside.line(), line),
            (aside.lobby(), lobby),
            (aside.admitted(), admitted),
            (aside.sessions(), sessions),
            (aside.ending(), ending),
        ] {
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
        self.write_turns(&aside.turns(), filling.line).await?;
        self.swap(event, seen, &aside, filling).await
    }

    async fn write(&self, key: &str, members: &[(u64, PlaceId)], add: impl Fn(&[(u64, PlaceId)]) -> Cmd) -> RedisResult<()> {
        for chunk in members.chunks(CHUNK) {
            let _: u64 = self.redis.query(&add(chunk)).await?;
            let _: u64 = self.redis.query(cmd("EXPIRE").arg(key).arg(ASIDE_S)).await?;
        }
        Ok(())
    }

    /// So many as a claim window has admissions.
    async fn write_turns(&self, key: &str, line: &Line) -> RedisResult<()> {
        let turns: Vec<(i64, u64)> = line.turns().map(|(over_ms, through)| (over_ms, through.as_u64())).collect();
        for chunk in turns.chunks(CHUNK) {
            let _: u64 = self.redis.query(cmd("ZADD").arg(key).arg(chunk)).await?;
            let _: u64 = self.redis.query(cmd("EXPIRE").arg(key).arg(ASIDE_S)).await?;
        }
        Ok(())
    }

    async fn swap(&self, event: EventId, seen: u64, aside: &EventKeys, filling: &Filling<'_>) -> RedisResult<bool> {
        let keys = [self.line_keys(event), line_keys(aside)].concat();
        let phase = PHASES.iter().find(|(phase, _)| *phase == filling.line.phase()).map_or("", |(_, name)| name);
        let frontier = filling.line.frontier().map_or(-1, |score| i64::try_from(score.as_u64()).unwrap_or(-1));
        let args = (filling.size, filling.hash.as_slice(), seen, phase, frontier, filling.line.admitted(), filling.at_ms);
        let reply: Reply = self.redis.eval(&self.scripts.swap, &keys, args).await?;
        match reply.0.as_str() {
            "OK" => Ok(true),
            "DONE" => Ok(false),
            _ => unexpected("swap", &reply),
        }
    }
}

/// Times are after 1970.
fn time(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

/// The keys that hold a line, in the scripts' order.
pub fn line_keys(k: &EventKeys) -> Vec<String> {
    vec![k.room(), k.line(), k.lobby(), k.admitted(), k.sessions(), k.gone(), k.scores(), k.ending(), k.turns()]
}
