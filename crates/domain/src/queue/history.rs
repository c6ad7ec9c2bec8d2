//! What a room's two logs prove about its admissions, from the outside: by what happened and what was set, not by what the service believed.
//!
//! * Over every interval at most `burst + rate · time` turns came. One pass over a bucket proves it for all intervals at once: the bucket never
//!   holds more than the burst, so what is taken from it between any two moments is at most the burst and what flowed in meanwhile; and if it
//!   once lacks a token, the interval since it was full last is one that had too many.
//! * Whenever a slot is taken no more are taken than the cap. In between they only become fewer, unless operators make the cap smaller: who is
//!   inside then stays there.
//! * Turns come to each place once: they go forward in their order, and a place has another one only after it was taken again or deferred, once.
//! * Never are more undecided fans inside than there are seats at all.
//!
//! Times are as they were written: where the clocks of a replica and of the database differ, an operator's change counts from a moment before
//! to a moment after it ([`CLOCKS_MS`]).

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{AutoLimits, AutoRate, Bounds, Bucket, Entry, Line, LogEntry, PlaceId, RoomSettings, Score, Segment};

mod slots;

use slots::Slots;

/// So much may lie between the decision of an admission and the time that the log gives it, or between two clocks.
pub const CLOCKS_MS: i64 = 2_000;

/// Most violations that are kept: one is enough.
const KEPT: usize = 20;

/// What was set, from then on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InForce {
    /// Since when, Unix ms.
    pub from_ms: i64,
    /// The highest rate that it allows.
    pub rate_per_min: u32,
    /// Most turns at once.
    pub burst: u32,
    /// Most fans inside.
    pub active_cap: u32,
    /// Whether the seats were to be enough for them: not in a shadow room.
    pub by_stock: bool,
}

/// An entry of the operators' log that says nothing of what it changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("change {number} of the operators' log cannot be read")]
pub struct UnreadableChange {
    /// Which.
    pub number: u64,
}

/// What must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Over some interval that ends with it.
    #[error("entry {entry}: {turns} turns, where rate and burst left {left}")]
    TooFast {
        /// Where in the room's log.
        entry: u64,
        /// How many came.
        turns: u64,
        /// How many could.
        left: u64,
    },
    /// More slots than the cap.
    #[error("entry {entry}: {slots} could buy, and the cap was {cap}")]
    AboveCap {
        /// Where in the room's log.
        entry: u64,
        /// How many were taken.
        slots: u64,
        /// How many could be.
        cap: u32,
    },
    /// More undecided fans than seats.
    #[error("entry {entry}: {undecided} were inside for {seats} seats")]
    AboveStock {
        /// Where in the room's log.
        entry: u64,
        /// How many could buy, and had not booked or left.
        undecided: u64,
        /// How many seats there are.
        seats: u64,
    },
    /// Turns that had come before.
    #[error("entry {entry}: turns up to a score that had its turn")]
    TurnedBack {
        /// Where in the room's log.
        entry: u64,
    },
    /// A turn of a place that had it, and was neither taken again nor deferred since.
    #[error("entry {entry}: a second turn of one place")]
    Twice {
        /// Where in the room's log.
        entry: u64,
    },
}

impl InForce {
    /// What was set over time, from what is set now and the whole operators' log, oldest entry first.
    pub fn over_time(now: &RoomSettings, changes: &[LogEntry]) -> Result<Vec<Self>, UnreadableChange> {
        let mut set = now.clone();
        let mut over_time = Vec::with_capacity(changes.len() + 1);
        for change in changes.iter().rev() {
            over_time.push(Self::of(&set, change.at.as_millisecond()));
            undo(&mut set, &change.change).ok_or(UnreadableChange { number: change.number })?;
        }
        over_time.push(Self::of(&set, i64::MIN));
        over_time.reverse();
        Ok(over_time)
    }

    fn of(set: &RoomSettings, from_ms: i64) -> Self {
        // Of an automatic rate the log does not say where it stood.
        let highest = set.auto.map(|auto| AutoRate::resume(auto.high_per_min, i64::MAX));
        let Bounds { rate_per_min, burst, active_cap, by_stock } = set.bounds(highest);
        Self { from_ms, rate_per_min, burst, active_cap, by_stock }
    }

    fn most(self, other: Self) -> Self {
        Self {
            from_ms: self.from_ms,
            rate_per_min: self.rate_per_min.max(other.rate_per_min),
            burst: self.burst.max(other.burst),
            active_cap: self.active_cap.max(other.active_cap),
            by_stock: self.by_stock && other.by_stock,
        }
    }
}

/// Takes a change back: `{"field": [before, after], …}`. None where it cannot be read.
fn undo(set: &mut RoomSettings, change: &str) -> Option<()> {
    let change: Value = serde_json::from_str(change).ok()?;
    for (field, was) in change.as_object()? {
        // Others say what they changed in forms of their own.
        let before = was.get(0);
        let number = || before?.as_u64().and_then(|number| u32::try_from(number).ok());
        match field.as_str() {
            "rate_per_min" => set.rate_per_min = number()?,
            "burst" => set.burst = number()?,
            "active_cap" => set.active_cap = number()?,
            "mode" => set.mode = serde_json::from_value(before?.clone()).ok()?,
            "auto" => set.auto = serde_json::from_value::<Option<AutoLimits>>(before?.clone()).ok()?,
            _ => {}
        }
    }
    Some(())
}

/// A room's log as it is read, entry by entry.
pub struct History {
    over_time: Vec<InForce>,
    seats: Option<u64>,
    line: Line,
    bucket: Option<Bucket>,
    slots: Slots,
    /// Who may have a turn.
    entitled: HashSet<PlaceId>,
    deferred: HashSet<PlaceId>,
    turns: u64,
    violations: Vec<Violation>,
}

impl History {
    /// Of a room in which this was set; `seats`: how many there are, none where they are not counted.
    pub fn new(over_time: Vec<InForce>, seats: Option<u64>) -> Self {
        Self {
            over_time,
            seats,
            line: Line::default(),
            bucket: None,
            slots: Slots::default(),
            entitled: HashSet::new(),
            deferred: HashSet::new(),
            turns: 0,
            violations: Vec::new(),
        }
    }

    /// How many turns came: where none did, nothing is proved.
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// What was wrong, the first ones of it.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Takes the next segment in.
    pub fn read(&mut self, segment: &Segment) {
        self.slots.free_until(segment.at_ms);
        for (position, entry) in (segment.first..).zip(&segment.entries) {
            let single = Segment { first: position, entries: vec![*entry], at_ms: segment.at_ms, ..*segment };
            match *entry {
                Entry::Admit { through, .. } => self.turns_come(&single, through, self.line.frontier()),
                Entry::AdmitDeferred { through, .. } => self.turns_come(&single, through, self.line.deferred_frontier()),
                Entry::Join(place) => {
                    let stood = self.line.standing(place, segment.at_ms).is_some();
                    self.line.apply(&single);
                    if !stood {
                        self.entitled.insert(place);
                    }
                }
                Entry::Defer(place) => {
                    self.line.apply(&single);
                    if self.deferred.insert(place) {
                        self.entitled.insert(place);
                    }
                    self.follow(place, segment.at_ms);
                }
                Entry::Leave(place)
                | Entry::Claim { place, .. }
                | Entry::Renew { place, .. }
                | Entry::End { place, .. }
                | Entry::Booked { place, .. } => {
                    self.line.apply(&single);
                    self.follow(place, segment.at_ms);
                }
                Entry::Resume { place, .. } => {
                    self.line.apply(&single);
                    if self.follow(place, segment.at_ms) {
                        self.room_for_all(position, segment.at_ms);
                    }
                }
                Entry::Close | Entry::Draw(_) => self.line.apply(&single),
            }
        }
    }

    fn turns_come(&mut self, single: &Segment, through: Score, before: Option<Score>) {
        let (entry, at_ms) = (single.first, single.at_ms);
        if before.is_some_and(|before| before >= through) {
            self.violate(Violation::TurnedBack { entry });
        }
        let places: BTreeSet<PlaceId> = self.line.before(through).collect();
        self.line.apply(single);
        for place in &places {
            if !self.entitled.remove(place) {
                self.violate(Violation::Twice { entry });
            }
            self.follow(*place, at_ms);
        }
        let turns = places.len() as u64;
        self.turns += turns;
        self.take(entry, turns, at_ms);
        if turns > 0 {
            self.room_for_all(entry, at_ms);
        }
    }

    /// Takes the turns out of the bucket.
    fn take(&mut self, entry: u64, turns: u64, at_ms: i64) {
        let bucket = self.filled(at_ms);
        if bucket.tokens() < turns {
            self.violate(Violation::TooFast { entry, turns, left: bucket.tokens() });
        }
        self.bucket = Some(bucket.without(turns));
    }

    /// The bucket now: full at first, and filled at what was in force at each moment since.
    fn filled(&self, at_ms: i64) -> Bucket {
        let Some(mut bucket) = self.bucket else {
            let set = self.in_force(at_ms);
            return Bucket { micro_tokens: u64::MAX / 2, at_ms }.at(at_ms, set.rate_per_min, burst(set));
        };
        let edges =
            self.over_time.iter().flat_map(|set| [set.from_ms.saturating_sub(CLOCKS_MS), set.from_ms.saturating_add(CLOCKS_MS)]);
        let mut edges: Vec<i64> = edges.filter(|edge| (bucket.at_ms + 1..at_ms).contains(edge)).collect();
        edges.sort_unstable();
        edges.push(at_ms);
        for edge in edges {
            // Between two edges the same is in force.
            let set = self.in_force(bucket.at_ms).most(self.in_force(edge));
            bucket = bucket.at(edge, set.rate_per_min, burst(set));
        }
        bucket
    }

    /// The most of everything that was in force about that time.
    fn in_force(&self, at_ms: i64) -> InForce {
        let (first, last) = (at_ms.saturating_sub(CLOCKS_MS), at_ms.saturating_add(CLOCKS_MS));
        let end = self.over_time.partition_point(|set| set.from_ms <= last);
        let begin = self.over_time.partition_point(|set| set.from_ms <= first).saturating_sub(1);
        let some = self.over_time.get(begin..end).unwrap_or_default();
        some.iter().copied().reduce(InForce::most).unwrap_or(InForce {
            from_ms: 0,
            rate_per_min: 0,
            burst: 0,
            active_cap: 0,
            by_stock: true,
        })
    }

    fn room_for_all(&mut self, entry: u64, at_ms: i64) {
        let (slots, undecided, set) = (self.slots.taken(), self.slots.undecided(), self.in_force(at_ms));
        let cap = set.active_cap;
        if slots > u64::from(cap) {
            self.violate(Violation::AboveCap { entry, slots, cap });
        }
        if let Some(seats) = self.seats.filter(|seats| set.by_stock && undecided > *seats) {
            self.violate(Violation::AboveStock { entry, undecided, seats });
        }
    }

    /// The slots of a place are as the line has them now. True where it takes one that it did not take before.
    fn follow(&mut self, place: PlaceId, at_ms: i64) -> bool {
        let standing = self.line.standing(place, at_ms).and_then(|standing| standing.slot_ms());
        self.slots.follow(place, standing, self.line.ending_of(place), at_ms)
    }

    fn violate(&mut self, violation: Violation) {
        if self.violations.len() < KEPT {
            self.violations.push(violation);
        }
    }
}

/// Most turns at once, and those that came in the time by which clocks may differ.
fn burst(set: InForce) -> u32 {
    let meanwhile = u64::from(set.rate_per_min) * CLOCKS_MS.unsigned_abs() / 60_000 + 1;
    set.burst.saturating_add(u32::try_from(meanwhile).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
