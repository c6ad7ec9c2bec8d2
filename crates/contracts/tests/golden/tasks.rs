//! Tasks on RabbitMQ.

use goticket_contracts::tasks::{KINDS, TicketTask};
use uuid::Uuid;

use crate::{BOOKING, check, written_out};

#[test]
fn a_ticket_task() {
    let task = TicketTask { notification: Uuid::from_u128(9), booking: BOOKING, attempts: 2 };
    check(&task, r##"{"notification":"#9","booking":"#2","attempts":2}"##);
    let first: TicketTask = serde_json::from_str(&written_out(r##"{"notification":"#9","booking":"#2"}"##)).unwrap();
    assert_eq!(first, TicketTask { attempts: 0, ..task });
    assert_eq!(KINDS, ["pdf", "mail"]);
}
