//! `GET /pay/{id}`: the hosted page. No script runs on it and nobody may frame it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use axum::response::{Html, IntoResponse, Response};
use goticket_domain::Money;
use url::Url;

use super::problem::Problem;
use crate::sandbox::cards::{TEST_CARDS, TestCard};
use crate::sandbox::payment::{Payment, Status};
use crate::sandbox::server::Sandbox;

#[derive(Template)]
#[template(path = "sandbox/pay.html")]
struct Page<'a> {
    payment: &'a Payment,
    amount: String,
    open: bool,
    refunded: bool,
    notice: Option<&'a str>,
    back: Option<String>,
    cards: &'static [TestCard],
}

pub(in crate::sandbox) async fn page(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(show(&sandbox.ledger().get(&id)?, StatusCode::OK, None))
}

/// The stylesheet, apart so that the page's policy can forbid everything inline.
pub(in crate::sandbox) async fn style() -> Response {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("../../../templates/sandbox/pay.css")).into_response()
}

/// The page as it is now, with what just happened.
pub(super) fn show(payment: &Payment, status: StatusCode, notice: Option<&str>) -> Response {
    let Payment { request, .. } = payment;
    let page = Page {
        payment,
        amount: Money { amount_minor: request.amount_minor, currency: request.currency }.to_string(),
        open: payment.status == Status::Open,
        refunded: payment.status == Status::Refunded,
        notice,
        back: return_to(payment).map(String::from),
        cards: &TEST_CARDS,
    };
    let Ok(html) = page.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // form-action is left open on purpose: browsers apply it to the redirect to the shop, too.
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    let headers = [
        (CONTENT_SECURITY_POLICY, policy),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, Html(html)).into_response()
}

/// Where the fan goes afterwards, with what they did there.
pub(super) fn return_to(payment: &Payment) -> Option<Url> {
    let mut url = payment.request.return_url.clone()?;
    let status = if payment.status == Status::Open { "open" } else { "paid" };
    url.query_pairs_mut().append_pair("payment", &payment.id).append_pair("status", status);
    Some(url)
}
