//! Running `publish.lua`.

use goticket_contracts::redis_keys::{EventKeys, reply_channel};
use goticket_platform::redis::Redis;
use redis::{RedisResult, Script};

use super::{MapUpdate, Publication};

pub(super) struct Publishing {
    script: Script,
}

impl Publishing {
    pub(super) fn new() -> Self {
        Self { script: Script::new(include_str!("publish.lua")) }
    }

    /// True where the seat map has missed something and must be published as a whole.
    pub(super) async fn run(&self, redis: &Redis, publication: &Publication) -> RedisResult<bool> {
        let Publication { event, map, replies, locks } = publication;
        let keys = EventKeys::new(redis.prefix(), *event);
        let mut names = vec![keys.seat_map(), keys.seat_map_version(), keys.availability()];
        names.extend(locks.iter().map(|(seat, _)| keys.seat_lock(*seat)));
        let mut args: Vec<Vec<u8>> = vec![keys.seat_deltas().into_bytes()];
        match map {
            Some(update) => push_map(&mut args, update, replies.len()),
            None => args.extend(["", "", "0", "0", &replies.len().to_string(), ""].map(|text| text.as_bytes().to_vec())),
        }
        for (gateway, reply) in replies {
            args.push(reply_channel(redis.prefix(), gateway).into_bytes());
            // A reply is plain data: it always has a JSON form.
            args.push(serde_json::to_vec(reply).unwrap_or_default());
        }
        args.extend(locks.iter().map(|(_, booking)| booking.to_string().into_bytes()));
        let missed: u8 = redis.eval(&self.script, &names, &args).await?;
        Ok(missed == 1)
    }
}

fn push_map(args: &mut Vec<Vec<u8>>, update: &MapUpdate, replies: usize) {
    let MapUpdate { previous, version, changes, whole, counts } = update;
    let heads = [*previous, *version].map(|number| number.to_string());
    let lengths = [changes.len(), 2 * counts.len(), replies].map(|number| number.to_string());
    args.extend(heads.into_iter().chain(lengths).map(String::into_bytes));
    args.push(whole.clone().unwrap_or_default());
    args.extend(changes.iter().flat_map(|(seat, state)| [seat.to_string(), state.to_string()]).map(String::into_bytes));
    for (category, count) in counts {
        let fields = [format!("free:{category}"), count.free.to_string(), format!("held:{category}"), count.held.to_string()];
        args.extend(fields.map(String::into_bytes));
    }
}
