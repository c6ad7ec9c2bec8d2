//! Known points of a line, from which every place in it follows: few enough for a board of four kilobytes, whoever waits.
//!
//! The scores at ranks 0, 2, 4, … 100, 104, …: each step is `2 + 2 · ⌊rank / 100⌋`. Who stands between two of them is told the middle, so
//! the error is half a step less one: nothing at the front, 1 % behind, whatever the scores are. What is told can only fall while
//! others leave the line: the scores at fixed ranks can only rise, and what is told falls with each.

use std::sync::LazyLock;

use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::Score;

/// A known point of the line: a place with this score has this many places before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pivot {
    /// The score of a place in line.
    pub score: Score,
    /// How many wait before it.
    pub ahead: u64,
}

/// The known points of one line.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Pivots {
    /// Of the places at [`Pivots::ranks`], as many as there are. Between its closing and its draw, a lobby's places have no scores yet: its
    /// ranks stand for them.
    #[serde(with = "steps")]
    scores: Vec<Score>,
    /// The first place that was taken after the lobby was closed. It says how far behind it others of this kind can stand.
    late: Option<Pivot>,
}

/// So many lines no room can have.
const PLACES_MAX: u64 = 1 << 32;

static RANKS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let next = |rank: &u64| Some(rank + 2 + 2 * (rank / 100)).filter(|next| *next < PLACES_MAX);
    std::iter::successors(Some(0), next).collect()
});

impl Pivots {
    /// The ranks whose scores are known.
    pub fn ranks() -> impl Iterator<Item = u64> {
        RANKS.iter().copied()
    }

    /// From the scores at [`Self::ranks`], in order, and the first late place.
    pub fn new(scores: Vec<Score>, late: Option<Pivot>) -> Self {
        Self { scores, late }
    }

    /// Of a line of so many places, the scores of which rise with their rank.
    pub fn pick(waiting: u64, at: impl Fn(u64) -> Score, late: Option<Pivot>) -> Self {
        Self::new(Self::ranks().take_while(|rank| *rank < waiting).map(at).collect(), late)
    }

    /// How many stand before a place with this score.
    pub fn ahead_of(&self, score: Score) -> u64 {
        let after = self.scores.partition_point(|known| *known <= score);
        let Some(at) = after.checked_sub(1) else { return 0 };
        let known = Pivot { score: self.scores[at], ahead: RANKS[at] };
        if known.score == score {
            return known.ahead;
        }
        // No two places have one score: it bounds how many can stand between.
        let within = |known: Pivot| known.ahead.saturating_add(score.as_u64() - known.score.as_u64());
        let late = self.late.filter(|late| late.score <= score).map_or(u64::MAX, within);
        within(known).min(late).min(middle(at))
    }
}

/// What they are told who stand behind the rank with this number and before the next.
fn middle(at: usize) -> u64 {
    match (RANKS.get(at), RANKS.get(at + 1)) {
        (Some(rank), Some(next)) => rank.midpoint(*next),
        _ => PLACES_MAX,
    }
}

/// The most that anyone is told who has at most so many before them.
pub(super) fn at_most(ahead: u64) -> u64 {
    let after = RANKS.partition_point(|rank| *rank <= ahead);
    match after.checked_sub(1) {
        Some(at) if RANKS[at] != ahead => middle(at),
        _ => ahead,
    }
}

/// Base64 (RFC 4648, section 4) of one number for each score, as LEB128: how much further it is from the score before than their ranks
/// are from each other; for the first, the score itself.
mod steps {
    use base64::Engine as _;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::{RANKS, STANDARD, Score};

    pub(super) fn serialize<S: Serializer>(scores: &[Score], s: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(scores.len() * 2);
        let mut least = 0;
        for (at, score) in scores.iter().enumerate() {
            write(&mut bytes, score.as_u64().saturating_sub(least));
            least = score.as_u64().max(least) + step(at);
        }
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Score>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        let bytes = STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)?;
        read(&bytes).ok_or_else(|| D::Error::custom("the scores of the pivots are no rising numbers below 2^53"))
    }

    fn read(mut bytes: &[u8]) -> Option<Vec<Score>> {
        let (mut scores, mut least) = (Vec::new(), 0_u64);
        while !bytes.is_empty() {
            let score = Score::from_u64(least.checked_add(take(&mut bytes)?)?)?;
            least = score.as_u64() + step(scores.len());
            scores.push(score);
        }
        (scores.len() <= RANKS.len()).then_some(scores)
    }

    /// From this rank to the next.
    fn step(at: usize) -> u64 {
        RANKS.get(at + 1).map_or(1, |next| next - RANKS[at])
    }

    fn write(bytes: &mut Vec<u8>, mut number: u64) {
        while let low @ 0x80.. = number {
            bytes.push((low & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        bytes.push((number & 0x7f) as u8);
    }

    fn take(bytes: &mut &[u8]) -> Option<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let (&byte, rest) = bytes.split_first()?;
            *bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(n: u64) -> Score {
        Score::from_u64(n).unwrap()
    }

    #[test]
    fn the_ranks_are_what_clients_are_told_they_are() {
        let ranks: Vec<u64> = Pivots::ranks().take(56).collect();
        assert_eq!(ranks[..4], [0, 2, 4, 6]);
        assert_eq!(ranks[49..], [98, 100, 104, 108, 112, 116, 120]);
        assert!(Pivots::ranks().all(|rank| rank % 2 == 0));
        assert_eq!(Pivots::ranks().take_while(|rank| *rank < 10_000_000).count(), 610);
    }

    #[test]
    fn a_line_is_written_in_few_characters() {
        let late = Some(Pivot { score: score(9), ahead: 4 });
        let rows = [
            (Pivots::default(), r#"{"scores":"","late":null}"#),
            (Pivots::new(vec![score(0), score(2), score(4)], None), r#"{"scores":"AAAA","late":null}"#),
            (Pivots::new(vec![score(5), score(7), score(137)], late), r#"{"scores":"BQCAAQ==","late":{"score":9,"ahead":4}}"#),
        ];
        for (pivots, json) in rows {
            assert_eq!(serde_json::to_string(&pivots).unwrap(), json);
            assert_eq!(serde_json::from_str::<Pivots>(json).unwrap(), pivots);
        }
    }

    #[test]
    fn what_is_no_line_is_refused() {
        // Cut, beyond 2^53, longer than a number can be, no base64.
        for scores in ["gA==", "//////////9/", "gICAgICAgICAAQ==", "====", "?"] {
            let json = format!(r#"{{"scores":"{scores}","late":null}}"#);
            assert!(serde_json::from_str::<Pivots>(&json).is_err(), "{scores}");
        }
    }

    #[test]
    fn the_first_late_place_bounds_those_behind_it() {
        // The ranks known around its end are 9,814 and 10,012.
        let late = Some(Pivot { score: score(1 << 52), ahead: 9_850 });
        let pivots = Pivots::pick(9_990, |rank| score(if rank < 9_850 { rank } else { (1 << 52) + rank - 9_850 }), late);
        let rows = [(9_814, 9_814), (9_849, 9_849), (1 << 52, 9_850), ((1 << 52) + 1, 9_851), ((1 << 52) + 139, 9_913)];
        for (n, ahead) in rows {
            assert_eq!(pivots.ahead_of(score(n)), ahead, "{n}");
        }
    }

    #[test]
    fn the_most_that_is_told_is_never_less_than_what_is() {
        for ahead in (0..5_000).chain([PLACES_MAX - 1]) {
            let most = at_most(ahead);
            assert!(ahead <= 100 && most == ahead || most.abs_diff(ahead) * 100 <= ahead, "{ahead} {most}");
            assert!(most >= at_most(ahead.saturating_sub(1)));
        }
    }
}
