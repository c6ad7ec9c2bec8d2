//! Further onsales of an event: lines of their own, each with its own lobby, draw and turns, for seats of the same event.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::queue::RoomState;

/// A second draw is announced so many seconds before its lobby opens, at least: who waited in vain must hear of it.
pub const SECOND_DRAW_NOTICE_S: i64 = 600;

/// What a further onsale is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnsaleKind {
    /// Some price categories, for those who need them: no one else is let in to them, and who stands in this line stands in no other one of
    /// the event. When it closes, what is left goes to the event's own line.
    Accessible,
    /// All that came back after every other line of the event was closed, for whoever joins.
    SecondDraw,
}

impl OnsaleKind {
    /// The name used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accessible => "accessible",
            Self::SecondDraw => "second_draw",
        }
    }
}

impl std::str::FromStr for OnsaleKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Accessible, Self::SecondDraw]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("unknown kind of onsale {text:?}"))
    }
}

/// A further onsale, as its organizer wants it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// What for.
    pub kind: OnsaleKind,
    /// Its price categories; of a second draw none are named: it is for all of them.
    pub categories: Vec<u16>,
    /// When its lobby opens.
    pub lobby_opens_at: Timestamp,
    /// When its order is drawn.
    pub onsale_at: Timestamp,
}

/// The lines that the event has, and what is left to its own one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventLines {
    /// Its own line.
    pub own: RoomState,
    /// Its other lines.
    pub others: Vec<RoomState>,
    /// The categories that its own line lets in to.
    pub sells: Vec<u16>,
    /// When it takes place.
    pub starts_at: Timestamp,
}

/// Why an event cannot have such an onsale.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OnsaleRefusal {
    /// The lobby opens before the sale, and the sale before the event.
    #[error("the lobby must open by onsale_at, and the sale by the event's start")]
    Schedule,
    /// It is told too late.
    #[error("the lobby must not open before {earliest}")]
    Notice {
        /// The earliest time.
        earliest: Timestamp,
    },
    /// Somebody may have been let in to its seats already.
    #[error("seats are set aside before the event's lobby opens")]
    LobbyOpen,
    /// A line is open to which seats that come back still go.
    #[error("a second draw begins when every other line of the event is closed")]
    StillSelling,
    /// The event's own line does not sell it, or it is named twice.
    #[error("category {category} is not among those that the event's own line sells, or is named twice")]
    Category {
        /// Its number.
        category: u16,
    },
    /// None are named, or all of them.
    #[error("name some of the event's categories, and leave some to its own line")]
    Categories,
}

/// Whether the event may have this onsale, announced now.
pub fn check_onsale(offer: &Offer, event: &EventLines, now: Timestamp) -> Result<(), OnsaleRefusal> {
    if offer.lobby_opens_at > offer.onsale_at || offer.onsale_at > event.starts_at || event.starts_at <= now {
        return Err(OnsaleRefusal::Schedule);
    }
    match offer.kind {
        OnsaleKind::Accessible => check_set_aside(offer, event),
        OnsaleKind::SecondDraw => {
            let earliest = now.saturating_add(SignedDuration::from_secs(SECOND_DRAW_NOTICE_S)).unwrap_or(Timestamp::MAX);
            if !offer.categories.is_empty() {
                Err(OnsaleRefusal::Categories)
            } else if offer.lobby_opens_at < earliest {
                Err(OnsaleRefusal::Notice { earliest })
            } else if [event.own].iter().chain(&event.others).any(|state| *state != RoomState::Closed) {
                Err(OnsaleRefusal::StillSelling)
            } else {
                Ok(())
            }
        }
    }
}

fn check_set_aside(offer: &Offer, event: &EventLines) -> Result<(), OnsaleRefusal> {
    let named = &offer.categories;
    let twice = |at: usize, category| named[..at].contains(&category);
    let wrong = named.iter().enumerate().find(|&(at, category)| twice(at, *category) || !event.sells.contains(category));
    if let Some((_, &category)) = wrong {
        Err(OnsaleRefusal::Category { category })
    } else if named.is_empty() || named.len() == event.sells.len() {
        Err(OnsaleRefusal::Categories)
    } else if event.own != RoomState::Scheduled {
        Err(OnsaleRefusal::LobbyOpen)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn event() -> EventLines {
        EventLines { own: RoomState::Scheduled, others: Vec::new(), sells: vec![0, 1, 2], starts_at: at(10_000) }
    }

    #[test]
    fn seats_are_set_aside_before_the_lobby_opens_and_some_are_left() {
        let offer = |categories: &[u16]| Offer {
            kind: OnsaleKind::Accessible,
            categories: categories.to_vec(),
            lobby_opens_at: at(2_000),
            onsale_at: at(3_000),
        };
        let known = |expected: Result<(), OnsaleRefusal>, categories: &[u16]| {
            assert_eq!(check_onsale(&offer(categories), &event(), at(1_000)), expected, "{categories:?}");
        };
        known(Ok(()), &[2]);
        known(Ok(()), &[0, 2]);
        known(Err(OnsaleRefusal::Categories), &[]);
        known(Err(OnsaleRefusal::Categories), &[0, 1, 2]);
        known(Err(OnsaleRefusal::Category { category: 3 }), &[2, 3]);
        known(Err(OnsaleRefusal::Category { category: 2 }), &[2, 2]);
        for own in [RoomState::Lobby, RoomState::Open, RoomState::Closed] {
            let begun = EventLines { own, ..event() };
            assert_eq!(check_onsale(&offer(&[2]), &begun, at(1_000)), Err(OnsaleRefusal::LobbyOpen), "{own:?}");
        }
    }

    #[test]
    fn a_second_draw_is_announced_in_time_and_when_every_other_line_is_closed() {
        let closed = EventLines { own: RoomState::Closed, others: vec![RoomState::Closed], ..event() };
        let offer = |lobby| Offer {
            kind: OnsaleKind::SecondDraw,
            categories: Vec::new(),
            lobby_opens_at: at(lobby),
            onsale_at: at(5_000),
        };
        let earliest = 1_000 + SECOND_DRAW_NOTICE_S;
        let rows = [
            ("in time", closed.clone(), earliest, Ok(())),
            ("too late", closed.clone(), earliest - 1, Err(OnsaleRefusal::Notice { earliest: at(earliest) })),
            ("after its draw", closed.clone(), 5_001, Err(OnsaleRefusal::Schedule)),
            (
                "its own line is open",
                EventLines { own: RoomState::Draining, ..closed.clone() },
                earliest,
                Err(OnsaleRefusal::StillSelling),
            ),
            (
                "another one is",
                EventLines { others: vec![RoomState::Closed, RoomState::Lobby], ..closed.clone() },
                earliest,
                Err(OnsaleRefusal::StillSelling),
            ),
            ("the event is before", EventLines { starts_at: at(4_999), ..closed }, earliest, Err(OnsaleRefusal::Schedule)),
        ];
        for (what, event, lobby, expected) in rows {
            assert_eq!(check_onsale(&offer(lobby), &event, at(1_000)), expected, "{what}");
        }
    }
}
