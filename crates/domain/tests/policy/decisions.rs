//! What the table comes to, for people, keys and services.

use goticket_domain::identity::Role;
use goticket_domain::identity::organization::{MemberRole, Membership};
use goticket_domain::policy::{Action, Decision, Reach, Reason, Resource, Scope, Subject, User, decide, reach};
use goticket_domain::{AccountId, OrganizationId};
use uuid::Uuid;

const OURS: OrganizationId = OrganizationId(Uuid::from_u128(1));
const THEIRS: OrganizationId = OrganizationId(Uuid::from_u128(2));
const ANN: AccountId = AccountId(Uuid::from_u128(3));
const BOB: AccountId = AccountId(Uuid::from_u128(4));

use Decision::{Allow, Deny, Hide};

fn user(role: Role, memberships: &[(OrganizationId, MemberRole)]) -> Subject {
    let memberships = memberships.iter().map(|&(organization, role)| Membership { organization, role }).collect();
    Subject::User(User { account: ANN, role, email_verified: false, memberships })
}

fn fan() -> Subject {
    user(Role::User, &[])
}

fn member(role: MemberRole) -> Subject {
    user(Role::User, &[(OURS, role)])
}

fn key(scopes: &[Scope]) -> Subject {
    Subject::Key { organization: OURS, scopes: scopes.to_vec() }
}

fn check(subject: &Subject, action: Action, resource: &Resource, expected: Decision) {
    assert_eq!(decide(subject, action, resource), expected, "{subject:?} {action:?} {resource:?}");
}

#[test]
fn a_draft_is_hidden_and_a_published_event_is_everybodys_to_see() {
    let (draft, event) = (Resource::event(OURS, false), Resource::event(OURS, true));
    let organizer = user(Role::Organizer, &[]);
    let rows = [
        (&Subject::Anonymous, Hide, Allow, Deny(Reason::LogIn), Deny(Reason::LogIn)),
        (&fan(), Hide, Allow, Hide, Deny(Reason::NotAMember)),
        (&organizer, Hide, Allow, Hide, Deny(Reason::NotAMember)),
        (&user(Role::User, &[(THEIRS, MemberRole::Owner)]), Hide, Allow, Hide, Deny(Reason::NotAMember)),
        (&member(MemberRole::Owner), Allow, Allow, Allow, Allow),
        (&member(MemberRole::Manager), Allow, Allow, Allow, Allow),
        (&member(MemberRole::BoxOffice), Deny(Reason::MemberRole), Allow, Deny(Reason::MemberRole), Deny(Reason::MemberRole)),
        (&user(Role::Admin, &[]), Allow, Allow, Allow, Allow),
        (&key(&[Scope::EventsRead]), Allow, Allow, Deny(Reason::Scope), Deny(Reason::Scope)),
        (&key(&[Scope::EventsWrite]), Deny(Reason::Scope), Allow, Allow, Allow),
    ];
    for (subject, sees_draft, sees_event, changes_draft, changes_event) in rows {
        check(subject, Action::ShowEvent, &draft, sees_draft);
        check(subject, Action::ShowEvent, &event, sees_event);
        check(subject, Action::ChangeEvent, &draft, changes_draft);
        check(subject, Action::ChangeEvent, &event, changes_event);
    }
}

#[test]
fn a_draft_has_no_waiting_room_whoever_asks() {
    let draft = Resource::event(OURS, false);
    for subject in [fan(), member(MemberRole::Owner), user(Role::Admin, &[])] {
        check(&subject, Action::JoinQueue, &draft, Hide);
        check(&subject, Action::JoinQueue, &Resource::event(OURS, true), Allow);
    }
}

#[test]
fn a_booking_is_its_holders_and_members_see_what_they_need() {
    let (own, other) = (Resource::booking(ANN, OURS), Resource::booking(BOB, OURS));
    for action in [Action::ShowBooking, Action::CancelBooking, Action::PayBooking, Action::ListPayments, Action::ShowTicket] {
        check(&Subject::Anonymous, action, &own, Deny(Reason::LogIn));
        check(&fan(), action, &own, Allow);
        check(&fan(), action, &other, Hide);
        check(&user(Role::Organizer, &[(THEIRS, MemberRole::Owner)]), action, &other, Hide);
    }
    let not = Deny(Reason::MemberRole);
    // Sees the booking, its payments, its tickets; gives it back.
    let rows = [
        (MemberRole::Owner, Allow, Allow, Allow),
        (MemberRole::Manager, Allow, Allow, Allow),
        (MemberRole::BoxOffice, Allow, not, not),
        (MemberRole::CheckIn, not, not, Allow),
        (MemberRole::Finance, not, Allow, not),
    ];
    for (role, booking, payments, tickets) in rows {
        check(&member(role), Action::ShowBooking, &other, booking);
        check(&member(role), Action::ListPayments, &other, payments);
        check(&member(role), Action::ListTickets, &other, tickets);
        check(&member(role), Action::CancelBooking, &other, Hide);
    }
}

#[test]
fn only_owners_make_and_unmake_owners_and_everybody_may_leave() {
    let (owner, other) = (Resource::member(OURS, Some(BOB), true), Resource::member(OURS, Some(BOB), false));
    let manager = member(MemberRole::Manager);
    for action in [Action::ChangeMember, Action::RemoveMember, Action::Invite] {
        check(&member(MemberRole::Owner), action, &owner, Allow);
        check(&manager, action, &owner, Deny(Reason::OwnersOnly));
        check(&manager, action, &other, Allow);
        check(&member(MemberRole::Finance), action, &other, Deny(Reason::MemberRole));
        check(&fan(), action, &other, Hide);
        check(&user(Role::Admin, &[]), action, &owner, Allow);
    }
    for role in MemberRole::ALL {
        check(&member(role), Action::RemoveMember, &Resource::member(OURS, Some(ANN), role == MemberRole::Owner), Allow);
    }
}

#[test]
fn an_organization_that_is_to_be_chosen_needs_one_or_an_organizer_who_founds_it() {
    let rows = [
        (Subject::Anonymous, Deny(Reason::LogIn)),
        (fan(), Deny(Reason::PlatformRole)),
        (member(MemberRole::CheckIn), Deny(Reason::PlatformRole)),
        (member(MemberRole::Manager), Allow),
        (user(Role::Organizer, &[]), Allow),
        (user(Role::Admin, &[]), Allow),
        (key(&[Scope::EventsWrite]), Allow),
    ];
    for (subject, expected) in rows {
        check(&subject, Action::ImportVenue, &Resource::ANY, expected);
    }
    check(&user(Role::Organizer, &[]), Action::ImportVenue, &Resource::of(OURS), Hide);
    check(&member(MemberRole::Owner), Action::FoundOrganization, &Resource::ANY, Deny(Reason::PlatformRole));
}

#[test]
fn who_accepts_an_invitation_has_a_verified_address() {
    check(&fan(), Action::AcceptInvitation, &Resource::ANY, Deny(Reason::EmailNotVerified));
    let verified = Subject::User(User { account: ANN, role: Role::User, email_verified: true, memberships: Vec::new() });
    check(&verified, Action::AcceptInvitation, &Resource::ANY, Allow);
}

#[test]
fn keys_open_what_their_scopes_say_of_their_own_organization() {
    let (ours, theirs) = (Resource::booking(BOB, OURS), Resource::booking(BOB, THEIRS));
    let reads = key(&[Scope::BookingsRead]);
    check(&reads, Action::ShowBooking, &ours, Allow);
    check(&reads, Action::ShowBooking, &theirs, Hide);
    check(&reads, Action::ListTickets, &ours, Deny(Reason::Scope));
    check(&reads, Action::CancelBooking, &ours, Hide);
    check(&reads, Action::JoinQueue, &Resource::event(OURS, true), Deny(Reason::PersonsOnly));
    let service = Subject::Service { name: "reports".to_owned(), scopes: vec![Scope::ReportsRead] };
    for of in [OURS, THEIRS] {
        check(&service, Action::ShowStatistics, &Resource::event(of, true), Allow);
        check(&service, Action::ChangeControl, &Resource::event(of, true), Deny(Reason::Scope));
    }
}

/// The gateway asks by what every account may first, and looks nothing up where that is enough.
#[test]
fn more_rights_never_take_one_away() {
    let resources = [
        Resource::ANY,
        Resource::event(OURS, false),
        Resource::event(OURS, true),
        Resource::of(OURS),
        Resource::member(OURS, Some(ANN), true),
        Resource::member(OURS, Some(BOB), false),
        Resource::booking(ANN, OURS),
        Resource::booking(BOB, OURS),
        Resource::held_by(ANN),
    ];
    let mut mightier = Vec::new();
    for role in [Role::User, Role::Organizer, Role::Admin] {
        mightier.push(user(role, &[]));
        mightier.extend(MemberRole::ALL.map(|of| user(role, &[(OURS, of)])));
        mightier.extend(MemberRole::ALL.map(|of| user(role, &[(THEIRS, of)])));
    }
    let mut allowed = 0;
    for action in Action::ALL {
        for resource in &resources {
            if decide(&Subject::account_only(ANN), *action, resource) == Allow {
                for subject in &mightier {
                    check(subject, *action, resource, Allow);
                    allowed += 1;
                }
            }
        }
    }
    assert!(allowed > 1_000, "{allowed} decisions were compared");
}

/// Only members and admins get more by asking for what is not public and not their own.
#[test]
fn whoever_is_no_member_does_nothing_to_what_belongs_to_an_organization() {
    let strangers = [
        Subject::Anonymous,
        fan(),
        user(Role::Organizer, &[]),
        user(Role::Organizer, &[(THEIRS, MemberRole::Owner)]),
        Subject::Key { organization: THEIRS, scopes: Scope::ALL.to_vec() },
    ];
    for action in Action::ALL {
        for subject in &strangers {
            for resource in [Resource::of(OURS), Resource::event(OURS, false), Resource::booking(BOB, OURS)] {
                assert_ne!(decide(subject, *action, &resource), Allow, "{subject:?} {action:?} {resource:?}");
            }
        }
    }
}

#[test]
fn lists_show_what_each_of_their_things_would_show() {
    let rows = [
        (Subject::Anonymous, Reach::In(vec![])),
        (user(Role::Organizer, &[]), Reach::In(vec![])),
        (user(Role::User, &[(OURS, MemberRole::Manager), (THEIRS, MemberRole::CheckIn)]), Reach::In(vec![OURS])),
        (user(Role::Admin, &[(OURS, MemberRole::Finance)]), Reach::Everywhere),
        (key(&[Scope::EventsRead]), Reach::In(vec![OURS])),
        (key(&[Scope::QueueRead]), Reach::In(vec![])),
        (Subject::Service { name: "index".to_owned(), scopes: vec![Scope::EventsRead] }, Reach::Everywhere),
    ];
    for (subject, expected) in rows {
        assert_eq!(reach(&subject, Action::ListVenues), expected, "{subject:?}");
    }
}
