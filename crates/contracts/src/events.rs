//! Domain events on Kafka: CloudEvents 1.0 in structured JSON mode; the Kafka key is the event's id, so that everything about one
//! event keeps its order.

use goticket_domain::booking::{BookingState, Change, RefusalReason, Transition};
use goticket_domain::{AccountId, BookingId, EventId, Money, PaymentId, SeatNo, SectionNo};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::queue_events::QUEUE_TOPIC;

/// Topic of everything that happens to bookings, without the deployment's prefix.
pub const BOOKINGS_TOPIC: &str = "goticket.bookings.v1";

/// Every topic, without the deployment's prefix.
pub const TOPICS: [&str; 2] = [BOOKINGS_TOPIC, QUEUE_TOPIC];

/// CloudEvents `source` of the booking pipeline.
const SOURCE: &str = "/goticket/bookings";

/// A CloudEvent about one event (what is sold).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CloudEvent<F> {
    /// Always `1.0`.
    pub specversion: String,
    /// Unique; stays the same when published again, for consumers to recognise duplicates.
    pub id: Uuid,
    /// Who says so.
    pub source: String,
    /// When it was decided or written down, by the database's clock.
    pub time: Timestamp,
    /// The event this is about.
    pub subject: EventId,
    /// `application/json`.
    pub datacontenttype: String,
    /// What happened: CloudEvents `type` and `data`.
    #[serde(flatten)]
    pub fact: F,
}

impl<F> CloudEvent<F> {
    pub(crate) fn of(source: &str, id: Uuid, event: EventId, time: Timestamp, fact: F) -> Self {
        Self {
            specversion: "1.0".to_owned(),
            id,
            source: source.to_owned(),
            time,
            subject: event,
            datacontenttype: "application/json".to_owned(),
            fact,
        }
    }
}

/// A CloudEvent around one domain event of the booking pipeline.
pub type DomainEvent = CloudEvent<BookingFact>;

/// What can happen to a booking.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum BookingFact {
    /// Seats are held.
    #[serde(rename = "goticket.BookingCreated")]
    BookingCreated {
        /// The booking.
        booking: BookingId,
        /// Whose.
        account: AccountId,
        /// Section of all its seats.
        section: SectionNo,
        /// Seat numbers.
        seats: Vec<SeatNo>,
        /// What they cost.
        total: Money,
        /// End of the hold.
        expires_at: Timestamp,
    },
    /// A request got no seats.
    #[serde(rename = "goticket.BookingRefused")]
    BookingRefused {
        /// The id the request was answered under.
        booking: BookingId,
        /// Whose request.
        account: AccountId,
        /// Section asked for.
        section: SectionNo,
        /// Why.
        reason: RefusalReason,
    },
    /// A payment was decided.
    #[serde(rename = "goticket.PaymentProcessed")]
    PaymentProcessed {
        /// The booking.
        booking: BookingId,
        /// The attempt.
        payment: PaymentId,
        /// `paid`, `declined`, `refund_due`, `refunded` or `review`.
        state: goticket_domain::payment::PaymentState,
        /// How much.
        amount: Money,
    },
    /// Paid in time: the seats are sold.
    #[serde(rename = "goticket.BookingConfirmed")]
    BookingConfirmed {
        /// The booking.
        booking: BookingId,
        /// Whose.
        account: AccountId,
        /// The payment.
        payment: PaymentId,
        /// Seat numbers.
        seats: Vec<SeatNo>,
    },
    /// The hold ended unpaid: the seats are free.
    #[serde(rename = "goticket.BookingExpired")]
    BookingExpired {
        /// The booking.
        booking: BookingId,
        /// Seats that are free again.
        seats: Vec<SeatNo>,
    },
    /// The fan gave the seats back.
    #[serde(rename = "goticket.BookingCancelled")]
    BookingCancelled {
        /// The booking.
        booking: BookingId,
        /// Seats that are free again.
        seats: Vec<SeatNo>,
    },
    /// A confirmed booking was given back.
    #[serde(rename = "goticket.BookingRefunded")]
    BookingRefunded {
        /// The booking.
        booking: BookingId,
        /// Seats that are free again.
        seats: Vec<SeatNo>,
    },
}

impl BookingFact {
    /// What is told of a change; none for a notice that was seen, and for a payment's confirmation without its payment.
    pub fn of(change: &Change) -> Option<Self> {
        match change {
            Change::Held(made) => {
                let order = &made.order;
                Some(Self::BookingCreated {
                    booking: order.id,
                    account: order.account,
                    section: order.section,
                    seats: order.seats.clone(),
                    total: order.total,
                    expires_at: order.hold_expires_at,
                })
            }
            Change::Refused(refused) => {
                let (booking, account, section) = (refused.booking, refused.account, refused.section);
                Some(Self::BookingRefused { booking, account, section, reason: refused.refusal.reason })
            }
            Change::Moved(moved) => Self::of_transition(moved),
            Change::Payment(change) => {
                let (booking, payment, state, amount) = (change.booking, change.payment, change.to, change.amount);
                Some(Self::PaymentProcessed { booking, payment, state, amount })
            }
            Change::NoticeSeen { .. } => None,
        }
    }

    fn of_transition(moved: &Transition) -> Option<Self> {
        let (booking, account, seats) = (moved.booking, moved.account, moved.seats.clone());
        match moved.to {
            BookingState::Held => None,
            BookingState::Confirmed => Some(Self::BookingConfirmed { booking, account, payment: moved.payment?, seats }),
            BookingState::Expired => Some(Self::BookingExpired { booking, seats }),
            BookingState::Cancelled => Some(Self::BookingCancelled { booking, seats }),
            BookingState::Refunded => Some(Self::BookingRefunded { booking, seats }),
        }
    }

    /// The CloudEvents `type`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::BookingCreated { .. } => "goticket.BookingCreated",
            Self::BookingRefused { .. } => "goticket.BookingRefused",
            Self::PaymentProcessed { .. } => "goticket.PaymentProcessed",
            Self::BookingConfirmed { .. } => "goticket.BookingConfirmed",
            Self::BookingExpired { .. } => "goticket.BookingExpired",
            Self::BookingCancelled { .. } => "goticket.BookingCancelled",
            Self::BookingRefunded { .. } => "goticket.BookingRefunded",
        }
    }

    /// The booking it is about.
    pub fn booking(&self) -> BookingId {
        match self {
            Self::BookingCreated { booking, .. }
            | Self::BookingRefused { booking, .. }
            | Self::PaymentProcessed { booking, .. }
            | Self::BookingConfirmed { booking, .. }
            | Self::BookingExpired { booking, .. }
            | Self::BookingCancelled { booking, .. }
            | Self::BookingRefunded { booking, .. } => *booking,
        }
    }
}

impl DomainEvent {
    /// Wraps a fact about `event` that was decided at `time`.
    pub fn new(event: EventId, time: Timestamp, fact: BookingFact) -> Self {
        Self::of(SOURCE, Uuid::now_v7(), event, time, fact)
    }
}
