//! Showing that an address is one's own.

use goticket_contracts::amqp::Names;
use goticket_contracts::tasks::{VERIFY, VerifyTask};
use goticket_domain::AccountId;
use goticket_domain::identity::{EmailAddress, Role};
use goticket_platform::amqp::{self, Consumer};
use goticket_storage::accounts;
use goticket_tokens::keys::KeyFolder;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{Person, World, expect, problem};

const PATH: &str = "/v1/auth/verify-email";

/// What is to be mailed, as it comes.
async fn mails(world: &World) -> (amqp::Amqp, Consumer) {
    let amqp = amqp::connect(&world.config.amqp, "test").await.unwrap();
    let queue = Names::new(amqp.prefix()).tasks_queue(VERIFY);
    let consumer = amqp.consume(queue, 1);
    (amqp, consumer)
}

async fn next(mails: &mut Consumer) -> VerifyTask {
    let delivery = mails.next().await;
    let task = serde_json::from_slice(delivery.body()).unwrap();
    delivery.ack().await.unwrap();
    task
}

fn token(task: &VerifyTask) -> &str {
    task.link.split_once('#').unwrap().1
}

async fn register(world: &World, address: &str) -> (Person, Value) {
    let body = json!({ "email": address, "password": "a long password", "name": "Jane" });
    let session = expect(world.post("/v1/auth/register", None, &body).await, StatusCode::CREATED).await;
    let id: AccountId = serde_json::from_value(session["account"]["id"].clone()).unwrap();
    (Person { id, token: session["access_token"].as_str().unwrap().to_owned() }, session["account"].clone())
}

async fn me(world: &World, person: &Person) -> Value {
    expect(world.get("/v1/me", Some(person)).await, StatusCode::OK).await
}

#[tokio::test]
async fn a_new_account_is_mailed_a_link_that_verifies_its_address() {
    let world = World::new().await;
    let (_amqp, mut mails) = mails(&world).await;
    let (jane, account) = register(&world, "Jane@example.com").await;
    assert_eq!(account["email_verified_at"], Value::Null);
    let mail = next(&mut mails).await;
    assert_eq!((mail.address.as_str(), mail.name.as_str(), mail.good_for_h), ("jane@example.com", "Jane", 24));
    assert!(mail.link.starts_with(&world.url(&format!("{PATH}#v1."))), "{}", mail.link);

    let verify = async |token: &str| world.post(PATH, None, &json!({ "token": token })).await;
    problem(verify("nonsense").await, 422, "verification_invalid").await;
    expect(verify(token(&mail)).await, StatusCode::NO_CONTENT).await;
    let verified = me(&world, &jane).await["email_verified_at"].clone();
    assert!(verified.is_string(), "{verified}");
    expect(verify(token(&mail)).await, StatusCode::NO_CONTENT).await;
    assert_eq!(me(&world, &jane).await["email_verified_at"], verified, "twice is once");
    let sent = world.post(&format!("{PATH}/send"), Some(&jane), &json!({})).await;
    expect(sent, StatusCode::NO_CONTENT).await;
}

#[tokio::test]
async fn a_link_is_of_one_account_with_one_address_for_a_day() {
    let world = World::new().await;
    let proofs = KeyFolder::at(world.bed.objects_dir.join("keys")).email_proofs().unwrap();
    let email = EmailAddress::parse("jane@example.com").unwrap();
    let jane = accounts::insert(&world.pool, &email, "Jane", Role::User, None).await.unwrap().unwrap().id;
    let (now, hour) = (Timestamp::now(), SignedDuration::from_hours(1));
    let other = EmailAddress::parse("jane@example.org").unwrap();
    let rows = [
        ("expired", proofs.sign(jane, &email, now - hour), "verification_expired"),
        ("of an address that it has no more", proofs.sign(jane, &other, now + hour), "verification_invalid"),
        ("of no one", proofs.sign(AccountId::generate(), &email, now + hour), "verification_invalid"),
        ("cut", proofs.sign(jane, &email, now + hour)[..80].to_owned(), "verification_invalid"),
    ];
    for (what, token, code) in rows {
        let refused = problem(world.post(PATH, None, &json!({ "token": token })).await, 422, code).await;
        assert_eq!(refused["errors"][0]["pointer"], "/token", "{what}");
    }
    assert_eq!(accounts::find(&world.pool, jane).await.unwrap().unwrap().email_verified_at, None);
    expect(world.post(PATH, None, &json!({ "token": proofs.sign(jane, &email, now + hour) })).await, StatusCode::NO_CONTENT)
        .await;
}

#[tokio::test]
async fn whoever_missed_the_mail_asks_for_another_one_a_few_times() {
    let world = World::new().await;
    let (_amqp, mut mails) = mails(&world).await;
    let fan = world.person(Role::User).await;
    let send = async || world.request(Method::POST, &format!("{PATH}/send"), Some(&fan)).send().await.unwrap();
    for _ in 0..3 {
        expect(send().await, StatusCode::ACCEPTED).await;
        let mail = next(&mut mails).await;
        assert!(mail.link.contains("#v1."), "{}", mail.link);
    }
    problem(send().await, 429, "rate_limited").await;
    let anyone = world.request(Method::POST, &format!("{PATH}/send"), None).send().await.unwrap();
    problem(anyone, 401, "access_token_missing").await;
}
