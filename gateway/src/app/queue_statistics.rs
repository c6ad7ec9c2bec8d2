//! How a waiting room went, as its owners wrote it down.

use goticket_domain::EventId;
use goticket_domain::policy::{Action, Subject};
use jiff::Timestamp;

use crate::app::catalog::EventError;
use crate::fault::Fault;
use crate::services::Services;

pub(crate) use goticket_storage::queue_statistics::Interval;

/// Intervals that end after this time, the earliest first, at most `limit`.
pub(crate) async fn queue_statistics(
    app: &Services,
    subject: &Subject,
    event: EventId,
    after: Timestamp,
    limit: u32,
) -> Result<Vec<Interval>, EventError> {
    app.catalog.access(subject, Action::ShowStatistics, event).await?;
    Ok(goticket_storage::queue_statistics::read(&app.pool, event, after, limit).await.map_err(Fault::from)?)
}
