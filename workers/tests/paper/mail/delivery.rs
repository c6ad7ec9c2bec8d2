//! To the real mail server, and read back.

use std::time::Duration;

use goticket_testkit::{TestBed, eventually};
use goticket_workers::mail::Mailer;
use mail_parser::{Message, MessageParser, MimeHeaders};

use super::{config, mail};

const SOON: Duration = Duration::from_secs(20);

async fn read_back(bed: &TestBed, address: &str, count: usize) -> Vec<goticket_testkit::Mail> {
    eventually("the mails", SOON, async || {
        let mails = bed.mailbox.messages_to(address).await.unwrap();
        Some(mails).filter(|mails| mails.len() >= count)
    })
    .await
}

fn parse(raw: &str) -> Message<'_> {
    MessageParser::default().parse(raw.as_bytes()).unwrap()
}

#[tokio::test]
async fn the_mail_arrives_with_both_texts_and_the_tickets() {
    let bed = TestBed::new().await;
    let mailer = Mailer::new(&config(&bed.smtp_host, bed.smtp_port)).unwrap();
    let mail = mail(&bed.address("zoe"));
    mailer.send(&mail).await.unwrap();

    let delivered = read_back(&bed, &mail.to_address, 1).await;
    let delivered = &delivered[0];
    assert_eq!(delivered.message_id, mailer.message_id(mail.notification));
    assert_eq!(delivered.message_id, format!("<{}@goticket.test>", mail.notification));

    let message = parse(&delivered.raw);
    assert_eq!(message.subject(), Some("Your tickets: A Midsummer Night's Dream & more"));
    let to = message.to().unwrap().first().unwrap();
    assert_eq!((to.name(), to.address()), (Some("Zoë Müller-Жукова"), Some(mail.to_address.as_str())));
    let from = message.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("GoTicket"), Some("tickets@goticket.test")));
    assert_eq!(message.date().unwrap().to_timestamp(), mail.sent_at.as_second());
    assert_eq!(message.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));

    let plain = message.body_text(0).unwrap();
    let html = message.body_html(0).unwrap();
    let facts =
        ["Friday, 18 December 2026, 20:00 CET", "Theatre on the River", "seat 13", "89.50 EUR", "179.00 EUR", "GT-7K4Q-92MX"];
    for fact in facts {
        assert!(plain.contains(fact), "{fact} is missing in {plain}");
        assert!(html.contains(fact), "{fact} is missing in {html}");
    }
    assert!(plain.contains("Dream & more") && html.contains("Dream &#38; more"));

    assert_eq!(message.attachment_count(), 1);
    let attachment = message.attachment(0).unwrap();
    assert_eq!(attachment.attachment_name(), Some("tickets-GT-7K4Q-92MX.pdf"));
    assert_eq!(attachment.content_type().unwrap().subtype(), Some("pdf"));
    assert_eq!(attachment.contents(), mail.pdf);
}

#[tokio::test]
async fn a_mail_sent_again_can_be_recognised() {
    let bed = TestBed::new().await;
    let mail = mail(&bed.address("twice"));
    for _ in 0..2 {
        // A fresh mailer each time, as after a crash.
        Mailer::new(&config(&bed.smtp_host, bed.smtp_port)).unwrap().send(&mail).await.unwrap();
    }
    let delivered = read_back(&bed, &mail.to_address, 2).await;
    assert_eq!(delivered[0].message_id, delivered[1].message_id);
}

#[tokio::test]
async fn a_crowd_of_mails_goes_out_each_once() {
    let bed = TestBed::new().await;
    let mailer = Mailer::new(&config(&bed.smtp_host, bed.smtp_port)).unwrap();
    let mails: Vec<_> = (0..60).map(|index| mail(&bed.address(&format!("fan{index}")))).collect();
    let sent = futures::future::join_all(mails.iter().map(|mail| mailer.send(mail))).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    let mut delivered: Vec<_> =
        eventually("all mails", SOON, async || Some(bed.mailbox.all().await.unwrap()).filter(|all| all.len() >= mails.len()))
            .await
            .into_iter()
            .map(|mail| mail.message_id)
            .collect();
    let mut expected: Vec<_> = mails.iter().map(|mail| mailer.message_id(mail.notification)).collect();
    delivered.sort();
    expected.sort();
    assert_eq!(delivered, expected);
}
