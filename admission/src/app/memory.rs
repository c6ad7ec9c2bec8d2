//! What a room's owner remembers of it between ticks, and whether the next one has anything to do.

use std::sync::Arc;

use goticket_domain::queue::{
    AnnouncedPolls, Arrivals, Availability, Board, EtaModel, Limits, LineFacts, Pace, Phase, RoomMode, ShadowLine, Shown, Spare,
    admissible,
};
use goticket_storage::rooms::{Prices, Room};
use tokio::time::{Duration, Instant};

use super::auto_rate::Following;
use super::lobby::OpenLobby;
use super::publication::Published;
use crate::outbound::redis::{Outline, Snapshot};

/// The stock is counted by others, who tell nothing here: while fans wait or buy, it is looked at so often.
const STOCK_EVERY: Duration = Duration::from_secs(1);
/// Where Redis has no count of it, Postgres counts so often: some milliseconds for a stadium.
const COUNT_EVERY: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Memory {
    pub(super) announced: AnnouncedPolls,
    pace: Pace,
    eta: Told,
    shadow: Option<ShadowLine>,
    pub(super) arrivals: Arrivals,
    spare: Option<Spare>,
    /// When Postgres counted the stock last, and what it found, until that is taken into account.
    asked: Option<Instant>,
    free: Option<u64>,
    pub(super) failing: bool,
    pub(super) published: Published,
    pub(super) following: Following,
    /// The last interval of the statistics that was written, or is being.
    pub(super) counted_ms: i64,
    pub(super) lobby: OpenLobby,
    /// What the event sells, where it was asked for.
    pub(super) prices: Option<Arc<Prices>>,
    /// When Postgres was asked last whether everything is sold.
    pub(super) asked_sold_out: Option<Instant>,
    look: Option<Look>,
}

/// What fans were told of waiting times, and by the owner of which epoch.
#[derive(Default)]
struct Told {
    epoch: i64,
    model: Option<EtaModel>,
}

/// The room as its owner saw it last.
struct Look {
    epoch: i64,
    version: Version,
    at: Instant,
    seen: Snapshot,
    outline: Outline,
}

/// Of everything that is set, announced or moved, and not in the line's log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    room: i64,
    draw: i32,
    rate_per_min: u32,
}

impl Version {
    pub(super) fn of(room: &Room) -> Self {
        Self { room: room.revision, draw: room.draw_revision, rate_per_min: room.rate_per_min() }
    }
}

impl Memory {
    pub(super) fn looked(&mut self, epoch: i64, version: Version, seen: Snapshot, outline: Outline) {
        self.look = Some(Look { epoch, version, at: Instant::now(), seen, outline });
    }

    /// What the last look saw, if another one would see the same: a board is made of it that says no more than that time has passed.
    pub(super) fn still_sees(&self, room: &Room, epoch: i64, now_ms: i64) -> Option<(Snapshot, Outline)> {
        let look = self.look.as_ref().filter(|_| !self.has_news(room, epoch, now_ms))?;
        Some((look.seen.clone(), look.outline.clone()))
    }

    /// The next tick looks at the room in any case.
    pub(super) fn forget_look(&mut self) {
        self.look = None;
        self.following.forget_look();
    }

    /// Whether Postgres is to count the stock, because Redis has no count.
    pub(super) fn lacks_count(&self, seen: &Snapshot) -> bool {
        seen.availability.is_empty() && self.asked.is_none_or(|asked| asked.elapsed() >= COUNT_EVERY)
    }

    /// Postgres has counted so many free seats; none where there are no seats to be counted.
    pub(super) fn counted(&mut self, free: Option<u64>) {
        (self.asked, self.free) = (Some(Instant::now()), free);
    }

    /// Seats for which no one is inside, as far as it is known. Whoever is inside may still take one; who has left said that they do not.
    pub(super) fn count_stock(&mut self, seen: &Snapshot) -> Option<Spare> {
        let by_redis = seen.availability.iter().map(|category| u64::from(category.free)).sum();
        let free = if seen.availability.is_empty() { self.free.take() } else { Some(by_redis) };
        self.spare = match free {
            Some(free) => Some(Spare::counted(free, seen.inside.saturating_sub(seen.left), seen.admitted)),
            None => self.spare.map(|last| last.uncounted(seen.admitted)),
        };
        self.spare
    }

    /// Whether it is known what fans were told of waiting times before this epoch.
    pub(super) fn knows_promises(&self, epoch: i64) -> bool {
        self.eta.epoch == epoch
    }

    /// That is what the last board said, whoever made it: whoever takes a room over takes no promise back.
    pub(super) fn promised(&mut self, epoch: i64, last: Option<&Board>) {
        self.eta = Told { epoch, model: last.and_then(|board| board.eta) };
        self.shadow = last.and_then(|board| board.shadow);
    }

    /// Of a shadow room: who would wait, if what is set were in force.
    pub(super) fn would_wait(&mut self, now_ms: i64, room: &Room, seen: &Snapshot) -> Option<ShadowLine> {
        let shadow = room.settings.mode == RoomMode::Shadow;
        self.shadow = shadow.then(|| {
            let line = self.shadow.unwrap_or_else(|| ShadowLine::begin(seen.admitted, now_ms));
            line.after(seen.admitted, seen.inside, room.bounds_set(), now_ms)
        });
        self.shadow
    }

    /// A board of this is shown. Returns how many turns per minute came lately, and what follows for waiting times.
    pub(super) fn shown(&mut self, now_ms: i64, room: &Room, seen: &Snapshot) -> (u32, Option<EtaModel>) {
        let shown = match seen.phase {
            Phase::Lobby | Phase::Closed => Shown::Lobby { joined: seen.waiting },
            Phase::Drawn => Shown::Line { admitted: seen.admitted },
        };
        self.announced.show(now_ms, shown, room.rate_per_min());
        let moves = room.state.admits_fans() && seen.phase == Phase::Drawn && seen.waiting > 0;
        let observed_per_min = self.pace.sample(now_ms, seen.admitted, moves);
        if seen.phase == Phase::Drawn {
            self.eta.model = EtaModel::next(self.eta.model, room.rate_per_min(), observed_per_min, now_ms);
        }
        (observed_per_min, self.eta.model)
    }

    /// Whether the room is to be ticked: there are news, or its board has become old. Costs nothing: of a thousand rooms most are idle.
    pub(super) fn is_due(&self, room: &Room, epoch: i64, now_ms: i64, board_every: Duration) -> bool {
        self.published.is_old(board_every) || self.has_news(room, epoch, now_ms)
    }

    /// Whether something has happened since the last look, or time has changed something, so that the room is to be looked at again.
    /// `room` was read a moment ago.
    fn has_news(&self, room: &Room, epoch: i64, now_ms: i64) -> bool {
        let Some(Look { seen, .. }) = self.look.as_ref().filter(|look| look.epoch == epoch && look.version == Version::of(room))
        else {
            return true;
        };
        let happened = (room.log.size, room.log.hash) != (seen.applied, seen.hash);
        let ended = seen.ends_ms.is_some_and(|ends| ends <= now_ms);
        let lively = seen.waiting > 0 || seen.inside > 0;
        let stock = lively && self.look.as_ref().is_some_and(|look| look.at.elapsed() >= STOCK_EVERY);
        happened || ended || stock || (seen.waiting > 0 && turns(room, seen, self.spare, now_ms) > 0)
    }
}

/// How many turns may come now.
pub(super) fn turns(room: &Room, seen: &Snapshot, spare: Option<Spare>, now_ms: i64) -> u64 {
    if !room.state.admits_fans() || seen.phase != Phase::Drawn {
        return 0;
    }
    let bounds = room.bounds();
    let bucket = room.log.bucket.at(now_ms, bounds.rate_per_min, bounds.burst);
    let spare = spare.filter(|_| bounds.by_stock);
    admissible(bucket, Limits { inside: seen.inside, cap: u64::from(bounds.active_cap), spare })
}

/// What holds the line up follows from it.
pub(super) fn facts(room: &Room, seen: &Snapshot, spare: Option<Spare>) -> LineFacts {
    let bounds = room.bounds();
    let sum = |of: fn(&Availability) -> u32| seen.availability.iter().map(|category| u64::from(of(category))).sum();
    LineFacts {
        state: room.state,
        phase: seen.phase,
        rate_per_min: bounds.rate_per_min,
        lowest_per_min: room.settings.auto.filter(|auto| auto.low_per_min < auto.high_per_min).map(|auto| auto.low_per_min),
        inside: seen.inside,
        cap: u64::from(bounds.active_cap),
        stock: (!seen.availability.is_empty()).then(|| (sum(|of| of.free), sum(|of| of.held))),
        spare: spare.filter(|_| bounds.by_stock),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use goticket_domain::EventId;
    use goticket_domain::queue::{AutoLimits, AutoRate, Bucket, Pivots, RoomSettings, RoomState};
    use goticket_storage::queue_log::Head;
    use jiff::Timestamp;

    use super::*;

    const EVENT: EventId = EventId(uuid::Uuid::from_u128(1));
    const NOW_MS: i64 = 1_000_000;
    const BOARD_EVERY: Duration = Duration::from_secs(3);
    const EPOCH: i64 = 7;
    const VERSION: Version = Version { room: 1, draw: 1, rate_per_min: 60 };

    /// An open room with nothing in its bucket, which fills by one fan a second.
    fn room() -> Room {
        let log = Head {
            size: 5,
            hash: [5; 32],
            decisions: 0,
            bucket: Bucket { micro_tokens: 0, at_ms: NOW_MS },
            frontier: None,
            admitted: 0,
            closed_at: Some(0),
        };
        Room {
            event: EVENT,
            seats_of: EVENT,
            sells: None,
            state: RoomState::Open,
            settings: RoomSettings { rate_per_min: 60, burst: 1, active_cap: 10, ..RoomSettings::default() },
            auto_rate: None,
            revision: 1,
            lobby_opens_at: Timestamp::UNIX_EPOCH,
            onsale_at: Timestamp::UNIX_EPOCH,
            read_at: Timestamp::UNIX_EPOCH,
            due: None,
            draw_revision: 1,
            log,
            control_log: goticket_domain::queue::ControlLogHead::default(),
            code_batches: 0,
        }
    }

    fn idle() -> Snapshot {
        Snapshot {
            applied: 5,
            hash: [5; 32],
            phase: Phase::Drawn,
            waiting: 0,
            deferred: 0,
            admitted: 0,
            inside: 0,
            left: 0,
            unclaimed: 0,
            frontier: None,
            ends_ms: None,
            availability: Vec::new(),
        }
    }

    fn outline(seen: &Snapshot) -> Outline {
        Outline {
            applied: seen.applied,
            waiting: seen.waiting,
            frontier: None,
            passed: None,
            deferred_frontier: None,
            deferred_passed: None,
            pivots: Pivots::default(),
        }
    }

    /// Whether the room is ticked so long after a look that saw this, and after its last board; and whether it is looked at again then.
    fn checked(seen: Snapshot, room: &Room, passed_ms: u64) -> (bool, bool) {
        let (passed, now_ms) = (Duration::from_millis(passed_ms), NOW_MS + i64::try_from(passed_ms).unwrap());
        let at = Instant::now().checked_sub(passed).unwrap();
        let board = super::super::tick::still_board(room, None, Timestamp::UNIX_EPOCH);
        let mut memory = Memory { published: Published::at(at, board), ..Memory::default() };
        memory.count_stock(&seen);
        let outline = outline(&seen);
        memory.look = Some(Look { epoch: EPOCH, version: VERSION, at, seen, outline });
        (memory.is_due(room, EPOCH, now_ms, BOARD_EVERY), memory.still_sees(room, EPOCH, now_ms).is_none())
    }

    /// Before its board has become old a room is ticked only to be looked at.
    fn check(seen: Snapshot, room: &Room, passed_ms: u64) -> bool {
        let (due, looks) = checked(seen, room, passed_ms);
        assert_eq!(due, looks || passed_ms >= 3_000, "{passed_ms}");
        due
    }

    #[test]
    fn an_idle_room_waits_for_its_next_board() {
        assert!(Memory::default().is_due(&room(), EPOCH, NOW_MS, BOARD_EVERY), "never seen");
        for (passed_ms, due) in [(0, false), (2_900, false), (3_000, true)] {
            assert_eq!(checked(idle(), &room(), passed_ms), (due, false), "{passed_ms}: and is not looked at again for it");
        }
    }

    #[test]
    fn what_was_written_or_set_since_is_looked_at() {
        let grown = Room { log: Head { size: 6, ..room().log }, ..room() };
        let another = Room { log: Head { hash: [6; 32], ..room().log }, ..room() };
        let set = Room { revision: 2, ..room() };
        let announced = Room { draw_revision: 2, ..room() };
        let auto = Some(AutoLimits { low_per_min: 10, high_per_min: 100 });
        let moved =
            Room { settings: RoomSettings { auto, ..room().settings }, auto_rate: Some(AutoRate::resume(61, 0)), ..room() };
        for room in [grown, another, set, announced, moved] {
            assert!(check(idle(), &room, 0));
        }
        let outline = outline(&idle());
        let look = Look { epoch: EPOCH - 1, version: VERSION, at: Instant::now(), seen: idle(), outline };
        let memory = Memory { look: Some(look), ..Memory::default() };
        assert!(memory.is_due(&room(), EPOCH, NOW_MS, BOARD_EVERY), "another one may have had it meanwhile");
    }

    #[test]
    fn time_alone_brings_turns_and_ends() {
        let waiting = Snapshot { waiting: 3, ..idle() };
        let full = Snapshot { inside: 10, ends_ms: Some(NOW_MS + 700), ..waiting.clone() };
        let sold_out = Snapshot {
            availability: vec![Availability { category: 0, free: 0, held: 1, capacity: None, price: None }],
            ..waiting.clone()
        };
        let lobby = Snapshot { phase: Phase::Lobby, ..waiting.clone() };
        let paused = Room { state: RoomState::Paused, ..room() };
        let full_bucket =
            Room { log: Head { bucket: Bucket { micro_tokens: 1_000_000, at_ms: NOW_MS }, ..room().log }, ..room() };
        for (what, seen, room, passed_ms, due) in [
            ("the bucket is still empty", &waiting, &room(), 900, false),
            ("its first token", &Snapshot { inside: 1, ..waiting.clone() }, &full_bucket, 0, true),
            ("the cap is full", &full, &full_bucket, 600, false),
            ("a session ends", &full, &full_bucket, 700, true),
            ("nothing is free", &sold_out, &full_bucket, 900, false),
            ("something may be free again", &sold_out, &full_bucket, 1_000, true),
            ("the lobby waits for its draw", &lobby, &full_bucket, 900, false),
            ("no one is admitted", &waiting, &paused, 900, false),
            ("no one waits", &idle(), &full_bucket, 2_900, false),
        ] {
            assert_eq!(check(seen.clone(), room, passed_ms), due, "{what}");
        }
    }
}
