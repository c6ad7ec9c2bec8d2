//! Organizations, their members and invitations.

use goticket_domain::identity::organization::{MEMBERSHIPS_MAX, OPEN_INVITATIONS_MAX};

use super::{FieldError, Problem, ProblemCode};
use crate::app::organizations::accept_invitation::AcceptError;
use crate::app::organizations::found::FoundError;
use crate::app::organizations::invite::InviteError;
use crate::app::organizations::{MemberError, OrganizationError};

impl From<OrganizationError> for Problem {
    fn from(error: OrganizationError) -> Self {
        match error {
            OrganizationError::NotFound => {
                Self::new(ProblemCode::OrganizationNotFound, "You have no such organization. Check the id in the path.")
                    .with_error(FieldError::path(
                        "organization",
                        "is none of your organizations: take an id of GET /v1/organizations",
                    ))
            }
            OrganizationError::Denied(reason) => Self::denied(reason),
            OrganizationError::Fault(fault) => fault.into(),
        }
    }
}

impl From<MemberError> for Problem {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::NotFound => {
                Self::new(ProblemCode::MemberNotFound, "This account is no member of the organization. Invite its holder.")
                    .with_error(FieldError::path("account", "is no member's: invite them by POST …/invitations"))
            }
            MemberError::LastOwner => {
                let detail = "This is the organization's last owner. Make somebody else an owner first.";
                Self::new(ProblemCode::LastOwner, detail)
                    .with_error(FieldError::path("account", "is the last owner's: make somebody else an owner first"))
            }
            MemberError::Moved => Self::new(
                ProblemCode::MemberChanged,
                "Somebody else changed this member meanwhile. Look at the members, then decide again.",
            )
            .with_error(FieldError::path("account", "was changed by somebody else: look at the members again")),
            MemberError::Organization(error) => error.into(),
        }
    }
}

/// An account can be in no more organizations.
pub(super) fn too_many() -> Problem {
    let detail = format!("An account is a member of at most {MEMBERSHIPS_MAX} organizations. Leave one that you do not need.");
    Problem::new(ProblemCode::TooManyOrganizations, detail)
        .with_error(FieldError::header("Authorization", "is of an account that is in too many organizations: leave one"))
}

impl From<FoundError> for Problem {
    fn from(error: FoundError) -> Self {
        match error {
            FoundError::TooMany => too_many(),
            FoundError::Organization(error) => error.into(),
        }
    }
}

impl From<InviteError> for Problem {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::TooMany => {
                let detail = format!(
                    "{OPEN_INVITATIONS_MAX} invitations of this organization wait for an answer. Invite more when some were accepted or \
                     have expired."
                );
                Self::new(ProblemCode::TooManyInvitations, detail)
                    .with_error(FieldError::path("organization", "has too many open invitations: wait for answers"))
            }
            InviteError::Organization(error) => error.into(),
        }
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        let refused = |code, detail: &str, message| Self::new(code, detail).with_error(FieldError::pointer("/token", message));
        match error {
            AcceptError::Invalid => refused(
                ProblemCode::InvitationInvalid,
                "This is no invitation for the address of your account. Log in with the address that was invited.",
                "is no invitation of this account: log in with the invited address, or ask for another invitation",
            ),
            AcceptError::Used => refused(
                ProblemCode::InvitationUsed,
                "This invitation was accepted before. Look at GET /v1/organizations, or ask for another one.",
                "was accepted before: ask for another invitation",
            ),
            AcceptError::Expired => refused(
                ProblemCode::InvitationExpired,
                "This invitation has expired. Ask for another one.",
                "has expired: ask for another invitation",
            ),
            AcceptError::Full => {
                let detail = "The organization has as many members as one can have, or you are in as many as one can be.";
                Self::new(ProblemCode::NoRoomForMembers, detail)
                    .with_error(FieldError::pointer("/token", "is of an organization without room: leave one, or ask its owner"))
            }
            AcceptError::Organization(error) => error.into(),
        }
    }
}
