//! How a waiting room went, as its owners wrote it down.

use goticket_domain::EventId;
use jiff::Timestamp;

use crate::fault::Fault;
use crate::services::Services;

pub(crate) use goticket_storage::queue_statistics::Interval;

/// Intervals that end after this time, the earliest first, at most `limit`. Whoever asks may manage the event.
pub(crate) async fn queue_statistics(
    app: &Services,
    event: EventId,
    after: Timestamp,
    limit: u32,
) -> Result<Vec<Interval>, Fault> {
    Ok(goticket_storage::queue_statistics::read(&app.pool, event, after, limit).await?)
}
