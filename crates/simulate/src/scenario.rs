//! What is rehearsed: the crowd, the room and what goes wrong. Read from TOML or JSON.

use goticket_domain::queue::{AutoLimits, RoomSettings, SettingsError};
use serde::{Deserialize, Serialize};

use crate::arrivals;
use crate::faults::Fault;

/// Most fans: each has a number of 32 bits.
const FANS_MAX: u32 = 100_000_000;
/// Up to so many fans the line is kept as the room's log says: about 400 bytes each, and a moment per entry.
const LOGGED_FANS_MAX: u32 = 200_000;

/// A sale. Seconds count from the start of the sale; what is before it is negative.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// The same seed is the same sale.
    pub seed: u64,
    /// How many fans come.
    pub fans: u32,
    /// Which share of them has come by when: second and share, both rising, from 0 to 1. The first second opens the lobby.
    pub arrivals: Vec<(i32, f64)>,
    /// Which share never claims their turn.
    pub no_show_share: f64,
    /// Which share of those whose turn passed comes back within five minutes, once.
    pub return_share: f64,
    /// Seats to sell. None: they are not counted, and the sale ends when everyone had their turn.
    pub seats: Option<u64>,
    /// The sale is over by then, in seconds.
    pub ends_s: u32,
    /// The waiting room.
    pub room: Room,
    /// What fans do inside.
    pub booking: Booking,
    /// What decides bookings.
    pub pipeline: Pipeline,
    /// What stands between fans and the board.
    pub cdn: Cdn,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// How the line is kept. None: by the log where the crowd is small enough.
    pub index: Option<Index>,
}

/// The waiting room's settings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Room {
    /// Turns per minute.
    pub rate_per_min: u32,
    /// Instead: between which the rate moves with the pipeline.
    pub auto: Option<Auto>,
    /// Most turns at once.
    pub burst: u32,
    /// Most fans inside.
    pub active_cap: u32,
    /// How long a turn may be claimed, in seconds.
    pub claim_window_s: u32,
    /// How long a session lasts at most, in seconds.
    pub session_s: u32,
    /// How long the slot of who is away is kept, for their last entry token, in seconds.
    pub token_s: u32,
    /// Between two decisions, in milliseconds.
    pub tick_ms: u32,
    /// Boards per second.
    pub boards_per_s: u32,
}

/// See [`AutoLimits`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auto {
    /// The lowest rate.
    pub low_per_min: u32,
    /// The highest.
    pub high_per_min: u32,
}

impl From<Auto> for AutoLimits {
    fn from(auto: Auto) -> Self {
        Self { low_per_min: auto.low_per_min, high_per_min: auto.high_per_min }
    }
}

/// What a fan does inside.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Booking {
    /// Half of them have booked, or gone, after so many seconds.
    pub median_s: f64,
    /// Nine of ten have after so many.
    pub p90_s: f64,
    /// Which share buys.
    pub buy_share: f64,
    /// How many seats each of these buys.
    pub seats: u32,
    /// A session ends with the booking; otherwise who has booked stays until it runs out. Who does not buy is away at once.
    pub ends_session: bool,
}

/// What decides bookings, as far as the automatic rate can see it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pipeline {
    /// Bookings per minute that it can decide.
    pub capacity_per_min: u32,
    /// How long a commit takes when it is well, in milliseconds.
    pub commit_ms: u64,
    /// When it is slower.
    pub slowdowns: Vec<Slowdown>,
}

/// A time in which the pipeline is slower.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slowdown {
    /// From this second.
    pub from_s: i32,
    /// Until this one.
    pub to_s: i32,
    /// To so much of its capacity, in per cent.
    pub to_percent: u32,
}

/// What stands between fans and the board.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cdn {
    /// Places that each ask the origin by themselves.
    pub edges: u32,
}

/// How the line is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Index {
    /// As the service does it: what follows from the room's log, by the domain's own fold.
    Log,
    /// As an array: for crowds of millions. There is nothing that it could forget; faults only cost time.
    Flat,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            seed: 1,
            fans: 20_000,
            arrivals: vec![(-1_800, 0.0), (-60, 0.5), (0, 0.9), (600, 1.0)],
            no_show_share: 0.1,
            return_share: 0.0,
            seats: None,
            ends_s: 86_400,
            room: Room::default(),
            booking: Booking::default(),
            pipeline: Pipeline::default(),
            cdn: Cdn::default(),
            faults: Vec::new(),
            index: None,
        }
    }
}

impl Default for Room {
    fn default() -> Self {
        let set = RoomSettings::default();
        Self {
            rate_per_min: set.rate_per_min,
            auto: None,
            burst: set.burst,
            active_cap: set.active_cap,
            claim_window_s: set.claim_window_s,
            session_s: set.session_s,
            token_s: 70,
            tick_ms: 250,
            boards_per_s: 4,
        }
    }
}

impl Default for Booking {
    fn default() -> Self {
        Self { median_s: 90.0, p90_s: 240.0, buy_share: 0.8, seats: 2, ends_session: true }
    }
}

impl Default for Pipeline {
    fn default() -> Self {
        Self { capacity_per_min: 60_000, commit_ms: 10, slowdowns: Vec::new() }
    }
}

impl Default for Cdn {
    fn default() -> Self {
        Self { edges: 100 }
    }
}

/// A scenario that cannot be run: names the field and what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A value outside its range.
    #[error("{field}: {allowed}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What is allowed.
        allowed: String,
    },
    /// A setting that no room could have.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No TOML of a scenario.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// No JSON of a scenario.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Scenario {
    /// Reads TOML; or JSON, where the text begins with a brace.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        if text.trim_start().starts_with('{') { Ok(serde_json::from_str(text)?) } else { Ok(toml::from_str(text)?) }
    }

    /// How the line is kept.
    pub fn index(&self) -> Index {
        self.index.unwrap_or(if self.fans <= LOGGED_FANS_MAX { Index::Log } else { Index::Flat })
    }

    /// Checks every field.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let (room, booking) = (&self.room, &self.booking);
        arrivals::check(&self.arrivals)?;
        let shares = [
            ("no_show_share", self.no_show_share),
            ("return_share", self.return_share),
            ("booking.buy_share", booking.buy_share),
        ];
        for (field, share) in shares {
            ensure(field, (0.0..=1.0).contains(&share), "0 to 1")?;
        }
        ensure("fans", (1..=FANS_MAX).contains(&self.fans), &format!("1 to {FANS_MAX}"))?;
        ensure("ends_s", (1..=604_800).contains(&self.ends_s), "1 to 604800, a week")?;
        ensure("room.tick_ms", (10..=1_000).contains(&room.tick_ms), "10 to 1000")?;
        ensure("room.boards_per_s", (1..=100).contains(&room.boards_per_s), "1 to 100")?;
        ensure("room.token_s", room.token_s <= 700, "0 to 700")?;
        ensure("booking.median_s", (0.1..=86_400.0).contains(&booking.median_s), "0.1 to 86400")?;
        ensure("booking.p90_s", (booking.median_s..=86_400.0).contains(&booking.p90_s), "median_s to 86400")?;
        ensure("pipeline.capacity_per_min", self.pipeline.capacity_per_min > 0, "at least 1")?;
        for slow in &self.pipeline.slowdowns {
            ensure(
                "pipeline.slowdowns",
                slow.to_percent > 0 && slow.from_s < slow.to_s,
                "to_percent from 1, from_s before to_s",
            )?;
        }
        ensure("faults", self.faults.is_sorted_by_key(|fault| fault.at_s), "one after the other, by at_s")?;
        if let Some(auto) = room.auto {
            ensure("room.auto", auto.low_per_min <= auto.high_per_min, "low_per_min up to high_per_min")?;
            self.settings(auto.high_per_min).check()?;
        }
        Ok(self.settings(room.rate_per_min).check()?)
    }

    fn settings(&self, rate_per_min: u32) -> RoomSettings {
        let Room { burst, active_cap, claim_window_s, session_s, .. } = self.room;
        RoomSettings { rate_per_min, burst, active_cap, claim_window_s, session_s, ..RoomSettings::default() }
    }
}

pub(crate) fn ensure(field: &'static str, fine: bool, allowed: &str) -> Result<(), ScenarioError> {
    if fine { Ok(()) } else { Err(ScenarioError::Field { field, allowed: format!("allowed is {allowed}") }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn a_scenario_is_read_from_toml_and_from_json() {
        let toml = "fans = 5\narrivals = [[-10, 0], [0, 1]]\n[room]\nauto = { low_per_min = 1, high_per_min = 9 }\n";
        let expected = Scenario {
            fans: 5,
            arrivals: vec![(-10, 0.0), (0, 1.0)],
            room: Room { auto: Some(Auto { low_per_min: 1, high_per_min: 9 }), ..Room::default() },
            ..Scenario::default()
        };
        assert_eq!(Scenario::parse(toml).unwrap(), expected);
        assert_eq!(Scenario::parse(&serde_json::to_string(&expected).unwrap()).unwrap(), expected);
        assert!(Scenario::parse("fan = 5").unwrap_err().to_string().contains("fan"), "a field that is not there is refused");
    }

    #[test]
    fn scenarios_are_refused_just_beyond_each_edge() {
        type Change = fn(&mut Scenario);
        let rows: [(&str, Change, bool); 17] = [
            ("", |_| (), true),
            ("fans", |s| s.fans = 0, false),
            ("", |s| s.fans = FANS_MAX, true),
            ("fans", |s| s.fans = FANS_MAX + 1, false),
            ("no_show_share", |s| s.no_show_share = 1.01, false),
            ("no_show_share", |s| s.no_show_share = f64::NAN, false),
            ("return_share", |s| s.return_share = 1.01, false),
            ("ends_s", |s| s.ends_s = 604_801, false),
            ("room.tick_ms", |s| s.room.tick_ms = 9, false),
            ("room.boards_per_s", |s| s.room.boards_per_s = 0, false),
            ("room.token_s", |s| s.room.token_s = 701, false),
            ("booking.p90_s", |s| s.booking.p90_s = 89.0, false),
            ("pipeline.capacity_per_min", |s| s.pipeline.capacity_per_min = 0, false),
            ("room.auto", |s| s.room.auto = Some(Auto { low_per_min: 2, high_per_min: 1 }), false),
            ("rate_per_min", |s| s.room.rate_per_min = 600_001, false),
            ("burst", |s| s.room.burst = 10_001, false),
            ("faults", |s| s.faults = [2, 1].map(|at_s| Fault { at_s, kind: Kind::RedisForgets }).to_vec(), false),
        ];
        for (field, change, fine) in rows {
            let mut scenario = Scenario::default();
            change(&mut scenario);
            let found = scenario.check().err().map(|error| error.to_string());
            assert_eq!(found.is_none(), fine, "{field}: {found:?}");
            assert!(found.is_none_or(|text| text.starts_with(field)), "{field}");
        }
    }

    #[test]
    fn the_kept_scenario_is_one() {
        let kept = Scenario::parse(include_str!("../../../loadtest/scenarios/onsale-14m.toml")).unwrap();
        kept.check().unwrap();
        assert_eq!((kept.fans, kept.faults.len(), kept.index()), (14_000_000, 3, Index::Flat));
    }

    #[test]
    fn only_a_crowd_that_fits_is_kept_by_the_log() {
        let of = |fans| Scenario { fans, ..Scenario::default() }.index();
        assert_eq!((of(LOGGED_FANS_MAX), of(LOGGED_FANS_MAX + 1)), (Index::Log, Index::Flat));
    }
}
