//! Boards on their way from a room's owner to every replica: `publish.lua`, and what it left for who was not listening.

use goticket_contracts::redis_keys::{boards_channel, nudges_channel};
use goticket_contracts::waiting_room::BoardReply;
use goticket_domain::EventId;
use goticket_domain::queue::{BoardVersion, PublishedBoard};
use goticket_platform::redis::{Subscription, subscribe};
use prost::Message as _;
use redis::{RedisResult, cmd, pipe};
use uuid::Uuid;

use super::{Lines, Reply, unexpected};

/// The last board of a room is kept for so long, for replicas that start: a day, where owners renew it every few seconds.
const KEPT_S: u32 = 86_400;

/// Boards read at once.
const CHUNK: usize = 100;

impl Lines {
    /// Publishes a board. False where a newer one was published before: then another replica is the room's owner by now.
    pub async fn publish(&self, published: &PublishedBoard) -> RedisResult<bool> {
        let version = published.version;
        let message = BoardReply::from(published).encode_to_vec();
        let args = (version.epoch, version.number, message, boards_channel(self.redis.prefix()), KEPT_S);
        let key = self.keys(published.board.event).board();
        let reply: Reply = self.redis.eval(&self.scripts.publish, &[key], args).await?;
        match reply.0.as_str() {
            "OK" => Ok(true),
            "OLD" => Ok(false),
            _ => unexpected("publish", &reply),
        }
    }

    /// The boards published last of these rooms.
    pub async fn published(&self, events: &[EventId]) -> RedisResult<Vec<PublishedBoard>> {
        let mut boards = Vec::new();
        for chunk in events.chunks(CHUNK) {
            let mut read = pipe();
            for event in chunk {
                read.hget(self.keys(*event).board(), "board");
            }
            let found: Vec<Option<Vec<u8>>> = self.redis.pipeline(&read).await?;
            boards.extend(found.into_iter().flatten().filter_map(|message| read_board(&message, |_, _| false)));
        }
        Ok(boards)
    }

    /// Listens to what is published from now on.
    pub async fn listen(&self) -> RedisResult<Subscription> {
        subscribe(self.redis.config(), [boards_channel(self.redis.prefix()), self.nudges_channel()]).await
    }

    /// Asks the room's owner to tick it now.
    pub async fn nudge(&self, event: EventId) -> RedisResult<()> {
        self.redis.query(cmd("PUBLISH").arg(self.nudges_channel()).arg(event.to_string())).await
    }

    pub(crate) fn nudges_channel(&self) -> String {
        nudges_channel(self.redis.prefix())
    }
}

/// None where it is known already, and where another version wrote something that this one cannot read.
pub(crate) fn read_board(message: &[u8], is_known: impl FnOnce(EventId, BoardVersion) -> bool) -> Option<PublishedBoard> {
    let read = || {
        let reply = BoardReply::decode(message).map_err(|error| error.to_string())?;
        let (event, version) = (Uuid::from_slice(&reply.event), BoardVersion { epoch: reply.epoch, number: reply.number });
        if event.is_ok_and(|event| is_known(EventId(event), version)) {
            return Ok(None);
        }
        PublishedBoard::try_from(reply).map(Some).map_err(|error| error.to_string())
    };
    let read = read().inspect_err(|error| tracing::error!(error, "a board cannot be read: another version publishes it"));
    read.ok().flatten()
}
