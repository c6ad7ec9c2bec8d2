//! The roles before and after the booking worker: what brings commands to it, and what tells the world of its decisions.

use std::time::Duration;

use goticket_contracts::tasks::{self, ResetTask, VerifyTask};
use goticket_platform::{health::Readiness, kafka, shutdown::Shutdown};
use tokio::time::sleep;

use super::{health, shared::Shared};
use crate::{
    Config,
    app::{
        expire_holds::ExpireHolds, mail_resets::MailResets, mail_tickets::MailTickets, mail_verifications::MailVerifications,
        notify::Notify, reconcile_payments::ReconcilePayments, relay::Relay, remind::Remind, render_tickets::RenderTickets,
    },
    inbound::{domain_events::DomainEvents, task_queue::TaskQueue},
    mail::Mailer,
    outbound::sandbox_payments::SandboxPayments,
};

/// Between two attempts to find the topics while Kafka is away.
const TOPICS_PAUSE: Duration = Duration::from_secs(2);

/// Ends holds.
pub(super) fn expiry(config: &Config, shared: &Shared, shutdown: &Shutdown) {
    let expiry = ExpireHolds::new(shared.pool.clone(), shared.commands.clone(), config.workers.expiry.clone());
    let (stop, amqp) = (shutdown.token(), shared.amqp.clone());
    shutdown.spawn("expiry", async move {
        expiry.run(stop).await;
        drop(amqp);
    });
}

/// Publishes the outbox. Starts without Kafka, too.
pub(super) fn relay(config: &Config, shared: &Shared, shutdown: &Shutdown) {
    let workers = &config.workers;
    let relay = Relay::new(shared.pool.clone(), config.kafka.clone(), workers.relay.clone(), &workers.lanes);
    shutdown.spawn("relay", relay.run(shutdown.token()));
}

/// Makes notifications of domain events, and tasks that were lost again. Starts without Kafka, too.
pub(super) fn notifier(config: &Config, shared: &Shared, shutdown: &Shutdown) -> anyhow::Result<()> {
    let events = DomainEvents::subscribe(&config.kafka, &config.workers.notifier)?;
    let notify = Notify::new(shared.pool.clone(), shared.tasks.clone());
    let remind = Remind::new(shared.pool.clone(), shared.tasks.clone(), config.workers.notifier.clone());
    let (stop, amqp) = (shutdown.token(), shared.amqp.clone());
    shutdown.spawn("notifier sweep", async move {
        remind.run(stop).await;
        drop(amqp);
    });
    let (config, stop, amqp) = (config.clone(), shutdown.token(), shared.amqp.clone());
    shutdown.spawn("notifier", async move {
        // Whoever subscribes to a topic that does not exist hears of it only minutes after it does.
        if stop.run_until_cancelled(topics(&config)).await.is_some() {
            events.run(notify, stop).await;
        }
        drop(amqp);
    });
    Ok(())
}

async fn topics(config: &Config) {
    let wanted = config.workers.relay.topics();
    while let Err(error) = kafka::ensure_topics(&config.kafka, &wanted).await {
        tracing::warn!(%error, "notifier: topics cannot be made sure of");
        sleep(TOPICS_PAUSE).await;
    }
}

/// Prints tickets.
pub(super) fn pdf(config: &Config, shared: &Shared, shutdown: &Shutdown) {
    let settings = &config.workers.tasks;
    let attempts_max = settings.attempts_max.get();
    let render = RenderTickets::new(shared.pool.clone(), shared.folder.clone(), shared.tasks.clone(), attempts_max);
    let queue: TaskQueue = TaskQueue::new(&shared.amqp, shared.tasks.clone(), tasks::PDF, settings.pdf_at_once.get());
    let (stop, amqp) = (shutdown.token(), shared.amqp.clone());
    shutdown.spawn("pdf", async move {
        queue.run(async |task| render.handle(&task).await, stop).await;
        drop(amqp);
    });
}

/// Mails tickets, and links that verify addresses and set passwords. Starts without a mail server, too.
pub(super) fn mail(config: &Config, shared: &Shared, readiness: &Readiness, shutdown: &Shutdown) -> anyhow::Result<()> {
    let settings = &config.workers.tasks;
    let (mailer, timeout) = (Mailer::new(&config.smtp)?, config.smtp.timeout_ms.millis());
    readiness.optional("smtp", health::smtp(mailer.clone()));
    let attempts_max = settings.attempts_max.get();
    let links = MailVerifications::new(mailer.clone(), attempts_max);
    let link_tasks: TaskQueue<VerifyTask> =
        TaskQueue::new(&shared.amqp, shared.tasks.clone(), tasks::VERIFY, settings.mail_at_once.get());
    let (stop, amqp) = (shutdown.token(), shared.amqp.clone());
    shutdown.spawn("verification mail", async move {
        link_tasks.run(async |task| links.handle(&task).await, stop).await;
        drop(amqp);
    });
    let resets = MailResets::new(mailer.clone(), attempts_max);
    let reset_tasks: TaskQueue<ResetTask> =
        TaskQueue::new(&shared.amqp, shared.tasks.clone(), tasks::RESET, settings.mail_at_once.get());
    let (stop, amqp) = (shutdown.token(), shared.amqp.clone());
    shutdown.spawn("reset mail", async move {
        reset_tasks.run(async |task| resets.handle(&task).await, stop).await;
        drop(amqp);
    });
    let mails = MailTickets::new(shared.pool.clone(), shared.folder.clone(), mailer, timeout, attempts_max, shutdown.token());
    let queue: TaskQueue = TaskQueue::new(&shared.amqp, shared.tasks.clone(), tasks::MAIL, settings.mail_at_once.get());
    let (stop, amqp) = (shutdown.token(), shared.amqp.clone());
    shutdown.spawn("mail", async move {
        queue.run(async |task| mails.handle(&task).await, stop).await;
        drop(amqp);
    });
    Ok(())
}

/// Asks the payment provider, and gives money back. Starts without the provider, too.
pub(super) fn payments(config: &Config, shared: &Shared, shutdown: &Shutdown) -> anyhow::Result<()> {
    let provider = SandboxPayments::new(&config.payments)?;
    let settings = config.workers.payments.clone();
    let reconciler = ReconcilePayments::new(shared.pool.clone(), provider, shared.commands.clone(), settings);
    let (stop, amqp) = (shutdown.token(), shared.amqp.clone());
    shutdown.spawn("payments", async move {
        reconciler.run(stop).await;
        drop(amqp);
    });
    Ok(())
}
