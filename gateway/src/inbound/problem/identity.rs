//! Registering, logging in, refreshing.

use super::{FieldError, Problem, ProblemCode};
use crate::app::log_in::LogInError;
use crate::app::passwords::Busy;
use crate::app::refresh::RefreshError;
use crate::app::register::RegisterError;
use crate::app::verify_email::VerifyError;

/// Seconds after which a log-in that found no room, or waited for too long, is worth another try: some hashes later.
const BUSY_RETRY_S: u32 = 3;

impl From<Busy> for Problem {
    fn from(_: Busy) -> Self {
        Self::new(ProblemCode::Busy, "Too many people are logging in at this moment. Repeat the request.")
            .retry_after(BUSY_RETRY_S)
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::EmailTaken => Self::new(
                ProblemCode::EmailTaken,
                "There is an account with this address: log in, or set another password by mail.",
            )
            .with_error(FieldError::pointer("/email", "is taken: log in, set another password by mail, or use another address")),
            RegisterError::Busy(busy) => busy.into(),
            RegisterError::Fault(fault) => fault.into(),
        }
    }
}

impl From<LogInError> for Problem {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::Wrong => {
                Self::new(ProblemCode::WrongCredentials, "Address or password is wrong. Correct them, or register.")
                    .with_error(FieldError::body("has a wrong email or password: correct them, or register"))
            }
            LogInError::Disabled => Self::account_disabled(),
            LogInError::Busy(busy) => busy.into(),
            LogInError::Fault(fault) => fault.into(),
        }
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        let refused = |code, detail: &str, message| Self::new(code, detail).with_error(FieldError::pointer("/token", message));
        match error {
            VerifyError::Invalid => refused(
                ProblemCode::VerificationInvalid,
                "This link is none of ours, or of an address that the account has no more. Log in and ask for another mail.",
                "is not valid: send what stands behind # in the link, or ask for another mail",
            ),
            VerifyError::Expired => refused(
                ProblemCode::VerificationExpired,
                "This link was good for a day. Log in and ask for another mail.",
                "has expired: ask for another mail",
            ),
            VerifyError::Fault(fault) => fault.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Invalid => Self::new(
                ProblemCode::RefreshTokenInvalid,
                "The refresh token was used before, has expired or is none of ours. Log in again.",
            )
            .with_error(FieldError::pointer("/refresh_token", "is not valid: log in again")),
            RefreshError::Fault(fault) => fault.into(),
        }
    }
}
