//! Identifiers: UUIDv7 newtypes. An id shows its time and its neighbours, so it never authorises anything.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id, ordered by the time of its making.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// A person or organisation that can log in.
    AccountId
);
id!(
    /// Who sells: venues and events belong to it, accounts are its members.
    OrganizationId
);
id!(
    /// An invitation to become a member of an organization.
    InvitationId
);
id!(
    /// A building with a seating plan.
    VenueId
);
id!(
    /// What is sold: one performance at one venue. (What Kafka carries is a *domain event*.)
    EventId
);
id!(
    /// One request for seats and the booking it becomes. Chosen by the gateway before anything is decided.
    BookingId
);
id!(
    /// One attempt to pay for a booking.
    PaymentId
);
id!(
    /// The right to one seat, with its own QR code.
    TicketId
);

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A seat or standing place, counted over the whole event from 0 without a gap.
    SeatNo(u32)
);
number!(
    /// A section of an event, from 0.
    SectionNo(u16)
);
number!(
    /// A price level of an event, from 0.
    CategoryNo(u16)
);
