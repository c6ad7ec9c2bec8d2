//! Somebody looks at their bookings.

use goticket_domain::BookingId;
use goticket_storage::bookings::list;
pub(crate) use goticket_storage::bookings::list::{Listed, ListedBooking};

use crate::app::caller::Caller;
use crate::fault::Fault;
use crate::services::Services;

/// At most `limit` before `before`, the newest first.
pub(crate) async fn list_bookings(
    app: &Services,
    caller: Caller,
    listed: Listed,
    before: Option<BookingId>,
    limit: u32,
) -> Result<Vec<ListedBooking>, Fault> {
    Ok(list::of_account(&app.pool, caller.account, listed, before, limit).await?)
}
