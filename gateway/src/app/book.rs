//! A fan asks for seats: the request is given to its event's lane, and the outcome waited for as long as the fan likes.

use std::time::Duration;

use goticket_domain::booking::{
    Answer, BookingRequest, Command, HeldSeats, IdempotencyKey, Outcome, PayloadHash, Refusal, SeatChoice, SeatChoiceError,
};
use goticket_domain::{AccountId, BookingId, CategoryNo, SeatNo, SectionNo};
use goticket_storage::bookings::view;
use goticket_storage::events::Event;
use tokio::time::Instant;

use crate::app::create_event::Wrong;
use crate::app::geometry::Geometry;
use crate::app::refuse_early::refuse_early;
use crate::app::turns::Turn;
use crate::app::waiters::{Waiter, Woken};
use crate::fault::Fault;
use crate::outbound::account_limits::{Admitted, Told};
pub(crate) use crate::outbound::commands::SendError;
use crate::outbound::pending::{self, Pending};
use crate::services::Services;

/// Which seats, not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UncheckedChoice {
    /// Exactly these.
    Seats(Vec<u32>),
    /// The best so many of a section, only of `category` if there is one.
    Best { section: u16, quantity: u32, category: Option<u16> },
}

impl UncheckedChoice {
    /// Whether it gets a seat of these categories, whichever it gets.
    fn is_within(&self, geometry: &Geometry, categories: &[u16]) -> bool {
        match self {
            Self::Seats(seats) => {
                seats.iter().filter_map(|no| geometry.place(*no)).all(|place| categories.contains(&place.category))
            }
            Self::Best { category: Some(category), .. } => categories.contains(category),
            Self::Best { section, category: None, .. } => geometry.is_within(*section, categories),
        }
    }
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Booked {
    Decided(Decided),
    /// It was not sent: what it asks for is gone. Nothing is stored, and the key stays free, but copies of it are told the same.
    Hopeless(Refusal),
    /// The broker has it; the outcome will be found under this id.
    Accepted {
        booking: BookingId,
    },
}

/// A request's one outcome.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) outcome: Outcome,
    /// What each seat costs; empty where there are none.
    pub(crate) prices: Vec<i64>,
    /// It was decided before this request came.
    pub(crate) replayed: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    #[error("the request cannot be carried out as it is")]
    Invalid(Wrong),
    #[error("the line lets in to other categories")]
    NotOffered {
        /// To these.
        categories: Vec<u16>,
    },
    #[error("the key was used for another request")]
    KeyReused,
    #[error("the account has too many undecided requests")]
    TooManyUndecided,
    #[error("the account was refused too often in this minute")]
    TooManyRefusals {
        /// How long the minute still lasts.
        left: Duration,
    },
    #[error(transparent)]
    NotAccepted(#[from] SendError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// One request of one account.
pub(crate) struct NewRequest<'a> {
    pub(crate) account: AccountId,
    pub(crate) event: &'a Event,
    /// To which the line lets in that they came through; none where those are all of the event's.
    pub(crate) categories: Option<Vec<u16>>,
    pub(crate) key: IdempotencyKey,
    pub(crate) choice: UncheckedChoice,
    pub(crate) wait: Duration,
    /// Over when the request is in the queue, or needs not to be.
    pub(crate) turn: Turn,
}

/// A key that was decided is answered with its outcome, whatever the seat map, the account's limits or the broker say by now.
pub(crate) async fn book(app: &Services, new: NewRequest<'_>) -> Result<Booked, BookError> {
    let geometry = app.catalog.geometry(new.event).await?;
    if let Some(categories) = new.categories.filter(|categories| !new.choice.is_within(&geometry, categories)) {
        return Err(BookError::NotOffered { categories });
    }
    let (section, choice) = choose(&geometry, new.event, new.choice).map_err(BookError::Invalid)?;
    let sent = Sent {
        account: new.account,
        key: new.key,
        payload_hash: BookingRequest::hash(new.event.id, section, &choice),
        booking: BookingId::generate(),
    };
    let (standing, hopeless) =
        tokio::join!(limited(app, &sent), refuse_early(app, new.event, &geometry, (section, &choice), sent.account));
    let is_new = matches!(standing, Ok(Standing::New));
    // Where the way is clear for a new key nothing is looked up: had it been decided, the lane's owner would say so.
    let is_clear = is_new && hopeless.is_none() && !new.wait.is_zero();
    if !is_clear {
        let decided = sent.look_up(app).await;
        if is_new && !matches!(decided, Ok(None)) {
            sent.settle(app, false).await;
        }
        if let Some(decided) = decided? {
            return Ok(Booked::Decided(Decided { replayed: true, ..decided }));
        }
    }
    match (standing?, hopeless) {
        (Standing::Told(refusal), _) => return Ok(Booked::Hopeless(refusal)),
        (Standing::New, Some(refusal)) if sent.refuse(app, &refusal).await => return Ok(Booked::Hopeless(refusal)),
        (Standing::New | Standing::GoesOn, _) => {}
    }
    let wait = (!new.wait.is_zero()).then(|| (app.waiters.register(sent.booking), Instant::now() + new.wait));
    let request = BookingRequest {
        booking: sent.booking,
        event: new.event.id,
        section,
        account: sent.account,
        key: sent.key.clone(),
        payload_hash: sent.payload_hash,
        choice,
    };
    let accepted = app.commands.send(new.event.id, Command::Create { request }, wait.is_some()).await;
    if let Err(error) = accepted {
        // Whether it is in the queue or not: nothing else would end its counting before the hour is over.
        sent.settle(app, false).await;
        let decided = sent.look_up(app).await?.ok_or(error)?;
        return Ok(Booked::Decided(Decided { replayed: true, ..decided }));
    }
    drop(new.turn);
    // From here on the request will be decided: nothing that goes wrong may be answered with an error that denies it.
    if let Some((waiter, until)) = wait {
        let outcome = sent.outcome(app, &geometry, waiter, until).await;
        if !matches!(outcome, Ok(None)) {
            let refused = matches!(&outcome, Ok(Some(Decided { outcome: Outcome::Refused { .. }, replayed: false, .. })));
            sent.settle(app, refused).await;
        }
        if let Some(decided) = outcome? {
            return Ok(Booked::Decided(decided));
        }
    }
    let Sent { account, key, payload_hash, booking } = sent;
    let note = Pending { account, event: new.event.id, section, key, payload_hash };
    if let Err(fault) = pending::note(&app.redis, booking, &note).await {
        tracing::warn!(%fault, %booking, "an accepted request has no status page until it is decided");
    }
    Ok(Booked::Accepted { booking })
}

/// What may be done with a request.
enum Standing {
    /// It is the first of its key, and may be refused.
    New,
    /// It is sent: a copy of it was, or nobody knows whether one was.
    GoesOn,
    /// A copy of it was refused in this moment.
    Told(Refusal),
}

/// Counts the request among those of its account.
async fn limited(app: &Services, sent: &Sent) -> Result<Standing, BookError> {
    if !app.waiters.is_connected() {
        return Ok(Standing::GoesOn);
    }
    let mut admitted = app.account_limits.admit(sent.account, &sent.key).await;
    if let Ok(Admitted::TooManyUndecided(keys)) = &admitted {
        // Most are decided by now: nobody told us of those whose fans did not wait.
        let decided = view::decided_keys(&app.pool, sent.account, keys).await.map_err(Fault::from)?;
        let known: Vec<&str> = decided.iter().map(|(key, _)| key.as_str()).collect();
        let refused = decided.iter().filter(|(_, refused)| *refused).count();
        app.account_limits.settle_all(sent.account, &known, refused).await;
        admitted = app.account_limits.admit(sent.account, &sent.key).await;
    }
    match admitted {
        Ok(Admitted::New) => Ok(Standing::New),
        Ok(Admitted::Told(told)) if told.payload_hash == sent.payload_hash => Ok(Standing::Told(told.refusal)),
        // Another request under a key that is free is the first of it, but a copy of the other may be on its way.
        Ok(Admitted::Known | Admitted::Told(_)) => Ok(Standing::GoesOn),
        Ok(Admitted::TooManyUndecided(_)) => Err(BookError::TooManyUndecided),
        Ok(Admitted::TooManyRefusals(left)) => Err(BookError::TooManyRefusals { left }),
        Err(fault) => {
            tracing::debug!(%fault, "an account's requests are not counted");
            Ok(Standing::GoesOn)
        }
    }
}

/// A request that was sent, or is about to be.
struct Sent {
    account: AccountId,
    key: IdempotencyKey,
    payload_hash: PayloadHash,
    booking: BookingId,
}

impl Sent {
    /// It counts among the account's undecided requests no more.
    async fn settle(&self, app: &Services, refused: bool) {
        if app.waiters.is_connected() {
            app.account_limits.settle(self.account, &self.key, refused).await;
        }
    }

    /// False: copies of it went on, or nobody knows.
    async fn refuse(&self, app: &Services, refusal: &Refusal) -> bool {
        let told = Told { payload_hash: self.payload_hash, refusal: refusal.clone() };
        let refused = app.account_limits.refuse(self.account, &self.key, &told).await;
        refused.inspect_err(|fault| tracing::debug!(%fault, "a request is sent that is hopeless")).unwrap_or(false)
    }

    /// What is stored under the key.
    async fn look_up(&self, app: &Services) -> Result<Option<Decided>, BookError> {
        let decided = app.decided.get((self.account, self.key.clone())).await?;
        match decided {
            Some(stored) if stored.payload_hash == self.payload_hash => {
                let replayed = stored.outcome.booking() != self.booking;
                Ok(Some(Decided { outcome: stored.outcome, prices: stored.prices, replayed }))
            }
            Some(_) => Err(BookError::KeyReused),
            None => Ok(None),
        }
    }

    /// A last or occasional look: what cannot be seen now, the fan will see at the status page.
    async fn glance(&self, app: &Services) -> Result<Option<Decided>, BookError> {
        match self.look_up(app).await {
            Err(BookError::Fault(fault)) => {
                tracing::warn!(%fault, booking = %self.booking, "an accepted request could not be looked up");
                Ok(None)
            }
            seen => seen,
        }
    }

    /// Waits for the reply, or until it can be looked up. None: not in time.
    async fn outcome(
        &self,
        app: &Services,
        geometry: &Geometry,
        mut waiter: Waiter,
        until: Instant,
    ) -> Result<Option<Decided>, BookError> {
        loop {
            let at_end = match waiter.wake(until, &app.ending).await {
                Woken::Reply(Answer::Decided { decided, replayed }) => {
                    if let Some(prices) = prices_by_category(geometry, &decided) {
                        return Ok(Some(Decided { outcome: decided, prices, replayed }));
                    }
                    false
                }
                Woken::Reply(Answer::KeyReused) => return Err(BookError::KeyReused),
                // Replies to other commands.
                Woken::Reply(Answer::State { .. } | Answer::Unknown) | Woken::Look => false,
                Woken::End => true,
            };
            let seen = self.glance(app).await?;
            if seen.is_some() || at_end {
                return Ok(seen);
            }
        }
    }
}

/// What each seat costs, where the total says it: seats of one category cost the same. None: only the database knows. What the event
/// lists would not do, because it may have been changed since.
fn prices_by_category(geometry: &Geometry, outcome: &Outcome) -> Option<Vec<i64>> {
    let Outcome::Held { held: HeldSeats { seats, total, .. }, .. } = outcome else { return Some(Vec::new()) };
    let category = |seat: &SeatNo| geometry.place(seat.0).map(|place| place.category);
    let (first, count) = (category(seats.first()?)?, i64::try_from(seats.len()).ok()?);
    let alike = seats.iter().all(|seat| category(seat) == Some(first)) && total.amount_minor % count == 0;
    alike.then(|| vec![total.amount_minor / count; seats.len()])
}

/// The section and the choice. Places never change, so what is refused here was never possible.
fn choose(geometry: &Geometry, event: &Event, choice: UncheckedChoice) -> Result<(SectionNo, SeatChoice), Wrong> {
    match choice {
        UncheckedChoice::Seats(seats) => {
            let section = section_of(geometry, &seats)?;
            let choice = SeatChoice::named(seats.into_iter().map(SeatNo).collect());
            Ok((section, choice.map_err(|error| Wrong::at("/seats", message(&error)))?))
        }
        UncheckedChoice::Best { section, quantity, category } => {
            if !event.sections.iter().any(|known| known.no == section) {
                return Err(Wrong::at("/section", "is not a section of this event: see its sections"));
            }
            if let Some(category) = category
                && !geometry.sells(section, category)
            {
                return Err(Wrong::at("/category", "is not sold in this section: see the seat map"));
            }
            let choice = SeatChoice::best_available(quantity, category.map(CategoryNo));
            Ok((SectionNo(section), choice.map_err(|error| Wrong::at("/quantity", message(&error)))?))
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
fn section_of(geometry: &Geometry, seats: &[u32]) -> Result<SectionNo, Wrong> {
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
    Ok(SectionNo(section.unwrap_or(0)))
}
