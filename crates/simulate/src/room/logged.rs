//! A line as the service keeps it: a log that is durable, and what follows from it by the domain's fold, which can be lost.

use std::collections::{BTreeSet, HashMap};

use goticket_domain::queue::{DrawSeed, EMPTY_LOG, Entry, Line, Phase, PlaceId, Score, Segment, Standing, deferred_first};
use rand::RngCore as _;
use rand_chacha::ChaCha8Rng;

use super::{Room, Turns};
use crate::crowd::{Stream, stream};
use crate::scenario::Scenario;

pub(crate) struct Logged {
    seed: u64,
    dice: ChaCha8Rng,
    places: Vec<PlaceId>,
    fans: HashMap<PlaceId, u32>,
    log: Vec<Segment>,
    index: Index,
    /// Segments whose turns were seen; filling the index again tells no one a second time.
    seen: usize,
    /// Whether an index that is filled again takes a segment over. Tests leave one out.
    pub(crate) fills: fn(&Segment) -> bool,
}

/// What Redis holds.
#[derive(Default)]
struct Index {
    /// Segments it has.
    applied: usize,
    line: Line,
    /// The front of the line first.
    queue: BTreeSet<(Score, PlaceId)>,
    /// The same, of deferred places.
    deferred: BTreeSet<(Score, PlaceId)>,
}

impl Logged {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            seed: scenario.seed,
            dice: stream(scenario.seed, Stream::Places),
            places: Vec::new(),
            fans: HashMap::new(),
            log: Vec::new(),
            index: Index::default(),
            seen: 0,
            fills: |_| true,
        }
    }

    fn append(&mut self, at_ms: i64, entries: Vec<Entry>) {
        let first = self.log.last().map_or(0, Segment::end);
        self.log.push(Segment { first, at_ms, hash: EMPTY_LOG, before: EMPTY_LOG, entries });
    }

    fn place(&self, fan: u32) -> Option<PlaceId> {
        usize::try_from(fan).ok().and_then(|fan| self.places.get(fan)).copied()
    }
}

impl Room for Logged {
    fn join(&mut self, before: u32, now_ms: i64) {
        let first = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let mut entries = Vec::new();
        for fan in first..before {
            let mut place = PlaceId([0; 16]);
            self.dice.fill_bytes(&mut place.0);
            self.places.push(place);
            self.fans.insert(place, fan);
            entries.push(Entry::Join(place));
        }
        if !entries.is_empty() {
            self.append(now_ms, entries);
        }
    }

    fn draw(&mut self, now_ms: i64) {
        let mut seed = DrawSeed([0; 32]);
        stream(self.seed, Stream::Draw).fill_bytes(&mut seed.0);
        self.append(now_ms, vec![Entry::Close, Entry::Draw(seed)]);
    }

    fn waiting(&self) -> u64 {
        match self.index.line.phase() {
            Phase::Lobby | Phase::Closed => self.places.len() as u64,
            Phase::Drawn => self.index.queue.len() as u64,
        }
    }

    fn deferred(&self) -> u64 {
        self.index.deferred.len() as u64
    }

    fn decide(&mut self, most: u64, now_ms: i64, claim_by_ms: i64) -> Turns {
        let (second, of_line) = deferred_first(most, self.deferred());
        let first = of_line.min(self.index.queue.len() as u64);
        let entries = [
            reach(&self.index.deferred, second).map(|through| Entry::AdmitDeferred { through, claim_by_ms }),
            reach(&self.index.queue, first).map(|through| Entry::Admit { through, claim_by_ms }),
        ];
        let entries: Vec<Entry> = entries.into_iter().flatten().collect();
        if !entries.is_empty() {
            self.append(now_ms, entries);
        }
        Turns { first, second }
    }

    fn look(&mut self, turns: &mut Vec<u32>) {
        while let Some(segment) = self.log.get(self.index.applied) {
            let again = self.index.applied < self.seen;
            if !again || (self.fills)(segment) {
                let came = self.index.apply(segment);
                if !again {
                    turns.extend(came.iter().filter_map(|place| self.fans.get(place)));
                }
            }
            self.index.applied += 1;
        }
        self.seen = self.index.applied;
    }

    fn claim(&mut self, fan: u32, until_ms: i64, slot_ms: i64, now_ms: i64) -> bool {
        let Some(place) = self.place(fan) else { return false };
        let theirs = matches!(self.index.line.standing(place, now_ms), Some(Standing::Admitted { .. }));
        if theirs {
            self.append(now_ms, vec![Entry::Claim { place, until_ms, slot_ms }]);
        }
        theirs
    }

    fn defer(&mut self, fan: u32, now_ms: i64) {
        if let Some(place) = self.place(fan) {
            self.append(now_ms, vec![Entry::Defer(place)]);
        }
    }

    fn forget(&mut self) {
        self.index = Index::default();
    }

    fn places(&self) -> Vec<Option<u32>> {
        let mut truth = Line::default();
        for segment in &self.log {
            // A place is where the first turn comes from.
            let first = |entry: &&Entry| !matches!(entry, Entry::Defer(_) | Entry::AdmitDeferred { .. });
            truth.apply(&Segment { entries: segment.entries.iter().filter(first).copied().collect(), ..*segment });
        }
        let score = |standing| match standing {
            Standing::Lobby { .. } => None,
            Standing::Waiting(score)
            | Standing::Deferred(score)
            | Standing::Admitted { score, .. }
            | Standing::Inside { score, .. } => Some(score),
        };
        let mut order: Vec<(Score, PlaceId)> =
            truth.places().filter_map(|(place, standing)| Some((score(standing)?, place))).collect();
        order.sort_unstable();
        let ranks: HashMap<PlaceId, u32> = (0..).zip(order).map(|(rank, (_, place))| (place, rank)).collect();
        self.places.iter().map(|place| ranks.get(place).copied()).collect()
    }
}

impl Index {
    /// Takes a segment over; returns whose turn came.
    fn apply(&mut self, segment: &Segment) -> Vec<PlaceId> {
        self.line.apply(segment);
        let mut came = Vec::new();
        for entry in &segment.entries {
            match *entry {
                Entry::Join(place) => {
                    if let Some(Standing::Waiting(score)) = self.line.standing(place, segment.at_ms) {
                        self.queue.insert((score, place));
                    }
                }
                Entry::Draw(_) => self.queue.extend(self.line.places().filter_map(|(place, standing)| match standing {
                    Standing::Waiting(score) => Some((score, place)),
                    _ => None,
                })),
                Entry::Admit { through, .. } => came.extend(take_up_to(&mut self.queue, through)),
                Entry::Defer(place) => {
                    if let Some(Standing::Deferred(score)) = self.line.standing(place, segment.at_ms) {
                        self.deferred.insert((score, place));
                    }
                }
                Entry::AdmitDeferred { through, .. } => came.extend(take_up_to(&mut self.deferred, through)),
                Entry::Leave(_)
                | Entry::Claim { .. }
                | Entry::Renew { .. }
                | Entry::Resume { .. }
                | Entry::End { .. }
                | Entry::Booked { .. }
                | Entry::Close => {}
            }
        }
        came
    }
}

/// The score up to which so many at the front of a line reach; none where there are none.
fn reach(line: &BTreeSet<(Score, PlaceId)>, turns: u64) -> Option<Score> {
    let last = usize::try_from(turns).ok()?.checked_sub(1)?;
    line.iter().nth(last).map(|(score, _)| *score)
}

/// Takes everyone up to this score out of a line.
fn take_up_to(line: &mut BTreeSet<(Score, PlaceId)>, through: Score) -> Vec<PlaceId> {
    let mut came = Vec::new();
    while let Some(&(score, place)) = line.first().filter(|(score, _)| *score <= through) {
        line.remove(&(score, place));
        came.push(place);
    }
    came
}
