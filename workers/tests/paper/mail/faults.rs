//! A mail server that fails: what to try again, and what never to.

use std::time::Duration;

use goticket_platform::config::{SmtpConfig, SmtpTls, U64In};
use goticket_workers::mail::{MailError, Mailer};
use rstest::rstest;

use super::moody_server::{Mood, MoodyServer};
use super::{config, mail};

#[derive(Debug, PartialEq)]
enum Verdict {
    Never,
    Later,
}

async fn verdict(config: &SmtpConfig) -> Verdict {
    let mailer = Mailer::new(config).unwrap();
    match mailer.send(&mail("zoe@fans.test")).await.unwrap_err() {
        MailError::Permanent { .. } => Verdict::Never,
        MailError::Transient { .. } => Verdict::Later,
    }
}

#[rstest]
#[case::unknown_mailbox("RCPT", "550 no such user", Verdict::Never)]
#[case::sender_refused("MAIL", "553 not you", Verdict::Never)]
#[case::content_refused("the end of the data", "554 looks like spam", Verdict::Never)]
#[case::greylisted("RCPT", "450 come back later", Verdict::Later)]
#[case::mailbox_full("RCPT", "452 no space", Verdict::Later)]
#[case::content_deferred("the end of the data", "451 try again", Verdict::Later)]
#[case::going_down("MAIL", "421 closing", Verdict::Later)]
#[case::too_busy("", "421 too many connections", Verdict::Later)]
#[case::no_service_here("", "554 no SMTP service here", Verdict::Later)]
#[case::login_wanted("MAIL", "530 authentication required", Verdict::Later)]
#[case::nonsense("RCPT", "hello?", Verdict::Later)]
#[tokio::test]
async fn the_servers_code_decides_whether_to_try_again(
    #[case] at: &'static str,
    #[case] answer: &'static str,
    #[case] expected: Verdict,
) {
    let server = MoodyServer::with([vec![(at, answer)]]).await;
    assert_eq!(verdict(&server.config()).await, expected);
}

#[tokio::test]
async fn a_wrong_login_is_our_fault_and_not_the_mails() {
    let server = MoodyServer::with([vec![("AUTH", "535 wrong password")]]).await;
    let login = SmtpConfig { username: Some("me".to_owned()), password: Some("wrong".into()), ..server.config() };
    assert_eq!(verdict(&login).await, Verdict::Later);
}

#[tokio::test]
async fn an_absent_server_is_tried_later() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let sent = Mailer::new(&config("127.0.0.1", port)).unwrap().send(&mail("zoe@fans.test")).await;
    assert!(matches!(sent, Err(MailError::Transient { .. })), "{sent:?}");
}

/// Silence at every point of a conversation, and the next mail is whole and alone all the same.
#[rstest]
#[case("")]
#[case("EHLO")]
#[case("MAIL")]
#[case("RCPT")]
#[case("DATA")]
#[case("the end of the data")]
#[tokio::test]
async fn a_silent_server_costs_one_time_out_and_spoils_no_other_mail(#[case] at: &'static str) {
    let mood: Mood = vec![(at, "")];
    let server = MoodyServer::with([mood]).await;
    let impatient = SmtpConfig { timeout_ms: U64In::new(100).unwrap(), ..server.config() };
    let mailer = Mailer::new(&impatient).unwrap();
    let (first, second) = (mail("zoe@fans.test"), mail("adam@fans.test"));
    let begun = std::time::Instant::now();
    let sent = mailer.send(&first).await;
    assert!(matches!(sent, Err(MailError::Transient { .. })), "{sent:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));

    goticket_testkit::eventually("the second mail", Duration::from_secs(10), async || mailer.send(&second).await.ok()).await;
    let message = server.messages().pop().unwrap();
    assert!(message.contains(&mailer.message_id(second.notification)));
    assert!(!message.contains(&mailer.message_id(first.notification)) && !message.contains("NOOP"));
}

#[tokio::test]
async fn connections_are_used_again_and_never_more_than_eight() {
    let server = MoodyServer::friendly().await;
    let mailer = Mailer::new(&server.config()).unwrap();
    let mails: Vec<_> = (0..50).map(|index| mail(&format!("fan{index}@fans.test"))).collect();
    let sent = futures::future::join_all(mails.iter().map(|mail| mailer.send(mail))).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    assert_eq!(server.messages().len(), 50);
    assert!(server.connections_max() <= 8);
    let greetings = server.heard().iter().filter(|command| command.starts_with("EHLO")).count();
    assert!(greetings <= 8, "{greetings} connections for 50 mails");
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_to_a_server_that_cannot_encrypt() {
    let server = MoodyServer::friendly().await;
    let secure = SmtpConfig {
        tls: SmtpTls::StartTls,
        username: Some("me".to_owned()),
        password: Some("secret".into()),
        ..server.config()
    };
    assert_eq!(verdict(&secure).await, Verdict::Later);
    assert!(server.heard().iter().all(|command| command.starts_with("EHLO") || command == "QUIT"), "{:?}", server.heard());
}

#[test]
fn a_configuration_that_cannot_work_or_leaks_the_password_is_refused_at_start() {
    let base = || config("mail.example", 587);
    let user = || Some("me".to_owned());
    let rows = [
        ("smtp.from", SmtpConfig { from: "nobody".to_owned(), ..base() }),
        ("smtp.from", SmtpConfig { from: "A <a@b.test>\r\nBcc: x@y.test".to_owned(), ..base() }),
        ("smtp.password", SmtpConfig { username: user(), ..base() }),
        ("smtp.password", SmtpConfig { password: Some("secret".into()), ..base() }),
        ("in the clear", SmtpConfig { username: user(), password: Some("secret".into()), ..base() }),
    ];
    for (named, config) in rows {
        let refused = Mailer::new(&config).err().unwrap().to_string();
        assert!(refused.contains(named) && !refused.contains("secret"), "{refused}");
    }
}
