//! The sandbox payment provider's API, as the reconciler uses it.

use std::time::Duration;

use anyhow::Context as _;
use goticket_domain::{Money, PaymentId};
use goticket_platform::config::U64In;
use iso_currency::Currency;
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use url::Url;

/// What payments and webhooks call it.
pub const PROVIDER: &str = "sandbox";

/// `[payments]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentsConfig {
    /// Where the provider's API answers.
    pub url: Url,
    /// What we show the provider; the payments role does not start without it.
    #[serde(default)]
    pub api_key: Option<SecretString>,
    /// What webhooks are signed with: read by the gateway.
    #[serde(default)]
    pub webhook_secret: Option<SecretString>,
    /// One request to the provider.
    pub timeout_ms: U64In<100, 60_000>,
}

/// Where a payment stands at the provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderStatus {
    /// Nobody has paid.
    Open,
    /// Paid.
    Paid,
    /// Paid and given back.
    Refunded,
}

/// A payment as the provider has it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct ProviderPayment {
    /// Where it stands.
    pub status: ProviderStatus,
    /// What it is about.
    #[serde(flatten)]
    pub amount: ProviderAmount,
    /// What went back so far.
    pub refunded_minor: i64,
}

/// An amount as the provider writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct ProviderAmount {
    amount_minor: i64,
    currency: Currency,
}

impl From<ProviderAmount> for Money {
    fn from(ProviderAmount { amount_minor, currency }: ProviderAmount) -> Self {
        Self { amount_minor, currency }
    }
}

/// What the provider did not do.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It does not answer, or not now.
    #[error("the payment provider does not answer: {0}")]
    Away(String),
    /// It knows no such payment.
    #[error("the payment provider knows no such payment")]
    Unknown,
    /// It says no.
    #[error("the payment provider refuses: {0}")]
    Refused(String),
}

/// The API. Clones share its connections.
#[derive(Clone)]
pub struct SandboxPayments {
    http: Client,
    base: Url,
    api_key: SecretString,
}

impl SandboxPayments {
    /// Connects at the first request.
    pub fn new(config: &PaymentsConfig) -> anyhow::Result<Self> {
        let api_key = config.api_key.clone().context("`payments.api_key` (GOTICKET__PAYMENTS__API_KEY) is missing")?;
        let timeout: Duration = config.timeout_ms.millis();
        let http = Client::builder().timeout(timeout).connect_timeout(timeout).build().context("an HTTP client")?;
        Ok(Self { http, base: config.url.clone(), api_key })
    }

    /// Asks about a payment by the provider's id.
    pub async fn find(&self, provider_ref: &str) -> Result<ProviderPayment, ProviderError> {
        let request = self.http.get(self.url(&[provider_ref])?);
        self.answer(request).await
    }

    /// Gives back whatever of `amount` has not gone back yet: a person may have given back a part, or all, at the provider's own page.
    /// Repeating it, by whomever, gives nothing back twice: the key is our payment's id with what is left, and more than is left the
    /// provider refuses.
    pub async fn refund(&self, provider_ref: &str, payment: PaymentId, amount: Money) -> Result<(), ProviderError> {
        let left_minor = amount.amount_minor - self.find(provider_ref).await?.refunded_minor;
        if left_minor <= 0 {
            return Ok(());
        }
        let request = self
            .http
            .post(self.url(&[provider_ref, "refunds"])?)
            .header("Idempotency-Key", format!("{payment}-{left_minor}"))
            .json(&json!({ "amount_minor": left_minor }));
        self.answer::<serde_json::Value>(request).await.map(drop)
    }

    fn url(&self, path: &[&str]) -> Result<Url, ProviderError> {
        let mut url = self.base.clone();
        let unusable = |()| ProviderError::Away("payments.url is no base of a URL".to_owned());
        url.path_segments_mut().map_err(unusable)?.pop_if_empty().extend(["v1", "payments"]).extend(path);
        Ok(url)
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, ProviderError> {
        let away = |error: reqwest::Error| ProviderError::Away(error.without_url().to_string());
        let answer = request.bearer_auth(self.api_key.expose_secret()).send().await.map_err(away)?;
        match answer.status() {
            status if status.is_success() => answer.json().await.map_err(away),
            StatusCode::NOT_FOUND => Err(ProviderError::Unknown),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(ProviderError::Away(status.to_string()))
            }
            status => Err(ProviderError::Refused(format!("{status} {}", answer.text().await.unwrap_or_default()))),
        }
    }
}
