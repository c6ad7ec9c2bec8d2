//! Organizations: who owns venues and events, and what their members may do with them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::EmailAddress;
use crate::OrganizationId;

/// Longest name, in characters: it stands beside an event's title.
pub const MAX_ORGANIZATION_NAME_CHARS: usize = 200;
/// Most members of one organization: they are listed on one page.
pub const MEMBERS_MAX: u32 = 500;
/// Most organizations of one account: all of them are read whenever it is decided what the account may do.
pub const MEMBERSHIPS_MAX: u32 = 50;
/// Most invitations of one organization that wait for an answer: beyond it somebody invites addresses, not people.
pub const OPEN_INVITATIONS_MAX: u32 = 100;
/// How long an invitation can be accepted, in days.
pub const INVITATION_LIFE_DAYS: i64 = 7;

/// What a member may do in their organization. The policy's table says it in full ([`crate::policy`]).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Everything. An organization has at least one.
    Owner,
    /// Everything but who its owners are.
    Manager,
    /// Helps fans: sees bookings.
    BoxOffice,
    /// Lets fans in: sees tickets.
    CheckIn,
    /// Counts: sees reports, statistics and payments.
    Finance,
}

impl MemberRole {
    /// Every one, the mightiest first.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Manager, Self::BoxOffice, Self::CheckIn, Self::Finance];

    /// The name used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::BoxOffice => "box_office",
            Self::CheckIn => "check_in",
            Self::Finance => "finance",
        }
    }
}

impl std::str::FromStr for MemberRole {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| format!("unknown role of a member {text:?}"))
    }
}

/// That an account is a member.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Membership {
    /// Of which organization.
    pub organization: OrganizationId,
    /// What it may do there.
    pub role: MemberRole,
}

/// What an organization is called: 1 to [`MAX_ORGANIZATION_NAME_CHARS`] characters without control characters, trimmed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrganizationName(String);

/// Why a text names no organization.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must have 1 to {MAX_ORGANIZATION_NAME_CHARS} characters, none of them control characters")]
pub struct OrganizationNameError;

impl OrganizationName {
    /// Parses and trims.
    pub fn parse(text: &str) -> Result<Self, OrganizationNameError> {
        let text = text.trim();
        let fits = !text.is_empty() && text.chars().count() <= MAX_ORGANIZATION_NAME_CHARS && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(OrganizationNameError) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An invitation, as it is found by its token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invitation {
    /// To which organization.
    pub organization: OrganizationId,
    /// Who is meant.
    pub email: EmailAddress,
    /// As what.
    pub role: MemberRole,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// It was accepted: once is enough.
    pub accepted: bool,
}

/// Why an invitation cannot be accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvitationRefusal {
    /// Somebody else is meant. They are told no more than who invents a token.
    #[error("another address is invited")]
    Foreign,
    /// It was accepted before.
    #[error("the invitation was accepted before")]
    Used,
    /// It was good until a while ago.
    #[error("the invitation has expired")]
    Expired,
}

impl Invitation {
    /// Until when an invitation of this moment can be accepted.
    pub fn expires_at(now: Timestamp) -> Timestamp {
        now.saturating_add(SignedDuration::from_hours(INVITATION_LIFE_DAYS * 24)).unwrap_or(Timestamp::MAX)
    }

    /// Whether the holder of this address may accept it now. That the address is theirs they have shown before.
    pub fn check(&self, email: &EmailAddress, now: Timestamp) -> Result<(), InvitationRefusal> {
        if self.email != *email {
            Err(InvitationRefusal::Foreign)
        } else if self.accepted {
            Err(InvitationRefusal::Used)
        } else if now >= self.expires_at {
            Err(InvitationRefusal::Expired)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_as_they_are_written() {
        for role in MemberRole::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        assert!("admin".parse::<MemberRole>().is_err());
    }

    #[test]
    fn a_name_has_something_to_read_and_an_end() {
        let (fits, long) = ("x".repeat(200), "x".repeat(201));
        let rows = [("  Old Theatre ", Some("Old Theatre")), (&fits, Some(&*fits)), (&long, None), (" ", None), ("a\nb", None)];
        for (text, expected) in rows {
            assert_eq!(OrganizationName::parse(text).ok().as_ref().map(OrganizationName::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn an_invitation_is_for_one_address_once_and_for_a_week() {
        let now = Timestamp::from_second(1_000).unwrap();
        let address = |text| EmailAddress::parse(text).unwrap();
        let good = Invitation {
            organization: OrganizationId::generate(),
            email: address("jane@example.com"),
            role: MemberRole::CheckIn,
            expires_at: Invitation::expires_at(now),
            accepted: false,
        };
        let used = Invitation { accepted: true, ..good.clone() };
        let week = 7 * 24 * 3_600;
        let rows = [
            ("in time", &good, "Jane@example.com", week - 1, Ok(())),
            ("too late", &good, "jane@example.com", week, Err(InvitationRefusal::Expired)),
            ("somebody else's", &good, "joan@example.com", 0, Err(InvitationRefusal::Foreign)),
            ("once more", &used, "jane@example.com", 0, Err(InvitationRefusal::Used)),
            ("once more, and somebody else's", &used, "joan@example.com", 0, Err(InvitationRefusal::Foreign)),
        ];
        for (what, invitation, email, seconds, expected) in rows {
            let now = Timestamp::from_second(1_000 + seconds).unwrap();
            assert_eq!(invitation.check(&address(email), now), expected, "{what}");
        }
    }
}
