//! How lanes do, said in Redis for whoever owns a waiting room: the automatic rate follows it.

use goticket_contracts::redis_keys::{LANE_HEALTH_S, lane_health};
use goticket_domain::{lane::LaneNo, queue::Health};
use goticket_platform::redis::Redis;
use redis::{RedisResult, cmd, pipe};

/// Says how these lanes do, in one round trip. What is not said again is forgotten soon: no one takes a lane for calm that no one owns.
pub async fn say(redis: &Redis, lanes: &[(LaneNo, Health)]) -> RedisResult<()> {
    let mut saying = pipe();
    for (lane, health) in lanes {
        // Plain numbers: they always have a JSON form.
        let said = serde_json::to_vec(health).unwrap_or_default();
        saying
            .add_command(cmd("SET").arg(lane_health(redis.prefix(), *lane)).arg(said).arg("EX").arg(LANE_HEALTH_S).clone())
            .ignore();
    }
    redis.pipeline(&saying).await
}
