-- Lets the keys of a room that is over expire.
--
-- KEYS  1 room, then the room's other keys
-- ARGV  1 seconds to keep them  2 revision of the closing
-- Returns {OK, {keys that were there}}
-- Invariant: from now on every tick is stale and nobody joins.
-- Cost: one operation per key.
local touched = 0
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'state', 'closed', 'revision', ARGV[2]) end
for _, key in ipairs(KEYS) do touched = touched + redis.call('EXPIRE', key, ARGV[1]) end
return {'OK', {touched}}
