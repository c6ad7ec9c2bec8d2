//! Setting a password by mail.

use goticket_contracts::amqp::Names;
use goticket_contracts::tasks::{RESET, ResetTask};
use goticket_domain::identity::{EmailAddress, Role};
use goticket_platform::amqp::{self, Consumer};
use goticket_storage::accounts;
use goticket_tokens::keys::KeyFolder;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::own_sessions::{refresh, register};
use crate::world::{SOON, World, expect, problem};

const PATH: &str = "/v1/auth/password-reset";
const EMAIL: &str = "ann@example.com";
const NEW: &str = "a better password";

/// What is to be mailed, as it comes.
async fn mails(world: &World) -> (amqp::Amqp, Consumer) {
    let amqp = amqp::connect(&world.config.amqp, "test").await.unwrap();
    let consumer = amqp.consume(Names::new(amqp.prefix()).tasks_queue(RESET), 1);
    (amqp, consumer)
}

async fn next(mails: &mut Consumer) -> ResetTask {
    let delivery = tokio::time::timeout(SOON, mails.next()).await.expect("a mail");
    let task = serde_json::from_slice(delivery.body()).unwrap();
    delivery.ack().await.unwrap();
    task
}

async fn ask(world: &World, email: &str) {
    let answer = expect(world.post(PATH, None, &json!({ "email": email })).await, StatusCode::ACCEPTED).await;
    assert_eq!(answer, Value::Null, "the same for everyone");
}

async fn confirm(world: &World, token: &str, password: &str) -> Response {
    world.post(&format!("{PATH}/confirm"), None, &json!({ "token": token, "new_password": password })).await
}

async fn log_in(world: &World, password: &str) -> Response {
    world.post("/v1/auth/login", None, &json!({ "email": EMAIL, "password": password })).await
}

fn token(task: &ResetTask) -> String {
    task.link.split_once('#').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_link_sets_the_password_once_and_ends_every_session() {
    let world = World::new().await;
    let (_amqp, mut mails) = mails(&world).await;
    let session = register(&world).await;
    ask(&world, "nobody@example.com").await;
    ask(&world, "Ann@example.com").await;
    let mail = next(&mut mails).await;
    assert_eq!((mail.address.as_str(), mail.name.as_str(), mail.good_for_min), (EMAIL, "Ann Other", 30));
    assert!(mail.link.starts_with(&world.url(&format!("{PATH}#v1."))), "{}", mail.link);

    let short = problem(confirm(&world, &token(&mail), "short").await, 422, "invalid_field").await;
    assert_eq!(short["errors"][0]["pointer"], "/new_password");
    expect(world.get("/v1/me", Some(&session.person)).await, StatusCode::OK).await;
    expect(confirm(&world, &token(&mail), NEW).await, StatusCode::NO_CONTENT).await;
    problem(world.get("/v1/me", Some(&session.person)).await, 401, "session_ended").await;
    problem(refresh(&world, &session.refresh_token).await, 401, "refresh_token_invalid").await;
    problem(log_in(&world, "correct horse battery").await, 401, "wrong_credentials").await;
    let logged_in = expect(log_in(&world, NEW).await, StatusCode::OK).await;
    assert!(logged_in["account"]["email_verified_at"].is_string(), "the mail was read: {logged_in}");
    let again = problem(confirm(&world, &token(&mail), "yet another one").await, 422, "reset_invalid").await;
    assert_eq!(again["errors"][0]["pointer"], "/token");
}

#[tokio::test]
async fn a_link_is_of_one_account_address_and_password_for_half_an_hour() {
    let world = World::new().await;
    register(&world).await;
    let email = EmailAddress::parse(EMAIL).unwrap();
    let ann = accounts::credentials(&world.pool, &email).await.unwrap().unwrap().account.id;
    let resets = KeyFolder::at(world.bed.objects_dir.join("keys")).password_resets().unwrap();
    let proofs = KeyFolder::at(world.bed.objects_dir.join("keys")).email_proofs().unwrap();
    let (now, later) = (Timestamp::now(), Timestamp::now() + SignedDuration::from_mins(30));
    let other = EmailAddress::parse("ann@example.org").unwrap();
    let nobody = goticket_domain::AccountId::generate();
    let rows = [
        ("expired", resets.sign(ann, &email, 0, now - SignedDuration::from_secs(1)), "reset_expired"),
        ("of another password", resets.sign(ann, &email, 1, later), "reset_invalid"),
        ("of another address", resets.sign(ann, &other, 0, later), "reset_invalid"),
        ("of no one", resets.sign(nobody, &email, 0, later), "reset_invalid"),
        ("that verifies the address", proofs.sign(ann, &email, later), "reset_invalid"),
        ("nonsense", "nonsense".to_owned(), "reset_invalid"),
    ];
    for (what, token, code) in rows {
        let refused = problem(confirm(&world, &token, NEW).await, 422, code).await;
        assert_eq!(refused["errors"][0]["pointer"], "/token", "{what}");
    }
    accounts::disable(&world.pool, &email).await.unwrap();
    problem(confirm(&world, &resets.sign(ann, &email, 0, later), NEW).await, 422, "reset_invalid").await;
    accounts::enable(&world.pool, &email).await.unwrap();
    expect(confirm(&world, &resets.sign(ann, &email, 0, later), NEW).await, StatusCode::NO_CONTENT).await;
}

#[tokio::test]
async fn an_account_that_a_stranger_made_is_the_addresss_holders_when_they_register() {
    let world = World::new().await;
    let (_amqp, mut mails) = mails(&world).await;
    let stranger = register(&world).await;
    let body = json!({ "email": EMAIL, "password": NEW, "name": "Ann" });
    problem(world.post("/v1/auth/register", None, &body).await, 409, "email_taken").await;
    problem(log_in(&world, NEW).await, 401, "wrong_credentials").await;
    let mail = next(&mut mails).await;
    expect(confirm(&world, &token(&mail), NEW).await, StatusCode::NO_CONTENT).await;
    problem(refresh(&world, &stranger.refresh_token).await, 401, "refresh_token_invalid").await;
    expect(log_in(&world, NEW).await, StatusCode::OK).await;

    // It is shown to be theirs now: nobody is mailed because somebody tries to register.
    problem(world.post("/v1/auth/register", None, &body).await, 409, "email_taken").await;
    let bob = EmailAddress::parse("bob@example.com").unwrap();
    accounts::insert(&world.pool, &bob, "Bob", Role::User, None).await.unwrap();
    ask(&world, "bob@example.com").await;
    assert_eq!(next(&mut mails).await.address, "bob@example.com");
}
