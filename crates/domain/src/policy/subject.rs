//! Who acts, and on what.

use crate::identity::Role;
use crate::identity::organization::{MemberRole, Membership};
use crate::{AccountId, OrganizationId};

/// Who acts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// No one is logged in.
    Anonymous,
    /// A person.
    User(User),
    /// An organization's own program, by an API key.
    Key {
        /// Whose key it is.
        organization: OrganizationId,
        /// What the key is for.
        scopes: Vec<Scope>,
    },
    /// A program of this installation.
    Service {
        /// Which one, for the log.
        name: String,
        /// What it is for.
        scopes: Vec<Scope>,
    },
}

/// A person who is logged in, and what was known of them when that was last looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Their account.
    pub account: AccountId,
    /// Its role on the platform.
    pub role: Role,
    /// Whether they have shown that their address is theirs.
    pub email_verified: bool,
    /// Where they are members.
    pub memberships: Vec<Membership>,
}

impl Subject {
    /// An account of which nothing else is known: it may do what every account may.
    pub fn account_only(account: AccountId) -> Self {
        Self::User(User { account, role: Role::User, email_verified: false, memberships: Vec::new() })
    }

    /// Whose account it is.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::User(user) => Some(user.account),
            Self::Anonymous | Self::Key { .. } | Self::Service { .. } => None,
        }
    }
}

impl User {
    /// Their role in an organization.
    pub fn role_in(&self, organization: OrganizationId) -> Option<MemberRole> {
        self.memberships.iter().find(|member| member.organization == organization).map(|member| member.role)
    }
}

/// What an API key or a service is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scope {
    /// Venues and events, drafts too.
    EventsRead,
    /// Makes and changes them.
    EventsWrite,
    /// How waiting rooms are set and what was done to them.
    QueueRead,
    /// Sets them, and makes codes.
    QueueWrite,
    /// Fans' bookings.
    BookingsRead,
    /// Fans' tickets.
    TicketsRead,
    /// Statistics and payments.
    ReportsRead,
}

impl Scope {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::EventsRead,
        Self::EventsWrite,
        Self::QueueRead,
        Self::QueueWrite,
        Self::BookingsRead,
        Self::TicketsRead,
        Self::ReportsRead,
    ];

    /// The name used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventsRead => "events:read",
            Self::EventsWrite => "events:write",
            Self::QueueRead => "queue:read",
            Self::QueueWrite => "queue:write",
            Self::BookingsRead => "bookings:read",
            Self::TicketsRead => "tickets:read",
            Self::ReportsRead => "reports:read",
        }
    }
}

/// What a decision needs to know of the thing that it is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resource {
    /// To which organization it belongs; none for what belongs to no one, or to one that is still to be chosen.
    pub organization: Option<OrganizationId>,
    /// The account that holds it.
    pub account: Option<AccountId>,
    /// Everybody may know that it exists.
    pub public: bool,
    /// An owner of the organization is one no more by it, or somebody becomes one.
    pub concerns_owners: bool,
}

impl Resource {
    /// Nothing in particular: a list, or what is still to be made, in an organization that the subject chooses.
    pub const ANY: Self = Self { organization: None, account: None, public: true, concerns_owners: false };

    /// An event, and its waiting room.
    pub fn event(organization: OrganizationId, published: bool) -> Self {
        Self { organization: Some(organization), public: published, ..Self::ANY }
    }

    /// An organization, its venues and what else only its members know.
    pub fn of(organization: OrganizationId) -> Self {
        Self { organization: Some(organization), public: false, ..Self::ANY }
    }

    /// A member of an organization, or who is to become one.
    pub fn member(organization: OrganizationId, account: Option<AccountId>, concerns_owners: bool) -> Self {
        Self { account, concerns_owners, ..Self::of(organization) }
    }

    /// A booking, its payments and tickets.
    pub fn booking(account: AccountId, organization: OrganizationId) -> Self {
        Self { account: Some(account), ..Self::of(organization) }
    }

    /// What only one account knows of, e.g. a request that is not decided yet.
    pub fn held_by(account: AccountId) -> Self {
        Self { account: Some(account), public: false, ..Self::ANY }
    }
}
