//! Groups of waiting rooms.

use super::Check;

/// All or none, and no one twice.
pub(super) const GROUPS: Check = Check {
    name: "groups",
    proves: "every group has its leader and no more than its room allows, which is no more than an account's seats, and no one stands in two",
    sql: "SELECT g.event || ' group ' || encode(g.group_place, 'hex') AS what
            FROM queue_group_members g JOIN rooms r ON r.event = g.event JOIN events e ON e.id = g.event
           WHERE $1::uuid IS NULL OR g.event = $1
           GROUP BY g.event, g.group_place, r.group_max, e.ticket_limit
          HAVING count(*) > least(r.group_max, e.ticket_limit) OR count(*) FILTER (WHERE g.place = g.group_place) <> 1
          UNION
          SELECT g.event || ' account ' || g.account FROM queue_group_members g
           WHERE $1::uuid IS NULL OR g.event = $1 GROUP BY g.event, g.account HAVING count(*) > 1
          UNION
          SELECT g.event || ' place ' || encode(g.place, 'hex') FROM queue_group_members g
           WHERE $1::uuid IS NULL OR g.event = $1 GROUP BY g.event, g.place HAVING count(*) > 1",
};
