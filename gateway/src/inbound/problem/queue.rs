//! The waiting room.

use goticket_domain::queue::{QueueError, RoomState};

use super::{FieldError, Problem, ProblemCode};
use crate::app::boards::NoBoard;

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::UnknownEvent => {
                Self::new(ProblemCode::EventNotFound, "There is no waiting room for this event. Check the id in the path.")
                    .with_error(room("has no waiting room: take the id of a published event"))
            }
            QueueError::NotYetOpen { opens_at } => {
                Self::new(ProblemCode::RoomNotOpen, format!("The waiting room opens at {opens_at}. Come back then."))
                    .with_error(room(format!("opens its waiting room at {opens_at}: come back then")))
            }
            QueueError::ClosedToJoins { state } => closed(state),
            QueueError::Full => {
                Self::new(ProblemCode::LineFull, "The line is as long as it may get. Try again later.").retry_after(30)
            }
            QueueError::BadTicket(cause) => {
                let message = format!("is not valid ({cause}): join the line again");
                Self::new(ProblemCode::PlaceTicketInvalid, format!("Place-Ticket {message}.")).with_error(ticket(message))
            }
            QueueError::NotYourTurn { ahead } => {
                let detail = format!(
                    "It is not your turn yet: {ahead} ahead of you. Keep your place and look at it again; while the room is \
                     paused no one is admitted, and no place is lost."
                );
                Self::new(ProblemCode::NotYourTurn, detail)
                    .with_error(room(format!("has admitted no one up to you yet, {ahead} stand before: keep waiting")))
            }
            QueueError::NotDrawn => {
                Self::new(ProblemCode::NotDrawn, "The order has not been drawn yet. It is drawn when the sale begins.")
                    .with_error(room("has its lobby open: come back when the sale has begun"))
            }
            QueueError::NotClosed => Self::new(ProblemCode::NotClosed, "The lobby is still open: its list is not final.")
                .with_error(room("has its lobby open: come back when it is closed")),
            QueueError::NoRoomInside => {
                let detail = "You did not renew your entry token in time, and for the moment there is no room for you inside. Claim again in \
                              a few seconds: your session lasts.";
                Self::new(ProblemCode::NoRoomInside, detail)
                    .with_error(room("has no room inside for the moment: claim again in a few seconds"))
                    .retry_after(5)
            }
            QueueError::Deferred { ahead } => {
                let detail = format!(
                    "The time to claim this place has passed, and you have one more turn, soon: {ahead} come before. Join the line again for \
                     its ticket."
                );
                Self::new(ProblemCode::Deferred, detail)
                    .with_error(ticket("was not claimed in time: join the line again for one more turn"))
            }
            QueueError::ClaimWindowPassed => {
                Self::new(ProblemCode::ClaimWindowPassed, "The time to claim this place has passed. Join the line again.")
                    .with_error(ticket("was not claimed in time: join the line again"))
            }
            QueueError::NotInLine => {
                Self::new(ProblemCode::NotInLine, "This place is not in line (any more). Join the line again.")
                    .with_error(ticket("is of a place that is not in line (any more): join the line again"))
            }
            QueueError::BadControl { field, problem } => Self::new(ProblemCode::InvalidControl, format!("/{field}: {problem}"))
                .with_error(FieldError::pointer(format!("/{field}"), problem)),
            QueueError::ControlChanged => {
                let message = "is not the room's any more: read the control again, and decide again";
                let detail = "The room was changed since you read it; nothing of this change was made. Read the control again, see in the \
                              room's log who changed what, and decide again.";
                Self::new(ProblemCode::ControlChanged, detail).with_error(FieldError::header("If-Match", message))
            }
            QueueError::Entry(refusal) => refusal.into(),
            QueueError::Group(refusal) => refusal.into(),
            QueueError::Unavailable => Self::new(
                ProblemCode::Unavailable,
                "For the moment the waiting room does not answer. No place is lost. Repeat the request.",
            ),
        }
    }
}

/// What is said of the event in the path, or rather of its waiting room.
fn room(message: impl Into<String>) -> FieldError {
    FieldError::path("event", message)
}

fn ticket(message: impl Into<String>) -> FieldError {
    FieldError::header("Place-Ticket", message)
}

/// No one joins a draining room; in a closed one no one claims either.
fn closed(state: RoomState) -> Problem {
    let (detail, message) = match state {
        RoomState::Draining => (
            "The waiting room is draining: it takes no one in any more; who is in line is still admitted. Choose another event, or \
             look at the board whether it opens again.",
            "has a draining waiting room: choose another event, or wait for it to open again",
        ),
        _ => (
            "The waiting room is closed for good: no one joins or is admitted any more. Choose another event.",
            "has a closed waiting room: choose another event",
        ),
    };
    Problem::new(ProblemCode::RoomClosed, detail).with_error(room(message))
}

impl Problem {
    /// An entry token that would pass buys nothing while its room does not sell.
    pub(crate) fn sale_stopped() -> Self {
        let detail =
            "The sale is stopped for the moment, or over. What you hold stays yours; look at the board whether it goes on.";
        Self::new(ProblemCode::SaleStopped, detail).with_error(room("does not sell now: look at its board whether it goes on"))
    }
}

impl From<NoBoard> for Problem {
    fn from(error: NoBoard) -> Self {
        match error {
            NoBoard::Unknown => Self::new(ProblemCode::Unavailable, "The waiting room is being opened. Repeat the request."),
            NoBoard::Stale => QueueError::Unavailable.into(),
        }
    }
}
