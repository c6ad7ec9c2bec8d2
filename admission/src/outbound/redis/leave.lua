-- Gives a place or a session back; its slot is free for the next tick.
--
-- KEYS  1 room  2 line  3 lobby  4 admitted  5 sessions  6 gone  7 scores
-- ARGV  1 place id
-- Returns {status, {removed 0|1}}; status is OK | COLD
-- Invariant: the frozen lobby is not touched, so that a draw that is done again has the same root; who leaves while it is being
-- drawn is in `gone`, and scores.lua passes them over.
-- Cost: 5 reads or removals and 2 writes, O(log N).
local room, line, lobby, admitted, sessions, gone, scores = unpack(KEYS)
local place = ARGV[1]

local epoch, drawing = unpack(redis.call('HMGET', room, 'epoch', 'drawing'))
if not epoch then return {'COLD', {}} end
local removed = redis.call('ZREM', line, place) + redis.call('ZREM', admitted, place) + redis.call('ZREM', sessions, place)
redis.call('HDEL', scores, place)
if drawing and redis.call('ZSCORE', lobby, place) then removed = 1 end
if removed > 0 then
  local time = redis.call('TIME')
  redis.call('ZADD', gone, time[1] * 1000 + math.floor(time[2] / 1000), place)
  removed = 1
end
return {'OK', {removed}}
