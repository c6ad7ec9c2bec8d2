//! Printing a confirmed booking's tickets into the object folder: all of them in one document for the mail, each in one of its own.

use goticket_contracts::{
    objects,
    tasks::{self, TicketTask},
};
use goticket_domain::booking::BookingState;
use goticket_platform::amqp::PublishError;
use goticket_storage::{
    StorageError, answered,
    bookings::printable::{Printable, PrintableTicket, printable},
    notifications::{self, NotificationState},
};
use sqlx::PgPool;
use tokio::task::spawn_blocking;

use crate::{
    app::outcome::Outcome,
    outbound::{object_folder::ObjectFolder, task_exchange::TaskExchange},
    ticket_pdf::{self, PdfError, TicketOrder, TicketPage},
};

/// Why tickets are not printed.
#[derive(Debug, thiserror::Error)]
enum RenderError {
    #[error("there is no such notification")]
    UnknownNotification,
    #[error("there is no such booking")]
    UnknownBooking,
    #[error("the booking is {} and has no tickets", .0.as_str())]
    NotConfirmed(BookingState),
    #[error(transparent)]
    Pdf(#[from] PdfError),
    #[error("the renderer did not end: {0}")]
    Panicked(#[from] tokio::task::JoinError),
    #[error("the tickets cannot be written: {0}")]
    Folder(#[from] std::io::Error),
    #[error("the mail task cannot be published: {0}")]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl RenderError {
    /// Trying again changes nothing.
    fn is_permanent(&self) -> bool {
        matches!(self, Self::UnknownNotification | Self::UnknownBooking | Self::NotConfirmed(_) | Self::Pdf(_))
    }
}

/// Handles PDF tasks.
pub struct RenderTickets {
    pool: PgPool,
    folder: ObjectFolder,
    tasks: TaskExchange,
    attempts_max: u32,
}

impl RenderTickets {
    /// Gives a task up after `attempts_max` attempts.
    pub fn new(pool: PgPool, folder: ObjectFolder, tasks: TaskExchange, attempts_max: u32) -> Self {
        Self { pool, folder, tasks, attempts_max }
    }

    /// Prints and hands on to the mail task. Doing it again gives the same documents, and a mail task that finds its mail sent.
    pub async fn handle(&self, task: &TicketTask) -> Outcome {
        let error = match self.render(task).await {
            Ok(()) => return Outcome::Ack,
            Err(error) => error,
        };
        if !error.is_permanent() && task.attempts < self.attempts_max {
            tracing::warn!(notification = %task.notification, attempts = task.attempts, %error, "tickets not printed yet");
            // Its task is not lost.
            if let Err(error) = answered(notifications::touch(&self.pool, task.notification, &error.to_string())).await {
                tracing::warn!(notification = %task.notification, %error, "a failure is not noted");
            }
            return Outcome::retry(task.attempts);
        }
        let reason = error.to_string();
        match answered(notifications::mark_failed(&self.pool, task.notification, &reason)).await {
            Ok(_) => Outcome::DeadLetter { reason },
            Err(_) => Outcome::retry(task.attempts),
        }
    }

    async fn render(&self, task: &TicketTask) -> Result<(), RenderError> {
        match answered(notifications::state(&self.pool, task.notification)).await? {
            None => return Err(RenderError::UnknownNotification),
            Some(NotificationState::Sent | NotificationState::Failed) => return Ok(()),
            // Its task may have died before the mail's was published.
            Some(NotificationState::Rendered) => {}
            Some(NotificationState::Pending) => {
                self.print(task).await?;
                answered(notifications::mark_rendered(&self.pool, task.notification)).await?;
            }
        }
        let mail = TicketTask { attempts: 0, ..task.clone() };
        Ok(self.tasks.publish(tasks::MAIL, &mail).await?)
    }

    async fn print(&self, task: &TicketTask) -> Result<(), RenderError> {
        let booking = answered(printable(&self.pool, task.booking)).await?.ok_or(RenderError::UnknownBooking)?;
        if booking.state != BookingState::Confirmed {
            return Err(RenderError::NotConfirmed(booking.state));
        }
        let documents = spawn_blocking(move || documents(&booking)).await??;
        Ok(self.folder.put(documents).await?)
    }
}

/// Every document of a booking with its key.
fn documents(booking: &Printable) -> Result<Vec<(String, Vec<u8>)>, PdfError> {
    let order = order(booking);
    let pages: Vec<TicketPage> = booking.tickets.iter().map(page).collect();
    let mut documents = vec![(objects::booking_pdf(booking.booking), ticket_pdf::render(&order, &pages)?)];
    for (ticket, page) in booking.tickets.iter().zip(&pages) {
        documents.push((objects::ticket_pdf(ticket.id), ticket_pdf::render(&order, std::slice::from_ref(page))?));
    }
    Ok(documents)
}

fn order(booking: &Printable) -> TicketOrder {
    TicketOrder {
        booking_reference: booking.booking.to_string(),
        event_id: booking.event.0,
        event_title: booking.title.clone(),
        venue_name: booking.venue.clone(),
        venue_address: None,
        doors_at: None,
        starts_at: booking.starts_at,
        time_zone: booking.time_zone.clone(),
        holder_name: booking.holder.clone(),
        issued_at: booking.issued_at,
        notes: Vec::new(),
    }
}

fn page(ticket: &PrintableTicket) -> TicketPage {
    TicketPage {
        ticket_id: ticket.id.0,
        section: ticket.section.clone(),
        row: ticket.row.clone(),
        seat: ticket.number.clone(),
        category: ticket.category.clone(),
        price: ticket.price,
        code: ticket.code.clone(),
    }
}
