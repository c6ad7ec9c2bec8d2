//! Who may not enter a line, and what would let them.

use goticket_domain::queue::entry_rules::ProofFault;
use goticket_domain::queue::{Challenge, EntryRefusal};
use serde::Serialize;
use utoipa::ToSchema;

use super::{FieldError, Problem, ProblemCode};
use crate::inbound::queue::{JOIN_CODE, JOIN_PROOF};

/// What is to be solved before a join: find the number from 0 to `maxnumber` for which SHA-256 of `salt` and the number, written out in
/// decimal digits, is `challenge`. Altcha's widget and libraries do it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Challenge)]
pub(crate) struct ChallengeBody {
    /// `SHA-256`.
    algorithm: String,
    /// Hexadecimal.
    challenge: String,
    maxnumber: u32,
    /// Says for whom and until when: `nonce?account=…&event=…&expires=…&`, the time in Unix seconds.
    salt: String,
    /// Hexadecimal.
    signature: String,
}

impl From<Challenge> for ChallengeBody {
    fn from(Challenge { algorithm, challenge, maxnumber, salt, signature }: Challenge) -> Self {
        Self { algorithm, challenge, maxnumber, salt, signature }
    }
}

impl From<EntryRefusal> for Problem {
    fn from(refusal: EntryRefusal) -> Self {
        match refusal {
            EntryRefusal::Proof { fault, challenge } => proof(fault, challenge),
            EntryRefusal::CodeRequired { until } => {
                let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
                let detail = format!("It takes a code to join this waiting room{until}. Join with yours.");
                code(ProblemCode::CodeRequired, &detail, "is missing: send the code that you were given")
            }
            EntryRefusal::CodeInvalid => {
                let detail = "There is no such code for this event. Compare it with what you were given.";
                code(ProblemCode::CodeInvalid, detail, "is no code of this event: compare it with what you were given")
            }
            EntryRefusal::CodeNotYetValid { from } => {
                let detail = format!("The code is good from {from} on. Come back then.");
                code(ProblemCode::CodeNotYetValid, &detail, &format!("is good from {from} on: come back then"))
            }
            EntryRefusal::CodeExpired { until } => {
                let detail = format!("The code was good until {until}. Ask the organizer, or wait for the public sale.");
                code(ProblemCode::CodeExpired, &detail, &format!("was good until {until}: use another one"))
            }
            EntryRefusal::CodeUsedUp => {
                let detail =
                    "The code was used by as many accounts as may. Log in with the account that used it, or use another one.";
                code(ProblemCode::CodeUsedUp, detail, "is used up: use another one")
            }
            EntryRefusal::CodeRevoked => {
                let detail = "The organizer has revoked this code. Ask them for another one.";
                code(ProblemCode::CodeRevoked, detail, "was revoked: use another one")
            }
            EntryRefusal::IdentityNotVerified => {
                let detail = "It takes a verified e-mail address to join this waiting room. Follow the link in the mail that you got when you \
                              registered, or ask for another one.";
                Self::new(ProblemCode::IdentityNotVerified, detail)
                    .with_error(FieldError::header("Authorization", "is of an account without a verified address: verify it"))
            }
            EntryRefusal::InAnotherLine { onsale } => {
                let detail = format!(
                    "Your account stands in another line of this event, that of {onsale}: it is one for each. Leave that lobby first to join \
                     this one."
                );
                let message = "is of an account that stands in another line of the event: leave that one first";
                Self::new(ProblemCode::InAnotherLine, detail).with_error(FieldError::header("Authorization", message))
            }
            EntryRefusal::IdentityHasPlace => {
                let detail = "Another account with your e-mail address has the place in this line: it is one for each person. Log in with \
                              that account.";
                Self::new(ProblemCode::IdentityHasPlace, detail).with_error(FieldError::header(
                    "Authorization",
                    "is not of the account that has the place: log in with that one",
                ))
            }
        }
    }
}

fn code(code: ProblemCode, detail: &str, message: &str) -> Problem {
    Problem::new(code, detail).with_error(FieldError::header(JOIN_CODE, message))
}

fn proof(fault: ProofFault, challenge: Challenge) -> Problem {
    let (code, what) = match fault {
        ProofFault::Missing => (ProblemCode::ProofRequired, "is missing"),
        ProofFault::Expired => (ProblemCode::ProofExpired, "has expired"),
        ProofFault::Invalid => (ProblemCode::ProofInvalid, "is no solution of a challenge of yours"),
    };
    let detail = "Many join at this moment, and each of them lets their device work for a moment. Solve the challenge, and join again \
                  with its solution. Places that are taken stay taken.";
    let message = format!("{what}: solve the challenge of this answer and send its solution");
    let problem = Problem::new(code, detail);
    Problem { proof: Some(Box::new(challenge.into())), ..problem }.with_error(FieldError::header(JOIN_PROOF, message))
}
