-- Fills a room from what is durable: the first time, and whenever Redis has lost it or gone back behind it.
--
-- KEYS  1 room  2 line  3 lobby  4 admitted  5 sessions
-- ARGV  1 epoch  2 revision  3 state  4 frontier (-1: none)  5 admitted so far  6 next sequence
--       7 fans inside that were durable  8 until when they may be (ms)
-- Returns {OK, {1}}, or {OK, {0}} where another replica has filled this epoch or a later one
-- Invariant: the bucket starts empty; who is inside but forgotten (`ghosts`) counts against the cap; no sequence is given twice;
-- places in line that cannot be right (before the frontier, or undrawn after the draw) go, their tickets bring them back.
-- Cost: 6 operations, plus O(log N + removed).
local room, line, lobby, admitted, sessions = unpack(KEYS)
local epoch = tonumber(redis.call('HGET', room, 'epoch') or 0)
if epoch >= tonumber(ARGV[1]) then return {'OK', {0}} end

local time = redis.call('TIME')
local inside = redis.call('ZCARD', admitted) + redis.call('ZCARD', sessions)
local sequence = math.max(tonumber(ARGV[6]), tonumber(redis.call('HGET', room, 'next_sequence') or 0))
redis.call('HSET', room,
  'epoch', ARGV[1], 'revision', ARGV[2], 'state', ARGV[3],
  'tokens', 0, 'refilled_us', string.format('%.0f', time[1] * 1000000 + time[2]),
  'frontier', ARGV[4], 'admitted', ARGV[5], 'next_sequence', string.format('%.0f', sequence),
  'ghosts', math.max(0, tonumber(ARGV[7]) - inside), 'ghosts_until', ARGV[8])
if ARGV[3] == 'lobby' then
  -- A lobby that is frozen was being drawn.
  if redis.call('EXISTS', lobby) == 1 then redis.call('HSET', room, 'drawing', 1) end
else
  redis.call('HDEL', room, 'drawing')
  redis.call('UNLINK', lobby)
  redis.call('ZREMRANGEBYSCORE', line, '-inf', string.format('%.0f', math.max(0, tonumber(ARGV[4]))))
end
return {'OK', {1}}
