//! What the head of a request for seats says and proves: checked before its body is waited for.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use goticket_domain::EventId;
use goticket_domain::booking::IdempotencyKey;
use goticket_domain::policy::Action;

use super::entry::{Admitted, check_entry};
use super::headers;
use crate::app::caller::Caller;
use crate::inbound::apart::apart;
use crate::inbound::parts::Path;
use crate::inbound::problem::Problem;
use crate::inbound::slots;
use crate::services::App;

pub(super) struct Asking {
    pub(super) caller: Caller,
    pub(super) event: EventId,
    pub(super) admitted: Admitted,
    pub(super) key: IdempotencyKey,
    pub(super) wait: Duration,
}

impl FromRequestParts<App> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = <Caller as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        let Path(event) = Path::from_request_parts(parts, app).await?;
        let sent = &parts.headers;
        match check_entry(app, sent, event, caller) {
            Ok(admitted) => {
                let key = headers::idempotency_key(sent)?;
                Ok(Self { caller, event, admitted, key, wait: headers::wait(sent) })
            }
            Err(refusal) => {
                // That there is no such event says more.
                slots::begin(parts)?;
                let (work, app) = (app.work.clone(), app.clone());
                apart(&work, async move { app.catalog.with_seats(&caller.subject(), Action::BookSeats, event).await }).await?;
                Err(refusal)
            }
        }
    }
}
