-- Takes over what a segment of the room's log says. The line in Redis is what follows from the log up to `applied`.
--
-- KEYS  1 room  2 line  3 lobby  4 admitted  5 sessions  6 gone  7 scores  8 ending  9 turns
-- ARGV  1 entries before the segment  2 the log's hash before it  3 its hash after it  4 when it was written (ms)
--       then each entry as three: its kind, place, number (empty where it has none)
--       join place | leave place | claim place until_ms | end place until_ms | admit claim_by_ms through | close | draw
-- Returns {status, {applied}}; status is one of
--   OK | DONE (it was there already) | BEHIND (earlier segments are missing: apply them first) | OTHER (this is another log)
-- Invariant: segments are taken over whole, once, in order. A place is in at most one of line, lobby, admitted, sessions.
-- A draw is taken over when the scores of the lobby are in line already (scores.lua).
-- Cost: at most 5 reads and 4 writes per entry, O(log N); an admission moves each of its places.
local room, line, lobby, admitted, sessions, gone, scores, ending, turns = unpack(KEYS)
local first, at = tonumber(ARGV[1]), tonumber(ARGV[4])
local LATE_BASE = 4503599627370496 -- 2^52

local function int(value) return string.format('%.0f', value) end

local h = redis.call('HMGET', room, 'applied', 'hash', 'phase', 'frontier', 'admitted')
local applied, hash, phase = tonumber(h[1] or 0), h[2] or string.rep('\0', 32), h[3] or 'lobby'
local frontier, total = tonumber(h[4] or -1), tonumber(h[5] or 0)
local size = first + (#ARGV - 4) / 3
if applied >= size then
  if applied == size and hash ~= ARGV[3] then return {'OTHER', {applied}} end
  return {'DONE', {applied}}
end
if applied < first then return {'BEHIND', {applied}} end
if applied > first or hash ~= ARGV[2] then return {'OTHER', {applied}} end

-- Takes a place whose time is over out of where it was.
local function let_go(place)
  redis.call('ZREM', admitted, place)
  redis.call('ZREM', sessions, place)
  redis.call('HDEL', scores, place)
end

local function join(place, position)
  if redis.call('ZSCORE', line, place) or redis.call('ZSCORE', lobby, place) then return end
  local till = redis.call('ZSCORE', sessions, place) or redis.call('ZSCORE', admitted, place)
  if till then
    if tonumber(till) > at then return end
    let_go(place)
  end
  redis.call('ZREM', gone, place)
  if phase == 'lobby' then
    redis.call('ZADD', lobby, int(position), place)
  else
    redis.call('ZADD', line, int(LATE_BASE + position), place)
  end
end

local function leave(place)
  local removed = redis.call('ZREM', line, place) + redis.call('ZREM', lobby, place) + redis.call('ZREM', admitted, place)
    + redis.call('ZREM', sessions, place)
  redis.call('HDEL', scores, place)
  if removed > 0 then redis.call('ZADD', gone, int(at), place) end
end

local function claim(place, until_ms)
  if tonumber(redis.call('ZSCORE', admitted, place) or 0) <= at then return end
  redis.call('ZREM', admitted, place)
  redis.call('ZADD', sessions, until_ms, place)
end

local function finish(place, until_ms)
  local till = tonumber(redis.call('ZSCORE', sessions, place) or 0)
  if till <= at then return end
  redis.call('ZREM', sessions, place)
  redis.call('HDEL', scores, place)
  redis.call('ZADD', gone, int(at), place)
  redis.call('ZADD', ending, 'GT', int(math.min(till, tonumber(until_ms))), place)
end

-- Up to this score all turns are over by then. Who stands before may have a longer window. What is over already is kept once.
local function end_turns(over, through)
  local last = redis.call('ZREVRANGE', turns, 0, 0, 'WITHSCORES')
  if tonumber(last[1] or -1) < tonumber(through) then
    over = int(math.max(tonumber(over), tonumber(last[2] or 0)))
    redis.call('ZREMRANGEBYSCORE', turns, over, over)
    redis.call('ZADD', turns, over, through)
  end
  local passed = redis.call('ZREVRANGEBYSCORE', turns, int(at), '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if passed[2] then redis.call('ZREMRANGEBYSCORE', turns, '-inf', '(' .. passed[2]) end
end

local function admit(claim_by, through)
  local front = redis.call('ZRANGEBYSCORE', line, '-inf', through, 'WITHSCORES')
  for i = 1, #front, 2 do
    redis.call('ZREM', line, front[i])
    redis.call('ZADD', admitted, claim_by, front[i])
    redis.call('HSET', scores, front[i], front[i + 1])
  end
  total = total + #front / 2
  frontier = math.max(frontier, tonumber(through))
  end_turns(claim_by, through)
end

for i = 5, #ARGV, 3 do
  local kind, place, number = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if kind == 'join' then join(place, first + (i - 5) / 3)
  elseif kind == 'leave' then leave(place)
  elseif kind == 'claim' then claim(place, number)
  elseif kind == 'end' then finish(place, number)
  elseif kind == 'admit' then admit(place, number)
  elseif kind == 'close' then
    if phase == 'lobby' then phase = 'closed' end
  elseif kind == 'draw' and phase == 'closed' then
    phase = 'drawn'
    redis.call('UNLINK', lobby)
  end
end

redis.call('HSET', room, 'applied', int(size), 'hash', ARGV[3], 'at', int(at), 'phase', phase, 'frontier', int(frontier),
  'admitted', int(total))
return {'OK', {size}}
