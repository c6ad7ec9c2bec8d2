//! The waiting room over gRPC: the same port, one method each, behind a shared secret.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::BoxStream;
use goticket_contracts::waiting_room as proto;
use goticket_contracts::waiting_room::waiting_room_server::{WaitingRoom as Contract, WaitingRoomServer};
use goticket_contracts::waiting_room_convert::{BadMessage, from_json, parse, place_id, status_of, to_json};
use goticket_domain::queue::{JoinPass, WaitingRoom};
use goticket_domain::{AccountId, EventId};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;
use tonic::service::{Routes, interceptor::InterceptedService};
use tonic::{Request, Response, Status};

/// Longest request: a hundred joins and what they show.
const REQUEST_BYTES_MAX: usize = 128 * 1024;
/// Most log entries in one answer.
const LOG_LIMIT_MAX: u32 = 500;

/// gRPC as routes of an HTTP server: the waiting room for callers with the secret, gRPC health for everyone. Streams end with
/// the shutdown.
pub fn router(room: Arc<dyn WaitingRoom>, secret: &SecretString, shutdown: CancellationToken) -> axum::Router {
    let expected: Arc<[u8]> = format!("Bearer {}", secret.expose_secret()).into_bytes().into();
    let server = WaitingRoomServer::new(Server { room, shutdown }).max_decoding_message_size(REQUEST_BYTES_MAX);
    let guarded = InterceptedService::new(server, move |request: Request<()>| {
        let shown = request.metadata().get("authorization").map_or(&[][..], |value| value.as_bytes());
        if bool::from(shown.ct_eq(&expected)) {
            Ok(request)
        } else {
            Err(Status::unauthenticated("the secret is missing or wrong"))
        }
    });
    let (_, health) = tonic_health::server::health_reporter();
    Routes::new(guarded).add_service(health).into_axum_router()
}

struct Server {
    room: Arc<dyn WaitingRoom>,
    shutdown: CancellationToken,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Contract for Server {
    async fn join_all(&self, request: Request<proto::JoinAllRequest>) -> Answer<proto::JoinAllReply> {
        let joins = request.into_inner().joins;
        let joins = joins.iter().map(|join| Ok((caller(&join.event, &join.account)?, JoinPass::from(join))));
        let joins = joins.collect::<Result<Vec<_>, Status>>()?;
        // All at once: what comes together is written together.
        let joined = join_all(joins.iter().map(|((event, account), pass)| self.room.join_with(*event, *account, pass))).await;
        let results = joined.iter().map(TryInto::try_into).collect::<Result<_, BadMessage>>()?;
        Ok(Response::new(proto::JoinAllReply { results }))
    }

    async fn group(&self, request: Request<proto::GroupRequest>) -> Answer<proto::GroupReply> {
        let request = request.into_inner();
        let (event, account) = caller(&request.event, &request.account)?;
        let group = self.room.group(event, account).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(proto::GroupReply { group_json: to_json(&group)? }))
    }

    async fn make_group(&self, request: Request<proto::GroupRequest>) -> Answer<proto::GroupReply> {
        let request = request.into_inner();
        let (event, account) = caller(&request.event, &request.account)?;
        let group = self.room.make_group(event, account).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(proto::GroupReply { group_json: to_json(&group)? }))
    }

    async fn leave_group(&self, request: Request<proto::GroupRequest>) -> Answer<proto::LeaveReply> {
        let request = request.into_inner();
        let (event, account) = caller(&request.event, &request.account)?;
        self.room.leave_group(event, account).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(proto::LeaveReply {}))
    }

    async fn challenge(&self, request: Request<proto::ChallengeRequest>) -> Answer<proto::ChallengeReply> {
        let request = request.into_inner();
        let (event, account) = caller(&request.event, &request.account)?;
        let challenge = self.room.challenge(event, account).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(challenge.try_into()?))
    }

    async fn make_codes(&self, request: Request<proto::MakeCodesRequest>) -> Answer<proto::MakeCodesReply> {
        let request = request.into_inner();
        let (event, actor) = caller(&request.event, &request.actor)?;
        let made = self.room.make_codes(event, from_json(&request.new_json)?, actor).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(proto::MakeCodesReply { made_json: to_json(&made)? }))
    }

    async fn code_batches(&self, request: Request<proto::CodeBatchesRequest>) -> Answer<proto::CodeBatchesReply> {
        let event = parse("event", &request.into_inner().event)?;
        let batches = self.room.code_batches(event).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(proto::CodeBatchesReply { batches_json: to_json(&batches)? }))
    }

    async fn code(&self, request: Request<proto::CodeRequest>) -> Answer<proto::CodeReply> {
        let request = request.into_inner();
        let event = parse("event", &request.event)?;
        let code = self.room.code(event, &request.code).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(proto::CodeReply { code_json: to_json(&code)? }))
    }

    async fn revoke_code(&self, request: Request<proto::RevokeCodeRequest>) -> Answer<proto::CodeReply> {
        let request = request.into_inner();
        let (event, actor) = caller(&request.event, &request.actor)?;
        let revoked = self.room.revoke_code(event, &request.code, actor, &request.reason).await;
        let code = revoked.map_err(|error| status_of(&error))?;
        Ok(Response::new(proto::CodeReply { code_json: to_json(&code)? }))
    }

    async fn place(&self, request: Request<proto::TicketRequest>) -> Answer<proto::PlaceReply> {
        let request = request.into_inner();
        let (event, account) = caller(&request.event, &request.account)?;
        let place = self.room.place(event, account, &request.signed_ticket).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(place.into()))
    }

    async fn renew(&self, request: Request<proto::TicketRequest>) -> Answer<proto::RenewReply> {
        let request = request.into_inner();
        let (event, account) = caller(&request.event, &request.account)?;
        let renewed = self.room.renew(event, account, &request.signed_ticket).await.map_err(|error| status_of(&error))?;
        Ok(Response::new((&renewed).try_into()?))
    }

    async fn claim(&self, request: Request<proto::TicketRequest>) -> Answer<proto::ClaimReply> {
        let request = request.into_inner();
        let (event, account) = caller(&request.event, &request.account)?;
        let claimed = self.room.claim(event, account, &request.signed_ticket).await.map_err(|error| status_of(&error))?;
        Ok(Response::new((&claimed).into()))
    }

    async fn leave(&self, request: Request<proto::LeaveRequest>) -> Answer<proto::LeaveReply> {
        let request = request.into_inner();
        let (event, account) = caller(&request.event, &request.account)?;
        self.room.leave(event, account).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(proto::LeaveReply {}))
    }

    async fn get_control(&self, request: Request<proto::GetControlRequest>) -> Answer<proto::ControlReply> {
        let event = parse("event", &request.into_inner().event)?;
        let control = self.room.control(event).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(control.into()))
    }

    async fn set_control(&self, request: Request<proto::SetControlRequest>) -> Answer<proto::ControlReply> {
        let request = request.into_inner();
        let (event, actor) = caller(&request.event, &request.actor)?;
        let control = self.room.set_control(event, request.try_into()?, actor).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(control.into()))
    }

    async fn what_if(&self, request: Request<proto::SetControlRequest>) -> Answer<proto::WhatIfReply> {
        let request = request.into_inner();
        let event = parse("event", &request.event)?;
        let told = self.room.what_if(event, request.try_into()?).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(told.into()))
    }

    async fn log(&self, request: Request<proto::LogRequest>) -> Answer<proto::LogReply> {
        let request = request.into_inner();
        let event = parse("event", &request.event)?;
        let limit = request.limit.min(LOG_LIMIT_MAX);
        let entries = self.room.log(event, request.before, limit).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(proto::LogReply { entries: entries.into_iter().map(Into::into).collect() }))
    }

    async fn draw(&self, request: Request<proto::DrawRequest>) -> Answer<proto::DrawReply> {
        let event = parse("event", &request.into_inner().event)?;
        let record = self.room.draw(event).await.map_err(|error| status_of(&error))?;
        Ok(Response::new((&record).try_into()?))
    }

    async fn lobby(&self, request: Request<proto::LobbyRequest>) -> Answer<proto::LobbyReply> {
        let request = request.into_inner();
        let event = parse("event", &request.event)?;
        let page = self.room.lobby(event, request.from).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(page.into()))
    }

    async fn proofs(&self, request: Request<proto::ProofsRequest>) -> Answer<proto::ProofsReply> {
        let request = request.into_inner();
        let event = parse("event", &request.event)?;
        let place = place_id(&request.place)?;
        let proofs = self.room.proofs(event, place, request.position).await.map_err(|error| status_of(&error))?;
        Ok(Response::new((&proofs).try_into()?))
    }

    type WatchStream = BoxStream<'static, Result<proto::BoardReply, Status>>;

    async fn watch(&self, _: Request<proto::WatchRequest>) -> Answer<Self::WatchStream> {
        let boards = self.room.watch().await.map_err(|error| status_of(&error))?;
        let boards = boards.map(|board| Ok(proto::BoardReply::from(&*board)));
        Ok(Response::new(boards.take_until(self.shutdown.clone().cancelled_owned()).boxed()))
    }
}

fn caller(event: &str, account: &str) -> Result<(EventId, AccountId), Status> {
    Ok((parse("event", event)?, parse("account", account)?))
}
