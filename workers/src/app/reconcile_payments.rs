//! Payments whose end nobody told us: asks the provider about those that stay open, or were declined and may have been paid with
//! another card since, and gives back what must go back.
//!
//! What the provider says becomes a command on the lane of the booking's event, like a webhook would; the lane's owner gives either of
//! them its effect, and the second one none. A refund is asked for under our payment's id, so that it happens once however often it is
//! asked for; that it happened becomes a command, too.
//!
//! Nobody tells us that an attempt was abandoned, and the provider's page never closes. So the questions end some time after the
//! booking's hold; of money that comes even later only the webhook tells.

use std::time::Duration;

use goticket_domain::booking::{Command, PaymentNotice, PaymentResult};
use goticket_platform::{
    amqp::PublishError,
    config::{U32In, U64In},
};
use goticket_storage::{
    StorageError, answered,
    payments::undecided::{self, Undecided},
};
use jiff::SignedDuration;
use serde::Deserialize;
use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::outbound::{
    command_queue::CommandQueue,
    sandbox_payments::{PROVIDER, ProviderError, ProviderStatus, SandboxPayments},
};

/// `[workers.payments]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerConfig {
    /// Pause between two looks.
    pub pause_ms: U64In<10, 600_000>,
    /// A payment without an end for so long is asked about. It must leave the webhook its time.
    pub open_after_ms: U64In<0, 86_400_000>,
    /// How long after its booking's hold ended an attempt is still asked about, less and less often; once more after that.
    pub ask_for_s: U64In<3_600, 31_536_000>,
    /// A refund that was tried and failed is tried again after this.
    pub refund_again_ms: U64In<0, 86_400_000>,
    /// Payments looked at together.
    pub batch_max: U32In<1, 1_000>,
}

/// What one look came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reconciled {
    /// Payments asked about.
    pub asked: usize,
    /// Of those, the ones that turned out to be decided.
    pub decided: usize,
    /// Refunds made.
    pub refunded: usize,
}

/// Why one payment is left for later.
#[derive(Debug, thiserror::Error)]
enum ReconcileError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error("its command cannot be published: {0}")]
    Publish(#[from] PublishError),
}

/// The reconciler.
pub struct ReconcilePayments {
    pool: PgPool,
    provider: SandboxPayments,
    commands: CommandQueue,
    config: ReconcilerConfig,
}

impl ReconcilePayments {
    /// Connects to nothing by itself.
    pub fn new(pool: PgPool, provider: SandboxPayments, commands: CommandQueue, config: ReconcilerConfig) -> Self {
        Self { pool, provider, commands, config }
    }

    /// Looks once at what is due, one payment after the other: this is no hot path, and the provider is no friend of bursts.
    pub async fn run_once(&self) -> Result<Reconciled, StorageError> {
        let mut done = Reconciled::default();
        let (pool, limit) = (&self.pool, self.config.batch_max.get());
        // Money that is due does not wait behind questions.
        let refund_again = duration(self.config.refund_again_ms.millis());
        for payment in answered(undecided::take_refunds(pool, PROVIDER, refund_again, limit)).await? {
            match self.refund(&payment).await {
                Ok(()) => done.refunded += 1,
                Err(error) => tracing::warn!(payment = %payment.payment, %error, "refund still due"),
            }
        }
        let (open_after, ask_for) = (duration(self.config.open_after_ms.millis()), duration(self.config.ask_for_s.secs()));
        for payment in answered(undecided::take_unanswered(pool, PROVIDER, open_after, ask_for, limit)).await? {
            done.asked += 1;
            match self.ask(&payment).await {
                Ok(decided) => done.decided += usize::from(decided),
                Err(error) => tracing::warn!(payment = %payment.payment, %error, "payment left open"),
            }
        }
        metrics::counter!("goticket_payments_reconciled_total").increment(done.decided as u64);
        metrics::counter!("goticket_payments_refunded_total").increment(done.refunded as u64);
        Ok(done)
    }

    /// True where the provider has decided.
    async fn ask(&self, payment: &Undecided) -> Result<bool, ReconcileError> {
        let known = self.provider.find(&payment.provider_ref).await?;
        match known.status {
            ProviderStatus::Open => return Ok(false),
            ProviderStatus::Paid => {}
            ProviderStatus::Refunded => {
                tracing::error!(payment = %payment.payment, "the provider gave back what we count as open: a person must look");
                return Ok(false);
            }
        }
        let notice = PaymentNotice {
            payment: payment.payment,
            booking: payment.booking,
            provider: payment.provider.clone(),
            // The same however often we ask.
            notice_id: format!("{}:paid", payment.provider_ref),
            result: PaymentResult::Paid,
            amount: known.amount.into(),
            asked: payment.amount,
        };
        self.commands.send(payment.event, Command::Pay { notice }).await?;
        Ok(true)
    }

    async fn refund(&self, payment: &Undecided) -> Result<(), ReconcileError> {
        self.provider.refund(&payment.provider_ref, payment.payment, payment.amount).await?;
        let refunded = Command::Refunded { payment: payment.payment, booking: payment.booking };
        Ok(self.commands.send(payment.event, refunded).await?)
    }

    /// Until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let pause: Duration = self.config.pause_ms.millis();
        while !stop.is_cancelled() {
            if let Err(error) = self.run_once().await {
                tracing::warn!(%error, "payments: trying again");
            }
            let _ = stop.run_until_cancelled(sleep(pause)).await;
        }
    }
}

fn duration(setting: Duration) -> SignedDuration {
    SignedDuration::try_from(setting).unwrap_or(SignedDuration::MAX)
}
