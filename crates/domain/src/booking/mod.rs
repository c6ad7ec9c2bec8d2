//! Bookings: what is asked for, what was decided, and the states a decided booking goes through.
//!
//! Every change is a [`Command`] that a [`WorkingSet`] decides: pure, in order, with the clock passed in. What follows is a list of
//! [`Change`]s: whoever owns the event writes them, takes them back, or forgets the working set.

mod change;
mod choice;
mod command;
mod counts;
mod outcome;
mod request;
mod seats;
mod section;
mod state;
mod terms;
pub mod working_set;

pub use change::{Change, NewBooking, PaymentChange, RefusedRequest, Transition};
pub use choice::{BestAvailable, MAX_SEATS_PER_BOOKING, NamedSeats, SeatChoice, SeatChoiceError};
pub use command::{Command, PaymentNotice, PaymentResult, UndecidedRequest};
pub use counts::SeatCount;
pub use outcome::{Answer, HeldSeats, Outcome, Refusal, RefusalReason, TakenSeat};
pub use request::{BookingRequest, IdempotencyKey, IdempotencyKeyError, PayloadHash};
pub use seats::{SeatState, TakenSeats};
pub use section::SectionPlan;
pub use state::{AnyBooking, Booking, BookingState, Cancelled, Confirmed, Expired, Held, Order, Refunded, TooLate};
pub use terms::Terms;
pub use working_set::{Applied, Needs, StoredPayment, WorkingSet};
