//! What a lane's owner says of it in Redis.

use goticket_contracts::redis_keys::lane_health;
use goticket_domain::lane::LaneNo;
use goticket_domain::queue::Health;

use crate::check;

#[test]
fn how_a_lane_does() {
    let health = Health { queue_age_ms: 2_000, commit_ms: 250, errors_per_million: 10_000 };
    check(&health, r#"{"queue_age_ms":2000,"commit_ms":250,"errors_per_million":10000}"#);
    assert_eq!(lane_health("t:", LaneNo(7)), "t:lane:7:health");
}
