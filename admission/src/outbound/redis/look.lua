-- The room at one moment. Lets go of who is past their time.
--
-- KEYS  1 room  2 line  3 lobby  4 admitted  5 sessions  6 gone  7 scores  8 ending  9 slots  10 deferred  11 availability
-- ARGV  1 now (ms)  2 most to let go now
-- Returns {applied, the log's hash, phase, {waiting, admitted so far, inside, of them who left, frontier, let go now, when the next
--   window or slot ends (ms; -1: none), of those who wait deferred ones, turns that are neither claimed nor let go},
--   {availability as field, value, …}}
-- Invariant: what is let go of here is over for every later entry of the log, too: its time is before the last entry's. A no-show is
-- marked by a negative time.
-- Cost: 18 operations, plus 4 for each place that is let go, O(log N).
local room, line, lobby, admitted, sessions, gone, scores, ending, slots, deferred, availability = unpack(KEYS)
local LATE_BASE = '4503599627370496' -- 2^52
local now, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local h = redis.call('HMGET', room, 'applied', 'hash', 'phase', 'admitted', 'frontier', 'at')
local written = math.min(now, tonumber(h[6] or 0))

local let_go = 0
local function let_go_of(key, sign)
  local late = redis.call('ZRANGEBYSCORE', key, '-inf', string.format('%.0f', written), 'WITHSCORES', 'LIMIT', 0, most - let_go)
  for i = 1, #late, 2 do
    redis.call('ZREM', key, late[i])
    redis.call('ZREM', slots, late[i])
    redis.call('HDEL', scores, late[i])
    redis.call('ZADD', gone, string.format('%.0f', sign * tonumber(late[i + 1])), late[i])
  end
  let_go = let_go + #late / 2
end
let_go_of(admitted, -1)
let_go_of(sessions, 1)
redis.call('ZREMRANGEBYSCORE', ending, '-inf', string.format('%.0f', written))

-- While the lobby is drawn, its places come into line one by one.
local in_lobby = redis.call('ZCARD', lobby)
local waiting = in_lobby == 0 and redis.call('ZCARD', line) or in_lobby + redis.call('ZCOUNT', line, LATE_BASE, '+inf')
local deferred_now = redis.call('ZCARD', deferred)
waiting = waiting + deferred_now
local later = string.format('(%.0f', now)
local left = redis.call('ZCOUNT', ending, later, '+inf')
local inside = redis.call('ZCOUNT', admitted, later, '+inf') + redis.call('ZCOUNT', slots, later, '+inf') + left
local ends = -1
for _, key in ipairs({admitted, slots, ending}) do
  local first = tonumber(redis.call('ZRANGEBYSCORE', key, later, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2])
  if first and (ends < 0 or first < ends) then ends = first end
end
return {
  tonumber(h[1] or 0), h[2] or string.rep('\0', 32), h[3] or 'lobby',
  {waiting, tonumber(h[4] or 0), inside, left, tonumber(h[5] or -1), let_go, ends, deferred_now, redis.call('ZCARD', admitted)},
  redis.call('HGETALL', availability),
}
