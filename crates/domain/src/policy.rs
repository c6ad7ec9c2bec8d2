//! Who may do what: one table ([`table`](self)), and one function over it. Nothing else in GoTicket decides it.
//!
//! Not here: who somebody is (tokens, keys), and whether what they ask for is possible (a closed sale, an expired hold).
//!
//! Invariants:
//! * every operation of the API is an [`Action`], and every action has a row: the compiler says so;
//! * more rights never take one away: whoever may do something by what every account may, may do it with any role and membership;
//! * of what is hidden no one learns that it exists: [`Decision::Hide`] is answered like an unknown id.

mod action;
mod markdown;
mod subject;
mod table;

pub use action::Action;
pub use markdown::markdown;
pub use subject::{Resource, Scope, Subject, User};

use crate::OrganizationId;
use crate::identity::Role;
use crate::identity::organization::{MemberRole, Membership};
use table::{Open, Rule, rule};

/// What comes of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Decision {
    /// They may.
    Allow,
    /// They may not know that there is such a thing.
    Hide,
    /// They may not, and are told why.
    Deny(Reason),
}

/// Why somebody may not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// No one is logged in.
    LogIn,
    /// A key or a service asks for what only a person can do.
    PersonsOnly,
    /// It is for organizers and admins.
    PlatformRole,
    /// Their address is not verified.
    EmailNotVerified,
    /// It belongs to an organization in which they are no member.
    NotAMember,
    /// Their role in the organization is not enough.
    MemberRole,
    /// It is about an owner of the organization: only owners do that.
    OwnersOnly,
    /// The key has not the scope.
    Scope,
}

/// Whether `subject` may do this to that.
pub fn decide(subject: &Subject, action: Action, resource: &Resource) -> Decision {
    let rule = rule(action);
    let refused = match subject {
        Subject::Anonymous => anonymous(&rule, resource),
        Subject::User(user) => by_person(&rule, user, resource),
        Subject::Key { organization, scopes } => {
            let theirs = resource.organization.is_none_or(|of| of == *organization);
            by_scope(&rule, scopes, theirs, resource)
        }
        Subject::Service { scopes, .. } => by_scope(&rule, scopes, true, resource),
    };
    match refused {
        None => Decision::Allow,
        Some(Reason::LogIn) => Decision::Deny(Reason::LogIn),
        Some(reason) if shows(&rule, subject, resource) => Decision::Deny(reason),
        Some(_) => Decision::Hide,
    }
}

/// In which organizations somebody may do something to what only members know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reach {
    /// In all of them.
    Everywhere,
    /// In these.
    In(Vec<OrganizationId>),
}

/// Where `subject` may do this. For lists, which show what each of their things would show.
pub fn reach(subject: &Subject, action: Action) -> Reach {
    let rule = rule(action);
    let may = |of: &OrganizationId| decide(subject, action, &Resource::of(*of)) == Decision::Allow;
    match subject {
        Subject::User(user) if user.role == Role::Admin && rule.admin => Reach::Everywhere,
        Subject::Service { scopes, .. } if rule.scope.is_some_and(|scope| scopes.contains(&scope)) => Reach::Everywhere,
        Subject::User(user) => Reach::In(user.memberships.iter().map(|member| member.organization).filter(may).collect()),
        Subject::Key { organization, .. } => Reach::In(Some(*organization).into_iter().filter(may).collect()),
        Subject::Service { .. } | Subject::Anonymous => Reach::In(Vec::new()),
    }
}

fn anonymous(rule: &Rule, resource: &Resource) -> Option<Reason> {
    match rule.open {
        Open::Anyone if resource.public => None,
        Open::Anyone => Some(Reason::NotAMember),
        _ => Some(Reason::LogIn),
    }
}

fn by_person(rule: &Rule, user: &User, resource: &Resource) -> Option<Reason> {
    let organizer = matches!(user.role, Role::Organizer | Role::Admin);
    let open = match rule.open {
        Open::Anyone | Open::Accounts => resource.public,
        Open::Verified => resource.public && user.email_verified,
        // Theirs would be one that they found.
        Open::Organizers => organizer && resource.organization.is_none(),
        Open::Holder => resource.account == Some(user.account),
        Open::Members => false,
    };
    let may = |member: &&Membership| {
        let theirs = resource.organization.is_none_or(|of| of == member.organization);
        theirs && rule.members.contains(&member.role)
    };
    let as_member = |member: Membership| !resource.concerns_owners || member.role == MemberRole::Owner;
    let admin = user.role == Role::Admin && rule.admin;
    if open || admin || user.memberships.iter().filter(may).any(|member| as_member(*member)) {
        return None;
    }
    Some(match (rule.open, resource.organization) {
        (Open::Verified, _) if resource.public => Reason::EmailNotVerified,
        (Open::Organizers, None) => Reason::PlatformRole,
        _ if user.memberships.iter().any(|member| may(&member)) => Reason::OwnersOnly,
        (_, Some(of)) if user.role_in(of).is_some() => Reason::MemberRole,
        _ => Reason::NotAMember,
    })
}

fn by_scope(rule: &Rule, scopes: &[Scope], theirs: bool, resource: &Resource) -> Option<Reason> {
    match rule.scope {
        _ if rule.open == Open::Anyone && resource.public => None,
        None => Some(Reason::PersonsOnly),
        Some(scope) if !scopes.contains(&scope) => Some(Reason::Scope),
        Some(_) if theirs => None,
        Some(_) => Some(Reason::NotAMember),
    }
}

/// Whether they may know that it exists. What no member of any role can do is hidden from members too, unless it is public: there is no
/// waiting room of a draft, whoever asks.
fn shows(rule: &Rule, subject: &Subject, resource: &Resource) -> bool {
    resource.public
        || match subject {
            Subject::Anonymous => false,
            Subject::User(user) => {
                let member = resource.organization.is_some_and(|of| user.role_in(of).is_some());
                let holder = resource.account == Some(user.account);
                holder || (!rule.members.is_empty() && (member || user.role == Role::Admin))
            }
            Subject::Key { organization, .. } => rule.scope.is_some() && resource.organization == Some(*organization),
            Subject::Service { .. } => rule.scope.is_some(),
        }
}
