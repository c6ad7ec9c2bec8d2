//! Every code that a problem can have, in one place: what HTTP says with it, what it means, and what to do then.

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// What is said of a code, whatever the occasion.
pub(crate) struct Meaning {
    /// As clients compare it; it never changes its meaning.
    pub(crate) code: &'static str,
    pub(crate) status: StatusCode,
    /// What happened, in a sentence.
    pub(crate) means: &'static str,
    /// What to do, in a sentence.
    pub(crate) fix: &'static str,
}

/// A code per line: its name, the HTTP status, what it means, what to do.
macro_rules! problem_codes {
    ($($variant:ident = $code:literal, $status:ident, $means:literal, $fix:literal;)*) => {
        /// Machine-readable; never changes its meaning. `/problems/{code}` says what it is and what to do.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum ProblemCode {
            $($variant,)*
        }

        impl ProblemCode {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(crate) const fn meaning(self) -> Meaning {
                match self {
                    $(Self::$variant => Meaning { code: $code, status: StatusCode::$status, means: $means, fix: $fix },)*
                }
            }
        }
    };
}

problem_codes! {
    // The request as such
    MalformedJson = "malformed_json", BAD_REQUEST, "The body is not JSON.", "Correct it at the line and column that the answer names.";
    IncompleteBody = "incomplete_body", BAD_REQUEST, "The body ended before it was complete.", "Repeat the request.";
    InvalidPath = "invalid_path", BAD_REQUEST, "A part of the path is not what it must be, for example not a UUID.", "Copy it from where you got it.";
    InvalidQuery = "invalid_query", BAD_REQUEST, "A query parameter has a value that is not allowed.", "Correct the parameter that `errors` names.";
    InvalidHeader = "invalid_header", BAD_REQUEST, "A header has a value that cannot be read.", "Correct the header that `errors` names.";
    BodyTooSlow = "body_too_slow", REQUEST_TIMEOUT, "The body did not come in time.", "Repeat the request, and send its body at once.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body is not said to be JSON.", "Send it with Content-Type: application/json.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is larger than this endpoint takes.", "Send a smaller one.";
    HeadersTooLarge = "headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are larger than any request needs.", "Send fewer or shorter headers.";
    UnknownField = "unknown_field", UNPROCESSABLE_ENTITY, "The body has a member that this endpoint does not know.", "Remove it, or correct its name.";
    MissingField = "missing_field", UNPROCESSABLE_ENTITY, "A member of the body is missing.", "Add the one that `errors` names.";
    WrongType = "wrong_type", UNPROCESSABLE_ENTITY, "A member of the body is of another type than it must be.", "Send the type that the description of the API names.";
    InvalidField = "invalid_field", UNPROCESSABLE_ENTITY, "A member of the body has a value that is not allowed.", "Correct each member that `errors` names.";
    RouteNotFound = "route_not_found", NOT_FOUND, "Nothing has this path.", "Look the path up in the description of the API.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The resource does not take this method.", "Use one of those in the Allow header.";

    // Limits and load
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "You ask more often than you may.", "Wait for the seconds in Retry-After.";
    TooManyStreams = "too_many_streams", TOO_MANY_REQUESTS, "You have as many streams open as you may.", "Close one, or ask for the resource itself now and then.";
    StreamsFull = "streams_full", SERVICE_UNAVAILABLE, "As many streams are open as the server can take.", "Ask for the resource itself, or try again after Retry-After.";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "More requests are in work than the server can take.", "Repeat the request after Retry-After.";
    Busy = "busy", SERVICE_UNAVAILABLE, "More work of this costly kind is waiting than the server can take.", "Repeat the request after Retry-After.";
    TimedOut = "timed_out", SERVICE_UNAVAILABLE, "The request took too long and was given up.", "Repeat it; a booking with the same Idempotency-Key.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "A part of the system does not answer for the moment.", "Repeat the request after Retry-After.";
    InternalError = "internal_error", INTERNAL_SERVER_ERROR, "Something went wrong on our side.", "Tell us the `request_id`; it finds the cause in our logs.";

    // Who calls
    AccessTokenMissing = "access_token_missing", UNAUTHORIZED, "This is only for those who are logged in.", "Log in, and send the access token as Authorization: Bearer.";
    AccessTokenExpired = "access_token_expired", UNAUTHORIZED, "The access token has expired.", "Refresh the session, and repeat the request.";
    AccessTokenInvalid = "access_token_invalid", UNAUTHORIZED, "The access token is none of ours, or damaged.", "Log in again.";
    SessionEnded = "session_ended", UNAUTHORIZED, "The session was ended, from another device, by a change of the password, or by an operator.", "Log in again.";
    RefreshTokenInvalid = "refresh_token_invalid", UNAUTHORIZED, "The refresh token was used before, has expired or is none of ours.", "Log in again.";
    WrongCredentials = "wrong_credentials", UNAUTHORIZED, "Address or password is wrong.", "Correct them, or register.";
    WrongPassword = "wrong_password", FORBIDDEN, "The password is not the account's.", "Correct it.";
    AccountDisabled = "account_disabled", FORBIDDEN, "The account is disabled.", "Ask the ticket office why.";
    SessionNotFound = "session_not_found", NOT_FOUND, "You have no session of this id that goes on.", "See the list of your sessions.";
    EmailTaken = "email_taken", CONFLICT, "There is an account with this address.", "Log in, set another password by mail, or use another address.";
    AccountNotFound = "account_not_found", NOT_FOUND, "The account does not exist any more.", "Register again.";
    VerificationInvalid = "verification_invalid", UNPROCESSABLE_ENTITY, "The link is none of ours, or of an address that the account has no more.", "Log in and ask for another mail.";
    VerificationExpired = "verification_expired", UNPROCESSABLE_ENTITY, "The link was good for a day.", "Log in and ask for another mail.";
    ResetInvalid = "reset_invalid", UNPROCESSABLE_ENTITY, "The link is none of ours, or the password was set since it was mailed.", "Ask for another mail.";
    ResetExpired = "reset_expired", UNPROCESSABLE_ENTITY, "The link was good for half an hour.", "Ask for another mail.";
    RoleRequired = "role_required", FORBIDDEN, "This is for organizers, admins and who manages an organization.", "Log in with such an account.";
    PersonRequired = "person_required", FORBIDDEN, "Only a person can do this, no key.", "Log in with an account.";
    ScopeRequired = "scope_required", FORBIDDEN, "The key was not made for this.", "Use a key with the scope that this needs.";
    EmailNotVerified = "email_not_verified", FORBIDDEN, "This needs a verified e-mail address.", "Follow the link in the mail that you got, or ask for another one.";

    // Organizations
    OrganizationNotFound = "organization_not_found", NOT_FOUND, "You have no such organization.", "Check the id in the path.";
    NotAMember = "not_a_member", FORBIDDEN, "This belongs to an organization of which you are no member.", "Log in as one of its members.";
    MemberRoleRequired = "member_role_required", FORBIDDEN, "Your role in the organization is not enough for this.", "Ask one of its owners or managers.";
    OwnerRequired = "owner_required", FORBIDDEN, "Who the owners of an organization are only its owners decide.", "Ask one of them.";
    MemberNotFound = "member_not_found", NOT_FOUND, "The account is no member of the organization.", "Invite its holder.";
    LastOwner = "last_owner", CONFLICT, "This is the organization's last owner.", "Make somebody else an owner first.";
    MemberChanged = "member_changed", CONFLICT, "Somebody else changed this member meanwhile.", "Look at the members, then decide again.";
    TooManyOrganizations = "too_many_organizations", CONFLICT, "You are a member of as many organizations as an account may be.", "Leave one that you do not need.";
    TooManyInvitations = "too_many_invitations", CONFLICT, "As many invitations of the organization wait for an answer as may.", "Invite more when some were accepted or have expired.";
    InvitationInvalid = "invitation_invalid", UNPROCESSABLE_ENTITY, "This is no invitation for the address of your account.", "Log in with the address that was invited, or ask for another invitation.";
    InvitationUsed = "invitation_used", UNPROCESSABLE_ENTITY, "The invitation was accepted before.", "Look at your organizations, or ask for another invitation.";
    InvitationExpired = "invitation_expired", UNPROCESSABLE_ENTITY, "The invitation has expired.", "Ask for another one.";
    NoRoomForMembers = "no_room_for_members", CONFLICT, "The organization has as many members as one can have, or you are in as many as one can be.", "Leave one that you do not need, or ask its owner.";

    // Venues and events
    VenueNotFound = "venue_not_found", NOT_FOUND, "You have no such venue.", "Check the id in the path.";
    InvalidPlan = "invalid_plan", UNPROCESSABLE_ENTITY, "The seating plan cannot be imported as it is.", "Correct it where `errors` points to.";
    EventNotFound = "event_not_found", NOT_FOUND, "There is no such event, or it is not published.", "Check the id in the path.";
    NotYourEvent = "not_your_event", FORBIDDEN, "The event belongs to an organization of which you are no member.", "Log in as one of its members.";
    EventPublished = "event_published", CONFLICT, "The event is published: only its title can still be changed.", "Leave out the members that `errors` names.";
    EventPast = "event_past", UNPROCESSABLE_ENTITY, "The event has started already.", "Set `starts_at` to a time to come, then publish it.";
    EventClosed = "event_closed", CONFLICT, "The event is closed.", "Create a new one.";
    NotPublished = "not_published", CONFLICT, "The event is not published.", "Publish it first.";
    OnsaleOfAnother = "onsale_of_another", CONFLICT, "This is an onsale of another event, which has the seats.", "Look at the seats, and book, under the event that `errors` names.";
    LobbyOpen = "lobby_open", CONFLICT, "The event's lobby is open: whoever is in it was promised its seats.", "Set seats aside before the lobby opens.";
    StillSelling = "still_selling", CONFLICT, "Another line of the event is not closed: seats that come back go to it.", "Close that one first.";

    // The waiting room
    RoomNotOpen = "room_not_open", CONFLICT, "The waiting room is not open yet.", "Come back at the time that `detail` names.";
    RoomClosed = "room_closed", CONFLICT, "The waiting room takes no one in any more.", "Choose another event.";
    LineFull = "line_full", SERVICE_UNAVAILABLE, "The line is as long as it may get.", "Try again after Retry-After.";
    PlaceTicketInvalid = "place_ticket_invalid", FORBIDDEN, "The place ticket is missing, damaged, or not yours.", "Join the line again: an account keeps its one place.";
    NotInLine = "not_in_line", CONFLICT, "The place is not in line (any more).", "Join the line again.";
    NotYourTurn = "not_your_turn", CONFLICT, "Others stand before you.", "Keep your place and look at it again.";
    NotDrawn = "not_drawn", CONFLICT, "The order has not been drawn yet.", "Come back when the sale has begun.";
    NotClosed = "not_closed", CONFLICT, "The lobby is still open, and its list not final.", "Come back when it is closed.";
    NoRoomInside = "no_room_inside", CONFLICT, "You did not renew your entry token in time, and there is no room for you inside for the moment.", "Claim again after Retry-After: your session lasts.";
    Deferred = "deferred", CONFLICT, "The time to claim the place has passed; its turn comes once more, soon.", "Join the line again for the place's new ticket.";
    ClaimWindowPassed = "claim_window_passed", CONFLICT, "The time to claim the place has passed.", "Join the line again.";
    InvalidControl = "invalid_control", UNPROCESSABLE_ENTITY, "An operator's change is not allowed.", "Correct the member that `errors` names.";
    ControlChanged = "control_changed", PRECONDITION_FAILED, "The room was changed since you read it; nothing of your change was made.", "Read the control again, and decide again.";

    // Who may join
    ProofRequired = "proof_required", PRECONDITION_REQUIRED, "Many join at this moment, and each lets their device work for a moment.", "Solve `challenge`, and join again with its solution.";
    ProofExpired = "proof_expired", PRECONDITION_REQUIRED, "The solution came too late.", "Solve the new `challenge`, and join again.";
    ProofInvalid = "proof_invalid", PRECONDITION_REQUIRED, "What was sent is no solution of a challenge of yours.", "Solve the new `challenge`, and join again.";
    CodeRequired = "code_required", FORBIDDEN, "It takes a code to join this waiting room.", "Send the code that you were given in Join-Code.";
    CodeInvalid = "code_invalid", FORBIDDEN, "There is no such code for this event.", "Compare it with what you were given.";
    CodeNotYetValid = "code_not_yet_valid", FORBIDDEN, "The code is not good yet.", "Come back at the time that `detail` names.";
    CodeExpired = "code_expired", FORBIDDEN, "The code is not good any more.", "Ask the organizer, or wait for the public sale.";
    CodeUsedUp = "code_used_up", FORBIDDEN, "The code was used by as many accounts as may.", "Log in with the account that used it, or use another one.";
    CodeRevoked = "code_revoked", FORBIDDEN, "The organizer has revoked the code.", "Ask them for another one.";
    CodeNotFound = "code_not_found", NOT_FOUND, "This is no code of this event.", "Compare it with what was given out.";
    IdentityNotVerified = "identity_not_verified", FORBIDDEN, "It takes a verified e-mail address to join this waiting room.", "Follow the link in the mail that you got, or ask for another one.";
    IdentityHasPlace = "identity_has_place", CONFLICT, "Another account of yours has the place in this line: it is one for each person.", "Log in with that account.";
    InAnotherLine = "in_another_line", CONFLICT, "Your account stands in another line of this event: it is one for each.", "Leave that lobby first to join this one.";

    // Groups
    GroupsNotAllowed = "groups_not_allowed", CONFLICT, "This waiting room has no groups.", "Join alone.";
    GroupCodeInvalid = "group_code_invalid", FORBIDDEN, "There is no such group in this waiting room.", "Compare the code with what you were sent.";
    GroupOver = "group_over", CONFLICT, "The group is over: its leader has ended it, or its place is not in line any more.", "Join alone, or ask for another code.";
    GroupFull = "group_full", CONFLICT, "As many stand in the group as may.", "Join alone, or make another group.";
    GroupClosed = "group_closed", CONFLICT, "The lobby is closed, and who stands in which group is final.", "Keep the place that you have.";
    InAnotherGroup = "in_another_group", CONFLICT, "You stand in another group.", "Leave that one, and join again.";
    LeadsAnotherGroup = "leads_another_group", CONFLICT, "You lead a group in which others stand.", "End it, and join again; the others stand alone then.";
    InNoGroup = "in_no_group", NOT_FOUND, "You stand in no group of this waiting room.", "Make one, or join one by its code.";
    GroupNeedsPlace = "group_needs_place", CONFLICT, "A group stands in its leader's place in the lobby, and you have none.", "Join first.";
    GroupLeaderClaims = "group_leader_claims", CONFLICT, "The place is a group's: its leader claims it and books for all.", "Let the leader claim it; if the group was ended, join again.";

    // Coming in
    EntryTokenMissing = "entry_token_missing", FORBIDDEN, "Seats are for those whom the waiting room has let in.", "Claim your place in this event's line, and send the Entry-Token.";
    EntryTokenExpired = "entry_token_expired", FORBIDDEN, "The entry token has expired.", "Claim your place again: you get a new one while your session lasts.";
    EntryTokenInvalid = "entry_token_invalid", FORBIDDEN, "The entry token is none of ours, or damaged.", "Claim your place in this event's line to get one.";
    EntryTokenForeign = "entry_token_foreign", FORBIDDEN, "The entry token is of another event or another account.", "Claim your own place in this event's line.";
    SaleStopped = "sale_stopped", CONFLICT, "The sale is stopped for the moment, or over.", "Keep what you hold, and look at the board whether it goes on.";
    CategoryNotOffered = "category_not_offered", FORBIDDEN, "The line that you came through does not let in to these price categories.", "Choose seats of those that `detail` names.";

    // Bookings
    IdempotencyKeyMissing = "idempotency_key_missing", BAD_REQUEST, "A booking needs an Idempotency-Key.", "Send a new one with each new request, and the same with a repetition.";
    IdempotencyKeyInvalid = "idempotency_key_invalid", BAD_REQUEST, "The Idempotency-Key cannot be one.", "Send 1 to 64 visible ASCII characters.";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key was used for another request.", "Use a new key for a new request.";
    InvalidBooking = "invalid_booking", UNPROCESSABLE_ENTITY, "These seats cannot be booked together.", "Look at the seat map.";
    SeatsSold = "seats_sold", CONFLICT, "The seats are sold and will not come back.", "Choose others.";
    SeatsHeld = "seats_held", CONFLICT, "Somebody else holds the seats; they may come back at `until`.", "Choose others, or try again.";
    SeatsYours = "seats_yours", CONFLICT, "The seats are yours already.", "See the booking that `booking` names.";
    Contended = "contended", CONFLICT, "Somebody was faster in this very moment.", "Try again with a new key.";
    NotTogether = "not_together", CONFLICT, "There are not so many seats side by side.", "Ask for fewer, or for another section.";
    LimitReached = "limit_reached", CONFLICT, "Your account would have more tickets than the event allows.", "See the event's `ticket_limit`, and ask for fewer.";
    NotOnSale = "not_on_sale", CONFLICT, "The event is not on sale yet.", "See its `onsale_at`.";
    SaleClosed = "sale_closed", CONFLICT, "The sale of the event is over.", "See other events.";
    RequestCancelled = "request_cancelled", CONFLICT, "You gave the request back before it was decided.", "Ask again with a new key.";
    BookingFailed = "booking_failed", CONFLICT, "We could not carry the request out; it got no seats.", "Try again with a new key.";
    TooManyUndecided = "too_many_undecided", TOO_MANY_REQUESTS, "Too many of your requests are not decided yet.", "Wait for an outcome before you ask for more.";
    TooManyRefusals = "too_many_refusals", TOO_MANY_REQUESTS, "Too many of your requests were refused.", "Wait for the seconds in Retry-After, and look at the seat map.";
    NotAccepted = "not_accepted", SERVICE_UNAVAILABLE, "The queue takes nothing for the moment: the request was not accepted.", "Repeat it with the same key.";
    AcceptanceUnknown = "acceptance_unknown", SERVICE_UNAVAILABLE, "Whether the request was accepted is not known.", "Repeat it with the same key: it is carried out once.";
    BookingNotFound = "booking_not_found", NOT_FOUND, "You have no such booking.", "Check the id in the path.";
    BookingPending = "booking_pending", CONFLICT, "The request is not decided yet.", "Look at it again after Retry-After.";
    BookingRefused = "booking_refused", CONFLICT, "The request got no seats: there is nothing to pay or to give back.", "Ask for other seats.";
    BookingNotHeld = "booking_not_held", CONFLICT, "Only a booking that is held can be given back.", "See the booking's `state`.";

    // Payments and tickets
    BookingNotPayable = "booking_not_payable", CONFLICT, "The booking cannot be paid any more.", "Book again.";
    AlreadyPaid = "already_paid", CONFLICT, "The booking is paid.", "Get its tickets.";
    PaymentNotFound = "payment_not_found", NOT_FOUND, "There is no payment with this reference.", "Send the reference with which the payment was opened.";
    SignatureInvalid = "signature_invalid", UNAUTHORIZED, "The webhook is not signed, or not by the secret that we share.", "Sign the raw body again.";
    InvalidWebhook = "invalid_webhook", UNPROCESSABLE_ENTITY, "The body is no webhook of this provider.", "Send the event as the provider made it.";
    TicketNotFound = "ticket_not_found", NOT_FOUND, "You have no such ticket.", "Check the id in the path.";
    NotRendered = "not_rendered", SERVICE_UNAVAILABLE, "The ticket is still being printed.", "Repeat the request after Retry-After.";
}

impl ProblemCode {
    /// The one with this name.
    pub(crate) fn named(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.meaning().code == code)
    }

    /// `seats_sold` → `Seats sold`.
    pub(crate) fn title(self) -> String {
        let mut title = self.meaning().code.replace('_', " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        title
    }

    /// Whether another access token is the way out: only then a 401 says `WWW-Authenticate: Bearer`.
    pub(crate) const fn asks_for_access_token(self) -> bool {
        matches!(self, Self::AccessTokenMissing | Self::AccessTokenExpired | Self::AccessTokenInvalid | Self::SessionEnded)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_another_one_in_snake_case_and_says_what_to_do() {
        let mut seen = HashSet::new();
        for code in ProblemCode::ALL {
            let Meaning { code: name, status, means, fix } = code.meaning();
            assert!(seen.insert(name), "{name} twice");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert_eq!(serde_json::to_value(code).unwrap(), name);
            assert_eq!(ProblemCode::named(name), Some(*code));
            assert!(status.is_client_error() || status.is_server_error(), "{name}");
            for text in [means, fix] {
                assert!(text.len() > 10 && text.ends_with('.') && !text.contains(['<', '>', '&', '"']), "{name}: {text}");
            }
        }
        assert!(seen.len() > 100, "{}", seen.len());
        assert_eq!(ProblemCode::named("nothing"), None);
        assert_eq!(ProblemCode::SeatsSold.title(), "Seats sold");
    }
}
