//! Redis loses a room: fans at the gateway notice nothing.

use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::EventId;
use goticket_domain::identity::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{Person, World, expect};

impl World {
    /// As `FLUSHALL` would, which would hit the tests beside us.
    async fn lose_room(&self, event: EventId) {
        let k = EventKeys::new(self.redis.prefix(), event);
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(&[k.room(), k.line(), k.lobby(), k.admitted(), k.sessions(), k.gone(), k.scores(), k.turns(), k.slots()]);
        let gone: u64 = self.redis.query(&unlink).await.unwrap();
        assert!(gone > 0);
    }

    async fn join_queue(&self, event: EventId, fan: &Person, status: StatusCode) -> Value {
        expect(self.post(&format!("/v1/events/{event}/queue"), Some(fan), &json!({})).await, status).await
    }

    /// Where they stand, asked exactly.
    async fn stands(&self, event: EventId, fan: &Person, joined: &Value) -> Value {
        let ticket = joined["place_ticket"].as_str().unwrap();
        let path = format!("/v1/events/{event}/queue/place?exact=true");
        let request = self.request(Method::GET, &path, Some(fan)).header("Place-Ticket", ticket);
        expect(request.send().await.unwrap(), StatusCode::OK).await["location"].clone()
    }
}

#[tokio::test]
async fn who_stood_somewhere_stands_there_whether_they_ask_or_join_again() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let lobby = world.published(&organizer, -60, 7_200).await;
    world.board_in(lobby, &["lobby"]).await;
    let open = world.event(&organizer).await;
    world.board_in(open, &["open"]).await;
    let pause = json!({ "state": "paused", "reason": "a test" });
    let control = format!("/v1/events/{open}/queue/control");
    expect(world.request(Method::PATCH, &control, Some(&organizer)).json(&pause).send().await.unwrap(), StatusCode::OK).await;

    for (event, place) in [(lobby, "lobby"), (open, "waiting")] {
        let (first, second) = (world.person(Role::User).await, world.person(Role::User).await);
        let mut before = Vec::new();
        for fan in [&first, &second] {
            let joined = world.join_queue(event, fan, StatusCode::CREATED).await;
            let stands = world.stands(event, fan, &joined).await;
            assert_eq!(stands["where"], place);
            before.push((joined, stands));
        }
        world.lose_room(event).await;
        let newcomer = world.person(Role::User).await;
        world.join_queue(event, &newcomer, StatusCode::CREATED).await;
        for (fan, (joined, stood)) in [&first, &second].into_iter().zip(&before) {
            let again = world.join_queue(event, fan, StatusCode::OK).await;
            assert_eq!(again["place"], joined["place"]);
            assert_eq!(world.stands(event, fan, joined).await["ahead"], stood["ahead"]);
        }
    }
}
