//! A small hall on paper: sections drawn as text, a sale's terms, and short names for what tests talk about.

use std::sync::Arc;

use goticket_domain::catalog::EventStatus;
use goticket_domain::{
    AccountId, BookingId, CategoryNo, EventId, Money, PaymentId, SeatNo, SectionNo,
    booking::{AnyBooking, BookingRequest, BookingState, IdempotencyKey, Order, SeatChoice, SectionPlan, Terms, WorkingSet},
    seating::{LayoutSeat, LayoutSection, SectionKind},
};
use iso_currency::Currency;
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) const EVENT: EventId = EventId(Uuid::from_u128(0xe));
pub(crate) const SECTION: SectionNo = SectionNo(1);
/// The fan who asks, and another one.
pub(crate) const ANN: AccountId = AccountId(Uuid::from_u128(0xa));
pub(crate) const BOB: AccountId = AccountId(Uuid::from_u128(0xb));

/// Number of the drawn section's first seat: not 0, so that an index is never mistaken for a number.
pub(crate) const FIRST: u32 = 100;

/// Prices of the categories `a` and `b`.
pub(crate) const PRICES: [i64; 2] = [5_000, 3_000];

/// How long a hold lasts, and when the event starts, in seconds after the begin of its sale.
pub(crate) const HOLD: u32 = 30;
pub(crate) const START: i64 = 1_000;

/// Seconds after the begin of the sale.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + seconds).unwrap()
}

pub(crate) fn terms() -> Terms {
    Terms {
        status: EventStatus::Published,
        onsale_at: at(0),
        starts_at: at(START),
        hold_seconds: HOLD,
        ticket_limit: 6,
        currency: Currency::EUR,
        prices: (0..).map(CategoryNo).zip(PRICES).collect(),
    }
}

pub(crate) fn euros(amount_minor: i64) -> Money {
    Money { amount_minor, currency: Currency::EUR }
}

/// Seats of the drawn section by their place in the drawing.
pub(crate) fn seats(places: &[u32]) -> Vec<SeatNo> {
    places.iter().map(|place| SeatNo(FIRST + place)).collect()
}

pub(crate) fn named(places: &[u32]) -> SeatChoice {
    SeatChoice::named(seats(places)).unwrap()
}

pub(crate) fn best(quantity: u32, category: Option<u16>) -> SeatChoice {
    SeatChoice::best_available(quantity, category.map(CategoryNo)).unwrap()
}

pub(crate) fn booking(n: u128) -> BookingId {
    BookingId(Uuid::from_u128(0xb000 + n))
}

pub(crate) fn payment(n: u128) -> PaymentId {
    PaymentId(Uuid::from_u128(0xc000 + n))
}

pub(crate) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::parse(text).unwrap()
}

/// Asks for seats of the drawn section.
pub(crate) fn request(booking: BookingId, account: AccountId, key_text: &str, choice: SeatChoice) -> BookingRequest {
    let payload_hash = BookingRequest::hash(EVENT, SECTION, &choice);
    BookingRequest { booking, event: EVENT, section: SECTION, account, key: key(key_text), payload_hash, choice }
}

/// One section. Rows are words: a letter is a seat (`a` category 0, `b` category 1), `_` an aisle.
pub(crate) fn section(kind: SectionKind, rows: &str) -> Arc<SectionPlan> {
    numbered_section(SECTION, FIRST, kind, rows)
}

pub(crate) fn numbered_section(no: SectionNo, first_seat: u32, kind: SectionKind, rows: &str) -> Arc<SectionPlan> {
    let mut seats = Vec::new();
    for (row, letters) in (0_u16..).zip(rows.split_whitespace()) {
        let mut block = 0;
        for (place, letter) in (0_u16..).zip(letters.chars()) {
            if letter == '_' {
                block += 1;
                continue;
            }
            seats.push(LayoutSeat {
                no: first_seat + u32::try_from(seats.len()).unwrap(),
                row,
                block,
                row_label: row.to_string(),
                number: place.to_string(),
                guid: format!("{row}-{place}"),
                category: u16::from(letter == 'b'),
                x: Some(f32::from(place)),
                y: Some(f32::from(row)),
            });
        }
    }
    Arc::new(SectionPlan::new(&LayoutSection { no: no.0, name: "S".into(), kind, area: None, first_seat, seats }))
}

/// A set of one section in which seats are taken: a letter per seat, `.` free, `h` held and `s` sold to Bob, `H` and `S` to Ann. Each
/// seat is a booking of its own, numbered by the seat's place; the hold at place 3 ends at 33 s.
pub(crate) fn hall(plan: &Arc<SectionPlan>, states: &str, terms: Terms) -> WorkingSet {
    let letters = states.chars().filter(|letter| !letter.is_whitespace());
    let live = (0_u32..).zip(letters).filter(|(_, letter)| *letter != '.').map(|(place, letter)| {
        let account = if letter.is_uppercase() { ANN } else { BOB };
        let state = if letter.eq_ignore_ascii_case(&'h') { BookingState::Held } else { BookingState::Confirmed };
        let order = Order {
            id: booking(place.into()),
            event: EVENT,
            section: SECTION,
            account,
            seats: seats(&[place]),
            prices: vec![PRICES[0]],
            total: euros(PRICES[0]),
            hold_expires_at: at(i64::from(HOLD + place)),
        };
        AnyBooking::restore(order, state)
    });
    WorkingSet::new(EVENT, terms, vec![plan.clone()], live.collect())
}
