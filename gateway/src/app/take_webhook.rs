//! The payment provider tells what became of a payment: the owner of its event's lane is told, and only then the provider's notice is
//! acknowledged, so that nothing is lost while the broker is away.

use goticket_domain::booking::{Command, PaymentNotice, PaymentResult};
use goticket_domain::{Money, PaymentId};
use goticket_storage::payments::attempts;
use iso_currency::Currency;
use serde::Deserialize;

use crate::fault::Fault;
use crate::outbound::commands::SendError;
pub(crate) use crate::outbound::sandbox_payments::SIGNATURE_HEADER;
use crate::outbound::sandbox_payments::{PROVIDER, SignatureError};
use crate::services::Services;

/// A webhook's body. Members we don't need may come and go.
#[derive(Debug, Deserialize)]
struct Webhook {
    id: String,
    r#type: String,
    data: WebhookData,
}

#[derive(Debug, Deserialize)]
struct WebhookData {
    reference: String,
    amount_minor: i64,
    currency: Currency,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    #[error("the signature {0}")]
    Signature(#[from] SignatureError),
    /// Signed, and still not what we understand.
    #[error("the body is no webhook of this provider: {0}")]
    Unreadable(String),
    #[error("the payment is none of ours")]
    UnknownPayment,
    #[error(transparent)]
    NotAccepted(#[from] SendError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// `body` is exactly what was received: that is what is signed.
pub(crate) async fn take_webhook(app: &Services, signature: &str, body: &[u8]) -> Result<(), WebhookError> {
    app.payments.verify(signature, body, app.now())?;
    let webhook: Webhook = serde_json::from_slice(body).map_err(|error| WebhookError::Unreadable(error.to_string()))?;
    let result = match webhook.r#type.as_str() {
        "payment.paid" => PaymentResult::Paid,
        "payment.declined" => PaymentResult::Declined,
        other => {
            // Refunds are asked for by us and answered to us; whatever else there will be is not for us.
            tracing::debug!(kind = other, "a webhook that needs nothing done");
            return Ok(());
        }
    };
    let payment: PaymentId = webhook.data.reference.parse().map_err(|_| WebhookError::UnknownPayment)?;
    let attempt = attempts::find(&app.pool, payment).await.map_err(Fault::from)?.ok_or(WebhookError::UnknownPayment)?;
    let currency = Currency::from_code(&attempt.currency);
    let currency = currency.ok_or_else(|| Fault::Bug(format!("payment {payment} is in {:?}", attempt.currency)))?;
    let notice = PaymentNotice {
        payment,
        booking: attempt.booking,
        provider: PROVIDER.to_owned(),
        notice_id: webhook.id,
        result,
        amount: Money { amount_minor: webhook.data.amount_minor, currency: webhook.data.currency },
        asked: Money { amount_minor: attempt.amount_minor, currency },
    };
    Ok(app.commands.send(attempt.event, Command::Pay { notice }, false).await?)
}
