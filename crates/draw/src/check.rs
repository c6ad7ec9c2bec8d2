//! The check: everything in one order, and the first wrong thing ends it.

mod closing;
mod kept;
mod lobby;
mod outcome;
mod proofs;
mod terms;

use goticket_domain::queue::draw::{DrawProofs, DrawRecord, Receipt};
use goticket_domain::queue::{BoardDraw, PlaceId};

use self::lobby::Lobby;
use crate::{Beacons, PlaceFound, Stage, Standing, Verdict, Weak, Wrong};

/// How far clocks may be apart, and how long a replica may not have heard of new terms. Longer, and an honest waiting room is never accused;
/// shorter, and less can be back-dated.
const CLOCKS_APART_MS: i64 = 2_000;

/// What a fan kept, and asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fan {
    /// Where it stands is told.
    pub place: Option<PlaceId>,
    /// The rank that its ticket says.
    pub rank: Option<u64>,
    /// As they were given out. They may be of several places.
    pub receipts: Vec<Receipt>,
    /// What boards said of the draw, from any time.
    pub boards: Vec<BoardDraw>,
    /// What the waiting room says of the place.
    pub proofs: Option<DrawProofs>,
}

/// Checks a record with its lobby's list and with what a fan kept. What is not there yet is no fault: the verdict says how far the draw is.
pub fn check(record: &DrawRecord, leaves: &[u8], known: &Beacons, fan: &Fan) -> Result<Verdict, Wrong> {
    terms::check(record, known)?;
    let lobby = closing::check(record)?.map(|closed| lobby::check(closed, leaves, fan)).transpose()?;
    kept::check_boards(record, lobby.as_ref(), &fan.boards)?;
    let late_receipts = kept::check_receipts(record, lobby.as_ref(), &fan.receipts)?;
    let order = lobby.as_ref().map(|lobby| outcome::check(record, lobby, known)).transpose()?.flatten();
    let rank = proofs::check(record, lobby.as_ref(), order.as_deref(), fan)?;
    let place = lobby.as_ref().zip(fan.place).map(|(lobby, place)| lobby.found(place, rank));
    Ok(Verdict {
        event: record.event,
        stage: stage(record),
        entries: lobby.as_ref().map(|lobby| lobby.closed.size),
        participants: lobby.as_ref().map(|lobby| lobby.participants.len() as u64),
        seed: record.outcome.as_ref().map(|outcome| outcome.seed),
        late_receipts,
        weak: weak(record, known, fan, place),
        place,
    })
}

fn stage(record: &DrawRecord) -> Stage {
    match (&record.closed, &record.outcome) {
        (_, Some(_)) => Stage::Drawn,
        (Some(_), None) => Stage::Closed,
        (None, None) => Stage::Announced,
    }
}

impl Lobby<'_> {
    fn found(&self, place: PlaceId, rank: Option<u64>) -> PlaceFound {
        let standing = match (rank, self.left) {
            (Some(rank), _) => Standing::Drawn { rank },
            _ if self.participants.contains(&place) => Standing::TakesPart,
            (None, Some(entry)) => Standing::Left { entry },
            (None, None) => Standing::Absent,
        };
        PlaceFound { place, standing }
    }
}

/// What the verdict cannot be relied on for.
fn weak(record: &DrawRecord, known: &Beacons, fan: &Fan, place: Option<PlaceFound>) -> Vec<Weak> {
    let beacon = record.announced.last().and_then(|last| last.terms.beacon.as_ref());
    let chain = beacon.map(|beacon| known.get(&beacon.chain.chain));
    let shows_closing = |board: &BoardDraw| board.lobby.as_ref().is_some_and(|head| head.closed);
    let left = place.is_some_and(|place| matches!(place.standing, Standing::Left { .. }));
    let all = [
        (Weak::Steerable, beacon.is_none()),
        (Weak::Unwitnessed, fan.receipts.is_empty() && fan.boards.is_empty()),
        (Weak::ClosingUnwitnessed, beacon.is_some() && record.closed.is_some() && !fan.boards.iter().any(shows_closing)),
        (Weak::RoundTimesUnknown, chain.is_some_and(|known| known.is_some_and(|known| known.chain.is_none()))),
        (Weak::ChainUnknown, chain.is_some_and(|known| known.is_none())),
        (Weak::LeaveUnsigned, left),
    ];
    all.into_iter().filter_map(|(weak, is)| is.then_some(weak)).collect()
}
