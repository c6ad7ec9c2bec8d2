//! When an event is sold, for how much, and how long a hold lasts: the terms of the moment.

use goticket_domain::catalog::EventStatus;
use goticket_domain::{
    CategoryNo, Money,
    booking::{Command, Outcome, RefusalReason, Terms},
    seating::SectionKind,
};
use iso_currency::Currency;
use jiff::SignedDuration;

use crate::{
    choosing::{ask, check},
    hall::{ANN, START, at, best, booking, hall, named, request, section, terms},
};

#[test]
fn an_event_is_sold_while_it_is_published_between_its_two_beginnings() {
    use EventStatus::{Draft, Published};
    use RefusalReason::{Closed, NotOnSale};
    for (status, seconds, expected) in [
        (Published, -1, Err(NotOnSale)),
        (Published, 0, Ok(())),
        (Published, START - 1, Ok(())),
        (Published, START, Err(Closed)),
        (Published, START + 1_000_000, Err(Closed)),
        (Draft, -1, Err(NotOnSale)),
        (Draft, 0, Err(NotOnSale)),
        (Draft, START, Err(NotOnSale)),
        (EventStatus::Closed, -1, Err(Closed)),
        (EventStatus::Closed, 0, Err(Closed)),
        (EventStatus::Closed, START, Err(Closed)),
    ] {
        assert_eq!(Terms { status, ..terms() }.refuse(at(seconds)), expected, "{status:?} {seconds}");
    }
    let just_before = at(0) - SignedDuration::from_nanos(1);
    assert_eq!(terms().refuse(just_before), Err(NotOnSale));
}

#[test]
fn what_is_not_on_sale_is_refused_before_anything_else_is_looked_at() {
    let plan = section(SectionKind::Seated, "aaaa");
    let closed = Terms { status: EventStatus::Closed, ..terms() };
    let draft = Terms { status: EventStatus::Draft, ..terms() };
    for places in [&[0][..], &[3], &[9], &[0, 1, 2, 3]] {
        check(&plan, "...s", closed.clone(), &named(places), Err((RefusalReason::Closed, &[])));
        check(&plan, "...s", draft.clone(), &named(places), Err((RefusalReason::NotOnSale, &[])));
    }
    check(&plan, "....", closed, &best(1, Some(7)), Err((RefusalReason::Closed, &[])));
}

#[test]
fn a_booking_keeps_the_price_and_the_deadline_it_was_given() {
    let plan = section(SectionKind::Seated, "aaab");
    let Outcome::Held { held, booking: id } = ask(&plan, "....", terms(), &named(&[3, 0])) else { panic!("refused") };
    assert_eq!((held.total, held.expires_at), (Money { amount_minor: 8_000, currency: Currency::EUR }, at(30)));

    let mut set = hall(&plan, "....", terms());
    let command = Command::Create { request: request(id, ANN, "k", named(&[3, 0])) };
    set.apply(&command, at(0));
    let prices = vec![(CategoryNo(0), 900), (CategoryNo(1), 1_000)];
    set.set_terms(Terms { prices, hold_seconds: 600, currency: Currency::JPY, ..terms() });
    let order = set.booking(id).unwrap().order().clone();
    assert_eq!((order.prices, order.total, order.hold_expires_at), (vec![5_000, 3_000], held.total, at(30)));

    let second = request(booking(2), ANN, "k2", named(&[1]));
    set.apply(&Command::Create { request: second }, at(1));
    let order = set.booking(booking(2)).unwrap().order();
    assert_eq!((order.total.to_string().as_str(), order.hold_expires_at), ("900 JPY", at(601)));
}

#[test]
fn a_section_with_a_category_that_has_no_price_sells_nothing() {
    let unpriced = Terms { prices: vec![(CategoryNo(0), 5_000)], ..terms() };
    let (mixed, priced) = (section(SectionKind::Seated, "ab"), section(SectionKind::Seated, "aa"));
    let invalid = Err((RefusalReason::Invalid, [].as_slice()));
    check(&mixed, "..", unpriced.clone(), &named(&[0]), invalid);
    check(&mixed, "..", unpriced.clone(), &best(1, None), invalid);
    check(&priced, "..", unpriced, &named(&[0]), Ok(&[0]));
    let free_of_charge = Terms { prices: vec![(CategoryNo(0), 0), (CategoryNo(1), 0)], ..terms() };
    check(&mixed, "..", free_of_charge, &named(&[0, 1]), Ok(&[0, 1]));
}
