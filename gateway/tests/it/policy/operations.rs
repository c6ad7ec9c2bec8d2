//! Every operation: the action it is, what it is about, and a request that nothing but the policy refuses.

use goticket_domain::policy::{Action, Resource};
use goticket_domain::seating::generate_arena;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::{EMAIL, PASSWORD, Someone, Stage, new_codes};
use crate::webhook::{event as notice, sign};
use crate::world::{WEBHOOK_SECRET, event_body};

/// What it is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum About {
    Nothing,
    Event,
    Draft,
    Booking,
    Venue,
    Organization,
    /// Something new in the organization: whoever may make it nowhere is told so first.
    New,
    Spare,
    SpareOwner,
    NewOwner,
}

pub(super) struct Row {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) action: Action,
    about: About,
    body: fn(&Stage) -> Value,
    /// Codes of answers that only who may gets: what they ask for is not there, or cannot be had here.
    pub(super) beside: &'static [&'static str],
    /// What is named in the body is not in the path: it is hidden as a wrong field.
    pub(super) hidden_at: Option<&'static str>,
}

fn row(method: &Method, path: &'static str, action: Action, about: About) -> Row {
    Row { method: method.clone(), path, action, about, body: |_| Value::Null, beside: &[], hidden_at: None }
}

impl Row {
    fn with(self, body: fn(&Stage) -> Value) -> Self {
        Self { body, ..self }
    }

    fn beside(self, beside: &'static [&'static str]) -> Self {
        Self { beside, ..self }
    }

    fn hidden_at(self, pointer: &'static str) -> Self {
        Self { hidden_at: Some(pointer), ..self }
    }

    pub(super) fn name(&self) -> String {
        format!("{} {} ({:?})", self.method, self.path, self.about)
    }

    /// All that has to be allowed.
    pub(super) fn resources(&self, stage: &Stage) -> Vec<Resource> {
        let of = stage.organization;
        match self.about {
            About::Nothing => vec![Resource::ANY],
            About::Event => vec![Resource::event(of, true)],
            About::Draft => vec![Resource::event(of, false)],
            About::Booking => vec![Resource::booking(stage.holder, of)],
            About::Venue | About::Organization => vec![Resource::of(of)],
            About::New => vec![Resource::ANY, Resource::of(of)],
            About::Spare => vec![Resource::member(of, Some(stage.spare), false)],
            About::SpareOwner => vec![Resource::member(of, Some(stage.spare_owner), true)],
            About::NewOwner => vec![Resource::member(of, None, true)],
        }
    }

    fn url(&self, stage: &Stage) -> String {
        let event = if self.about == About::Draft { stage.draft } else { stage.event };
        let member = if self.about == About::SpareOwner { stage.spare_owner } else { stage.spare };
        let names = [
            ("{event}", event.to_string()),
            ("{booking}", stage.booking.to_string()),
            ("{file}", format!("{}.pdf", stage.ticket)),
            ("{venue}", stage.venue.to_string()),
            ("{organization}", stage.organization.to_string()),
            ("{account}", member.to_string()),
            ("{code}", "not_a_member".to_owned()),
            ("{session}", Uuid::new_v4().to_string()),
        ];
        names.iter().fold(self.path.to_owned(), |path, (name, id)| path.replace(name, id))
    }

    pub(super) async fn send(&self, stage: &Stage, someone: &Someone) -> Response {
        if matches!(self.about, About::Spare | About::SpareOwner) {
            stage.restore().await;
        }
        let mut request = stage.world.request(self.method.clone(), &self.url(stage), someone.person.as_ref());
        if matches!(self.action, Action::ShowPlace | Action::StreamBoard | Action::ClaimPlace) {
            request = request.header("Place-Ticket", &someone.place_ticket);
        }
        if let (Action::BookSeats, Some(person)) = (self.action, &someone.person) {
            let event = if self.about == About::Draft { stage.draft } else { stage.event };
            request = request.header("Entry-Token", stage.world.entry_token(event, person));
        }
        request = request.header("Idempotency-Key", Uuid::new_v4().to_string()).header("Prefer", "wait=0");
        let body = (self.body)(stage);
        let request = match self.action {
            Action::TakeSandboxWebhook => {
                let body = notice("payment.refunded", "whatever");
                request.header("Sandbox-Signature", sign(WEBHOOK_SECRET, Timestamp::now().as_second(), &body)).body(body)
            }
            Action::RefreshSession => request.json(&json!({ "refresh_token": stage.refresh_token().await })),
            _ if body.is_null() => request,
            _ => request.json(&body),
        };
        request.send().await.unwrap()
    }
}

fn title(_: &Stage) -> Value {
    json!({ "title": "Another" })
}

fn code(stage: &Stage) -> Value {
    json!({ "code": stage.code, "reason": "a test" })
}

fn onsale(_: &Stage) -> Value {
    let at = |seconds| (Timestamp::now() + SignedDuration::from_secs(seconds)).to_string();
    json!({ "kind": "second_draw", "lobby_opens_at": at(3_600), "onsale_at": at(7_200) })
}

fn new_event(stage: &Stage) -> Value {
    event_body(stage.venue, -60, -30)
}

fn new_venue(stage: &Stage) -> Value {
    // A small one: a body that is refused before it is read is not written to its end.
    let plan = generate_arena(10);
    json!({ "name": "Arena", "time_zone": "Europe/Berlin", "organization": stage.organization, "plan": plan })
}

pub(super) fn all() -> Vec<Row> {
    [identity(), organizations(), catalog(), events(), rooms(), control(), bookings()].into_iter().flatten().collect()
}

fn identity() -> Vec<Row> {
    use About::Nothing;
    let (get, post) = (&Method::GET, &Method::POST);
    vec![
        row(get, "/problems", Action::ListProblems, Nothing),
        row(get, "/problems/{code}", Action::ShowProblem, Nothing),
        row(get, "/.well-known/jwks.json", Action::ListKeys, Nothing),
        row(post, "/v1/auth/register", Action::Register, Nothing).with(
            |_| json!({ "email": format!("{}@example.com", Uuid::new_v4().simple()), "password": PASSWORD, "name": "Somebody" }),
        ),
        row(post, "/v1/auth/login", Action::LogIn, Nothing).with(|_| json!({ "email": EMAIL, "password": PASSWORD })),
        row(post, "/v1/auth/refresh", Action::RefreshSession, Nothing),
        row(post, "/v1/auth/logout", Action::LogOut, Nothing).with(|_| json!({ "refresh_token": "x" })),
        row(get, "/v1/auth/verify-email", Action::VerifyEmailPage, Nothing),
        row(post, "/v1/auth/verify-email", Action::VerifyEmail, Nothing).with(|_| json!({ "token": "x" })),
        row(post, "/v1/auth/verify-email/send", Action::SendVerification, Nothing),
        row(get, "/v1/auth/password-reset", Action::ResetPasswordPage, Nothing),
        row(post, "/v1/auth/password-reset", Action::RequestPasswordReset, Nothing)
            .with(|_| json!({ "email": format!("{}@example.com", Uuid::new_v4().simple()) })),
        row(post, "/v1/auth/password-reset/confirm", Action::ResetPassword, Nothing)
            .with(|_| json!({ "token": "x", "new_password": PASSWORD })),
        row(get, "/v1/me", Action::ShowMe, Nothing),
        // None of those who ask has a password, or a session that anyone began.
        row(post, "/v1/me/password", Action::ChangePassword, Nothing)
            .with(|_| json!({ "old_password": PASSWORD, "new_password": "another long password" }))
            .beside(&["wrong_password"]),
        row(get, "/v1/me/sessions", Action::ListSessions, Nothing),
        row(&Method::DELETE, "/v1/me/sessions", Action::EndSessions, Nothing),
        row(&Method::DELETE, "/v1/me/sessions/{session}", Action::EndSession, Nothing).beside(&["session_not_found"]),
    ]
}

fn organizations() -> Vec<Row> {
    use About::{NewOwner, Nothing, Organization, Spare, SpareOwner};
    let (get, post, put, patch, delete) = (&Method::GET, &Method::POST, &Method::PUT, &Method::PATCH, &Method::DELETE);
    let (one, members) = ("/v1/organizations/{organization}", "/v1/organizations/{organization}/members");
    let (member, invitations) =
        ("/v1/organizations/{organization}/members/{account}", "/v1/organizations/{organization}/invitations");
    vec![
        row(post, "/v1/organizations", Action::FoundOrganization, Nothing).with(|_| json!({ "name": "Another" })),
        row(get, "/v1/organizations", Action::ListOrganizations, Nothing),
        row(get, one, Action::ShowOrganization, Organization),
        row(patch, one, Action::ChangeOrganization, Organization).with(|_| json!({ "name": "Another" })),
        row(get, members, Action::ListMembers, Organization),
        row(put, member, Action::ChangeMember, Spare).with(|_| json!({ "role": "check_in" })),
        row(put, member, Action::ChangeMember, SpareOwner).with(|_| json!({ "role": "check_in" })),
        row(delete, member, Action::RemoveMember, Spare),
        row(delete, member, Action::RemoveMember, SpareOwner),
        row(post, invitations, Action::Invite, Organization).with(|_| json!({ "email": "a@example.com", "role": "finance" })),
        row(post, invitations, Action::Invite, NewOwner).with(|_| json!({ "email": "a@example.com", "role": "owner" })),
        row(post, "/v1/invitations/accept", Action::AcceptInvitation, Nothing).with(|_| json!({ "token": "x" })),
    ]
}

fn catalog() -> Vec<Row> {
    use About::{New, Nothing, Venue};
    let (get, post) = (&Method::GET, &Method::POST);
    vec![
        row(get, "/v1/venues", Action::ListVenues, Nothing),
        row(post, "/v1/venues", Action::ImportVenue, New).with(new_venue).hidden_at("/organization"),
        row(get, "/v1/venues/{venue}", Action::ShowVenue, Venue),
        row(get, "/v1/events", Action::ListEvents, Nothing),
        row(post, "/v1/events", Action::CreateEvent, New).with(new_event).hidden_at("/venue"),
    ]
}

/// Of an event on sale, and of a draft.
fn events() -> Vec<Row> {
    let (get, post, patch) = (&Method::GET, &Method::POST, &Method::PATCH);
    let mut rows = vec![row(post, "/v1/events/{event}/publish", Action::PublishEvent, About::Event)];
    for about in [About::Event, About::Draft] {
        rows.extend([
            row(get, "/v1/events/{event}", Action::ShowEvent, about),
            row(patch, "/v1/events/{event}", Action::ChangeEvent, about).with(title),
            row(post, "/v1/events/{event}/onsales", Action::CreateOnsale, about).with(onsale),
            row(get, "/v1/events/{event}/availability", Action::ShowAvailability, about),
            row(get, "/v1/events/{event}/seats", Action::ShowSeats, about),
            row(get, "/v1/events/{event}/seats/stream", Action::StreamSeats, about),
            row(post, "/v1/events/{event}/bookings", Action::BookSeats, about).with(|_| json!({ "seats": [2] })),
        ]);
    }
    rows
}

/// Nobody leaves before those who need a place have used it.
fn rooms() -> Vec<Row> {
    let (get, post, delete) = (&Method::GET, &Method::POST, &Method::DELETE);
    let group = "/v1/events/{event}/queue/group";
    let mut rows = vec![
        row(get, "/v1/events/{event}/queue/place", Action::ShowPlace, About::Event),
        row(get, "/v1/events/{event}/queue/stream", Action::StreamBoard, About::Event),
        row(post, "/v1/events/{event}/queue/claim", Action::ClaimPlace, About::Event),
    ];
    for about in [About::Event, About::Draft] {
        rows.extend([
            row(get, "/v1/events/{event}/queue/board", Action::ShowBoard, about),
            row(get, "/v1/events/{event}/queue/draw", Action::ShowDraw, about),
            row(get, "/v1/events/{event}/queue/draw/entries", Action::ListDrawEntries, about),
            row(get, "/v1/events/{event}/queue/challenge", Action::MakeChallenge, about),
            row(post, "/v1/events/{event}/queue", Action::JoinQueue, about),
            row(get, group, Action::ShowGroup, about).beside(&["in_no_group"]),
            row(post, group, Action::MakeGroup, about),
            row(delete, group, Action::LeaveGroup, about),
            row(delete, "/v1/events/{event}/queue", Action::LeaveQueue, about),
        ]);
    }
    rows
}

fn control() -> Vec<Row> {
    use About::Event;
    let (get, post, patch) = (&Method::GET, &Method::POST, &Method::PATCH);
    let (control, codes) = ("/v1/events/{event}/queue/control", "/v1/events/{event}/queue/codes");
    vec![
        row(get, control, Action::ShowControl, Event),
        row(patch, control, Action::ChangeControl, Event).with(|_| json!({ "message": "soon", "reason": "a test" })),
        row(get, "/v1/events/{event}/queue/log", Action::ShowControlLog, Event),
        row(get, "/v1/events/{event}/queue/statistics", Action::ShowStatistics, Event),
        row(get, codes, Action::ListCodes, Event),
        row(post, codes, Action::MakeCodes, Event).with(|_| new_codes()),
        row(post, "/v1/events/{event}/queue/codes/look-up", Action::LookUpCode, Event)
            .with(|stage| json!({ "code": stage.code })),
        row(post, "/v1/events/{event}/queue/codes/revoke", Action::RevokeCode, Event).with(code),
    ]
}

fn bookings() -> Vec<Row> {
    use About::{Booking, Nothing};
    let (get, post, delete) = (&Method::GET, &Method::POST, &Method::DELETE);
    let one = "/v1/bookings/{booking}";
    vec![
        row(get, "/v1/bookings", Action::ListBookings, Nothing),
        row(get, one, Action::ShowBooking, Booking),
        row(get, "/v1/bookings/{booking}/stream", Action::StreamBooking, Booking),
        // No provider is there.
        row(post, "/v1/bookings/{booking}/payment", Action::PayBooking, Booking).with(|_| json!({})).beside(&["unavailable"]),
        row(get, "/v1/bookings/{booking}/payments", Action::ListPayments, Booking),
        row(get, "/v1/bookings/{booking}/tickets", Action::ListTickets, Booking),
        // No one prints.
        row(get, "/v1/tickets/{file}", Action::ShowTicket, Booking).beside(&["not_rendered"]),
        row(delete, one, Action::CancelBooking, Booking),
        row(post, "/v1/payments/sandbox/webhook", Action::TakeSandboxWebhook, Nothing),
    ]
}
