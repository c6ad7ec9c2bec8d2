-- Takes a place, or finds it again.
--
-- KEYS  1 room  2 line  3 lobby  4 admitted  5 sessions  6 gone  7 scores
-- ARGV  1 place id  2 longest line
-- Returns {status, {now_ms, epoch, score, existing 0|1}}; status is one of
--   OK | COLD (no room in Redis: fill it first) | FULL | <the room's state> (it takes nobody in)
-- Invariant: a place is in at most one of line, lobby, admitted, sessions; no sequence number is given twice. Who went himself and
-- begins again at the end stays in `gone`, so that neither the draw nor an older ticket brings them forward (scores.lua, restore.lua).
-- Cost: at most 7 reads and 5 writes, O(log N).
local room, line, lobby, admitted, sessions, gone, scores = unpack(KEYS)
local place = ARGV[1]
local LATE_BASE = 4503599627370496 -- 2^52

local state, epoch, drawing = unpack(redis.call('HMGET', room, 'state', 'epoch', 'drawing'))
if not epoch then return {'COLD', {}} end
if state == 'closed' then return {state, {}} end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function found(score, existing)
  return {'OK', {now, tonumber(epoch), tonumber(score), existing}}
end

local score = redis.call('ZSCORE', line, place)
if not score and drawing and not redis.call('ZSCORE', gone, place) then score = redis.call('ZSCORE', lobby, place) end
if score then return found(score, 1) end

local till = redis.call('ZSCORE', sessions, place) or redis.call('ZSCORE', admitted, place)
if till then
  if tonumber(till) > now then return found(redis.call('HGET', scores, place) or 0, 1) end
  -- Its time is over and the tick has not swept it yet: it begins again.
  redis.call('ZREM', admitted, place)
  redis.call('ZREM', sessions, place)
  redis.call('HDEL', scores, place)
  redis.call('ZADD', gone, now, place)
end

if state ~= 'lobby' and state ~= 'open' and state ~= 'paused' then return {state, {}} end
if redis.call('ZCARD', line) >= tonumber(ARGV[2]) then return {'FULL', {}} end

local new = 0
if state == 'lobby' and not drawing then
  redis.call('ZREM', gone, place)
else
  new = LATE_BASE + redis.call('HINCRBY', room, 'next_sequence', 1) - 1
end
redis.call('ZADD', line, string.format('%.0f', new), place)
return found(new, 0)
