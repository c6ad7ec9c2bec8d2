//! What cannot be as it was wanted with a group.

use goticket_domain::queue::GroupRefusal;

use super::{FieldError, Problem, ProblemCode};
use crate::inbound::queue::JOIN_GROUP;

impl From<GroupRefusal> for Problem {
    fn from(refusal: GroupRefusal) -> Self {
        let code = code(refusal);
        match refusal {
            GroupRefusal::NotAllowed => {
                let detail = "This waiting room has no groups: everyone stands in it alone. Join without a group.";
                Self::new(code, detail).with_error(room("has no groups: join alone"))
            }
            GroupRefusal::CodeInvalid => {
                let detail = "There is no such group in this waiting room. Compare the code with what you were sent.";
                Self::new(code, detail).with_error(shown("is no group's code: compare it with what you were sent"))
            }
            GroupRefusal::Over => {
                let detail = "This group is over: its leader has ended it, or its place is not in line any more. Join alone, or ask for another \
                              code.";
                Self::new(code, detail).with_error(shown("is of a group that is over: join without it"))
            }
            GroupRefusal::Full { largest } => {
                let detail = format!("This group is full: {largest} may stand in one place. Join alone, or make another group.");
                Self::new(code, detail).with_error(shown(format!("is of a group with {largest}, which is full: join without it")))
            }
            GroupRefusal::Closed => {
                let detail = "The lobby is closed, and who stands in which group is final. Who stands in a group keeps its place; who stands \
                              alone keeps theirs.";
                Self::new(code, detail).with_error(room("has closed its lobby: keep the place that you have"))
            }
            GroupRefusal::InAnother => {
                let detail = "You stand in another group. Leave that one, and join again.";
                Self::new(code, detail).with_error(shown("is not of the group in which you stand: leave that one before"))
            }
            GroupRefusal::LeadsAnother => {
                let detail = "You lead a group in which others stand. End it, and join again; the others stand alone then.";
                Self::new(code, detail).with_error(shown("is not of the group that you lead: end that one before"))
            }
            GroupRefusal::InNone => {
                let detail = "You stand in no group of this waiting room. Make one, or join one by its code.";
                Self::new(code, detail).with_error(room("has no group in which you stand: make or join one"))
            }
            GroupRefusal::NoPlace => {
                let detail = "A group stands in its leader's place in the lobby, and you have none. Join first.";
                Self::new(code, detail).with_error(room("has no place of yours in its lobby: join first"))
            }
            GroupRefusal::LeaderClaims => {
                let detail = "This place is a group's, and its leader claims it and books for all. If the group was ended, join again for a \
                              place of your own.";
                Self::new(code, detail).with_error(FieldError::header(
                    "Place-Ticket",
                    "is of a group's place: its leader claims it; if the group was ended, join again",
                ))
            }
        }
    }
}

fn code(refusal: GroupRefusal) -> ProblemCode {
    match refusal {
        GroupRefusal::NotAllowed => ProblemCode::GroupsNotAllowed,
        GroupRefusal::CodeInvalid => ProblemCode::GroupCodeInvalid,
        GroupRefusal::Over => ProblemCode::GroupOver,
        GroupRefusal::Full { .. } => ProblemCode::GroupFull,
        GroupRefusal::Closed => ProblemCode::GroupClosed,
        GroupRefusal::InAnother => ProblemCode::InAnotherGroup,
        GroupRefusal::LeadsAnother => ProblemCode::LeadsAnotherGroup,
        GroupRefusal::InNone => ProblemCode::InNoGroup,
        GroupRefusal::NoPlace => ProblemCode::GroupNeedsPlace,
        GroupRefusal::LeaderClaims => ProblemCode::GroupLeaderClaims,
    }
}

fn room(message: &str) -> FieldError {
    FieldError::path("event", message)
}

fn shown(message: impl Into<String>) -> FieldError {
    FieldError::header(JOIN_GROUP, message)
}
