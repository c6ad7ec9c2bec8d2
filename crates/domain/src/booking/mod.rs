//! Bookings: what is asked for, what was decided, and the states a decided booking goes through.

pub mod decide;
mod outcome;
mod request;
mod state;

pub use outcome::{HeldSeats, Outcome, RefusalReason};
pub use request::{
    BookingRequest, IdempotencyKey, IdempotencyKeyError, MAX_SEATS_PER_BOOKING, PayloadHash, SeatChoice, SeatChoiceError,
};
pub use state::{Booking, BookingState, Cancelled, Confirmed, Expired, Held, Refunded, TooLate};
