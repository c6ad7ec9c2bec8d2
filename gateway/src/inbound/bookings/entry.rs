//! Who may ask for seats: whoever the waiting room has let in, as their entry token says; and where this gateway has lost the waiting
//! room, whoever is logged in, if the room's operators have chosen that before.

use axum::http::HeaderMap;
use goticket_domain::EventId;
use goticket_domain::queue::{Board, QueueError, RoomState, WhenDown};
use goticket_tokens::{Entrance, TokenError};

use crate::app::caller::Caller;
use crate::inbound::parts::header_text;
use crate::inbound::problem::{Problem, ProblemCode, TokenNames};
use crate::inbound::rate_limit::RateLimit;
use crate::services::App;

/// Fans who may ask for seats of one event within a second, at this gateway, while the waiting room is lost: what a small pipeline takes
/// from a few gateways. More are told to come back.
pub(crate) const PASSED_PER_S: u32 = 50;

const ENTRY: TokenNames = TokenNames {
    header: "Entry-Token",
    missing: ProblemCode::EntryTokenMissing,
    expired: ProblemCode::EntryTokenExpired,
    invalid: ProblemCode::EntryTokenInvalid,
    foreign: ProblemCode::EntryTokenForeign,
    fix: "claim your place in this event's line to get one",
};

/// How many are let pass without a waiting room.
pub(crate) struct Passed(RateLimit<EventId>);

impl Passed {
    pub(crate) fn new() -> Self {
        Self(RateLimit::new(PASSED_PER_S * 60, PASSED_PER_S))
    }
}

/// Who was let in: by which line, and to which categories, where those are not all.
pub(super) struct Admitted {
    /// None where the waiting room is lost.
    onsale: Option<EventId>,
    categories: Option<Vec<u16>>,
}

impl Admitted {
    /// The categories, as long as the line's room sells. Where no board says so the token does: what is not heard of stops no sale.
    pub(super) fn still(self, app: &App) -> Result<Option<Vec<u16>>, Problem> {
        match self.onsale.map(|onsale| app.boards.get(onsale)) {
            Some(Ok(seen)) if !seen.board.sells() => Err(Problem::sale_stopped()),
            _ => Ok(self.categories),
        }
    }
}

/// Whoever calls was admitted to this event by one of its lines. Checked without I/O.
pub(super) fn check_entry(app: &App, headers: &HeaderMap, event: EventId, caller: Caller) -> Result<Admitted, Problem> {
    let refusal = match entrance(app, headers, event, caller)? {
        Ok(Entrance { onsale, categories, .. }) => return Ok(Admitted { onsale: Some(onsale), categories }),
        Err(refusal) => refusal,
    };
    match app.boards.lost(event) {
        None => Err(refusal),
        Some(last) if passes(&last.board) => {
            pass(app, event, caller).map(|()| Admitted { onsale: None, categories: last.board.categories.clone() })
        }
        // A token cannot be had now, nor renewed.
        Some(_) => Err(QueueError::Unavailable.into()),
    }
}

/// Where a good token lets in. One that is missing, or over, may be the waiting room's fault; any other is the caller's.
fn entrance(app: &App, headers: &HeaderMap, event: EventId, caller: Caller) -> Result<Result<Entrance, Problem>, Problem> {
    let Some(token) = header_text(headers, ENTRY.header) else { return Ok(Err(Problem::missing_token(&ENTRY))) };
    match app.entry_verifier.verify(token, event, caller.account, app.now()) {
        Ok(claims) => Ok(Ok(claims.entrance)),
        Err(error @ TokenError::Expired { .. }) => Ok(Err(Problem::bad_token(&ENTRY, &error))),
        Err(error) => Err(Problem::bad_token(&ENTRY, &error)),
    }
}

/// Whether a room that is lost lets everyone pass, by the last that was heard of it.
fn passes(board: &Board) -> bool {
    board.when_down == WhenDown::FailOpen && board.sells() && matches!(board.state, RoomState::Open | RoomState::Draining)
}

fn pass(app: &App, event: EventId, caller: Caller) -> Result<(), Problem> {
    if app.passed.0.take(&event).is_err() {
        return Err(QueueError::Unavailable.into());
    }
    metrics::counter!("gateway_passed_total", "event" => event.to_string()).increment(1);
    tracing::info!(%event, account = %caller.account, "the waiting room is lost: somebody asks for seats without an entry token");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::seen_board::tests::board;

    #[test]
    fn only_a_room_that_lets_fans_in_and_sells_lets_them_pass() {
        let open = Board { when_down: WhenDown::FailOpen, ..board(1, 1) };
        assert!(passes(&open));
        assert!(!passes(&Board { when_down: WhenDown::FailClosed, ..open.clone() }));
        assert!(!passes(&Board { selling: false, ..open.clone() }));
        for state in RoomState::ALL {
            let lets_in = matches!(state, RoomState::Open | RoomState::Draining);
            assert_eq!(passes(&Board { state, ..open.clone() }), lets_in, "{state:?}");
        }
    }

    #[test]
    fn so_many_pass_at_once_and_no_more() {
        let (passed, event) = (Passed::new(), EventId::generate());
        let let_pass = (0..=PASSED_PER_S).filter(|_| passed.0.take(&event).is_ok()).count();
        assert_eq!(let_pass, PASSED_PER_S as usize);
        assert!(passed.0.take(&EventId::generate()).is_ok(), "each event for itself");
    }
}
