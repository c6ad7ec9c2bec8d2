//! Clicked twice, clicked back, clicked at two gateways: one request, one booking, one page, one charge.

use std::collections::BTreeSet;

use futures::future::join_all;
use goticket_testkit::{Link, TestBed, eventually, free_port};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::api::{Answer, Api};
use crate::world::fan::{Fan, SOON, card, new_key};
use crate::world::onsale::{Event, Wish};
use crate::world::{ONE_PROCESS, World};

const APART: &[&str] = &["sandbox", "admission", "workers", "gateway"];

impl World {
    /// Another gateway, at another address, with settings of its own.
    async fn another_gateway(&mut self, settings: &[(&str, &str)]) -> Api {
        let address = format!("127.0.0.1:{}", free_port());
        let base = format!("http://{address}");
        let own = [("GATEWAY__LISTEN", address.as_str()), ("GATEWAY__PUBLIC_URL", base.as_str())];
        let settings: Vec<_> =
            own.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.deployment.start_as("another", "gateway", &settings).unwrap();
        let api = self.api.at(base);
        let private = self.api.at(self.deployment.private_url("another").unwrap());
        eventually("another gateway", SOON, async || {
            private.get("/readyz").send().await.is_ok_and(|answer| answer.status == StatusCode::OK).then_some(())
        })
        .await;
        api
    }
}

/// The fan's browser tabs: two at either gateway.
fn tabs(fan: &Fan, another: &Api) -> Vec<Fan> {
    let at = |api: &Api| Fan { api: api.clone(), ..fan.clone() };
    vec![at(&fan.api), at(another), at(&fan.api), at(another)]
}

fn ids(answers: &[Answer]) -> BTreeSet<String> {
    answers.iter().map(|answer| answer.body()["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn four_clicks_at_once_do_what_one_does_whichever_gateways_they_reach() {
    let mut world = World::of(APART).await;
    let another = world.another_gateway(&[]).await;
    let event = world.publish(&Wish { ticket_limit: 2, ..Wish::default() }).await;
    let fans = world.shoppers(&event, 2).await;
    for round in 0..5 {
        let booking = one_key(&tabs(&fans[0], &another), &event, round).await;
        fans[0].cancel(&booking).await;
    }
    four_keys_at_a_limit_of_two(&tabs(&fans[1], &another), &event).await;

    let booking = one_key(&tabs(&fans[0], &another), &event, 5).await;
    let page = one_page(&tabs(&fans[0], &another), &booking).await;
    let charges = join_all((0..4).map(|_| fans[0].card(&page, card::PAYS))).await;
    assert_eq!(charges.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{charges:?}");
    assert!(charges.iter().all(|status| matches!(*status, StatusCode::OK | StatusCode::CONFLICT)), "{charges:?}");
    fans[0].until_state(&booking, "confirmed").await;
    world.until_payments(&booking, &["paid"]).await;
    world.assert_clean().await;
}

async fn one_key(tabs: &[Fan], event: &Event, round: u32) -> String {
    let (key, wish) = (new_key(), json!({ "seats": [event.seat("Stalls", 2 * round), event.seat("Stalls", 2 * round + 1)] }));
    let answers = join_all(tabs.iter().map(|tab| tab.ask(&key, &wish).answer())).await;
    for answer in &answers {
        assert_eq!((answer.status, answer.body()), (StatusCode::CREATED, answers[0].body()), "round {round}");
        assert_eq!(answer.headers["location"], answers[0].headers["location"]);
    }
    ids(&answers).pop_first().unwrap()
}

async fn four_keys_at_a_limit_of_two(tabs: &[Fan], event: &Event) {
    let wishes: Vec<Value> = (0..4).map(|n| json!({ "seats": [event.seat("Circle", 2 * n)] })).collect();
    let keys: Vec<String> = tabs.iter().map(|_| new_key()).collect();
    let ask = || join_all(tabs.iter().zip(&keys).zip(&wishes).map(|((tab, key), wish)| tab.ask(key, wish).answer()));
    let answers = ask().await;
    let (held, refused): (Vec<Answer>, Vec<Answer>) =
        answers.iter().cloned().partition(|answer| answer.status == StatusCode::CREATED);
    assert_eq!((held.len(), ids(&held).len()), (2, 2), "{answers:?}");
    for answer in &refused {
        answer.expect_problem(StatusCode::CONFLICT, "limit_reached");
    }
    let again = ask().await;
    assert!(again.iter().zip(&answers).all(|(again, first)| again.status == first.status), "{again:?}");
}

/// Four return addresses, which would be four pages at the provider.
async fn one_page(tabs: &[Fan], booking: &str) -> String {
    let open = |(n, tab): (usize, &Fan)| {
        let body = json!({ "return_url": format!("https://shop.example/back/{n}") });
        tab.api.post(&format!("/v1/bookings/{booking}/payment")).token(&tab.token).json(&body).answer()
    };
    let answers = join_all(tabs.iter().enumerate().map(open)).await;
    let opened: BTreeSet<_> = answers
        .iter()
        .map(|answer| {
            assert!(answer.status.is_success(), "{} {}", answer.status, answer.body());
            (answer.body()["payment"].to_string(), answer.body()["pay_url"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(opened.len(), 1, "{opened:?}");
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count(), 1);
    opened.into_iter().next().unwrap().1
}

/// Each gateway names the provider its own address for webhooks: under one key these are two requests.
#[tokio::test]
async fn two_gateways_that_open_one_payment_at_once_give_its_one_page() {
    let mut world = World::prepare(TestBed::new().await, &[]).await;
    let provider = world.deployment.env().iter().find(|(name, _)| name == "GOTICKET__PAYMENTS__URL").unwrap();
    let mut url = provider.1.clone();
    let link = Link::before(&mut url).await.unwrap();
    for roles in ["sandbox", "admission", "workers"] {
        world.deployment.start(roles).unwrap();
    }
    world.deployment.start_as("gateway", "gateway", &[("PAYMENTS__URL".to_owned(), url.clone())]).unwrap();
    world.deployment.ready().await.unwrap();
    let another = world.another_gateway(&[("PAYMENTS__URL", &url)]).await;
    let event = world.publish(&Wish::default()).await;
    let fan = world.shopper(&event).await;
    let booking = fan.hold(&[event.seat("Stalls", 0)]).await.id;

    link.hush();
    let open = |api: &Api| api.post(&format!("/v1/bookings/{booking}/payment")).token(&fan.token).json(&json!({})).answer();
    let both = async { tokio::join!(open(&world.api), open(&another)) };
    let (answers, ()) = tokio::join!(both, async {
        // Neither has found a page by now.
        eventually("both ask the provider", SOON, async || (link.held_up() == 2).then_some(())).await;
        link.restore();
    });
    let (one, other) = (answers.0.body(), answers.1.body());
    assert!(answers.0.status.is_success() && answers.1.status.is_success(), "{one} {other}");
    assert_eq!((&one["payment"], &one["pay_url"]), (&other["payment"], &other["pay_url"]));
    assert_eq!(fan.checkout(&booking).await, one["pay_url"].as_str().unwrap());
    fan.buy(&booking, card::PAYS).await;
    world.until_payments(&booking, &["paid"]).await;
    world.assert_clean().await;
}

#[tokio::test]
async fn who_goes_back_and_asks_again_is_led_to_what_they_have() {
    let mut world = World::of(ONE_PROCESS).await;
    let event = world.publish(&Wish::default()).await;
    let fan = world.shopper(&event).await;
    let (key, wish) = (new_key(), json!({ "seats": [event.seat("Stalls", 0), event.seat("Stalls", 1)] }));
    let first = fan.ask(&key, &wish).answer().await;
    let booking: Value = first.expect(StatusCode::CREATED);
    let id = booking["id"].as_str().unwrap();
    for part in [&wish, &json!({ "seats": [event.seat("Stalls", 1), event.seat("Stalls", 2)] })] {
        let again = fan.ask(&new_key(), part).answer().await;
        again.expect_problem(StatusCode::CONFLICT, "seats_yours");
        assert_eq!(again.body()["booking"], booking["id"], "{}", again.body());
    }

    let page = fan.checkout(id).await;
    fan.buy(id, card::PAYS).await;
    let again = fan.ask(&key, &wish).answer().await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect::<Value>(StatusCode::CREATED)["id"], booking["id"]);
    let pay = fan.api.post(&format!("/v1/bookings/{id}/payment")).token(&fan.token).json(&json!({})).answer().await;
    pay.expect_problem(StatusCode::CONFLICT, "already_paid");
    assert_eq!(fan.card(&page, card::PAYS).await, StatusCode::CONFLICT);
    let yours = fan.ask(&new_key(), &wish).answer().await;
    yours.expect_problem(StatusCode::CONFLICT, "seats_yours");
    assert_eq!(yours.body()["booking"], booking["id"]);
    world.until_payments(id, &["paid"]).await;
    world.assert_clean().await;
}
