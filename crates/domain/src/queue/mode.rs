//! How a room lets fans in, and what becomes of its sale where it is away.

use serde::{Deserialize, Serialize};

use super::limits::{MAX_ACTIVE_CAP, MAX_BURST, MAX_RATE_PER_MIN};
use super::{AutoRate, RoomSettings};

/// How a room lets fans in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomMode {
    /// One after the other, by rate, cap and stock.
    #[default]
    Queue,
    /// Everyone at once, up to what the installation bears ([`super::limits`]). What is set is measured: how many would wait.
    Shadow,
}

/// What gateways do with requests for seats when they have lost the waiting room.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenDown {
    /// Only who has an entry token buys, as long as it lasts.
    #[default]
    FailClosed,
    /// Whoever is logged in buys, so many a second.
    FailOpen,
}

macro_rules! named {
    ($kind:ident: $($variant:ident = $name:literal),+) => {
        impl $kind {
            /// The name used in tables and JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl std::str::FromStr for $kind {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!("expected {}", [$($name),+].join(" or "))),
                }
            }
        }
    };
}

named!(RoomMode: Queue = "queue", Shadow = "shadow");
named!(WhenDown: FailClosed = "fail_closed", FailOpen = "fail_open");

/// What admission is bounded by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Admissions per minute.
    pub rate_per_min: u32,
    /// Most at once.
    pub burst: u32,
    /// Most inside.
    pub active_cap: u32,
    /// Never more than there are seats for.
    pub by_stock: bool,
}

impl RoomSettings {
    /// What is set, where an automatic rate was last left there: in force, or in a shadow room measured.
    pub fn bounds_set(&self, left: Option<AutoRate>) -> Bounds {
        let rate_per_min = self.auto.map_or(self.rate_per_min, |limits| limits.in_force(left));
        Bounds { rate_per_min, burst: self.burst, active_cap: self.active_cap, by_stock: true }
    }

    /// What is in force.
    pub fn bounds(&self, left: Option<AutoRate>) -> Bounds {
        match self.mode {
            RoomMode::Queue => self.bounds_set(left),
            RoomMode::Shadow => {
                Bounds { rate_per_min: MAX_RATE_PER_MIN, burst: MAX_BURST, active_cap: MAX_ACTIVE_CAP, by_stock: false }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_room_is_bounded_by_the_installation_alone() {
        let set = RoomSettings { rate_per_min: 7, burst: 2, active_cap: 3, ..RoomSettings::default() };
        let as_set = Bounds { rate_per_min: 7, burst: 2, active_cap: 3, by_stock: true };
        assert_eq!((set.bounds(None), set.bounds_set(None)), (as_set, as_set));
        let shadow = RoomSettings { mode: RoomMode::Shadow, ..set };
        assert_eq!(shadow.bounds_set(None), as_set);
        let bounds = shadow.bounds(None);
        assert_eq!((bounds.rate_per_min, bounds.burst, bounds.active_cap), (MAX_RATE_PER_MIN, MAX_BURST, MAX_ACTIVE_CAP));
        assert!(!bounds.by_stock);
    }

    #[test]
    fn names_are_read_back() {
        for mode in [RoomMode::Queue, RoomMode::Shadow] {
            assert_eq!((mode.as_str().parse(), serde_json::to_value(mode).unwrap()), (Ok(mode), mode.as_str().into()));
        }
        for choice in [WhenDown::FailClosed, WhenDown::FailOpen] {
            assert_eq!((choice.as_str().parse(), serde_json::to_value(choice).unwrap()), (Ok(choice), choice.as_str().into()));
        }
        assert_eq!("closed".parse::<WhenDown>(), Err("expected fail_closed or fail_open".to_owned()));
    }
}
