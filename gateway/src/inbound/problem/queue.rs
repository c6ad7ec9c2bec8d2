//! The waiting room.

use goticket_domain::queue::{QueueError, RoomState};

use super::{FieldError, Problem};
use crate::app::boards::NoBoard;

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::UnknownEvent => {
                Self::not_found("event_not_found", "There is no waiting room for this event. Check the id in the path.")
            }
            QueueError::NotYetOpen { opens_at } => {
                Self::conflict("room_not_open", format!("The waiting room opens at {opens_at}. Come back then."))
            }
            QueueError::ClosedToJoins { state } => Self::conflict("room_closed", closed(state)),
            QueueError::Full => {
                Self::unavailable("line_full", "The line is as long as it may get. Try again later.").retry_after(30)
            }
            QueueError::BadTicket(cause) => {
                let message = format!("is not valid ({cause}): join the line again");
                Self::unauthorized("place_ticket_invalid", format!("Place-Ticket {message}."))
                    .with_error(FieldError::header("Place-Ticket", message))
            }
            QueueError::NotYourTurn { ahead } => {
                Self::conflict("not_your_turn", format!("It is not your turn yet: {ahead} ahead of you. Keep waiting."))
            }
            QueueError::NotDrawn => {
                Self::conflict("not_drawn", "The order has not been drawn yet. It is drawn when the sale begins.")
            }
            QueueError::ClaimWindowPassed => {
                Self::conflict("claim_window_passed", "The time to claim this place has passed. Join the line again.")
            }
            QueueError::NotInLine => Self::conflict("not_in_line", "This place is not in line (any more). Join the line again."),
            QueueError::BadControl { field, problem } => Self::unprocessable("invalid_control", format!("/{field}: {problem}"))
                .with_error(FieldError::pointer(format!("/{field}"), problem)),
            QueueError::Unavailable => Self::unavailable(
                "unavailable",
                "For the moment the waiting room does not answer. No place is lost. Repeat the request.",
            ),
        }
    }
}

fn closed(state: RoomState) -> String {
    match state {
        RoomState::Draining => "The waiting room takes nobody in any more; who is in line is still admitted.".to_owned(),
        _ => "The waiting room is closed.".to_owned(),
    }
}

impl From<NoBoard> for Problem {
    fn from(error: NoBoard) -> Self {
        match error {
            NoBoard::Unknown => Self::unavailable("unavailable", "The waiting room is being opened. Repeat the request."),
            NoBoard::Stale => QueueError::Unavailable.into(),
        }
    }
}
