//! The mail that brings the tickets: to a real mail server, and to one that misbehaves.

mod delivery;
mod faults;
mod injection;
mod moody_server;

use goticket_domain::Money;
use goticket_platform::config::{SmtpConfig, SmtpTls, U16In, U64In};
use goticket_workers::mail::{TicketLine, TicketMail};
use iso_currency::Currency;
use uuid::Uuid;

fn config(host: &str, port: u16) -> SmtpConfig {
    SmtpConfig {
        host: host.to_owned(),
        port: U16In::new(port).unwrap(),
        tls: SmtpTls::None,
        username: None,
        password: None,
        from: "GoTicket <tickets@goticket.test>".to_owned(),
        timeout_ms: U64In::new(10_000).unwrap(),
    }
}

fn mail(to_address: &str) -> TicketMail {
    let money = |amount_minor| Money { amount_minor, currency: Currency::EUR };
    let ticket =
        |seat| TicketLine { place: format!("Stalls, row F, seat {seat}"), category: "Premium".to_owned(), price: money(8_950) };
    TicketMail {
        notification: Uuid::now_v7(),
        sent_at: "2026-11-22T10:00:00Z".parse().unwrap(),
        to_address: to_address.to_owned(),
        to_name: "Zoë Müller-Жукова".to_owned(),
        booking_reference: "GT-7K4Q-92MX".to_owned(),
        event_title: "A Midsummer Night's Dream & more".to_owned(),
        venue: "Theatre on the River, 12 Quay Street".to_owned(),
        starts_at: "2026-12-18T19:00:00Z".parse().unwrap(),
        time_zone: "Europe/Vienna".to_owned(),
        tickets: vec![ticket(12), ticket(13)],
        total: money(17_900),
        pdf: b"%PDF-1.7\r\n.\r\n..\n\0\xff not really".to_vec(),
    }
}
