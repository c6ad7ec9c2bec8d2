//! What strangers write into names and titles stays a name or a title.

use goticket_testkit::{TestBed, eventually};
use goticket_workers::mail::{MailError, Mailer, TicketMail};
use mail_parser::MessageParser;

use super::moody_server::MoodyServer;
use super::{config, mail};

const EVIL: [&str; 8] = [
    "x\r\nBcc: victim@example.com",
    "x\nX-Injected: yes",
    "x\rX-Injected: yes",
    "x\r\n\r\n<script>alert(1)</script>",
    "x\r\n.\r\nMAIL FROM:<evil@example.com>\r\n",
    "\"; <evil@example.com>, \"y",
    "=?utf-8?Q?x=0D=0ABcc:_victim@example.com?=",
    "<img src=x onerror=alert(1)>\u{2028}{{ letter.total }}",
];

fn with(evil: &str, to_address: &str) -> TicketMail {
    let mut mail = mail(to_address);
    evil.clone_into(&mut mail.to_name);
    evil.clone_into(&mut mail.event_title);
    evil.clone_into(&mut mail.venue);
    evil.clone_into(&mut mail.booking_reference);
    evil.clone_into(&mut mail.tickets[0].place);
    evil.clone_into(&mut mail.tickets[0].category);
    mail
}

#[tokio::test]
async fn no_name_or_title_adds_a_header_an_addressee_or_markup() {
    let bed = TestBed::new().await;
    let mailer = Mailer::new(&config(&bed.smtp_host, bed.smtp_port)).unwrap();
    for (index, evil) in EVIL.into_iter().enumerate() {
        let mail = with(evil, &bed.address(&format!("fan{index}")));
        mailer.send(&mail).await.unwrap();
        let delivered = eventually("the mail", std::time::Duration::from_secs(20), async || {
            bed.mailbox.messages_to(&mail.to_address).await.unwrap().pop()
        })
        .await;
        let message = MessageParser::default().parse(delivered.raw.as_bytes()).unwrap();

        let known = [
            "Return-Path",
            "Received",
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
        ];
        for (name, _) in message.headers_raw() {
            assert!(known.iter().any(|known| known.eq_ignore_ascii_case(name)), "{evil:?} added {name}");
        }
        let to = message.to().unwrap();
        assert_eq!(to.clone().into_list().len(), 1, "{evil:?}");
        assert_eq!(to.first().unwrap().address(), Some(mail.to_address.as_str()));
        assert_eq!(message.attachment_count(), 1);
        let html = message.body_html(0).unwrap();
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(message.attachment(0).unwrap().contents() == mail.pdf);
    }
}

/// Each becomes one address or none, and is never spoken to the server as something else.
#[tokio::test]
async fn an_address_that_is_none_is_refused_before_the_server_hears_of_it() {
    let server = MoodyServer::friendly().await;
    let mailer = Mailer::new(&server.config()).unwrap();
    let rows = [
        "",
        "nobody",
        "a@b@c.test",
        "a@c.test\r\nRCPT TO:<victim@example.com>",
        "a@c.test>\r\nDATA",
        "<a@c.test>",
        "Zoe <a@c.test>",
        "a@c.test, victim@example.com",
        "a b@c.test",
    ];
    for address in rows {
        let refused = mailer.send(&mail(address)).await;
        assert!(matches!(refused, Err(MailError::Permanent { .. })), "{address:?}: {refused:?}");
    }
    assert_eq!(server.heard(), Vec::<String>::new());
}
