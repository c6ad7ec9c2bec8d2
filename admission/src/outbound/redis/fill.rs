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

/// A line as its keys have it.
#[derive(Default)]
struct Parts {
    line: Timed,
    lobby: Timed,
    admitted: Timed,
    sessions: Timed,
    scores: Vec<(String, PlaceId)>,
    ending: Timed,
    turns: Vec<(u64, u64)>,
    slots: Timed,
    deferred: Timed,
    ever_deferred: Vec<PlaceId>,
    deferred_turns: Vec<(u64, u64)>,
}

/// Places and what they are ordered by: a time or a score.
type Timed = Vec<(u64, PlaceId)>;

impl Parts {
    fn of(line: &Line) -> Self {
        let turns = |(over_ms, through): (i64, Score)| (time(over_ms), through.as_u64());
        let mut parts = Self {
            ending: line.ending().map(|(place, until_ms)| (time(until_ms), place)).collect(),
            turns: line.turns().map(turns).collect(),
            ever_deferred: line.ever_deferred().collect(),
            deferred_turns: line.deferred_turns().map(turns).collect(),
            ..Self::default()
        };
        line.places().for_each(|(place, standing)| parts.put(place, standing));
        // Redis puts what comes in order at the end, and looks for the place of everything else.
        for timed in [
            &mut parts.line,
            &mut parts.lobby,
            &mut parts.admitted,
            &mut parts.sessions,
            &mut parts.ending,
            &mut parts.slots,
            &mut parts.deferred,
        ] {
            timed.sort_unstable();
        }
        parts
    }

    fn put(&mut self, place: PlaceId, standing: Standing) {
        match standing {
            Standing::Lobby { position } => self.lobby.push((position, place)),
            Standing::Waiting(score) => self.line.push((score.as_u64(), place)),
            Standing::Deferred(score) => self.deferred.push((score.as_u64(), place)),
            Standing::Admitted { score, claim_by_ms } => {
                self.admitted.push((time(claim_by_ms), place));
                self.scores.push((score.as_u64().to_string(), place));
            }
            Standing::Inside { score, session } => {
                self.sessions.push((time(session.until_ms), place));
                self.slots.push((time(session.slot_ms), place));
                self.scores.push((format!("{} {}", score.as_u64(), session.since_ms), place));
            }
        }
    }

    /// How many members each key has, in the scripts' order.
    fn sizes(&self) -> [usize; 12] {
        [
            self.line.len(),
            self.lobby.len(),
            self.admitted.len(),
            self.sessions.len(),
            // Who is gone is not filled.
            0,
            self.scores.len(),
            self.ending.len(),
            self.turns.len(),
            self.slots.len(),
            self.deferred.len(),
            self.ever_deferred.len(),
            self.deferred_turns.len(),
        ]
    }
}

impl Lines {
    /// How many entries of the log the line has, and the log's hash up to there.
    pub async fn applied(&self, event: EventId) -> RedisResult<(u64, LogHash)> {
        let (applied, hash): (Option<u64>, Option<Vec<u8>>) =
            self.redis.query(cmd("HMGET").arg(self.keys(event).room()).arg(&["applied", "hash"])).await?;
        let hash = hash.and_then(|hash| hash.try_into().ok()).unwrap_or(EMPTY_LOG);
        Ok((applied.unwrap_or(0), hash))
    }

    /// Puts this line in the place of what is there, which had `seen` entries. False where somebody else has moved it since, or Redis has
    /// forgotten a part of what was filled.
    pub async fn fill(&self, event: EventId, seen: u64, filling: &Filling<'_>) -> RedisResult<bool> {
        let aside = EventKeys::aside(self.redis.prefix(), event, uuid::Uuid::now_v7());
        let parts = Parts::of(filling.line);
        for (key, places) in [
            (aside.line(), &parts.line),
            (aside.lobby(), &parts.lobby),
            (aside.admitted(), &parts.admitted),
            (aside.sessions(), &parts.sessions),
            (aside.ending(), &parts.ending),
            (aside.slots(), &parts.slots),
            (aside.deferred(), &parts.deferred),
        ] {
            self.write("ZADD", &key, places, |add, (order, place)| add.arg(order).arg(place.0.as_slice())).await?;
        }
        for (key, turns) in [(aside.turns(), &parts.turns), (aside.deferred_turns(), &parts.deferred_turns)] {
            self.write("ZADD", &key, turns, |add, (over_ms, through)| add.arg(over_ms).arg(through)).await?;
        }
        self.write("HSET", &aside.scores(), &parts.scores, |set, (score, place)| set.arg(place.0.as_slice()).arg(score)).await?;
        self.write("SADD", &aside.ever_deferred(), &parts.ever_deferred, |add, place| add.arg(place.0.as_slice())).await?;
        self.swap(event, seen, &aside, filling, &parts).await
    }

    async fn write<T>(
        &self,
        write: &str,
        key: &str,
        members: &[T],
        add: impl for<'a> Fn(&'a mut Cmd, &T) -> &'a mut Cmd,
    ) -> RedisResult<()> {
        let mut writes = Writes { redis: self.redis.clone(), under_way: FuturesOrdered::new() };
        for chunk in members.chunks(CHUNK) {
            let mut write = cmd(write);
            write.arg(key);
            for member in chunk {
                add(&mut write, member);
            }
            writes.begin(aside(key, write)).await?;
        }
        writes.finish().await
    }

    async fn swap(
        &self,
        event: EventId,
        seen: u64,
        aside: &EventKeys,
        filling: &Filling<'_>,
        parts: &Parts,
    ) -> RedisResult<bool> {
        let keys = [self.line_keys(event), line_keys(aside)].concat();
        let phase = PHASES.iter().find(|(phase, _)| *phase == filling.line.phase()).map_or("", |(_, name)| name);
        let number = |score: Option<Score>| score.map_or(-1, |score| i64::try_from(score.as_u64()).unwrap_or(-1));
        let (frontier, deferred_frontier) = (number(filling.line.frontier()), number(filling.line.deferred_frontier()));
        let so_far = (filling.line.admitted(), filling.at_ms, deferred_frontier);
        let args = (filling.size, filling.hash.as_slice(), seen, phase, frontier, so_far, &parts.sizes());
        let reply: Reply = self.redis.eval(&self.scripts.swap, &keys, args).await?;
        match reply.0.as_str() {
            "OK" => Ok(true),
            "DONE" | "LOST" => Ok(false),
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
