//! Reading a message. What cannot be read completely may still show whose request it is: then its key gets an answer.

use goticket_contracts::commands::{CommandMessage, MAX_COMMAND_BYTES};
use goticket_domain::{
    AccountId, BookingId, EventId, SectionNo,
    booking::{BookingRequest, Command, IdempotencyKey, PayloadHash, RefusalReason, SeatChoice},
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::app::booking::{Job, Rejected};

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
    match serde_json::from_slice::<CommandMessage>(body) {
        Ok(message) => Parsed::Job(Box::new(checked(message))),
        Err(error) => {
            let why = format!("not a command: {error}");
            let outline = serde_json::from_slice::<CreateOutline>(body).ok();
            match outline.and_then(|outline| outline.rejected(body, why.clone())) {
                Some(job) => Parsed::Job(Box::new(job)),
                None => Parsed::Unreadable { why },
            }
        }
    }
}

/// A request must be for the event whose lane it came through: another owner would decide it.
fn checked(message: CommandMessage) -> Job {
    let astray = matches!(&message.command, Command::Create { request } if request.event != message.event);
    let why = "the request is for another event than the command".to_owned();
    let rejected = astray.then_some(Rejected { reason: RefusalReason::Invalid, why });
    let mut job = Job { rejected, ..Job::from(message) };
    if let Command::Create { request } = &mut job.message.command {
        // It is answered where it came from.
        request.event = job.message.event;
    }
    job
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
    /// What it asks for is not looked at: it is refused.
    fn rejected(self, body: &[u8], why: String) -> Option<Job> {
        let RequestOutline { booking, account, key, payload_hash } = self.request;
        let request = BookingRequest {
            booking,
            event: self.event,
            section: SectionNo::default(),
            account,
            key,
            payload_hash: payload_hash.unwrap_or_else(|| PayloadHash(Sha256::digest(body).into())),
            choice: SeatChoice::best_available(1, None).ok()?,
        };
        let message = CommandMessage { event: self.event, reply_to: self.reply_to, command: Command::Create { request } };
        Some(Job { rejected: Some(Rejected { reason: RefusalReason::Invalid, why }), ..Job::from(message) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use goticket_domain::SeatNo;
    use uuid::Uuid;

    use super::*;

    fn create() -> CommandMessage {
        let (event, choice) = (EventId(Uuid::from_u128(1)), SeatChoice::named(vec![SeatNo(3)]).unwrap());
        let section = SectionNo(4);
        let request = BookingRequest {
            booking: BookingId::generate(),
            event,
            section,
            account: AccountId::generate(),
            key: IdempotencyKey::parse("k").unwrap(),
            payload_hash: BookingRequest::hash(event, section, &choice),
            choice,
        };
        CommandMessage { event, reply_to: Some("g".into()), command: Command::Create { request } }
    }

    #[test]
    fn a_command_is_read_as_it_is() {
        let command = create();
        let body = serde_json::to_vec(&command).unwrap();
        assert_eq!(parse(&body), Parsed::Job(Box::new(command.into())));
    }

    #[test]
    fn a_request_whose_key_can_be_read_is_refused_instead_of_forgotten() {
        let broken = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut json = serde_json::to_value(create()).unwrap();
            change(&mut json);
            parse(&serde_json::to_vec(&json).unwrap())
        };
        type Change<'a> = &'a dyn Fn(&mut serde_json::Value);
        let rows: [(&str, Change<'_>); 5] = [
            ("unknown mode", &|json| json["request"]["choice"]["mode"] = "psychic".into()),
            ("no section", &|json| json["request"]["section"] = serde_json::Value::Null),
            ("one seat twice", &|json| json["request"]["choice"]["seats"] = serde_json::json!([3, 3])),
            ("no choice", &|json| json["request"]["choice"] = serde_json::Value::Null),
            ("event of another command", &|json| json["event"] = Uuid::from_u128(2).to_string().into()),
        ];
        for (what, change) in rows {
            let Parsed::Job(job) = broken(change) else { panic!("{what}: must be answered") };
            assert_eq!(job.rejected.unwrap().reason, RefusalReason::Invalid, "{what}");
            let Command::Create { request } = job.message.command else { panic!("{what}") };
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
