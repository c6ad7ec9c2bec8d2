//! An account's bookings, page by page.

use goticket_domain::booking::{AnyBooking, BookingState, Outcome, Refusal};
use goticket_domain::{AccountId, BookingId, EventId};
use sqlx::PgPool;

use super::row::{BookingRow, booking_columns};
use crate::StorageError;

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// All that came to be.
    Booked,
    /// Requests that got no seats.
    Refused,
    /// Bookings that are in this state now.
    In(BookingState),
}

/// What an account's request came to.
#[derive(Clone, Debug)]
pub enum ListedBooking {
    /// A booking as it stands now.
    Booking(AnyBooking),
    /// A request that got no seats.
    Refused {
        /// The id it was answered under.
        booking: BookingId,
        /// For which event.
        event: EventId,
        /// Why.
        refusal: Refusal,
    },
}

/// The fence (MATERIALIZED) keeps the planner from walking the primary key backwards through everyone's bookings until it has met
/// enough of this account's: whatever it believes of them, it reads this account's rows, by `bookings_one_outcome`, and sorts their ids.
/// What is shown is then read by the primary key.
macro_rules! of_account {
    () => {
        concat!(
            "WITH mine AS MATERIALIZED (
                 SELECT id FROM bookings
                 WHERE account = $1 AND ($2::uuid IS NULL OR id < $2)
                   AND CASE WHEN $3::text IS NULL THEN state <> 'refused' ELSE state = $3 END),
             page AS MATERIALIZED (SELECT id FROM mine ORDER BY id DESC LIMIT $4)
             SELECT ",
            booking_columns!(),
            " FROM page JOIN bookings b ON b.id = page.id ORDER BY b.id DESC"
        )
    };
}

/// How [`of_account`] finds its rows, for a test to explain: $1 account, $2 before which id, $3 state, $4 how many.
pub const OF_ACCOUNT: &str = of_account!();

/// An account's bookings, newest first, at most `limit` before `before`. Ids are ordered by the time of the request.
pub async fn of_account(
    pool: &PgPool,
    account: AccountId,
    listed: Listed,
    before: Option<BookingId>,
    limit: u32,
) -> Result<Vec<ListedBooking>, StorageError> {
    let state = match listed {
        Listed::Booked => None,
        Listed::Refused => Some("refused"),
        Listed::In(state) => Some(state.as_str()),
    };
    let rows: Vec<BookingRow> = sqlx::query_as(OF_ACCOUNT)
        .bind(account.0)
        .bind(before.map(|before| before.0))
        .bind(state)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    rows.iter().map(listed_booking).collect()
}

fn listed_booking(row: &BookingRow) -> Result<ListedBooking, StorageError> {
    if let Some(booking) = row.booking()? {
        return Ok(ListedBooking::Booking(booking));
    }
    match row.outcome()? {
        Outcome::Refused { booking, refusal } => Ok(ListedBooking::Refused { booking, event: EventId(row.event), refusal }),
        Outcome::Held { booking, .. } => Err(StorageError::Unexpected(format!("booking {booking} was held and has no deadline"))),
    }
}
