//! What can be done: every operation of the API, and nothing else.

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// One operation of the API, whatever the protocol.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// Every one, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name: the id of the operation in the description of the API.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

actions! {
    /// What problems there can be.
    ListProblems = "list_problems",
    /// What one of them means.
    ShowProblem = "show_problem",
    /// The keys that verify our tokens.
    ListKeys = "list_keys",
    /// Makes an account.
    Register = "register",
    /// Begins a session.
    LogIn = "log_in",
    /// Continues one.
    RefreshSession = "refresh_session",
    /// Ends one.
    LogOut = "log_out",
    /// The page to which links of mails lead.
    VerifyEmailPage = "verify_email_page",
    /// Shows that an address is one's own.
    VerifyEmail = "verify_email",
    /// Asks for another mail.
    SendVerification = "send_verification",
    /// The page to which links of mails lead by which a password is set.
    ResetPasswordPage = "reset_password_page",
    /// Asks for such a mail.
    RequestPasswordReset = "request_password_reset",
    /// Sets a password by what the mail says.
    ResetPassword = "reset_password",
    /// One's own account.
    ShowMe = "show_me",
    /// Another password.
    ChangePassword = "change_password",
    /// One's own sessions.
    ListSessions = "list_sessions",
    /// All of them are over.
    EndSessions = "end_sessions",
    /// One of them is.
    EndSession = "end_session",

    /// Makes an organization.
    FoundOrganization = "found_organization",
    /// Those in which one is a member.
    ListOrganizations = "list_organizations",
    /// One of them.
    ShowOrganization = "show_organization",
    /// Its name.
    ChangeOrganization = "change_organization",
    /// Who its members are.
    ListMembers = "list_members",
    /// Another role for a member.
    ChangeMember = "change_member",
    /// A member is one no more.
    RemoveMember = "remove_member",
    /// Asks somebody to become a member.
    Invite = "invite",
    /// Becomes one.
    AcceptInvitation = "accept_invitation",

    /// An organization's venues.
    ListVenues = "list_venues",
    /// Imports one.
    ImportVenue = "import_venue",
    /// One of them.
    ShowVenue = "show_venue",

    /// Events on sale, and the drafts that one may see.
    ListEvents = "list_events",
    /// Prepares an event.
    CreateEvent = "create_event",
    /// One event.
    ShowEvent = "show_event",
    /// Corrects it.
    ChangeEvent = "change_event",
    /// Puts it on sale.
    PublishEvent = "publish_event",
    /// Opens a further line.
    CreateOnsale = "create_onsale",
    /// How much is left.
    ShowAvailability = "show_availability",
    /// The seat map.
    ShowSeats = "show_seats",
    /// The seat map as it changes.
    StreamSeats = "stream_seats",

    /// The waiting room's public state.
    ShowBoard = "show_board",
    /// The draw's terms and proofs.
    ShowDraw = "show_draw",
    /// The closed lobby's list.
    ListDrawEntries = "list_draw_entries",
    /// Where a place stands: the place ticket is the proof.
    ShowPlace = "show_place",
    /// The boards as they come, by a place ticket.
    StreamBoard = "stream_board",
    /// What is to be solved before one joins.
    MakeChallenge = "make_challenge",
    /// Takes a place.
    JoinQueue = "join_queue",
    /// Gives it back.
    LeaveQueue = "leave_queue",
    /// Turns it into a session.
    ClaimPlace = "claim_place",
    /// The group in which one stands.
    ShowGroup = "show_group",
    /// Makes a group.
    MakeGroup = "make_group",
    /// Leaves it.
    LeaveGroup = "leave_group",
    /// How a waiting room is set.
    ShowControl = "show_control",
    /// Sets it.
    ChangeControl = "change_control",
    /// What was done to it.
    ShowControlLog = "show_control_log",
    /// How it went.
    ShowStatistics = "show_statistics",
    /// Batches of codes.
    ListCodes = "list_codes",
    /// Makes codes.
    MakeCodes = "make_codes",
    /// What became of one.
    LookUpCode = "look_up_code",
    /// Takes one back.
    RevokeCode = "revoke_code",

    /// Asks for seats.
    BookSeats = "book_seats",
    /// One's own bookings.
    ListBookings = "list_bookings",
    /// One booking.
    ShowBooking = "show_booking",
    /// A booking as it changes.
    StreamBooking = "stream_booking",
    /// Gives it back.
    CancelBooking = "cancel_booking",
    /// Begins to pay.
    PayBooking = "pay_booking",
    /// The attempts to pay it.
    ListPayments = "list_payments",
    /// Its tickets.
    ListTickets = "list_tickets",
    /// A ticket as a page.
    ShowTicket = "show_ticket",
    /// What a payment's provider says: its signature is the proof.
    TakeSandboxWebhook = "take_sandbox_webhook",
}
