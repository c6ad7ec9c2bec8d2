//! Mailing the link that verifies an address, and the one by which a password is set.

use std::time::Duration;

use goticket_contracts::{
    amqp::RETRY_DELAYS_S,
    tasks::{self, ResetTask, VerifyTask},
};
use goticket_testkit::{Link, TestBed};
use goticket_workers::{
    app::{mail_resets::MailResets, mail_verifications::MailVerifications, outcome::Outcome},
    inbound::task_queue::TaskQueue,
    mail::Mailer,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::world::World;

fn task(address: String) -> VerifyTask {
    VerifyTask {
        id: Uuid::now_v7(),
        address,
        name: "Jane <b>\r\nBcc: x@y.example".to_owned(),
        link: "https://tickets.example/verify?a=1&b=2#v1.proof".to_owned(),
        asked_at: Timestamp::UNIX_EPOCH,
        good_for_h: 24,
        attempts: 0,
    }
}

fn sender(world: &World, attempts_max: u32) -> (MailVerifications, TaskQueue<VerifyTask>) {
    let mailer = Mailer::new(&world.config.smtp).unwrap();
    (MailVerifications::new(mailer, attempts_max), TaskQueue::new(&world.amqp, world.tasks(), tasks::VERIFY, 4))
}

#[tokio::test]
async fn the_link_arrives_and_a_strangers_words_do_not() {
    let world = World::new().await;
    let (mails, mut queue) = sender(&world, 20);
    let task = task(world.bed.address("jane"));
    world.tasks().publish(tasks::VERIFY, &task).await.unwrap();
    assert_eq!(queue.step(async |task| mails.handle(&task).await).await, Outcome::Ack);
    let delivered = world.bed.mailbox.messages_to(&task.address).await.unwrap();
    assert_eq!(delivered.len(), 1);
    assert_eq!(delivered[0].subject, "Verify your e-mail address");
    assert!(delivered[0].message_id.contains(&task.id.to_string()) && !delivered[0].brings_tickets());
    let message = mail_parser::MessageParser::default().parse(delivered[0].raw.as_bytes()).unwrap();
    let (plain, html) = (message.body_text(0).unwrap(), message.body_html(0).unwrap());
    assert!(plain.contains("https://tickets.example/verify?a=1&b=2#v1.proof"), "{plain}");
    assert!(html.contains("verify?a=1&#38;b=2#v1.proof") && plain.contains("24 hours"), "{html}");
    assert!(!plain.contains("Jane") && !html.contains("Jane") && message.header_raw("Bcc").is_none());
    world.assert_no_task_is_left().await;
}

#[tokio::test]
async fn the_mail_server_away_delays_the_link_and_no_address_loses_it() {
    let mut bed = TestBed::new().await;
    let link = Link::to(&format!("{}:{}", bed.smtp_host, bed.smtp_port)).await.unwrap();
    (bed.smtp_host, bed.smtp_port) = (link.addr().ip().to_string(), link.addr().port());
    let world = World::on(bed).await;
    let (mails, mut queue) = sender(&world, 1);
    let task = task(world.bed.address("jane"));
    world.tasks().publish(tasks::VERIFY, &task).await.unwrap();
    link.cut();
    let first = queue.step(async |task| mails.handle(&task).await).await;
    assert_eq!(first, Outcome::Retry { after: Duration::from_secs(RETRY_DELAYS_S[0].into()) });
    link.restore();
    assert_eq!(queue.step(async |task| mails.handle(&task).await).await, Outcome::Ack, "it comes back by itself");
    link.cut();
    let given_up = mails.handle(&VerifyTask { attempts: 1, ..task.clone() }).await;
    assert!(matches!(given_up, Outcome::DeadLetter { .. }), "{given_up:?}");
    let nonsense = mails.handle(&VerifyTask { address: "nonsense".to_owned(), ..task }).await;
    assert!(matches!(nonsense, Outcome::DeadLetter { .. }), "{nonsense:?}");
}

#[tokio::test]
async fn the_link_by_which_a_password_is_set_arrives() {
    let world = World::new().await;
    let mails = MailResets::new(Mailer::new(&world.config.smtp).unwrap(), 20);
    let mut queue: TaskQueue<ResetTask> = TaskQueue::new(&world.amqp, world.tasks(), tasks::RESET, 4);
    let VerifyTask { id, address, name, link, asked_at, .. } = task(world.bed.address("jane"));
    let task = ResetTask { id, address, name, link, asked_at, good_for_min: 30, attempts: 0 };
    world.tasks().publish(tasks::RESET, &task).await.unwrap();
    assert_eq!(queue.step(async |task| mails.handle(&task).await).await, Outcome::Ack);
    let delivered = world.bed.mailbox.messages_to(&task.address).await.unwrap();
    assert_eq!((delivered.len(), delivered[0].subject.as_str()), (1, "Set another password"));
    let message = mail_parser::MessageParser::default().parse(delivered[0].raw.as_bytes()).unwrap();
    let (plain, html) = (message.body_text(0).unwrap(), message.body_html(0).unwrap());
    assert!(plain.contains("https://tickets.example/verify?a=1&b=2#v1.proof") && plain.contains("30 minutes"), "{plain}");
    assert!(html.contains("verify?a=1&#38;b=2#v1.proof"), "{html}");
    assert!(!plain.contains("Jane") && !html.contains("Jane") && message.header_raw("Bcc").is_none());
    world.assert_no_task_is_left().await;
}
