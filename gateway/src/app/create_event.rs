//! An organizer prepares an event: its venue's plan becomes numbered places with prices.

use goticket_domain::catalog::{EventStatus, MAX_HOLD_SECONDS, MAX_TICKET_LIMIT, MAX_TITLE_CHARS, MIN_HOLD_SECONDS};
use goticket_domain::money::MAX_PRICE_MINOR;
use goticket_domain::policy::{Action, Reason, Resource, Subject};
use goticket_domain::queue::{RoomSettings, SettingsError};
use goticket_domain::seating::{Layout, SeatingPlan, SectionKind, StandingArea};
use goticket_domain::{EventId, OrganizationId, VenueId};
use goticket_storage::events::{self, Category, Event, Section};
use goticket_storage::seats::{self, Seat};
use goticket_storage::venues::{self, Venue};
use iso_currency::Currency;
use jiff::Timestamp;

use crate::app::policy::Refused;
use crate::fault::Fault;
use crate::services::Services;

/// What an organizer asks for.
pub(crate) struct NewEvent {
    pub(crate) venue: VenueId,
    /// The venue's, if it is left out.
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) title: String,
    pub(crate) currency: String,
    pub(crate) starts_at: Timestamp,
    pub(crate) lobby_opens_at: Timestamp,
    pub(crate) onsale_at: Timestamp,
    pub(crate) hold_seconds: u32,
    pub(crate) ticket_limit: u32,
    /// Category name and price.
    pub(crate) prices: Vec<(String, i64)>,
    pub(crate) standing: Vec<StandingArea>,
    pub(crate) queue: RoomSettings,
}

/// A field that is wrong: where in the request, and the fix.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) pointer: String,
    pub(crate) message: String,
}

impl Wrong {
    pub(crate) fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }

    pub(crate) fn setting(error: &SettingsError) -> Self {
        Self::at(format!("/queue/{}", error.field), format!("is {}, allowed is {}", error.value, error.allowed))
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateEventError {
    #[error("the request cannot be carried out as it is")]
    Invalid(Vec<Wrong>),
    #[error("too many plans are being read")]
    Busy,
    #[error("denied: {0:?}")]
    Denied(Reason),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Checks everything, then writes the draft and all its places in one transaction.
pub(crate) async fn create_event(app: &Services, subject: &Subject, new: NewEvent) -> Result<Event, CreateEventError> {
    let Some(venue) = own_venue(app, subject, new.venue).await? else {
        let mut wrong = check_fields(&new, app.now());
        wrong.push(Wrong::at("/venue", "is not one of your venues: import it first"));
        return Err(CreateEventError::Invalid(wrong));
    };
    let mut wrong = check_fields(&new, app.now());
    if new.organization.is_some_and(|named| named != venue.organization) {
        wrong.push(Wrong::at("/organization", "is not the venue's: an event belongs to the organization that has the venue"));
    }
    let layout = lay_out(app, &new).await?;
    let priced = layout.and_then(|layout| price(&layout, &new.prices).map(|categories| (layout, categories)));
    let (layout, categories) = match priced {
        Ok(priced) if wrong.is_empty() => priced,
        Ok(_) => return Err(CreateEventError::Invalid(wrong)),
        Err(more) => {
            wrong.extend(more);
            return Err(CreateEventError::Invalid(wrong));
        }
    };
    let queue = new.queue.clone();
    let event = assemble(new, venue, &layout, categories);
    store(app, &event, &queue, &layout).await?;
    Ok(event)
}

/// The venue, where they may make events for the organization that it belongs to. None: it is none of theirs, or not there.
async fn own_venue(app: &Services, subject: &Subject, id: VenueId) -> Result<Option<Venue>, CreateEventError> {
    let refused = |refused| match refused {
        Refused::Hidden => Ok(None),
        Refused::Denied(reason) => Err(CreateEventError::Denied(reason)),
        Refused::Fault(fault) => Err(fault.into()),
    };
    // Whoever can make events nowhere is told so, whatever they name.
    if let Err(nowhere) = app.policy.allow(subject, Action::CreateEvent, &Resource::ANY).await {
        return refused(nowhere);
    }
    let Some(venue) = venues::find(&app.pool, id).await.map_err(Fault::from)? else { return Ok(None) };
    match app.policy.allow(subject, Action::CreateEvent, &Resource::of(venue.organization)).await {
        Ok(()) => Ok(Some(venue)),
        Err(not) => refused(not),
    }
}

/// What can be said of the fields by themselves.
fn check_fields(new: &NewEvent, now: Timestamp) -> Vec<Wrong> {
    let mut wrong = check_schedule(new.starts_at, new.lobby_opens_at, new.onsale_at, now);
    wrong.extend(check_title(&new.title));
    wrong.extend(check_limits(new.hold_seconds, new.ticket_limit));
    if Currency::from_code(&new.currency).is_none() {
        wrong.push(Wrong::at("/currency", "is not an ISO 4217 code: use one like EUR"));
    }
    for (index, (name, price)) in new.prices.iter().enumerate() {
        // Nothing can be paid for nothing: no provider takes an amount of 0.
        if !(1..=MAX_PRICE_MINOR).contains(price) {
            wrong.push(Wrong::at(format!("/prices/{index}/amount_minor"), format!("must be 1 to {MAX_PRICE_MINOR}")));
        }
        if new.prices[..index].iter().any(|(other, _)| other == name) {
            wrong.push(Wrong::at(format!("/prices/{index}/category"), "has a price already: remove one"));
        }
    }
    wrong.extend(new.queue.check().err().as_ref().map(Wrong::setting));
    wrong
}

/// `now` < start, and lobby ≤ sale ≤ start.
pub(crate) fn check_schedule(starts: Timestamp, lobby: Timestamp, onsale: Timestamp, now: Timestamp) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    if starts <= now {
        wrong.push(Wrong::at("/starts_at", "is past: choose a time to come"));
    }
    if onsale > starts {
        wrong.push(Wrong::at("/onsale_at", "is after starts_at: sell before the event starts"));
    }
    if lobby > onsale {
        wrong.push(Wrong::at("/lobby_opens_at", "is after onsale_at: the lobby opens before the sale, or with it"));
    }
    wrong
}

pub(crate) fn check_title(title: &str) -> Option<Wrong> {
    let title = title.trim();
    let fits = !title.is_empty() && title.chars().count() <= MAX_TITLE_CHARS && !title.chars().any(char::is_control);
    let message = || format!("must have 1 to {MAX_TITLE_CHARS} characters, none of them control characters");
    (!fits).then(|| Wrong::at("/title", message()))
}

pub(crate) fn check_limits(hold_seconds: u32, ticket_limit: u32) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    if !(MIN_HOLD_SECONDS..=MAX_HOLD_SECONDS).contains(&hold_seconds) {
        wrong.push(Wrong::at("/hold_seconds", format!("must be {MIN_HOLD_SECONDS} to {MAX_HOLD_SECONDS}")));
    }
    if !(1..=MAX_TICKET_LIMIT).contains(&ticket_limit) {
        wrong.push(Wrong::at("/ticket_limit", format!("must be 1 to {MAX_TICKET_LIMIT}")));
    }
    wrong
}

/// Reads the venue's plan and numbers its places.
async fn lay_out(app: &Services, new: &NewEvent) -> Result<Result<Layout, Vec<Wrong>>, CreateEventError> {
    let _slot = app.catalog.plan_slot().ok_or(CreateEventError::Busy)?;
    let plan = venues::plan(&app.pool, new.venue).await.map_err(Fault::from)?.unwrap_or_default();
    let standing = new.standing.clone();
    let laid_out = tokio::task::spawn_blocking(move || {
        let plan = SeatingPlan::from_json(plan.as_bytes()).map_err(|error| Fault::Bug(error.to_string()))?;
        Ok(plan
            .layout(&standing)
            .map_err(|error| vec![Wrong::at(format!("/standing{}", error.pointer), error.problem.to_string())]))
    });
    laid_out.await.map_err(|error| Fault::Bug(error.to_string()))?
}

/// Every category that has places needs a price, and every price a category.
fn price(layout: &Layout, prices: &[(String, i64)]) -> Result<Vec<Category>, Vec<Wrong>> {
    let mut seats = vec![0_u32; layout.categories.len()];
    for seat in layout.sections.iter().flat_map(|section| &section.seats) {
        seats[usize::from(seat.category)] += 1;
    }
    let known = || layout.categories.iter().map(|c| format!("\"{}\"", c.name)).collect::<Vec<_>>().join(", ");
    let mut wrong: Vec<Wrong> = Vec::new();
    for (index, (name, _)) in prices.iter().enumerate() {
        if !layout.categories.iter().any(|category| category.name == *name) {
            wrong.push(Wrong::at(format!("/prices/{index}/category"), format!("is not in the plan: use one of {}", known())));
        }
    }
    let mut categories = Vec::new();
    for (no, (category, seats)) in (0_u16..).zip(layout.categories.iter().zip(seats)) {
        let price = prices.iter().find(|(name, _)| *name == category.name).map(|(_, price)| *price);
        match price {
            Some(price_minor) => {
                let (name, color) = (category.name.clone(), category.color.clone());
                categories.push(Category { no, name, color, price_minor, seats });
            }
            None if seats == 0 => {}
            None => wrong.push(Wrong::at("/prices", format!("has no price for \"{}\": add one", category.name))),
        }
    }
    if wrong.is_empty() { Ok(categories) } else { Err(wrong) }
}

fn assemble(new: NewEvent, venue: Venue, layout: &Layout, categories: Vec<Category>) -> Event {
    let sections = layout.sections.iter().map(|section| Section {
        no: section.no,
        name: section.name.clone(),
        kind: kind(section.kind).to_owned(),
        first_seat: section.first_seat,
        seat_count: u32::try_from(section.seats.len()).unwrap_or(u32::MAX),
    });
    Event {
        id: EventId::generate(),
        venue: venue.id,
        venue_name: venue.name,
        time_zone: venue.time_zone,
        organization: venue.organization,
        onsale_of: None,
        onsales: Vec::new(),
        title: new.title.trim().to_owned(),
        status: EventStatus::Draft,
        currency: new.currency,
        starts_at: new.starts_at,
        lobby_opens_at: new.lobby_opens_at,
        onsale_at: new.onsale_at,
        hold_seconds: new.hold_seconds,
        ticket_limit: new.ticket_limit,
        capacity: u32::try_from(layout.place_count()).unwrap_or(u32::MAX),
        categories,
        sections: sections.collect(),
    }
}

async fn store(app: &Services, event: &Event, queue: &RoomSettings, layout: &Layout) -> Result<(), Fault> {
    let mut places = Vec::with_capacity(layout.place_count());
    for section in &layout.sections {
        places.extend(section.seats.iter().map(|seat| Seat {
            no: seat.no,
            section: section.no,
            row_no: seat.row,
            block: seat.block,
            row_label: seat.row_label.clone(),
            number: seat.number.clone(),
            guid: seat.guid.clone(),
            category: seat.category,
            x: seat.x,
            y: seat.y,
        }));
    }
    let mut tx = app.pool.begin().await?;
    events::insert(&mut tx, event, queue).await?;
    seats::insert(&mut tx, event.id, &places).await?;
    tx.commit().await?;
    Ok(())
}

fn kind(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::Seated => "seated",
        SectionKind::Standing => "standing",
    }
}
