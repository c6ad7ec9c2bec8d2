//! `POST /pay/{id}`: a card is presented.

use std::time::Duration;

use axum::Form;
use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::json;

use super::page;
use super::problem::Problem;
use crate::sandbox::cards::{COPIES, Scenario, scenario};
use crate::sandbox::ledger::Charge;
use crate::sandbox::payment::{Payment, pay_url};
use crate::sandbox::server::Sandbox;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sandbox) struct CardForm {
    card_number: String,
}

const DECLINED: &str = "The card was declined. Please try another one.";
const ALREADY_PAID: &str = "This is paid already. Nothing was charged again.";
const NO_TEST_CARD: &str = "Only the test cards are taken here.";

pub(in crate::sandbox) async fn pay(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Result<Form<CardForm>, FormRejection>,
) -> Result<Response, Problem> {
    let browser = wants_html(&headers);
    let Form(form) = form.map_err(|rejection| Problem::new(rejection.status(), "invalid_request", rejection.body_text()))?;
    let Some(card) = scenario(&form.card_number) else {
        return if browser {
            Ok(page::show(&sandbox.ledger().get(&id)?, StatusCode::UNPROCESSABLE_ENTITY, Some(NO_TEST_CARD)))
        } else {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_card", NO_TEST_CARD))
        };
    };
    let charge = charge(&sandbox, &id, card)?;
    Ok(if browser { answer_page(&sandbox, &charge) } else { answer_json(&sandbox, &charge) })
}

/// Room for the webhooks first, then the charge, then the webhooks.
fn charge(sandbox: &Sandbox, id: &str, card: Scenario) -> Result<Charge, Problem> {
    let postman = sandbox.postman();
    let copies = if card == Scenario::WebhookDoubled { COPIES } else { 1 };
    let room = postman.reserve(copies).ok_or_else(Problem::busy)?;
    let charge = sandbox.ledger().charge(id, card, sandbox.now())?;
    match &charge {
        Charge::Declined(payment, event) => {
            postman.deliver(room, &payment.request.webhook_url, event, Duration::ZERO);
        }
        // Again at once, whichever way the first one went; but what is lost stays lost.
        Charge::Already(payment, paid) if paid.scenario != Scenario::WebhookLost => {
            postman.deliver(room, &payment.request.webhook_url, &paid.event, Duration::ZERO);
        }
        Charge::Paid(payment, paid) if paid.scenario != Scenario::WebhookLost => {
            let late = paid.scenario == Scenario::WebhookLate;
            let delay = if late { sandbox.late_webhook() } else { Duration::ZERO };
            postman.deliver(room, &payment.request.webhook_url, &paid.event, delay);
        }
        Charge::Already(..) | Charge::Paid(..) => {}
    }
    Ok(charge)
}

fn answer_json(sandbox: &Sandbox, charge: &Charge) -> Response {
    let view = |payment: &Payment| json!(payment.view(sandbox.public_url()));
    match charge {
        Charge::Paid(payment, _) => Json(view(payment)).into_response(),
        Charge::Declined(payment, _) => {
            Problem::new(StatusCode::PAYMENT_REQUIRED, "card_declined", DECLINED).with_payment(view(payment)).into_response()
        }
        Charge::Already(payment, _) => {
            Problem::new(StatusCode::CONFLICT, "already_paid", ALREADY_PAID).with_payment(view(payment)).into_response()
        }
    }
}

fn answer_page(sandbox: &Sandbox, charge: &Charge) -> Response {
    match charge {
        Charge::Paid(payment, _) => {
            let to = page::return_to(payment).map(String::from);
            Redirect::to(&to.unwrap_or_else(|| pay_url(sandbox.public_url(), &payment.id))).into_response()
        }
        Charge::Declined(payment, _) => page::show(payment, StatusCode::PAYMENT_REQUIRED, Some(DECLINED)),
        Charge::Already(payment, _) => page::show(payment, StatusCode::CONFLICT, Some(ALREADY_PAID)),
    }
}

/// Browsers name text/html; programs rarely do.
fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}
