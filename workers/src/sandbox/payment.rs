//! A payment, what is asked for it, and what is told about it.

use bytes::Bytes;
use iso_currency::Currency;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::cards::Scenario;

/// What a merchant asks for. Also what an idempotency key stands for, so it is compared as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentRequest {
    pub(super) amount_minor: i64,
    pub(super) currency: Currency,
    pub(super) reference: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) return_url: Option<Url>,
    pub(super) webhook_url: Url,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Open,
    Paid,
    Refunded,
}

#[derive(Debug, Clone)]
pub(super) struct Payment {
    pub(super) id: String,
    pub(super) request: PaymentRequest,
    pub(super) status: Status,
    pub(super) created: Timestamp,
    pub(super) declines: u32,
    pub(super) paid: Option<Paid>,
    pub(super) refunds: Vec<Refund>,
}

#[derive(Debug, Clone)]
pub(super) struct Paid {
    pub(super) at: Timestamp,
    pub(super) scenario: Scenario,
    pub(super) event: Event,
}

#[derive(Debug, Clone)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) key: String,
    /// As it was asked for: None is "all that is left".
    pub(super) requested_minor: Option<i64>,
    pub(super) amount_minor: i64,
}

/// A webhook's body, made once: whoever gets it twice gets the same bytes.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) body: Bytes,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) enum EventType {
    #[serde(rename = "payment.paid")]
    Paid,
    #[serde(rename = "payment.declined")]
    Declined,
    #[serde(rename = "payment.refunded")]
    Refunded,
}

impl Payment {
    pub(super) fn open(request: PaymentRequest, now: Timestamp) -> Self {
        Self { id: new_id("pay"), request, status: Status::Open, created: now, declines: 0, paid: None, refunds: Vec::new() }
    }

    pub(super) fn refunded_minor(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount_minor).sum()
    }

    /// What happened, with the payment as it is now.
    pub(super) fn event(&self, kind: EventType, now: Timestamp) -> Event {
        #[derive(Serialize)]
        struct Body<'a> {
            id: &'a str,
            r#type: EventType,
            created: Timestamp,
            data: Data<'a>,
        }
        #[derive(Serialize)]
        struct Data<'a> {
            payment: &'a str,
            reference: &'a str,
            amount_minor: i64,
            currency: Currency,
            status: Status,
            refunded_minor: i64,
        }
        let id = new_id("evt");
        let data = Data {
            payment: &self.id,
            reference: &self.request.reference,
            amount_minor: self.request.amount_minor,
            currency: self.request.currency,
            status: self.status,
            refunded_minor: self.refunded_minor(),
        };
        let body = serde_json::to_vec(&Body { id: &id, r#type: kind, created: now, data });
        Event { body: body.unwrap_or_default().into(), id }
    }

    /// As merchants see it.
    pub(super) fn view(&self, public_url: &Url) -> PaymentView<'_> {
        PaymentView {
            id: &self.id,
            status: self.status,
            request: &self.request,
            pay_url: pay_url(public_url, &self.id),
            refunded_minor: self.refunded_minor(),
            declines: self.declines,
            created: self.created,
            paid_at: self.paid.as_ref().map(|paid| paid.at),
        }
    }
}

#[derive(Serialize)]
pub(super) struct PaymentView<'a> {
    id: &'a str,
    status: Status,
    #[serde(flatten)]
    request: &'a PaymentRequest,
    pay_url: String,
    refunded_minor: i64,
    declines: u32,
    created: Timestamp,
    paid_at: Option<Timestamp>,
}

pub(super) fn pay_url(public_url: &Url, payment: &str) -> String {
    format!("{}/pay/{payment}", public_url.as_str().trim_end_matches('/'))
}

pub(super) fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::now_v7().simple())
}
