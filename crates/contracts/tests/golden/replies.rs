//! Replies in Redis, and with them the outcomes that are stored.

use goticket_contracts::replies::Reply;
use goticket_domain::BookingId;
use goticket_domain::booking::{Answer, BookingState, HeldSeats, Outcome, Refusal, RefusalReason};
use uuid::Uuid;

use crate::{BOOKING, EPOCH, check, euros, seats};

fn reply(result: Answer) -> Reply {
    Reply { waiter: BOOKING, result }
}

fn refused(refusal: Refusal) -> Reply {
    reply(Answer::Decided { decided: Outcome::Refused { booking: BOOKING, refusal }, replayed: false })
}

#[test]
fn seats_are_held() {
    let held = HeldSeats { seats: seats(&[7, 8]), total: euros(1_250), expires_at: EPOCH };
    let other = BookingId(Uuid::from_u128(6));
    check(
        &reply(Answer::Decided { decided: Outcome::Held { booking: other, held }, replayed: true }),
        concat!(
            r##"{"waiter":"#2","result":{"result":"decided","decided":{"outcome":"held","booking":"#6","seats":[7,8],"##,
            r##""total":{"amount_minor":1250,"currency":"EUR"},"expires_at":"1970-01-01T00:00:00Z"},"replayed":true}}"##
        ),
    );
}

#[test]
fn seats_are_refused() {
    let held = Refusal { seats: seats(&[7]), until: Some(EPOCH), ..RefusalReason::Held.into() };
    check(
        &refused(held),
        concat!(
            r##"{"waiter":"#2","result":{"result":"decided","decided":{"outcome":"refused","booking":"#2","reason":"held","##,
            r##""seats":[7],"until":"1970-01-01T00:00:00Z"},"replayed":false}}"##
        ),
    );
    let yours = Refusal { seats: seats(&[7]), yours: Some(BookingId(Uuid::from_u128(6))), ..RefusalReason::Yours.into() };
    check(
        &refused(yours),
        concat!(
            r##"{"waiter":"#2","result":{"result":"decided","decided":{"outcome":"refused","booking":"#2","reason":"yours","##,
            r##""seats":[7],"yours":"#6"},"replayed":false}}"##
        ),
    );
}

#[test]
fn every_reason() {
    let names = RefusalReason::ALL.map(|reason| {
        let golden = concat!(
            r##"{"waiter":"#2","result":{"result":"decided","decided":{"outcome":"refused","booking":"#2","reason":"REASON","##,
            r##""seats":[]},"replayed":false}}"##
        );
        check(&refused(reason.into()), &golden.replace("REASON", reason.as_str()));
        reason.as_str()
    });
    let golden = [
        "sold",
        "held",
        "yours",
        "contended",
        "not_together",
        "limit_reached",
        "not_on_sale",
        "closed",
        "cancelled",
        "invalid",
        "failed",
    ];
    assert_eq!(names, golden);
}

#[test]
fn what_became_of_a_booking() {
    for (state, name) in [
        (BookingState::Held, "held"),
        (BookingState::Confirmed, "confirmed"),
        (BookingState::Expired, "expired"),
        (BookingState::Cancelled, "cancelled"),
        (BookingState::Refunded, "refunded"),
    ] {
        let golden = r##"{"waiter":"#2","result":{"result":"state","state":"STATE"}}"##;
        check(&reply(Answer::State { state }), &golden.replace("STATE", name));
        assert_eq!(name.parse(), Ok(state));
        assert_eq!(state.as_str(), name);
    }
}

#[test]
fn nothing_became_of_it() {
    check(&reply(Answer::KeyReused), r##"{"waiter":"#2","result":{"result":"key_reused"}}"##);
    check(&reply(Answer::Unknown), r##"{"waiter":"#2","result":{"result":"unknown"}}"##);
}
