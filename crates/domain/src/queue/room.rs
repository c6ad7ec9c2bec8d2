//! A room's state and the settings operators turn.

use serde::{Deserialize, Serialize};

use super::{AutoLimits, AutoRate, EntryRules, RoomMode, WhenDown};

/// Where a room stands. `Scheduled → Lobby → Open`, and `Closed` when the event starts, follow its schedule; the rest is the
/// operators'.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomState {
    /// Not yet open to anyone.
    Scheduled,
    /// Fans join; the order is drawn at the start.
    Lobby,
    /// The front of the line is being admitted; who joins goes to its end.
    Open,
    /// Joining goes on, admitting stands still.
    Paused,
    /// No one joins any more; those in line are still admitted.
    Draining,
    /// Over: no one joins, is admitted or buys any more.
    Closed,
}

impl RoomState {
    /// Every state, in the order of a room's life.
    pub const ALL: [Self; 6] = [Self::Scheduled, Self::Lobby, Self::Open, Self::Paused, Self::Draining, Self::Closed];

    /// The name used in tables, Redis and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Lobby => "lobby",
            Self::Open => "open",
            Self::Paused => "paused",
            Self::Draining => "draining",
            Self::Closed => "closed",
        }
    }

    /// May a fan join now?
    pub fn admits_joins(self) -> bool {
        matches!(self, Self::Lobby | Self::Open | Self::Paused)
    }

    /// Does the front of the line move?
    pub fn admits_fans(self) -> bool {
        matches!(self, Self::Open | Self::Draining)
    }

    /// May operators (or the schedule) go from here to `next`? The draw happens once, so nothing leads back before the start.
    pub fn may_become(self, next: Self) -> bool {
        use RoomState::{Closed, Draining, Lobby, Open, Paused, Scheduled};
        match (self, next) {
            (Scheduled, Lobby) | (Lobby | Paused | Draining, Open) | (Open | Draining, Paused) | (Open | Paused, Draining) => {
                true
            }
            (from, Closed) => from != Closed,
            _ => false,
        }
    }
}

impl std::str::FromStr for RoomState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| format!("unknown room state {text:?}"))
    }
}

/// Edges of what operators may set.
pub mod limits {
    /// Lowest limit of an automatic rate, per minute: a line that stands still tells nothing about the pipeline, and would never move again.
    pub const MIN_AUTO_PER_MIN: u32 = 1;
    /// Fastest admission, per minute: beyond it one tick would admit more than one script call should move.
    pub const MAX_RATE_PER_MIN: u32 = 600_000;
    /// Largest burst, in admissions at once.
    pub const MAX_BURST: u32 = 10_000;
    /// Largest number of fans inside at a time.
    pub const MAX_ACTIVE_CAP: u32 = 1_000_000;
    /// Shortest claim window, in seconds: a poll interval must fit several times.
    pub const MIN_CLAIM_WINDOW_S: u32 = 10;
    /// Longest claim window, in seconds.
    pub const MAX_CLAIM_WINDOW_S: u32 = 3_600;
    /// Shortest session, in seconds.
    pub const MIN_SESSION_S: u32 = 30;
    /// Longest session, in seconds: an entry token cannot be called back before it ends.
    pub const MAX_SESSION_S: u32 = 7_200;
    /// Most joins in a minute up to which a room may open at once: each of them is a tick of its own.
    pub const MAX_OPEN_BELOW: u32 = 6_000;
    /// Longest message to the waiting, in characters.
    pub const MAX_MESSAGE_CHARS: usize = 500;
}

/// What operators set. Units stand last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoomSettings {
    /// Admissions per minute; 0 admits no one. In force where the rate is not automatic.
    pub rate_per_min: u32,
    /// Between which limits the rate moves by itself; none where it is set.
    #[serde(default)]
    pub auto: Option<AutoLimits>,
    /// Most admissions at once, after a pause or a jump of the clock.
    pub burst: u32,
    /// Most fans inside (admitted, not yet gone) at a time.
    pub active_cap: u32,
    /// How long an admitted fan may take to claim, in seconds.
    pub claim_window_s: u32,
    /// How long a claimed session lasts, in seconds.
    pub session_s: u32,
    /// Whoever is inside may buy. False stops it at once, whatever entry tokens there are; the line moves as its state says.
    pub selling: bool,
    /// What the waiting read, plain text.
    pub message: String,
    /// When everything is sold the room closes by itself. Otherwise it says so, and stays open for seats that are returned.
    #[serde(default)]
    pub close_when_sold_out: bool,
    /// How fans are let in.
    #[serde(default)]
    pub mode: RoomMode,
    /// While fewer join in a minute and no one waits, who joins has their turn at once; none where turns come with the ticks.
    #[serde(default)]
    pub open_below: Option<u32>,
    /// What gateways do that have lost the waiting room.
    #[serde(default)]
    pub when_down: WhenDown,
    /// What is asked of who joins.
    #[serde(default)]
    pub entry: EntryRules,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            rate_per_min: 600,
            auto: None,
            burst: 50,
            active_cap: 2_000,
            claim_window_s: 120,
            session_s: 600,
            selling: true,
            message: String::new(),
            close_when_sold_out: false,
            mode: RoomMode::Queue,
            open_below: None,
            when_down: WhenDown::FailClosed,
            entry: EntryRules::default(),
        }
    }
}

/// A setting outside its range: names the field, the value and what is allowed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field} is {value}, allowed is {allowed}")]
pub struct SettingsError {
    /// The field's JSON name.
    pub field: &'static str,
    /// What was asked for.
    pub value: String,
    /// The range, in words.
    pub allowed: String,
}

impl RoomSettings {
    /// The rate in force, where an automatic one was last left there.
    pub fn rate_in_force(&self, left: Option<AutoRate>) -> u32 {
        self.bounds(left).rate_per_min
    }

    /// Checks every field against [`limits`].
    pub fn check(&self) -> Result<(), SettingsError> {
        let ranges = [
            ("rate_per_min", self.rate_per_min, 0, limits::MAX_RATE_PER_MIN),
            ("burst", self.burst, 1, limits::MAX_BURST),
            ("active_cap", self.active_cap, 1, limits::MAX_ACTIVE_CAP),
            ("claim_window_s", self.claim_window_s, limits::MIN_CLAIM_WINDOW_S, limits::MAX_CLAIM_WINDOW_S),
            ("session_s", self.session_s, limits::MIN_SESSION_S, limits::MAX_SESSION_S),
            ("open_below", self.open_below.unwrap_or(limits::MAX_OPEN_BELOW), 1, limits::MAX_OPEN_BELOW),
        ];
        for (field, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                return Err(SettingsError { field, value: value.to_string(), allowed: format!("{low} to {high}") });
            }
        }
        if let Some(AutoLimits { low_per_min, high_per_min }) = self.auto
            && !(limits::MIN_AUTO_PER_MIN <= low_per_min
                && low_per_min <= high_per_min
                && high_per_min <= limits::MAX_RATE_PER_MIN)
        {
            return Err(SettingsError {
                field: "auto",
                value: format!("{low_per_min} to {high_per_min}"),
                allowed: format!(
                    "{} to {}, the low one not above the high one",
                    limits::MIN_AUTO_PER_MIN,
                    limits::MAX_RATE_PER_MIN
                ),
            });
        }
        self.entry.check()?;
        let chars = self.message.chars().count();
        if chars > limits::MAX_MESSAGE_CHARS || self.message.chars().any(|c| c.is_control() && c != '\n') {
            return Err(SettingsError {
                field: "message",
                value: format!("{chars} characters"),
                allowed: format!("plain text of at most {} characters without control characters", limits::MAX_MESSAGE_CHARS),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_back_before_the_draw_and_closed_is_final() {
        for from in RoomState::ALL {
            assert!(!from.may_become(from), "{from:?} to itself");
            assert_eq!(from.may_become(RoomState::Lobby), from == RoomState::Scheduled);
            assert!(!from.may_become(RoomState::Scheduled));
            assert!(!RoomState::Closed.may_become(from));
        }
    }

    #[test]
    fn settings_are_refused_just_beyond_each_edge() {
        let ok = RoomSettings::default();
        let auto = |low_per_min, high_per_min| Some(AutoLimits { low_per_min, high_per_min });
        let rows: [(&str, RoomSettings, bool); 19] = [
            ("rate_per_min", RoomSettings { rate_per_min: 0, ..ok.clone() }, true),
            ("rate_per_min", RoomSettings { rate_per_min: limits::MAX_RATE_PER_MIN, ..ok.clone() }, true),
            ("rate_per_min", RoomSettings { rate_per_min: limits::MAX_RATE_PER_MIN + 1, ..ok.clone() }, false),
            ("auto", RoomSettings { auto: auto(1, limits::MAX_RATE_PER_MIN), ..ok.clone() }, true),
            ("auto", RoomSettings { auto: auto(600, 600), ..ok.clone() }, true),
            ("auto", RoomSettings { auto: auto(0, 600), ..ok.clone() }, false),
            ("auto", RoomSettings { auto: auto(601, 600), ..ok.clone() }, false),
            ("auto", RoomSettings { auto: auto(600, limits::MAX_RATE_PER_MIN + 1), ..ok.clone() }, false),
            ("burst", RoomSettings { burst: 0, ..ok.clone() }, false),
            ("active_cap", RoomSettings { active_cap: 0, ..ok.clone() }, false),
            ("claim_window_s", RoomSettings { claim_window_s: 9, ..ok.clone() }, false),
            ("session_s", RoomSettings { session_s: 29, ..ok.clone() }, false),
            ("open_below", RoomSettings { open_below: Some(0), ..ok.clone() }, false),
            ("open_below", RoomSettings { open_below: Some(1), ..ok.clone() }, true),
            ("open_below", RoomSettings { open_below: Some(limits::MAX_OPEN_BELOW), ..ok.clone() }, true),
            ("open_below", RoomSettings { open_below: Some(limits::MAX_OPEN_BELOW + 1), ..ok.clone() }, false),
            ("message", RoomSettings { message: "x".repeat(500), ..ok.clone() }, true),
            ("message", RoomSettings { message: "x".repeat(501), ..ok.clone() }, false),
            ("message", RoomSettings { message: "a\u{7}".into(), ..ok }, false),
        ];
        for (field, settings, allowed) in rows {
            assert_eq!(settings.check().err().map(|e| e.field), (!allowed).then_some(field));
        }
    }
}
