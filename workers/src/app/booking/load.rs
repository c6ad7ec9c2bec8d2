//! Sets up the desk: locks and reads everything a batch needs, in the canonical order.

use std::collections::{BTreeSet, HashMap, HashSet};

use goticket_contracts::commands::Action;
use goticket_domain::{
    AccountId, BookingId, EventId, PaymentId,
    booking::{
        IdempotencyKey, Outcome, SeatChoice,
        decide::{Ledger, SeatState},
    },
};
use goticket_storage::{
    StorageError,
    bookings::{
        decide::{self as read, TakenSeat},
        locks::{self, StoredBooking},
    },
};
use sqlx::PgConnection;

use super::{
    desk::{Card, Counter, Desk, SectionKey, Slip},
    job::Job,
    plans::Plans,
};

/// Seats that others want in this moment.
#[derive(Debug, Default)]
pub(crate) struct Contested {
    /// Somebody else holds the seat's lock.
    pub(crate) busy: HashSet<(SectionKey, u32)>,
    /// We had decided to give it, and the database said no.
    pub(crate) lost: HashSet<(SectionKey, u32)>,
}

/// What the commands name.
#[derive(Default)]
struct Wanted {
    /// Sections whose queues the commands came from.
    queues: BTreeSet<SectionKey>,
    events: BTreeSet<EventId>,
    bookings: BTreeSet<BookingId>,
    payments: BTreeSet<PaymentId>,
    notices: BTreeSet<(String, String)>,
    accounts: BTreeSet<(EventId, AccountId)>,
    keys: BTreeSet<(AccountId, IdempotencyKey)>,
    /// Sections of which everything must be known: somebody asks for the best there is.
    sections: BTreeSet<SectionKey>,
    seats: BTreeSet<(EventId, u32)>,
}

impl Wanted {
    fn by(jobs: &[Job]) -> Self {
        let mut wanted = Self::default();
        for job in jobs {
            wanted.queues.insert((job.command.event, job.command.section));
            match &job.command.action {
                Action::Create { request } => {
                    wanted.events.insert(request.event);
                    wanted.accounts.insert((request.event, request.account));
                    wanted.keys.insert((request.account, request.key.clone()));
                    match &request.choice {
                        SeatChoice::Named { seats } => {
                            wanted.seats.extend(seats.iter().map(|&seat| (request.event, seat)));
                        }
                        SeatChoice::BestAvailable { .. } => {
                            wanted.sections.insert((request.event, request.section));
                        }
                    }
                }
                Action::Pay { notice } => {
                    wanted.bookings.insert(notice.booking);
                    wanted.payments.insert(notice.payment);
                    wanted.notices.insert((notice.provider.clone(), notice.notice_id.clone()));
                }
                Action::Cancel { booking, .. } | Action::Expire { booking } => {
                    wanted.bookings.insert(*booking);
                }
            }
        }
        wanted
    }

    fn also(&mut self, booking: &StoredBooking) {
        self.events.insert(booking.event);
        self.accounts.insert((booking.event, booking.account));
        self.seats.extend(booking.seats.iter().map(|&seat| (booking.event, seat)));
    }
}

/// Locks, reads, and lays out everything the batch is decided with.
pub(super) async fn load(
    db: &mut PgConnection,
    plans: &Plans,
    jobs: &[Job],
    contested: &Contested,
) -> Result<Desk, StorageError> {
    let mut wanted = Wanted::by(jobs);
    let mut desk = Desk::default();
    locks::lock_sections(db, &list(&wanted.queues)).await?;
    lock(db, &mut wanted, &mut desk).await?;
    read_answers(db, &mut wanted, &mut desk).await?;
    let events: Vec<EventId> = wanted.events.iter().copied().collect();
    let (now, terms) = read::clock_and_terms(db, &events).await?;
    desk.now = now;
    desk.terms = terms.into_iter().map(|terms| (terms.event, terms)).collect();
    read_plans(db, plans, jobs, &mut desk).await?;
    read_ledgers(db, &wanted, &mut desk).await?;
    mark_contested(&mut desk, contested);
    Ok(desk)
}

/// Bookings, then payments, then counters: see [`goticket_storage::bookings::decide`].
async fn lock(db: &mut PgConnection, wanted: &mut Wanted, desk: &mut Desk) -> Result<(), StorageError> {
    if !wanted.bookings.is_empty() {
        let bookings = locks::lock_bookings(db, &list(&wanted.bookings)).await?;
        for booking in &bookings {
            wanted.also(booking);
        }
        desk.cards = bookings.into_iter().map(|booking| (booking.id, card(booking))).collect();
    }
    if !wanted.payments.is_empty() {
        let payments = locks::lock_payments(db, &list(&wanted.payments)).await?;
        desk.slips = payments.into_iter().map(|stored| (stored.id, Slip { state: stored.state, stored })).collect();
        desk.seen = read::notices_seen(db, &list(&wanted.notices)).await?.into_iter().collect();
    }
    if !wanted.accounts.is_empty() {
        let accounts = list(&wanted.accounts);
        let counts = locks::lock_accounts(db, &accounts).await?;
        let counter = |stored| Counter { stored, tickets: stored };
        desk.counters = accounts.into_iter().zip(counts.into_iter().map(counter)).collect();
    }
    Ok(())
}

async fn read_answers(db: &mut PgConnection, wanted: &mut Wanted, desk: &mut Desk) -> Result<(), StorageError> {
    if wanted.keys.is_empty() {
        return Ok(());
    }
    for request in read::decided_requests(db, &list(&wanted.keys)).await? {
        if let Outcome::Held { held, .. } = &request.outcome {
            wanted.seats.extend(held.seats.iter().map(|&seat| (request.event, seat)));
        }
        desk.answers.remember(request.account, request.key, request.payload_hash, request.outcome);
    }
    Ok(())
}

async fn read_plans(db: &mut PgConnection, plans: &Plans, jobs: &[Job], desk: &mut Desk) -> Result<(), StorageError> {
    let of_jobs = jobs.iter().map(|job| (job.command.event, job.command.section));
    let sections: BTreeSet<SectionKey> = of_jobs.chain(desk.cards.values().map(|card| card.section)).collect();
    for section in sections {
        let Some(terms) = desk.terms.get(&section.0) else { continue };
        let Some(plan) = plans.get(db, section).await? else { continue };
        let priced = |category: &u16| terms.prices.iter().any(|(no, _)| no == category);
        if plan.categories().iter().all(priced) {
            desk.plans.insert(section, plan);
        } else {
            tracing::error!(event = %section.0, section = section.1, "a section has seats without a price: nothing of it is sold");
        }
    }
    Ok(())
}

async fn read_ledgers(db: &mut PgConnection, wanted: &Wanted, desk: &mut Desk) -> Result<(), StorageError> {
    let mut taken: Vec<TakenSeat> = Vec::new();
    if !wanted.sections.is_empty() {
        taken.extend(read::taken_in_sections(db, &list(&wanted.sections)).await?);
    }
    if !wanted.seats.is_empty() {
        taken.extend(read::taken_seats(db, &list(&wanted.seats)).await?);
    }
    let mut ledgers: HashMap<SectionKey, Ledger> = HashMap::new();
    for TakenSeat { event, section, seat, sold } in taken {
        let state = if sold { SeatState::Sold } else { SeatState::Held };
        ledgers.entry((event, section)).or_default().set(&[seat], state);
    }
    desk.ledgers = ledgers;
    Ok(())
}

fn mark_contested(desk: &mut Desk, contested: &Contested) {
    for &(section, seat) in &contested.busy {
        if desk.ledger(section).state(seat) == SeatState::Free {
            desk.ledger(section).contest(seat);
        }
    }
    for &(section, seat) in &contested.lost {
        if desk.ledger(section).state(seat) == SeatState::Held {
            desk.ledger(section).contest(seat);
        }
    }
}

fn card(booking: StoredBooking) -> Card {
    Card {
        id: booking.id,
        section: (booking.event, booking.section),
        account: booking.account,
        stored: Some(booking.state),
        state: booking.state,
        hold_expires_at: booking.hold_expires_at,
        seats: booking.seats,
        price: None,
    }
}

fn list<T: Clone>(set: &BTreeSet<T>) -> Vec<T> {
    set.iter().cloned().collect()
}
