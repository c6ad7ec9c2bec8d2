//! Taking over a segment of the log: `apply.lua`.

use goticket_domain::EventId;
use goticket_domain::queue::{Entry, Segment};
use redis::{RedisResult, RedisWrite, ToRedisArgs};

use super::{Lines, Reply, count, unexpected};

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Applied {
    /// It is in the line now.
    Done,
    /// The line has so many entries already, this segment's among them if it follows from this log.
    Before(u64),
    /// The line has only so many entries: the ones between are missing.
    Behind(u64),
    /// The line follows from another log.
    Other,
}

/// An entry as `apply.lua` reads it.
struct Args<'a>(&'a Entry);

impl ToRedisArgs for Args<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        let mut write = |kind: &str, place: &[u8], number: &str| {
            out.write_arg(kind.as_bytes());
            out.write_arg(place);
            out.write_arg(number.as_bytes());
        };
        match self.0 {
            Entry::Join(place) => write("join", &place.0, ""),
            Entry::Leave(place) => write("leave", &place.0, ""),
            Entry::Claim { place, until_ms, slot_ms } => write("claim", &place.0, &format!("{until_ms} {slot_ms}")),
            Entry::Renew { place, slot_ms } => write("renew", &place.0, &slot_ms.to_string()),
            Entry::Resume { place, slot_ms } => write("resume", &place.0, &slot_ms.to_string()),
            Entry::Booked { place, booked_ms } => write("booked", &place.0, &booked_ms.to_string()),
            Entry::End { place, until_ms } => write("end", &place.0, &until_ms.to_string()),
            Entry::Admit { through, claim_by_ms } => {
                write("admit", claim_by_ms.to_string().as_bytes(), &through.as_u64().to_string());
            }
            Entry::Defer(place) => write("defer", &place.0, ""),
            Entry::AdmitDeferred { through, claim_by_ms } => {
                write("admit_deferred", claim_by_ms.to_string().as_bytes(), &through.as_u64().to_string());
            }
            Entry::Close => write("close", b"", ""),
            Entry::Draw(_) => write("draw", b"", ""),
        }
    }

    fn num_of_args(&self) -> usize {
        3
    }
}

impl Lines {
    /// Takes a segment over, in its turn. The scores of a draw must be in line already ([`Self::put_scores`]).
    pub async fn apply(&self, event: EventId, segment: &Segment) -> RedisResult<Applied> {
        let log = (segment.first, segment.before.as_slice(), segment.hash.as_slice(), segment.at_ms);
        let entries: Vec<Args<'_>> = segment.entries.iter().map(Args).collect();
        let reply: Reply = self.redis.eval(&self.scripts.apply, &self.line_keys(event), (log, entries)).await?;
        match (reply.0.as_str(), reply.1.as_slice()) {
            ("OK", _) => Ok(Applied::Done),
            ("DONE", &[applied]) if count(applied) == segment.end() => Ok(Applied::Done),
            ("DONE", &[applied]) => Ok(Applied::Before(count(applied))),
            ("BEHIND", &[applied]) => Ok(Applied::Behind(count(applied))),
            ("OTHER", _) => Ok(Applied::Other),
            _ => unexpected("apply", &reply),
        }
    }
}
