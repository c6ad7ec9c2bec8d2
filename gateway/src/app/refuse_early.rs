//! Refusing what is hopeless before it fills the queue. The seat map only says where to look: what is refused, the database says of the
//! seats, no longer ago than [`AGE_MAX`]. Nothing is stored of such a refusal, and its key stays free.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use goticket_domain::booking::{BookingState, Refusal, RefusalReason, SeatChoice, SeatCount, TakenSeat};
use goticket_domain::catalog::EventStatus;
use goticket_domain::{AccountId, EventId, SeatNo, SectionNo};
use goticket_storage::events::Event;
use goticket_storage::seats;
use jiff::Timestamp;
use moka::future::Cache;
use sqlx::PgPool;

use crate::app::geometry::Geometry;
use crate::app::shared_looks::SharedLooks;
use crate::fault::Fault;
use crate::services::Services;

/// How old what is known of a taken seat may be: so much longer than it is taken somebody may be refused it.
const AGE_MAX: Duration = Duration::from_secs(1);

/// Seats and sections that are remembered.
const REMEMBERED_MAX: u64 = 100_000;

/// What was looked up lately; readers of one seat share a look.
pub(crate) struct EarlyRefusals {
    takers: Cache<(EventId, SeatNo), Option<TakenSeat>>,
    looks: SharedLooks<(EventId, SeatNo), TakenSeat>,
    left: Cache<(EventId, SectionNo, Option<u16>), SeatCount>,
}

impl EarlyRefusals {
    pub(crate) fn new(pool: PgPool) -> Self {
        let look = move |seats: Vec<_>| {
            let pool = pool.clone();
            async move { Ok(seats::takers(&pool, &seats).await?) }
        };
        Self {
            looks: SharedLooks::spawn(look),
            takers: Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(AGE_MAX).build(),
            left: Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(AGE_MAX).build(),
        }
    }
}

/// Why the request need not be sent; none: it may get its seats, or what it would get cannot be known here.
pub(crate) async fn refuse_early(
    app: &Services,
    event: &Event,
    geometry: &Geometry,
    (section, choice): (SectionNo, &SeatChoice),
    account: AccountId,
) -> Option<Refusal> {
    if event.status == EventStatus::Closed {
        return Some(RefusalReason::Closed.into());
    }
    let looked = match choice {
        SeatChoice::Named(named) => named_taken(app, event.id, geometry, named.as_slice(), account).await,
        SeatChoice::BestAvailable(best) => {
            none_left(app, event.id, geometry, section, best.category().map(|category| category.0)).await
        }
    };
    looked.unwrap_or_else(|fault| {
        tracing::debug!(%fault, event = %event.id, "what is hopeless is not known: the request is sent");
        None
    })
}

async fn named_taken(
    app: &Services,
    event: EventId,
    geometry: &Geometry,
    seats: &[SeatNo],
    account: AccountId,
) -> Result<Option<Refusal>, Fault> {
    let map = app.seat_maps.recent(event, geometry).await?;
    let suspects: Vec<SeatNo> = seats.iter().copied().filter(|seat| map.is_taken(*seat)).collect();
    let mut taken = Vec::with_capacity(suspects.len());
    let early = &app.early_refusals;
    let looks = suspects.iter().map(|seat| early.takers.try_get_with((event, *seat), early.looks.get((event, *seat))));
    for taker in try_join_all(looks).await.map_err(shared)? {
        taken.extend(taker.filter(|taken| is_still_taken(taken, app.now())));
    }
    if taken.is_empty() && suspects.is_empty() {
        // Whoever has a seat's lock is being given it in this moment.
        let locked = app.seat_maps.locked(event, seats).await?;
        return Ok((!locked.is_empty()).then(|| Refusal { seats: locked, ..RefusalReason::Contended.into() }));
    }
    Ok(Refusal::of_taken(&taken, account))
}

/// A hold whose time is over may be gone by now.
fn is_still_taken(taken: &TakenSeat, now: Timestamp) -> bool {
    taken.state == BookingState::Confirmed || taken.until > now
}

async fn none_left(
    app: &Services,
    event: EventId,
    geometry: &Geometry,
    section: SectionNo,
    category: Option<u16>,
) -> Result<Option<Refusal>, Fault> {
    let map = app.seat_maps.recent(event, geometry).await?;
    if map.left(section.0, category).free > 0 {
        return Ok(None);
    }
    let count = async {
        let Some((first, last)) = geometry.seats_of(section.0) else { return Ok(SeatCount::default()) };
        let taken = seats::taken(&app.pool, event, first, last).await?;
        Ok(geometry.left(section.0, category, &taken))
    };
    let left: SeatCount = app.early_refusals.left.try_get_with((event, section, category), count).await.map_err(shared)?;
    Ok(match left {
        SeatCount { free: 0, held: 0 } => Some(RefusalReason::Sold.into()),
        SeatCount { free: 0, .. } => Some(RefusalReason::Held.into()),
        _ => None,
    })
}

/// Whoever waited for another's look gets its fault.
fn shared(fault: Arc<Fault>) -> Fault {
    Arc::unwrap_or_clone(fault)
}
