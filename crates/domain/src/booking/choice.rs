//! Which seats a request asks for. A choice that exists is one that can be asked for.

use serde::{Deserialize, Serialize};

use crate::{CategoryNo, SeatNo};

/// Most seats in one booking: beyond it one order could empty a row.
pub const MAX_SEATS_PER_BOOKING: usize = 10;

/// Which seats.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub enum SeatChoice {
    /// Exactly these.
    Named(NamedSeats),
    /// The best there are.
    BestAvailable(BestAvailable),
}

/// One to [`MAX_SEATS_PER_BOOKING`] seats in ascending order, none of them twice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedSeats(Vec<SeatNo>);

/// So many of a section, side by side; in a standing section simply so many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BestAvailable {
    quantity: u8,
    category: Option<CategoryNo>,
}

/// A choice that asks for nothing, too much, or one seat twice.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SeatChoiceError {
    /// Zero or more than [`MAX_SEATS_PER_BOOKING`].
    #[error("must ask for 1 to {MAX_SEATS_PER_BOOKING} seats")]
    Quantity,
    /// The same seat named twice.
    #[error("names seat {0} twice")]
    Repeated(SeatNo),
}

impl SeatChoice {
    /// These seats; sorts them.
    pub fn named(mut seats: Vec<SeatNo>) -> Result<Self, SeatChoiceError> {
        if !(1..=MAX_SEATS_PER_BOOKING).contains(&seats.len()) {
            return Err(SeatChoiceError::Quantity);
        }
        seats.sort_unstable();
        match seats.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(SeatChoiceError::Repeated(pair[0])),
            None => Ok(Self::Named(NamedSeats(seats))),
        }
    }

    /// The best `quantity` seats, only of `category` if there is one.
    pub fn best_available(quantity: u32, category: Option<CategoryNo>) -> Result<Self, SeatChoiceError> {
        match u8::try_from(quantity) {
            Ok(quantity) if (1..=MAX_SEATS_PER_BOOKING).contains(&usize::from(quantity)) => {
                Ok(Self::BestAvailable(BestAvailable { quantity, category }))
            }
            _ => Err(SeatChoiceError::Quantity),
        }
    }

    /// How many seats are asked for.
    pub fn quantity(&self) -> u32 {
        match self {
            Self::Named(NamedSeats(seats)) => u32::try_from(seats.len()).unwrap_or(u32::MAX),
            Self::BestAvailable(best) => u32::from(best.quantity),
        }
    }
}

impl NamedSeats {
    /// Ascending.
    pub fn as_slice(&self) -> &[SeatNo] {
        &self.0
    }
}

impl BestAvailable {
    /// How many.
    pub fn quantity(self) -> u8 {
        self.quantity
    }

    /// Only of this price category.
    pub fn category(self) -> Option<CategoryNo> {
        self.category
    }
}

/// The form on the wire, which anybody can write.
#[derive(Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
enum Wire {
    Named { seats: Vec<SeatNo> },
    BestAvailable { quantity: u8, category: Option<CategoryNo> },
}

impl TryFrom<Wire> for SeatChoice {
    type Error = SeatChoiceError;
    fn try_from(wire: Wire) -> Result<Self, SeatChoiceError> {
        match wire {
            Wire::Named { seats } => Self::named(seats),
            Wire::BestAvailable { quantity, category } => Self::best_available(u32::from(quantity), category),
        }
    }
}

impl From<SeatChoice> for Wire {
    fn from(choice: SeatChoice) -> Self {
        match choice {
            SeatChoice::Named(NamedSeats(seats)) => Self::Named { seats },
            SeatChoice::BestAvailable(BestAvailable { quantity, category }) => Self::BestAvailable { quantity, category },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(seats: impl IntoIterator<Item = u32>) -> Vec<SeatNo> {
        seats.into_iter().map(SeatNo).collect()
    }

    #[test]
    fn choices_are_limited_at_both_ends() {
        assert_eq!(SeatChoice::named(vec![]), Err(SeatChoiceError::Quantity));
        assert_eq!(SeatChoice::named(numbers(0..11)), Err(SeatChoiceError::Quantity));
        assert!(SeatChoice::named(numbers(0..10)).is_ok());
        assert_eq!(SeatChoice::named(numbers([3, 1, 3])), Err(SeatChoiceError::Repeated(SeatNo(3))));
        assert_eq!(SeatChoice::named(numbers([3, 1])), SeatChoice::named(numbers([1, 3])));
        for (quantity, allowed) in [(0, false), (1, true), (10, true), (11, false), (256, false), (257, false)] {
            assert_eq!(SeatChoice::best_available(quantity, None).is_ok(), allowed, "{quantity}");
        }
    }

    #[test]
    fn what_cannot_be_asked_for_cannot_be_read_either() {
        for (text, readable) in [
            (r#"{"mode":"named","seats":[2,1]}"#, true),
            (r#"{"mode":"named","seats":[]}"#, false),
            (r#"{"mode":"named","seats":[1,1]}"#, false),
            (r#"{"mode":"best_available","quantity":10,"category":null}"#, true),
            (r#"{"mode":"best_available","quantity":0,"category":1}"#, false),
        ] {
            assert_eq!(serde_json::from_str::<SeatChoice>(text).is_ok(), readable, "{text}");
        }
    }
}
