//! The port over gRPC, as a gateway calls it.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use goticket_contracts::waiting_room as proto;
use goticket_contracts::waiting_room::waiting_room_client::WaitingRoomClient;
use goticket_contracts::waiting_room_convert::{error_of, from_json, join_request, read_joined, set_control_request, to_json};
use goticket_domain::queue::entry_rules::{CodeBatchState, CodeState, MadeCodes, NewCodes};
use goticket_domain::queue::{
    Challenge, Claimed, ClaimedPlace, ControlChange, DrawProofs, DrawRecord, Group, JoinPass, JoinedPlace, LobbyPage, LogEntry,
    PlaceId, PublishedBoard, QueueError, RenewedTicket, RoomControl, WaitingRoom, WhatIf,
};
use goticket_domain::{AccountId, EventId};
use tonic::Request;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;

pub(crate) struct Client {
    pub(crate) channel: Channel,
    pub(crate) secret: String,
}

impl Client {
    fn client(&self) -> WaitingRoomClient<Channel> {
        WaitingRoomClient::new(self.channel.clone())
    }

    fn with_secret<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let value = AsciiMetadataValue::try_from(format!("Bearer {}", self.secret)).unwrap();
        request.metadata_mut().insert("authorization", value);
        request
    }
}

fn ticket(event: EventId, account: AccountId, signed: &str) -> proto::TicketRequest {
    proto::TicketRequest { event: event.to_string(), account: account.to_string(), signed_ticket: signed.to_owned() }
}

fn group(event: EventId, account: AccountId) -> proto::GroupRequest {
    proto::GroupRequest { event: event.to_string(), account: account.to_string() }
}

#[async_trait]
impl WaitingRoom for Client {
    async fn join_with(&self, event: EventId, account: AccountId, pass: &JoinPass) -> Result<JoinedPlace, QueueError> {
        let request = self.with_secret(proto::JoinAllRequest { joins: vec![join_request(event, account, pass)] });
        let reply = self.client().join_all(request).await.map_err(|status| error_of(&status))?;
        read_joined(reply.into_inner().results.remove(0)).unwrap()
    }

    async fn group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError> {
        let reply = self.client().group(self.with_secret(group(event, account))).await.map_err(|status| error_of(&status))?;
        Ok(from_json(&reply.into_inner().group_json).unwrap())
    }

    async fn make_group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError> {
        let reply =
            self.client().make_group(self.with_secret(group(event, account))).await.map_err(|status| error_of(&status))?;
        Ok(from_json(&reply.into_inner().group_json).unwrap())
    }

    async fn leave_group(&self, event: EventId, account: AccountId) -> Result<(), QueueError> {
        let left = self.client().leave_group(self.with_secret(group(event, account))).await;
        left.map(drop).map_err(|status| error_of(&status))
    }

    async fn challenge(&self, event: EventId, account: AccountId) -> Result<Option<Challenge>, QueueError> {
        let request = proto::ChallengeRequest { event: event.to_string(), account: account.to_string() };
        let reply = self.client().challenge(self.with_secret(request)).await.map_err(|status| error_of(&status))?;
        Ok(reply.into_inner().try_into().unwrap())
    }

    async fn make_codes(&self, event: EventId, new: NewCodes, actor: AccountId) -> Result<MadeCodes, QueueError> {
        let new_json = to_json(&new).unwrap();
        let request = proto::MakeCodesRequest { event: event.to_string(), actor: actor.to_string(), new_json };
        let reply = self.client().make_codes(self.with_secret(request)).await.map_err(|status| error_of(&status))?;
        Ok(from_json(&reply.into_inner().made_json).unwrap())
    }

    async fn code_batches(&self, event: EventId) -> Result<Vec<CodeBatchState>, QueueError> {
        let request = proto::CodeBatchesRequest { event: event.to_string() };
        let reply = self.client().code_batches(self.with_secret(request)).await.map_err(|status| error_of(&status))?;
        Ok(from_json(&reply.into_inner().batches_json).unwrap())
    }

    async fn code(&self, event: EventId, code: &str) -> Result<CodeState, QueueError> {
        let request = proto::CodeRequest { event: event.to_string(), code: code.to_owned() };
        let reply = self.client().code(self.with_secret(request)).await.map_err(|status| error_of(&status))?;
        Ok(from_json(&reply.into_inner().code_json).unwrap())
    }

    async fn revoke_code(&self, event: EventId, code: &str, actor: AccountId, reason: &str) -> Result<CodeState, QueueError> {
        let (event, actor) = (event.to_string(), actor.to_string());
        let request = proto::RevokeCodeRequest { event, code: code.to_owned(), actor, reason: reason.to_owned() };
        let reply = self.client().revoke_code(self.with_secret(request)).await.map_err(|status| error_of(&status))?;
        Ok(from_json(&reply.into_inner().code_json).unwrap())
    }

    async fn place(&self, event: EventId, account: AccountId, signed: &str) -> Result<ClaimedPlace, QueueError> {
        let request = self.with_secret(ticket(event, account, signed));
        let reply = self.client().place(request).await.map_err(|status| error_of(&status))?;
        Ok(reply.into_inner().try_into().unwrap())
    }

    async fn renew(&self, event: EventId, account: AccountId, signed: &str) -> Result<RenewedTicket, QueueError> {
        let request = self.with_secret(ticket(event, account, signed));
        let reply = self.client().renew(request).await.map_err(|status| error_of(&status))?;
        Ok(reply.into_inner().try_into().unwrap())
    }

    async fn claim(&self, event: EventId, account: AccountId, signed: &str) -> Result<Claimed, QueueError> {
        let request = self.with_secret(ticket(event, account, signed));
        let reply = self.client().claim(request).await.map_err(|status| error_of(&status))?;
        Ok(reply.into_inner().try_into().unwrap())
    }

    async fn leave(&self, event: EventId, account: AccountId) -> Result<(), QueueError> {
        let request = proto::LeaveRequest { event: event.to_string(), account: account.to_string() };
        self.client().leave(self.with_secret(request)).await.map_err(|status| error_of(&status)).map(drop)
    }

    async fn control(&self, event: EventId) -> Result<RoomControl, QueueError> {
        let request = proto::GetControlRequest { event: event.to_string() };
        let reply = self.client().get_control(self.with_secret(request)).await.map_err(|status| error_of(&status))?;
        Ok(reply.into_inner().try_into().unwrap())
    }

    async fn set_control(&self, event: EventId, change: ControlChange, actor: AccountId) -> Result<RoomControl, QueueError> {
        let request = self.with_secret(set_control_request(event, change, actor));
        let reply = self.client().set_control(request).await.map_err(|status| error_of(&status))?;
        Ok(reply.into_inner().try_into().unwrap())
    }

    async fn what_if(&self, event: EventId, change: ControlChange) -> Result<WhatIf, QueueError> {
        let request = self.with_secret(set_control_request(event, change, AccountId::generate()));
        let reply = self.client().what_if(request).await.map_err(|status| error_of(&status))?;
        Ok(reply.into_inner().try_into().unwrap())
    }

    async fn log(&self, event: EventId, before: Option<u64>, limit: u32) -> Result<Vec<LogEntry>, QueueError> {
        let request = proto::LogRequest { event: event.to_string(), limit, before };
        let reply = self.client().log(self.with_secret(request)).await.map_err(|status| error_of(&status))?;
        Ok(reply.into_inner().entries.into_iter().map(|entry| entry.try_into().unwrap()).collect())
    }

    async fn draw(&self, event: EventId) -> Result<DrawRecord, QueueError> {
        let request = self.with_secret(proto::DrawRequest { event: event.to_string() });
        let reply = self.client().draw(request).await.map_err(|status| error_of(&status))?;
        Ok(reply.into_inner().try_into().unwrap())
    }

    async fn lobby(&self, event: EventId, from: u64) -> Result<LobbyPage, QueueError> {
        let request = self.with_secret(proto::LobbyRequest { event: event.to_string(), from });
        self.client().lobby(request).await.map(|reply| reply.into_inner().into()).map_err(|status| error_of(&status))
    }

    async fn proofs(&self, event: EventId, place: PlaceId, position: Option<u64>) -> Result<DrawProofs, QueueError> {
        let request = self.with_secret(proto::ProofsRequest { event: event.to_string(), place: place.to_hex(), position });
        let reply = self.client().proofs(request).await.map_err(|status| error_of(&status))?;
        Ok(reply.into_inner().try_into().unwrap())
    }

    async fn watch(&self) -> Result<BoxStream<'static, Arc<PublishedBoard>>, QueueError> {
        let stream = self.client().watch(self.with_secret(proto::WatchRequest {})).await.map_err(|status| error_of(&status))?;
        let boards = stream.into_inner().take_while(|board| std::future::ready(board.is_ok()));
        Ok(boards.map(|board| Arc::new(board.unwrap().try_into().unwrap())).boxed())
    }
}
