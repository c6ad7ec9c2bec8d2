//! What GoTicket is about, without any technology: the types, state machines, policies and ports of ticket sales.
//!
//! Not here: I/O, async runtimes, wire formats, SQL. Clocks and randomness come in as parameters.
//!
//! Invariants this crate carries in its types:
//! * a transition of a booking consumes the state it leaves ([`booking::Booking`]);
//! * what a command comes to is a pure function of what is known, the command and the clock ([`booking::WorkingSet::apply`]);
//! * who may do what is one table, and a pure function over it ([`policy::decide`]);
//! * a place in line is a pure function of the signed ticket and the public board ([`queue::Board::locate`]);
//! * whatever was parsed at the edge (ids, keys, e-mail addresses, money) is never re-validated inside.

pub mod booking;
pub mod catalog;
pub mod identity;
pub mod ids;
pub mod lane;
pub mod money;
pub mod payment;
pub mod policy;
pub mod queue;
pub mod seating;

pub use ids::{
    AccountId, BookingId, CategoryNo, EventId, InvitationId, OrganizationId, PaymentId, SeatNo, SectionNo, TicketId, VenueId,
};
pub use money::Money;
