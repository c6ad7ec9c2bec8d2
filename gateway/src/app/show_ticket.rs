//! A ticket's page: for its booking's holder, and for those who let them in.

use goticket_domain::TicketId;
use goticket_domain::policy::{Action, Reason, Subject};
use goticket_storage::bookings::view;

use crate::app::look_up_booking::{LookUpError, allow};
use crate::fault::Fault;
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum TicketError {
    /// Unknown, or another account's: which of them, no one is told.
    #[error("no such ticket")]
    NotFound,
    #[error("denied: {0:?}")]
    Denied(Reason),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The PDF; None while it is being printed.
pub(crate) async fn show_ticket(app: &Services, subject: &Subject, id: TicketId) -> Result<Option<Vec<u8>>, TicketError> {
    let (ticket, holder) = view::ticket(&app.pool, id).await.map_err(Fault::from)?.ok_or(TicketError::NotFound)?;
    allow(app, subject, Action::ShowTicket, holder, ticket.event).await.map_err(|error| match error {
        LookUpError::Denied(reason) => TicketError::Denied(reason),
        LookUpError::Fault(fault) => TicketError::Fault(fault),
        LookUpError::NotFound | LookUpError::KeyReused => TicketError::NotFound,
    })?;
    Ok(app.objects.ticket_pdf(id).await?)
}
