//! Reading a message. What cannot be read completely may still show whose request it is: then its key gets an answer.

use goticket_contracts::commands::{Action, Command, MAX_COMMAND_BYTES};
use goticket_domain::{
    AccountId, BookingId, EventId,
    booking::{BookingRequest, IdempotencyKey, PayloadHash, RefusalReason, SeatChoice},
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::app::booking::{Condemned, Job};

/// What a message is.
#[derive(Debug, PartialEq)]
pub(super) enum Parsed {
    /// A command, perhaps one that can only be refused.
    Job(Box<Job>),
    /// Nothing that could be answered.
    Unreadable {
        /// What stands on the dead letter.
        why: String,
    },
}

/// Reads a message's body.
pub(super) fn parse(body: &[u8]) -> Parsed {
    if body.len() > MAX_COMMAND_BYTES {
        return Parsed::Unreadable { why: format!("{} bytes are more than {MAX_COMMAND_BYTES}", body.len()) };
    }
    match serde_json::from_slice::<Command>(body) {
        Ok(command) => Parsed::Job(Box::new(checked(command))),
        Err(error) => {
            let why = format!("not a command: {error}");
            match serde_json::from_slice::<CreateOutline>(body) {
                Ok(outline) => Parsed::Job(Box::new(outline.condemned(body, why))),
                Err(_) => Parsed::Unreadable { why },
            }
        }
    }
}

/// A request must be on the queue of the section it asks for: another writer would decide it.
fn checked(command: Command) -> Job {
    let astray = match &command.action {
        Action::Create { request } => (request.event, request.section) != (command.event, command.section),
        _ => false,
    };
    let why = "the request is for another section than the command".to_owned();
    let condemned = astray.then_some(Condemned { reason: RefusalReason::Invalid, why });
    Job { command, condemned }
}

/// What must be readable of a request to answer it.
#[derive(Deserialize)]
struct CreateOutline {
    event: EventId,
    #[serde(default)]
    reply_to: Option<String>,
    request: RequestOutline,
}

#[derive(Deserialize)]
struct RequestOutline {
    booking: BookingId,
    account: AccountId,
    key: IdempotencyKey,
    #[serde(default)]
    payload_hash: Option<PayloadHash>,
}

impl CreateOutline {
    fn condemned(self, body: &[u8], why: String) -> Job {
        let RequestOutline { booking, account, key, payload_hash } = self.request;
        let request = BookingRequest {
            booking,
            event: self.event,
            section: 0,
            account,
            key,
            payload_hash: payload_hash.unwrap_or_else(|| PayloadHash(Sha256::digest(body).into())),
            choice: SeatChoice::Named { seats: Vec::new() },
        };
        let command = Command { event: self.event, section: 0, reply_to: self.reply_to, action: Action::Create { request } };
        Job { command, condemned: Some(Condemned { reason: RefusalReason::Invalid, why }) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn create(section: u16) -> Command {
        let (event, choice) = (EventId(Uuid::from_u128(1)), SeatChoice::Named { seats: vec![3] });
        let request = BookingRequest {
            booking: BookingId::generate(),
            event,
            section: 4,
            account: AccountId::generate(),
            key: IdempotencyKey::parse("k").unwrap(),
            payload_hash: BookingRequest::hash(event, 4, &choice),
            choice,
        };
        Command { event, section, reply_to: Some("g".into()), action: Action::Create { request } }
    }

    #[test]
    fn a_command_is_read_as_it_is() {
        let command = create(4);
        let body = serde_json::to_vec(&command).unwrap();
        assert_eq!(parse(&body), Parsed::Job(Box::new(command.into())));
    }

    #[test]
    fn a_request_whose_key_can_be_read_is_refused_instead_of_forgotten() {
        let broken = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut json = serde_json::to_value(create(4)).unwrap();
            change(&mut json);
            parse(&serde_json::to_vec(&json).unwrap())
        };
        type Change<'a> = &'a dyn Fn(&mut serde_json::Value);
        let rows: [(&str, Change<'_>); 4] = [
            ("unknown mode", &|json| json["request"]["choice"]["mode"] = "psychic".into()),
            ("no section", &|json| json["section"] = serde_json::Value::Null),
            ("no choice", &|json| json["request"]["choice"] = serde_json::Value::Null),
            ("section of another command", &|json| json["section"] = 5.into()),
        ];
        for (what, change) in rows {
            let Parsed::Job(job) = broken(change) else { panic!("{what}: must be answered") };
            assert_eq!(job.condemned.unwrap().reason, RefusalReason::Invalid, "{what}");
            let Action::Create { request } = job.command.action else { panic!("{what}") };
            assert_eq!(request.key.as_str(), "k");
        }
        let unreadable = broken(&|json| json["request"]["key"] = "".into());
        assert!(matches!(unreadable, Parsed::Unreadable { .. }), "without a key there is nobody to answer");
    }

    #[test]
    fn garbage_and_giants_are_unreadable() {
        let giant = vec![b' '; MAX_COMMAND_BYTES + 1];
        for body in [b"".as_slice(), b"{}", b"\xff\xfe", b"[]", &giant] {
            assert!(matches!(parse(body), Parsed::Unreadable { .. }), "{:?}", body.get(..4));
        }
    }
}
