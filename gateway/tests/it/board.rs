//! The board as fans and the caches before us read it.

use std::io::Read as _;

use flate2::read::GzDecoder;
use futures::StreamExt as _;
use goticket_domain::EventId;
use goticket_domain::identity::Role;
use goticket_domain::queue::WaitingRoom as _;
use goticket_testkit::eventually;
use reqwest::{Response, StatusCode};

use crate::world::{SOON, World};

struct Shown {
    world: World,
    event: EventId,
}

impl Shown {
    async fn new() -> Self {
        let world = World::new().await;
        let event = world.event(&world.person(Role::Organizer).await).await;
        world.board_in(event, &["open"]).await;
        Self { world, event }
    }

    async fn get(&self, headers: &[(&str, &str)]) -> Response {
        let url = self.world.url(&format!("/v1/events/{}/queue/board", self.event));
        let request = headers.iter().fold(self.world.http.get(url), |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "public, max-age=1");
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        answer
    }
}

fn etag(answer: &Response) -> String {
    answer.headers()["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_bytes_are_the_waiting_rooms_own() {
    let shown = Shown::new().await;
    eventually("the same board here and there", SOON, async || {
        let here = shown.get(&[]).await.bytes().await.unwrap();
        let mut boards = shown.world.room.watch().await.unwrap();
        let there = boards.next().await.unwrap();
        (here[..] == there.json[..]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_board_is_read_again_only_when_it_has_changed() {
    let shown = Shown::new().await;
    for (coding, other) in [("identity", "gzip"), ("gzip", "identity")] {
        eventually("the same board twice", SOON, async || {
            let first = shown.get(&[("accept-encoding", coding)]).await;
            assert_eq!(first.status(), StatusCode::OK);
            assert_eq!(first.headers().get("content-encoding").is_some_and(|used| used == "gzip"), coding == "gzip");
            let tag = etag(&first);
            assert!(tag.starts_with('"'), "strong: {tag}");
            let known = format!("\"else\", {tag}");
            for coding in [coding, other] {
                let again = shown.get(&[("accept-encoding", coding), ("if-none-match", &known)]).await;
                // It may have been renewed meanwhile.
                if again.status() != StatusCode::NOT_MODIFIED {
                    assert_eq!(again.status(), StatusCode::OK);
                    return None;
                }
                assert_eq!(etag(&again), tag);
                assert_eq!(again.bytes().await.unwrap().len(), 0);
            }
            Some(())
        })
        .await;
    }
    let stale = shown.get(&[("if-none-match", "\"0\"")]).await;
    assert_eq!(stale.status(), StatusCode::OK);
}

#[tokio::test]
async fn compressed_it_says_the_same_under_another_name() {
    let shown = Shown::new().await;
    eventually("the same board twice", SOON, async || {
        let (plain, packed) = (shown.get(&[]).await, shown.get(&[("accept-encoding", "gzip")]).await);
        let (named, packed_named) = (etag(&plain), etag(&packed));
        assert_ne!(named, packed_named, "they are other bytes");
        let mut unpacked = Vec::new();
        GzDecoder::new(&packed.bytes().await.unwrap()[..]).read_to_end(&mut unpacked).unwrap();
        (unpacked == plain.bytes().await.unwrap()[..]).then_some(())
    })
    .await;
}
