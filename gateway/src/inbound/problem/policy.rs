//! Why somebody may not.

use goticket_domain::policy::Reason;

use super::{FieldError, Problem, ProblemCode};
use crate::app::policy::Refused;
use crate::app::show_ticket::TicketError;
use crate::inbound::caller;

impl Problem {
    /// Who calls may know of the thing, and may not do this to it.
    pub(crate) fn denied(reason: Reason) -> Self {
        let refused = |code, detail: &str, message: &str| {
            Self::new(code, detail).with_error(FieldError::header(caller::NAMES.header, message))
        };
        match reason {
            Reason::LogIn => Self::missing_token(&caller::NAMES),
            Reason::PersonsOnly => refused(
                ProblemCode::PersonRequired,
                "Only a person can do this. Log in with an account.",
                "is no person's: log in with an account",
            ),
            Reason::PlatformRole => refused(
                ProblemCode::RoleRequired,
                "This is for organizers, admins and who manages an organization. Log in with such an account.",
                "is of an account that organizes nothing: log in as an organizer",
            ),
            Reason::EmailNotVerified => refused(
                ProblemCode::EmailNotVerified,
                "This needs a verified address. Follow the link in the mail that was sent to you, or ask for another one.",
                "is of an account whose address is not verified: ask for a mail by POST /v1/auth/verify-email/send",
            ),
            Reason::NotAMember => refused(
                ProblemCode::NotAMember,
                "This belongs to an organization of which you are no member. Log in as one of its members.",
                "is of an account that is no member of the organization: log in as one of its members",
            ),
            Reason::MemberRole => refused(
                ProblemCode::MemberRoleRequired,
                "Your role in the organization is not enough for this. Ask one of its owners or managers.",
                "is of a member whose role does not allow this: ask an owner or manager of the organization",
            ),
            Reason::OwnersOnly => refused(
                ProblemCode::OwnerRequired,
                "Who the owners of an organization are only its owners decide. Ask one of them.",
                "is of a member who is no owner: ask an owner of the organization",
            ),
            Reason::Scope => refused(
                ProblemCode::ScopeRequired,
                "This key was not made for that. Use one with the scope that docs/POLICY.md names.",
                "is a key without the scope: use one that has it",
            ),
        }
    }
}

/// Where the use case has no better answer: nothing in particular was named, so nothing can be hidden.
impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Hidden => Self::denied(Reason::NotAMember),
            Refused::Denied(reason) => Self::denied(reason),
            Refused::Fault(fault) => fault.into(),
        }
    }
}

impl From<TicketError> for Problem {
    fn from(error: TicketError) -> Self {
        match error {
            TicketError::NotFound => Self::new(ProblemCode::TicketNotFound, "You have no such ticket. Check the id in the path.")
                .with_error(FieldError::path("file", "is none of your tickets: copy it from pdf_url")),
            TicketError::Denied(reason) => Self::denied(reason),
            TicketError::Fault(fault) => fault.into(),
        }
    }
}
