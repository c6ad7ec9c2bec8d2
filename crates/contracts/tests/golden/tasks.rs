//! Tasks on RabbitMQ.

use goticket_contracts::tasks::{KINDS, ResetTask, Task as _, TicketTask, VerifyTask};
use uuid::Uuid;

use crate::{BOOKING, EPOCH, check, written_out};

#[test]
fn a_ticket_task() {
    let task = TicketTask { notification: Uuid::from_u128(9), booking: BOOKING, attempts: 2 };
    check(&task, r##"{"notification":"#9","booking":"#2","attempts":2}"##);
    let first: TicketTask = serde_json::from_str(&written_out(r##"{"notification":"#9","booking":"#2"}"##)).unwrap();
    assert_eq!(first, TicketTask { attempts: 0, ..task });
    assert_eq!(KINDS, ["pdf", "mail", "verify", "reset"]);
    assert_eq!((first.id(), first.again().attempts), (Uuid::from_u128(9), 1));
}

#[test]
fn a_verification_task() {
    let task = VerifyTask {
        id: Uuid::from_u128(9),
        address: "a@b.example".to_owned(),
        name: "A".to_owned(),
        link: "https://c.example/#d".to_owned(),
        asked_at: EPOCH,
        good_for_h: 24,
        attempts: 0,
    };
    let golden = r##"{"id":"#9","address":"a@b.example","name":"A","link":"https://c.example/#d","##;
    check(&task, &format!("{golden}{}", r#""asked_at":"1970-01-01T00:00:00Z","good_for_h":24,"attempts":0}"#));
    assert_eq!((task.id(), task.again().again().attempts), (Uuid::from_u128(9), 2));
}

#[test]
fn a_reset_task() {
    let task = ResetTask {
        id: Uuid::from_u128(9),
        address: "a@b.example".to_owned(),
        name: "A".to_owned(),
        link: "https://c.example/#d".to_owned(),
        asked_at: EPOCH,
        good_for_min: 30,
        attempts: 0,
    };
    let golden = r##"{"id":"#9","address":"a@b.example","name":"A","link":"https://c.example/#d","##;
    check(&task, &format!("{golden}{}", r#""asked_at":"1970-01-01T00:00:00Z","good_for_min":30,"attempts":0}"#));
    assert_eq!((task.id(), task.again().again().attempts), (Uuid::from_u128(9), 2));
}
