//! What is on sale: venues and events, with the limits an organizer works within.

mod onsale;

use serde::{Deserialize, Serialize};

pub use onsale::{EventLines, Offer, OnsaleKind, OnsaleRefusal, SECOND_DRAW_NOTICE_S, check_onsale};

/// Longest title of an event or name of a venue, in characters: it must fit a ticket.
pub const MAX_TITLE_CHARS: usize = 200;
/// Shortest hold, in seconds: less, and nobody can pay in time.
pub const MIN_HOLD_SECONDS: u32 = 30;
/// Longest hold, in seconds: longer ones would let walk-aways block the sale.
pub const MAX_HOLD_SECONDS: u32 = 3_600;
/// Most tickets one account may have for one event, as an organizer may set it.
pub const MAX_TICKET_LIMIT: u32 = 50;

/// Where an event stands in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventStatus {
    /// Being prepared; only its organizer sees it.
    Draft,
    /// Public: its waiting room follows its schedule, seats can be sold.
    Published,
    /// Over: nothing can be joined or booked any more.
    Closed,
}

impl EventStatus {
    /// The name used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Closed => "closed",
        }
    }
}

impl std::str::FromStr for EventStatus {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "draft" => Ok(Self::Draft),
            "published" => Ok(Self::Published),
            "closed" => Ok(Self::Closed),
            other => Err(format!("unknown event status {other:?}")),
        }
    }
}
