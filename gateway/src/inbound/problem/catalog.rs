//! Venues and events.

use goticket_domain::catalog::OnsaleRefusal;
use goticket_domain::policy::Reason;

use super::{FieldError, Problem, ProblemCode};
use crate::app::catalog::EventError;
use crate::app::change_event::ChangeEventError;
use crate::app::create_event::{CreateEventError, Wrong};
use crate::app::create_onsale::CreateOnsaleError;
use crate::app::import_venue::ImportError;
use crate::app::organizations::choose::ChooseError;
use crate::app::publish_event::PublishError;
use crate::app::show_venue::VenueError;

impl From<EventError> for Problem {
    fn from(error: EventError) -> Self {
        match error {
            EventError::NotFound => Self::new(ProblemCode::EventNotFound, "There is no such event. Check the id in the path.")
                .with_error(FieldError::path("event", "is no event's id: take one of GET /v1/events")),
            EventError::Denied(Reason::NotAMember) => {
                let detail = "This event belongs to an organization of which you are no member. Log in as one of its members.";
                Self::new(ProblemCode::NotYourEvent, detail)
                    .with_error(FieldError::path("event", "is another organization's: log in as a member of it"))
            }
            EventError::Denied(reason) => Self::denied(reason),
            EventError::OnsaleOf(of) => {
                let detail = format!("This is an onsale of event {of}, which has the seats. Look at them, and book, there.");
                Self::new(ProblemCode::OnsaleOfAnother, detail)
                    .with_error(FieldError::path("event", format!("is an onsale: its seats are those of event {of}")))
            }
            EventError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CreateOnsaleError> for Problem {
    fn from(error: CreateOnsaleError) -> Self {
        let at = |pointer: &str, message: String| Self::invalid(vec![FieldError::pointer(pointer, message)]);
        match error {
            CreateOnsaleError::Invalid(wrong) => invalid(wrong),
            CreateOnsaleError::NotPublished => {
                Self::new(ProblemCode::NotPublished, "The event is not published. Publish it, then open further onsales.")
                    .with_error(FieldError::path("event", "is a draft or closed: publish it first"))
            }
            CreateOnsaleError::Refused(refusal) => {
                let message = refusal.to_string();
                match refusal {
                    OnsaleRefusal::Schedule => at("/onsale_at", message),
                    OnsaleRefusal::Notice { .. } => at("/lobby_opens_at", message),
                    OnsaleRefusal::Category { .. } | OnsaleRefusal::Categories => at("/categories", message),
                    OnsaleRefusal::LobbyOpen => {
                        let detail =
                            "The event's lobby is open already: whoever is in it was promised its seats. Set seats aside before.";
                        Self::new(ProblemCode::LobbyOpen, detail)
                            .with_error(FieldError::path("event", "has a lobby that is open: set seats aside before"))
                    }
                    OnsaleRefusal::StillSelling => {
                        let detail = "Another line of the event is not closed: seats that come back go to it. Close it first.";
                        Self::new(ProblemCode::StillSelling, detail)
                            .with_error(FieldError::path("event", "has a line that is not closed: close it first"))
                    }
                }
            }
            CreateOnsaleError::Event(error) => error.into(),
        }
    }
}

impl From<Wrong> for FieldError {
    fn from(wrong: Wrong) -> Self {
        Self::pointer(wrong.pointer, wrong.message)
    }
}

fn invalid(wrong: Vec<Wrong>) -> Problem {
    Problem::invalid(wrong.into_iter().map(FieldError::from).collect())
}

fn plans_busy() -> Problem {
    Problem::new(ProblemCode::Busy, "Too many seating plans are being read at this moment. Repeat the request.").retry_after(2)
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Name => Self::invalid(vec![FieldError::pointer("/name", error.to_string())]),
            ImportError::TimeZone => {
                let message = "is not an IANA time zone: use one like Europe/Berlin";
                Self::invalid(vec![FieldError::pointer("/time_zone", message)])
            }
            ImportError::Plan(plan) => {
                let pointer = format!("/plan{}", plan.pointer);
                Self::new(ProblemCode::InvalidPlan, format!("{pointer}: {}", plan.problem))
                    .with_error(FieldError::pointer(pointer, plan.problem.to_string()))
            }
            ImportError::Organization(error) => error.into(),
            ImportError::Busy => plans_busy(),
            ImportError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ChooseError> for Problem {
    fn from(error: ChooseError) -> Self {
        let at = |message: &str| Self::invalid(vec![FieldError::pointer("/organization", message)]);
        match error {
            ChooseError::Unknown => at("is none of your organizations: take an id of GET /v1/organizations"),
            ChooseError::NotSaid => at("is missing: you manage several organizations, say which one it is for"),
            ChooseError::TooMany => super::organization::too_many(),
            ChooseError::Denied(reason) => Self::denied(reason),
            ChooseError::Fault(fault) => fault.into(),
        }
    }
}

impl From<VenueError> for Problem {
    fn from(error: VenueError) -> Self {
        match error {
            VenueError::NotFound => Self::new(ProblemCode::VenueNotFound, "You have no such venue. Check the id in the path.")
                .with_error(FieldError::path("venue", "is none of your venues: take an id of GET /v1/venues")),
            VenueError::Denied(reason) => Self::denied(reason),
            VenueError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CreateEventError> for Problem {
    fn from(error: CreateEventError) -> Self {
        match error {
            CreateEventError::Invalid(wrong) => invalid(wrong),
            CreateEventError::Busy => plans_busy(),
            CreateEventError::Denied(reason) => Self::denied(reason),
            CreateEventError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ChangeEventError> for Problem {
    fn from(error: ChangeEventError) -> Self {
        match error {
            ChangeEventError::Invalid(wrong) => invalid(wrong),
            ChangeEventError::NotADraft(sealed) => {
                Self::new(ProblemCode::EventPublished, "The event is published: only its title can still be changed.")
                    .with_errors(sealed.into_iter().map(FieldError::from).collect())
            }
            ChangeEventError::Event(error) => error.into(),
        }
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Past => {
                let detail = "The event has started already. Set starts_at to a time to come, then publish it.";
                Self::new(ProblemCode::EventPast, detail)
                    .with_error(FieldError::pointer("/starts_at", "is past: set it to a time to come, then publish"))
            }
            PublishError::Closed => Self::new(ProblemCode::EventClosed, "The event is closed. Create a new one.")
                .with_error(FieldError::path("event", "is closed: create a new one")),
            PublishError::Event(error) => error.into(),
        }
    }
}
