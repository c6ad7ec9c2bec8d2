//! Sessions that ended, accounts that may not begin one, passwords that are changed or set by mail.

use super::{FieldError, Problem, ProblemCode};
use crate::app::change_password::ChangePasswordError;
use crate::app::reset_password::ResetError;

impl Problem {
    /// The access token is good and its session is over.
    pub(crate) fn session_ended(header: &'static str) -> Self {
        Self::new(ProblemCode::SessionEnded, "This session was ended. Log in again.")
            .with_error(FieldError::header(header, "is of a session that was ended: log in again"))
    }

    /// Told only to who has the right password.
    pub(super) fn account_disabled() -> Self {
        Self::new(ProblemCode::AccountDisabled, "This account is disabled. Ask the ticket office why.")
            .with_error(FieldError::pointer("/email", "is of an account that is disabled: ask the ticket office why"))
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Wrong => Self::new(ProblemCode::WrongPassword, "The password is not the account's. Correct it.")
                .with_error(FieldError::pointer("/old_password", "is not the account's password: correct it")),
            ChangePasswordError::Busy(busy) => busy.into(),
            ChangePasswordError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        let refused = |code, detail: &str, message| Self::new(code, detail).with_error(FieldError::pointer("/token", message));
        match error {
            ResetError::Invalid => refused(
                ProblemCode::ResetInvalid,
                "This link is none of ours, or the password was set since it was mailed. Ask for another mail.",
                "is not valid: send what stands behind # in the link, or ask for another mail",
            ),
            ResetError::Expired => refused(
                ProblemCode::ResetExpired,
                "This link was good for half an hour. Ask for another mail.",
                "has expired: ask for another mail",
            ),
            ResetError::Busy(busy) => busy.into(),
            ResetError::Fault(fault) => fault.into(),
        }
    }
}
