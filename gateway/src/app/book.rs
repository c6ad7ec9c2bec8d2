//! A fan asks for seats: the request is given to its section's queue, and the outcome waited for as long as the fan likes.

use std::time::Duration;

use goticket_contracts::commands::Action;
use goticket_contracts::replies::ReplyResult;
use goticket_domain::booking::{BookingRequest, IdempotencyKey, Outcome, PayloadHash, SeatChoice, SeatChoiceError};
use goticket_domain::{AccountId, BookingId};
use goticket_storage::bookings::view;
use goticket_storage::events::Event;
use tokio::time::{Instant, sleep_until};

use crate::app::create_event::Wrong;
use crate::app::fault::Fault;
use crate::app::geometry::Geometry;
use crate::app::waiters::Waiter;
use crate::outbound::commands::SendError;
use crate::outbound::pending;
use crate::services::Services;

/// Between two looks at the database while no reply can be heard.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What the fan wants, not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Exactly these.
    Seats(Vec<u32>),
    /// The best so many of a section.
    Best {
        /// Which section.
        section: u16,
        /// How many.
        quantity: u32,
        /// Only of this category.
        category: Option<u16>,
    },
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Booked {
    /// Decided; `replayed` if before this request came.
    Decided { outcome: Outcome, replayed: bool },
    /// The broker has it; the outcome will be found under this id.
    Accepted { booking: BookingId },
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    #[error("the request cannot be carried out as it is")]
    Invalid(Wrong),
    #[error("the key was used for another request")]
    KeyReused,
    #[error(transparent)]
    NotAccepted(#[from] SendError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// One request of one account.
pub(crate) struct Ask<'a> {
    pub(crate) account: AccountId,
    pub(crate) event: &'a Event,
    pub(crate) key: IdempotencyKey,
    pub(crate) wish: Wish,
    pub(crate) wait: Duration,
}

/// A key that was decided is answered with its outcome, whatever the seat map says by now.
pub(crate) async fn book(app: &Services, ask: Ask<'_>) -> Result<Booked, BookError> {
    let geometry = app.catalog.geometry(ask.event).await?;
    let (section, choice) = choose(&geometry, ask.event, ask.wish).map_err(BookError::Invalid)?;
    let payload_hash = BookingRequest::hash(ask.event.id, section, &choice);
    let asked = Asked { account: ask.account, key: ask.key, payload_hash, booking: BookingId::generate() };
    if let Some(outcome) = asked.look(app).await? {
        return Ok(Booked::Decided { outcome, replayed: true });
    }
    let wait = (!ask.wait.is_zero()).then(|| (app.waiters.register(asked.booking), Instant::now() + ask.wait));
    let request = BookingRequest {
        booking: asked.booking,
        event: ask.event.id,
        section,
        account: asked.account,
        key: asked.key.clone(),
        payload_hash,
        choice,
    };
    let action = Action::Create { request };
    app.commands.send(ask.event.id, section, asked.booking, action, wait.is_some()).await?;
    // From here on the request will be decided: nothing that goes wrong may be answered with an error that denies it.
    if let Some((waiter, until)) = wait
        && let Some(booked) = asked.outcome(app, waiter, until).await?
    {
        return Ok(booked);
    }
    if let Err(fault) = pending::note(&app.redis, asked.booking, asked.account, &asked.key).await {
        tracing::warn!(%fault, booking = %asked.booking, "an accepted request has no status page until it is decided");
    }
    Ok(Booked::Accepted { booking: asked.booking })
}

/// A request that was sent, or is about to be.
struct Asked {
    account: AccountId,
    key: IdempotencyKey,
    payload_hash: PayloadHash,
    booking: BookingId,
}

impl Asked {
    /// What is stored under the key.
    async fn look(&self, app: &Services) -> Result<Option<Outcome>, BookError> {
        let decided = view::by_key(&app.pool, self.account, &self.key).await.map_err(Fault::from)?;
        match decided {
            Some(decided) if decided.payload_hash == self.payload_hash => Ok(Some(decided.outcome)),
            Some(_) => Err(BookError::KeyReused),
            None => Ok(None),
        }
    }

    /// A last or occasional look: what cannot be seen now, the fan will see at the status page.
    async fn glance(&self, app: &Services) -> Result<Option<Booked>, BookError> {
        match self.look(app).await {
            Ok(outcome) => Ok(outcome.map(|outcome| self.decided(outcome))),
            Err(BookError::Fault(fault)) => {
                tracing::warn!(%fault, booking = %self.booking, "an accepted request could not be looked up");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn decided(&self, outcome: Outcome) -> Booked {
        let replayed = outcome.booking() != self.booking;
        Booked::Decided { outcome, replayed }
    }

    /// Waits for the reply; while none can be heard, looks from time to time; at the end looks once more. None: not in time.
    async fn outcome(&self, app: &Services, mut waiter: Waiter, until: Instant) -> Result<Option<Booked>, BookError> {
        loop {
            let next_look = if app.waiters.can_hear() { until } else { until.min(Instant::now() + LOOK_EVERY) };
            let at_end = tokio::select! {
                reply = waiter.reply() => match reply {
                    Some(ReplyResult::Decided { decided, replayed }) => {
                        return Ok(Some(Booked::Decided { outcome: decided, replayed }));
                    }
                    Some(ReplyResult::KeyReused) => return Err(BookError::KeyReused),
                    // Replies to other commands; and None: replies may have been missed.
                    Some(ReplyResult::State { .. } | ReplyResult::Unknown) | None => false,
                },
                () = sleep_until(next_look) => next_look >= until,
                () = app.ending.cancelled() => true,
            };
            let seen = self.glance(app).await?;
            if seen.is_some() || at_end {
                return Ok(seen);
            }
        }
    }
}

/// The section and choice a wish means. Places never change, so what is refused here was never possible.
fn choose(geometry: &Geometry, event: &Event, wish: Wish) -> Result<(u16, SeatChoice), Wrong> {
    match wish {
        Wish::Seats(seats) => {
            let section = section_of(geometry, &seats)?;
            let choice = SeatChoice::named(seats).map_err(|error| Wrong::at("/seats", message(&error)))?;
            Ok((section, choice))
        }
        Wish::Best { section, quantity, category } => {
            if !event.sections.iter().any(|known| known.no == section) {
                return Err(Wrong::at("/section", "is not a section of this event: see its sections"));
            }
            if let Some(category) = category
                && !geometry.sells(section, category)
            {
                return Err(Wrong::at("/category", "is not sold in this section: see the seat map"));
            }
            let choice = SeatChoice::best_available(quantity, category);
            Ok((section, choice.map_err(|error| Wrong::at("/quantity", message(&error)))?))
        }
    }
}

fn message(error: &SeatChoiceError) -> String {
    match error {
        SeatChoiceError::Quantity => error.to_string(),
        SeatChoiceError::Repeated(_) => format!("{error}: name each seat once"),
    }
}

/// The one section of all these seats.
fn section_of(geometry: &Geometry, seats: &[u32]) -> Result<u16, Wrong> {
    let mut section = None;
    for (index, no) in seats.iter().enumerate() {
        let Some(place) = geometry.place(*no) else {
            let last = geometry.capacity().saturating_sub(1);
            return Err(Wrong::at(format!("/seats/{index}"), format!("is not a seat of this event: use 0 to {last}")));
        };
        match section {
            None => section = Some(place.section),
            Some(section) if section == place.section => {}
            Some(_) => {
                let fix = "lies in another section than the first: book each section by itself";
                return Err(Wrong::at(format!("/seats/{index}"), fix));
            }
        }
    }
    // No seats at all is found by the domain's own check.
    Ok(section.unwrap_or(0))
}
