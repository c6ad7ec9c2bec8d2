//! The table. One row for each action; what is not in a row is not allowed.

use super::Action;
use super::subject::Scope;
use crate::identity::organization::MemberRole::{self, BoxOffice, CheckIn, Finance, Manager, Owner};

/// Who may by being there, without any organization's doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Open {
    /// Whoever, logged in or not, where it is public.
    Anyone,
    /// Whoever is logged in, where it is public.
    Accounts,
    /// Whoever is logged in and has a verified address, where it is public.
    Verified,
    /// Organizers and admins, for an organization that they choose or found.
    Organizers,
    /// Whose it is.
    Holder,
    /// No one.
    Members,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) open: Open,
    /// Members of the owning organization with one of these roles.
    pub(super) members: &'static [MemberRole],
    /// Admins of the platform, whoever owns it.
    pub(super) admin: bool,
    /// Keys of the owning organization, and services, that have this.
    pub(super) scope: Option<Scope>,
    /// Whether roles may be a minute old when it is decided. Everything else is decided by what they are at this moment.
    pub(super) plain_read: bool,
}

const EVERY_MEMBER: &[MemberRole] = &MemberRole::ALL;
const MANAGE: &[MemberRole] = &[Owner, Manager];
const BOOKINGS: &[MemberRole] = &[Owner, Manager, BoxOffice];
const TICKETS: &[MemberRole] = &[Owner, Manager, CheckIn];
const REPORTS: &[MemberRole] = &[Owner, Manager, Finance];

/// Only by being there.
const fn open(open: Open) -> Rule {
    Rule { open, members: &[], admin: false, scope: None, plain_read: false }
}

/// By members and admins, and those who may by being there.
const fn run(open: Open, members: &'static [MemberRole], scope: Option<Scope>) -> Rule {
    Rule { open, members, admin: true, scope, plain_read: false }
}

/// Such a row of an action that changes nothing.
const fn look(open: Open, members: &'static [MemberRole], scope: Option<Scope>) -> Rule {
    Rule { plain_read: true, ..run(open, members, scope) }
}

#[expect(clippy::match_same_arms, reason = "a row for each action")]
pub(super) const fn rule(action: Action) -> Rule {
    use Open::{Accounts, Anyone, Holder, Members, Organizers, Verified};
    use Scope::{BookingsRead, EventsRead, EventsWrite, QueueRead, QueueWrite, ReportsRead, TicketsRead};
    match action {
        Action::ListProblems => open(Anyone),
        Action::ShowProblem => open(Anyone),
        Action::ListKeys => open(Anyone),
        Action::Register => open(Anyone),
        Action::LogIn => open(Anyone),
        Action::RefreshSession => open(Anyone),
        Action::LogOut => open(Anyone),
        Action::VerifyEmailPage => open(Anyone),
        Action::VerifyEmail => open(Anyone),
        Action::SendVerification => open(Accounts),
        Action::ResetPasswordPage => open(Anyone),
        Action::RequestPasswordReset => open(Anyone),
        Action::ResetPassword => open(Anyone),
        Action::ShowMe => open(Accounts),
        Action::ChangePassword => open(Accounts),
        Action::ListSessions => open(Accounts),
        Action::EndSessions => open(Accounts),
        Action::EndSession => open(Accounts),

        Action::FoundOrganization => open(Organizers),
        Action::ListOrganizations => open(Accounts),
        Action::ShowOrganization => look(Members, EVERY_MEMBER, None),
        Action::ChangeOrganization => run(Members, MANAGE, None),
        Action::ListMembers => look(Members, MANAGE, None),
        Action::ChangeMember => run(Members, MANAGE, None),
        Action::RemoveMember => run(Holder, MANAGE, None),
        Action::Invite => run(Members, MANAGE, None),
        Action::AcceptInvitation => open(Verified),

        Action::ListVenues => look(Organizers, MANAGE, Some(EventsRead)),
        Action::ImportVenue => run(Organizers, MANAGE, Some(EventsWrite)),
        Action::ShowVenue => look(Members, MANAGE, Some(EventsRead)),

        Action::ListEvents => look(Anyone, MANAGE, Some(EventsRead)),
        Action::CreateEvent => run(Organizers, MANAGE, Some(EventsWrite)),
        Action::ShowEvent => look(Anyone, MANAGE, Some(EventsRead)),
        Action::ChangeEvent => run(Members, MANAGE, Some(EventsWrite)),
        Action::PublishEvent => run(Members, MANAGE, Some(EventsWrite)),
        Action::CreateOnsale => run(Members, MANAGE, Some(EventsWrite)),
        Action::ShowAvailability => look(Anyone, MANAGE, Some(EventsRead)),
        Action::ShowSeats => look(Anyone, MANAGE, Some(EventsRead)),
        Action::StreamSeats => look(Anyone, MANAGE, Some(EventsRead)),

        Action::ShowBoard => open(Anyone),
        Action::ShowDraw => open(Anyone),
        Action::ListDrawEntries => open(Anyone),
        Action::ShowPlace => open(Anyone),
        Action::StreamBoard => open(Anyone),
        Action::MakeChallenge => open(Accounts),
        Action::JoinQueue => open(Accounts),
        Action::LeaveQueue => open(Accounts),
        Action::ClaimPlace => open(Accounts),
        Action::ShowGroup => open(Accounts),
        Action::MakeGroup => open(Accounts),
        Action::LeaveGroup => open(Accounts),
        Action::ShowControl => look(Members, MANAGE, Some(QueueRead)),
        Action::ChangeControl => run(Members, MANAGE, Some(QueueWrite)),
        Action::ShowControlLog => look(Members, MANAGE, Some(QueueRead)),
        Action::ShowStatistics => look(Members, REPORTS, Some(ReportsRead)),
        Action::ListCodes => look(Members, MANAGE, Some(QueueRead)),
        Action::MakeCodes => run(Members, MANAGE, Some(QueueWrite)),
        Action::LookUpCode => look(Members, MANAGE, Some(QueueRead)),
        Action::RevokeCode => run(Members, MANAGE, Some(QueueWrite)),

        // Of a draft its managers are told that it is not on sale.
        Action::BookSeats => run(Accounts, MANAGE, None),
        Action::ListBookings => open(Accounts),
        Action::ShowBooking => look(Holder, BOOKINGS, Some(BookingsRead)),
        Action::StreamBooking => look(Holder, BOOKINGS, Some(BookingsRead)),
        Action::CancelBooking => open(Holder),
        Action::PayBooking => open(Holder),
        Action::ListPayments => look(Holder, REPORTS, Some(ReportsRead)),
        Action::ListTickets => look(Holder, TICKETS, Some(TicketsRead)),
        Action::ShowTicket => look(Holder, TICKETS, Some(TicketsRead)),
        Action::TakeSandboxWebhook => open(Anyone),
    }
}

impl Action {
    /// Whether what its subject may is allowed to be a minute old. Everything else is decided by what is so at this moment: a role that
    /// was taken away is gone at once.
    pub fn is_plain_read(self) -> bool {
        rule(self).plain_read
    }
}
