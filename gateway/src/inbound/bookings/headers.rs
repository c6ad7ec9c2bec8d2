//! The headers of a booking: idempotency key, and how long the client will wait.

use std::time::Duration;

use axum::http::HeaderMap;
use goticket_domain::booking::IdempotencyKey;

use crate::inbound::limits::WAIT_MAX;
use crate::inbound::parts::header_text;
use crate::inbound::problem::{FieldError, Problem, ProblemCode};

/// How long a client waits that says nothing.
const WAIT_USUAL: Duration = Duration::from_secs(2);

const KEY: &str = "Idempotency-Key";

pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<IdempotencyKey, Problem> {
    let Some(text) = headers.get(KEY) else {
        let fix = "is missing: send a new UUID for a new request, and the same for its repetition";
        return Err(
            Problem::new(ProblemCode::IdempotencyKeyMissing, format!("{KEY} {fix}.")).with_error(FieldError::header(KEY, fix))
        );
    };
    let parsed = header_text(headers, KEY).map(IdempotencyKey::parse);
    match parsed {
        Some(Ok(key)) if !text.is_empty() => Ok(key),
        Some(Err(error)) => Err(invalid_key(&error.to_string())),
        _ => Err(invalid_key("must be sent once, in printable ASCII")),
    }
}

fn invalid_key(message: &str) -> Problem {
    Problem::new(ProblemCode::IdempotencyKeyInvalid, format!("{KEY} {message}.")).with_error(FieldError::header(KEY, message))
}

/// `Prefer: wait=N` (RFC 7240, section 4.3). What cannot be read is ignored, as that RFC has it.
pub(super) fn wait(headers: &HeaderMap) -> Duration {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let preferences = values.flat_map(|value| value.split([',', ';'])).filter_map(|preference| preference.trim().split_once('='));
    let seconds = preferences
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .find_map(|(_, value)| value.trim().trim_matches('"').parse::<u64>().ok());
    seconds.map_or(WAIT_USUAL, |seconds| Duration::from_secs(seconds).min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_wait_is_read_within_its_limits() {
        let rows = [
            (None, 2),
            (Some("wait=0"), 0),
            (Some("wait=7"), 7),
            (Some("respond-async, wait=10"), 10),
            (Some("WAIT = 5"), 5),
            (Some("wait=31"), 30),
            (Some("wait=99999999999999999999"), 2),
            (Some("wait=-1"), 2),
            (Some("wait"), 2),
        ];
        for (value, seconds) in rows {
            let headers = HeaderMap::from_iter(value.map(|value| ("prefer".parse().unwrap(), value.parse().unwrap())));
            assert_eq!(wait(&headers).as_secs(), seconds, "{value:?}");
        }
    }
}
