//! The waiting room as a process of its own, reached by gRPC.

mod joins;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use goticket_contracts::waiting_room as proto;
use goticket_contracts::waiting_room::waiting_room_client::WaitingRoomClient;
use goticket_contracts::waiting_room_convert::{BadMessage, error_of, from_json, join_request, set_control_request, to_json};
use goticket_domain::queue::entry_rules::{CodeBatchState, CodeState, MadeCodes, NewCodes};
use goticket_domain::queue::{
    Challenge, Claimed, ClaimedPlace, ControlChange, DrawProofs, DrawRecord, Group, JoinPass, JoinedPlace, LobbyPage, LogEntry,
    PlaceId, PublishedBoard, QueueError, RenewedTicket, RoomControl, WaitingRoom, WhatIf,
};
use goticket_domain::{AccountId, EventId};
use secrecy::{ExposeSecret, SecretString};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use url::Url;
use uuid::Uuid;

use self::joins::Joins;

/// One call; every one of them is a few commands in Redis.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A silent connection is asked for a sign of life after the first, and given up after the second on top.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest message: a board with all its pivots.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

type Client = WaitingRoomClient<InterceptedService<Channel, ShowSecret>>;

/// The waiting room's gRPC client. Clones share one connection, which comes back by itself.
#[derive(Clone)]
pub struct GrpcWaitingRoom {
    client: Client,
    joins: Arc<Joins>,
}

/// The adapter cannot be made from what it was given.
#[derive(Debug, thiserror::Error)]
#[error("the waiting room's address or secret cannot be used: {0}")]
pub struct AddressError(String);

#[derive(Clone)]
struct ShowSecret(Option<MetadataValue<Ascii>>);

impl Interceptor for ShowSecret {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(secret) = &self.0 {
            request.metadata_mut().insert("authorization", secret.clone());
        }
        Ok(request)
    }
}

impl GrpcWaitingRoom {
    /// Connects with the first call, and again whenever it has to. `secret` is `admission.grpc_secret` of the other side.
    pub fn new(url: &Url, secret: Option<&SecretString>) -> Result<Self, AddressError> {
        let bad = |error: &dyn std::fmt::Display| AddressError(error.to_string());
        let endpoint = Endpoint::from_shared(url.as_str().to_owned())
            .map_err(|error| bad(&error))?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true);
        let shown = secret.map(|secret| format!("Bearer {}", secret.expose_secret()).parse()).transpose();
        let mut shown: Option<MetadataValue<Ascii>> = shown.map_err(|_| bad(&"the secret is no header value"))?;
        if let Some(shown) = &mut shown {
            shown.set_sensitive(true);
        }
        let client = WaitingRoomClient::with_interceptor(endpoint.connect_lazy(), ShowSecret(shown));
        let client = client.max_decoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self { joins: Arc::new(Joins::new(client.clone())), client })
    }
}

fn timed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

#[expect(clippy::needless_pass_by_value, reason = "stands in map_err")]
fn refused(status: Status) -> QueueError {
    let error = error_of(&status);
    if error == QueueError::Unavailable {
        tracing::warn!(code = ?status.code(), message = status.message(), "the waiting room does not answer");
    }
    error
}

/// Two versions that don't fit: no one's request.
#[expect(clippy::needless_pass_by_value, reason = "stands in map_err")]
fn unreadable(bad: BadMessage) -> QueueError {
    tracing::error!(%bad, "the waiting room speaks another version");
    QueueError::Unavailable
}

fn ticket_request(event: EventId, account: AccountId, signed_ticket: &str) -> Request<proto::TicketRequest> {
    let (event, account) = (event.to_string(), account.to_string());
    timed(proto::TicketRequest { event, account, signed_ticket: signed_ticket.to_owned() })
}

fn group_request(event: EventId, account: AccountId) -> Request<proto::GroupRequest> {
    timed(proto::GroupRequest { event: event.to_string(), account: account.to_string() })
}

#[async_trait]
impl WaitingRoom for GrpcWaitingRoom {
    async fn join_with(&self, event: EventId, account: AccountId, pass: &JoinPass) -> Result<JoinedPlace, QueueError> {
        self.joins.join(event, join_request(event, account, pass)).await
    }

    async fn group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError> {
        let reply = self.client.clone().group(group_request(event, account)).await.map_err(refused)?;
        from_json(&reply.into_inner().group_json).map_err(unreadable)
    }

    async fn make_group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError> {
        let reply = self.client.clone().make_group(group_request(event, account)).await.map_err(refused)?;
        from_json(&reply.into_inner().group_json).map_err(unreadable)
    }

    async fn leave_group(&self, event: EventId, account: AccountId) -> Result<(), QueueError> {
        self.client.clone().leave_group(group_request(event, account)).await.map(drop).map_err(refused)
    }

    async fn challenge(&self, event: EventId, account: AccountId) -> Result<Option<Challenge>, QueueError> {
        let request = proto::ChallengeRequest { event: event.to_string(), account: account.to_string() };
        let reply = self.client.clone().challenge(timed(request)).await.map_err(refused)?;
        reply.into_inner().try_into().map_err(unreadable)
    }

    async fn make_codes(&self, event: EventId, new: NewCodes, actor: AccountId) -> Result<MadeCodes, QueueError> {
        let new_json = to_json(&new).map_err(unreadable)?;
        let request = proto::MakeCodesRequest { event: event.to_string(), actor: actor.to_string(), new_json };
        let reply = self.client.clone().make_codes(timed(request)).await.map_err(refused)?;
        from_json(&reply.into_inner().made_json).map_err(unreadable)
    }

    async fn code_batches(&self, event: EventId) -> Result<Vec<CodeBatchState>, QueueError> {
        let request = proto::CodeBatchesRequest { event: event.to_string() };
        let reply = self.client.clone().code_batches(timed(request)).await.map_err(refused)?;
        from_json(&reply.into_inner().batches_json).map_err(unreadable)
    }

    async fn code(&self, event: EventId, code: &str) -> Result<CodeState, QueueError> {
        let request = proto::CodeRequest { event: event.to_string(), code: code.to_owned() };
        let reply = self.client.clone().code(timed(request)).await.map_err(refused)?;
        from_json(&reply.into_inner().code_json).map_err(unreadable)
    }

    async fn revoke_code(&self, event: EventId, code: &str, actor: AccountId, reason: &str) -> Result<CodeState, QueueError> {
        let (event, actor) = (event.to_string(), actor.to_string());
        let request = proto::RevokeCodeRequest { event, code: code.to_owned(), actor, reason: reason.to_owned() };
        let reply = self.client.clone().revoke_code(timed(request)).await.map_err(refused)?;
        from_json(&reply.into_inner().code_json).map_err(unreadable)
    }

    async fn place(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<ClaimedPlace, QueueError> {
        let reply = self.client.clone().place(ticket_request(event, account, signed_ticket)).await.map_err(refused)?;
        reply.into_inner().try_into().map_err(unreadable)
    }

    async fn renew(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<RenewedTicket, QueueError> {
        let reply = self.client.clone().renew(ticket_request(event, account, signed_ticket)).await.map_err(refused)?;
        reply.into_inner().try_into().map_err(unreadable)
    }

    async fn claim(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<Claimed, QueueError> {
        let reply = self.client.clone().claim(ticket_request(event, account, signed_ticket)).await.map_err(refused)?;
        reply.into_inner().try_into().map_err(unreadable)
    }

    async fn leave(&self, event: EventId, account: AccountId) -> Result<(), QueueError> {
        let request = proto::LeaveRequest { event: event.to_string(), account: account.to_string() };
        self.client.clone().leave(timed(request)).await.map(drop).map_err(refused)
    }

    async fn control(&self, event: EventId) -> Result<RoomControl, QueueError> {
        let request = proto::GetControlRequest { event: event.to_string() };
        let reply = self.client.clone().get_control(timed(request)).await.map_err(refused)?;
        reply.into_inner().try_into().map_err(unreadable)
    }

    async fn set_control(&self, event: EventId, change: ControlChange, actor: AccountId) -> Result<RoomControl, QueueError> {
        let request = timed(set_control_request(event, change, actor));
        let reply = self.client.clone().set_control(request).await.map_err(refused)?;
        reply.into_inner().try_into().map_err(unreadable)
    }

    async fn what_if(&self, event: EventId, change: ControlChange) -> Result<WhatIf, QueueError> {
        // No one acts: nothing is changed.
        let request = timed(set_control_request(event, change, AccountId(Uuid::nil())));
        let reply = self.client.clone().what_if(request).await.map_err(refused)?;
        reply.into_inner().try_into().map_err(unreadable)
    }

    async fn log(&self, event: EventId, before: Option<u64>, limit: u32) -> Result<Vec<LogEntry>, QueueError> {
        let request = proto::LogRequest { event: event.to_string(), limit, before };
        let reply = self.client.clone().log(timed(request)).await.map_err(refused)?;
        let entries = reply.into_inner().entries.into_iter().map(LogEntry::try_from);
        entries.collect::<Result<_, _>>().map_err(unreadable)
    }

    async fn draw(&self, event: EventId) -> Result<DrawRecord, QueueError> {
        let reply = self.client.clone().draw(timed(proto::DrawRequest { event: event.to_string() })).await.map_err(refused)?;
        reply.into_inner().try_into().map_err(unreadable)
    }

    async fn lobby(&self, event: EventId, from: u64) -> Result<LobbyPage, QueueError> {
        let request = proto::LobbyRequest { event: event.to_string(), from };
        self.client.clone().lobby(timed(request)).await.map(|reply| reply.into_inner().into()).map_err(refused)
    }

    async fn proofs(&self, event: EventId, place: PlaceId, position: Option<u64>) -> Result<DrawProofs, QueueError> {
        let request = proto::ProofsRequest { event: event.to_string(), place: place.to_hex(), position };
        let reply = self.client.clone().proofs(timed(request)).await.map_err(refused)?;
        reply.into_inner().try_into().map_err(unreadable)
    }

    async fn watch(&self) -> Result<BoxStream<'static, Arc<PublishedBoard>>, QueueError> {
        // Without a time-out: the stream lives as long as the connection.
        let boards = self.client.clone().watch(proto::WatchRequest {}).await.map_err(refused)?.into_inner();
        let readable = boards
            .map(|reply| reply.ok().and_then(|reply| PublishedBoard::try_from(reply).map_err(unreadable).ok().map(Arc::new)));
        // The first one that cannot be read ends the stream; the caller watches again.
        Ok(readable.take_while(|board| std::future::ready(board.is_some())).filter_map(std::future::ready).boxed())
    }
}
