//! Writes what the desk has changed.

use goticket_storage::{
    StorageError,
    bookings::sale::{self, NewBooking, Transition},
    outbox::write::insert_events,
    payments::decided,
};
use sqlx::PgConnection;

use super::desk::{Card, Desk};

/// Everything that is different from what was read. Seats are freed before they are given anew.
pub(super) async fn write(db: &mut PgConnection, desk: &Desk) -> Result<(), StorageError> {
    let now = desk.now;
    let changes: Vec<Transition> = desk.cards.values().filter_map(transition).collect();
    let made: Vec<NewBooking> = desk.cards.values().filter_map(new_booking).collect();
    let payments: Vec<_> = desk.slips.values().map(|slip| (slip.stored.id, slip.stored.state, slip.state)).collect();
    let payments: Vec<_> = payments.into_iter().filter(|(_, from, to)| from != to).collect();
    let counted = desk.counters.iter().filter(|(_, counter)| counter.stored != counter.tickets);
    let counters: Vec<_> = counted.map(|(&(event, account), counter)| (event, account, counter.tickets)).collect();

    if !changes.is_empty() {
        sale::change_states(db, &changes, now).await?;
        sale::release_seats(db, &changes).await?;
        sale::take_seats_again(db, &changes).await?;
    }
    if !made.is_empty() {
        sale::insert_bookings(db, &made, now).await?;
        sale::insert_seats(db, &made).await?;
    }
    if !counters.is_empty() {
        sale::set_tickets(db, &counters).await?;
    }
    if !desk.new_requests.is_empty() {
        sale::insert_requests(db, &desk.new_requests, now).await?;
    }
    if !payments.is_empty() {
        decided::change_states(db, &payments, now).await?;
    }
    if !desk.new_notices.is_empty() {
        decided::insert_notices(db, &desk.new_notices, now).await?;
    }
    if !desk.new_tickets.is_empty() {
        sale::insert_tickets(db, &desk.new_tickets, now).await?;
    }
    if !desk.facts.is_empty() {
        insert_events(db, &desk.facts).await?;
    }
    Ok(())
}

fn transition(card: &Card) -> Option<Transition> {
    let from = card.stored.filter(|from| *from != card.state)?;
    Some(Transition { booking: card.id, from, to: card.state, seats: card.seats.len() })
}

fn new_booking(card: &Card) -> Option<NewBooking> {
    let (total, prices) = card.price.as_ref().filter(|_| card.stored.is_none())?;
    Some(NewBooking {
        id: card.id,
        event: card.section.0,
        section: card.section.1,
        account: card.account,
        state: card.state,
        total: *total,
        hold_expires_at: card.hold_expires_at,
        seats: card.seats.iter().copied().zip(prices.iter().copied()).collect(),
    })
}
