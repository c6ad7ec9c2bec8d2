//! A row of `bookings`: a request with its outcome, and where the booking stands that it became.

use goticket_domain::{
    AccountId, BookingId, EventId, Money, SeatNo, SectionNo,
    booking::{AnyBooking, HeldSeats, Order, Outcome, PayloadHash, Refusal, RefusalReason},
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::StorageError;
use crate::columns::{currency, number, numbers, parsed, unexpected};

/// The columns of [`BookingRow`], of a table that is called `b`.
macro_rules! booking_columns {
    () => {
        "b.id, b.event, b.section, b.account, b.payload_hash, b.seats, b.prices, b.total_minor, b.currency::text AS currency,
         b.held_until, b.refusal, b.state, b.hold_expires_at"
    };
}
pub(super) use booking_columns;

#[derive(FromRow)]
pub(super) struct BookingRow {
    pub(super) id: Uuid,
    pub(super) event: Uuid,
    section: i16,
    account: Uuid,
    payload_hash: Vec<u8>,
    seats: Vec<i32>,
    pub(super) prices: Vec<i64>,
    total_minor: i64,
    currency: Option<String>,
    held_until: Option<jiff_sqlx::Timestamp>,
    refusal: Option<Json<StoredRefusal>>,
    state: String,
    hold_expires_at: Option<jiff_sqlx::Timestamp>,
}

/// What is stored of a refusal besides its seats.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredRefusal {
    reason: RefusalReason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<jiff::Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    yours: Option<BookingId>,
}

impl From<&Refusal> for StoredRefusal {
    fn from(refusal: &Refusal) -> Self {
        Self { reason: refusal.reason, until: refusal.until, yours: refusal.yours }
    }
}

impl BookingRow {
    /// The booking; none of a refused request.
    pub(super) fn booking(&self) -> Result<Option<AnyBooking>, StorageError> {
        let Some(hold_expires_at) = self.hold_expires_at else { return Ok(None) };
        let order = Order {
            id: BookingId(self.id),
            event: EventId(self.event),
            section: self.section()?,
            account: AccountId(self.account),
            seats: self.seats()?,
            prices: self.prices.clone(),
            total: self.total()?,
            hold_expires_at: hold_expires_at.to_jiff(),
        };
        Ok(Some(AnyBooking::restore(order, parsed(&self.state)?)))
    }

    /// What was decided.
    pub(super) fn outcome(&self) -> Result<Outcome, StorageError> {
        let (booking, seats) = (BookingId(self.id), self.seats()?);
        if let Some(Json(StoredRefusal { reason, until, yours })) = self.refusal {
            return Ok(Outcome::Refused { booking, refusal: Refusal { reason, seats, until, yours } });
        }
        let until = self.held_until.ok_or_else(|| unexpected(format!("booking {booking} was neither held nor refused")))?;
        Ok(Outcome::Held { booking, held: HeldSeats { seats, total: self.total()?, expires_at: until.to_jiff() } })
    }

    pub(super) fn payload_hash(&self) -> Result<PayloadHash, StorageError> {
        let hash = <[u8; 32]>::try_from(self.payload_hash.as_slice());
        hash.map(PayloadHash).map_err(|_| unexpected("a payload hash of another length"))
    }

    pub(super) fn section(&self) -> Result<SectionNo, StorageError> {
        Ok(SectionNo(number(self.section)?))
    }

    fn seats(&self) -> Result<Vec<SeatNo>, StorageError> {
        Ok(numbers(&self.seats, |seat| *seat)?.into_iter().map(SeatNo).collect())
    }

    fn total(&self) -> Result<Money, StorageError> {
        let code = self.currency.as_deref().unwrap_or_default();
        Ok(Money { amount_minor: self.total_minor, currency: currency(code)? })
    }
}
