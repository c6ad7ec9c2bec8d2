//! Use cases: what can be asked of GoTicket, one per file, without HTTP.

pub(crate) mod access;
pub(crate) mod boards;
pub(crate) mod book;
pub(crate) mod caller;
pub(crate) mod cancel;
pub(crate) mod catalog;
pub(crate) mod change_event;
pub(crate) mod create_event;
pub(crate) mod geometry;
pub(crate) mod import_venue;
pub(crate) mod log_in;
pub(crate) mod look_up_booking;
pub(crate) mod passwords;
pub(crate) mod pay;
pub(crate) mod publish_event;
pub(crate) mod refresh;
pub(crate) mod refuse_early;
pub(crate) mod register;
pub(crate) mod seat_feeds;
pub(crate) mod seat_map;
pub(crate) mod sessions;
pub(crate) mod stream_slots;
pub(crate) mod take_webhook;
pub(crate) mod turns;
pub(crate) mod waiters;
