//! A fan who may buy, and the other end of the lanes.

use goticket_contracts::amqp::CommandKind;
use goticket_contracts::commands::CommandMessage;
use goticket_domain::EventId;
use goticket_domain::booking::{BookingRequest, Command};
use goticket_domain::identity::Role;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::lanes::Commands;
use crate::world::{Person, World, expect};

pub(crate) struct Sale {
    pub(crate) world: World,
    pub(crate) fan: Person,
    pub(crate) event: EventId,
    entry: String,
    commands: Mutex<Commands>,
}

impl Sale {
    pub(crate) async fn new() -> Self {
        Self::at(World::new().await).await
    }

    pub(crate) async fn at(world: World) -> Self {
        let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
        let event = world.event(&organizer).await;
        let entry = world.entry_token(event, &fan);
        let commands = Mutex::new(Commands::of(&world).await);
        Self { world, fan, event, entry, commands }
    }

    /// Asks for seats.
    pub(crate) async fn ask(&self, key: &str, wait: &str, body: &Value) -> Response {
        let path = format!("/v1/events/{}/bookings", self.event);
        let request = self.world.request(Method::POST, &path, Some(&self.fan));
        let request = request.header("Entry-Token", &self.entry).header("Idempotency-Key", key).header("Prefer", wait);
        request.json(body).send().await.unwrap()
    }

    /// Asks for seats and leaves with a status page, while the request stands in its queue.
    pub(crate) async fn leave_request(&self, key: &str, body: &Value) -> (String, BookingRequest) {
        let answer = self.ask(key, "wait=0", body).await;
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        expect(answer, StatusCode::ACCEPTED).await;
        let (_, request) = self.request().await;
        assert_eq!(location, format!("/v1/bookings/{}", request.booking));
        (location, request)
    }

    pub(crate) async fn show(&self, location: &str) -> Response {
        self.world.get(location, Some(&self.fan)).await
    }

    /// Gives a booking back.
    pub(crate) async fn cancel(&self, location: &str, wait: &str) -> Response {
        self.world.request(Method::DELETE, location, Some(&self.fan)).header("Prefer", wait).send().await.unwrap()
    }

    /// The next request on the lanes' queues for requests.
    pub(crate) async fn request(&self) -> (CommandMessage, BookingRequest) {
        let message = self.commands.lock().await.next(CommandKind::Requests).await;
        let Command::Create { request } = message.command.clone() else { panic!("{message:?}") };
        assert_eq!((request.event, request.account), (message.event, self.fan.id));
        (message, request)
    }

    /// The next command on the lanes' queues for what becomes of bookings.
    pub(crate) async fn command(&self) -> CommandMessage {
        self.commands.lock().await.next(CommandKind::Lifecycle).await
    }
}
