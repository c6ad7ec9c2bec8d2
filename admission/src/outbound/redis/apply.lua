-- Takes over what a segment of the room's log says. The line in Redis is what follows from the log up to `applied`.
--
-- KEYS  1 room  2 line  3 lobby  4 admitted  5 sessions  6 gone  7 scores  8 ending  9 turns  10 slots
--       11 deferred  12 ever deferred  13 turns of deferred places
-- ARGV  1 entries before the segment  2 the log's hash before it  3 its hash after it  4 when it was written (ms)
--       then each entry as three: its kind, place, number (empty where it has none)
--       join place | leave place | claim place 'until_ms slot_ms' | renew place slot_ms | resume place slot_ms | end place until_ms
--       | booked place booked_ms | admit claim_by_ms through | defer place | admit_deferred claim_by_ms through | close | draw
-- Returns {status, {applied}}; status is one of
--   OK | DONE (it was there already) | BEHIND (earlier segments are missing: apply them first) | OTHER (this is another log)
-- Invariant: segments are taken over whole, once, in order. A place is in at most one of line, lobby, deferred, admitted, sessions;
-- in slots while it is in sessions.
-- A draw is taken over when the scores of the whole lobby are in line already (scores.lua): BEHIND while any is missing.
-- Cost: at most 6 reads and 5 writes per entry, O(log N); an admission moves each of its places.
local room, line, lobby, admitted, sessions, gone, scores, ending, turns, slots, deferred, ever, deferred_turns = unpack(KEYS)
local first, at = tonumber(ARGV[1]), tonumber(ARGV[4])
local LATE_BASE = 4503599627370496 -- 2^52
local DEFERRED_BASE = 2251799813685248 -- 2^51

local function int(value) return string.format('%.0f', value) end

local h = redis.call('HMGET', room, 'applied', 'hash', 'phase', 'frontier', 'admitted', 'deferred_frontier')
local applied, hash, phase = tonumber(h[1] or 0), h[2] or string.rep('\0', 32), h[3] or 'lobby'
local frontier, total, deferred_frontier = tonumber(h[4] or -1), tonumber(h[5] or 0), tonumber(h[6] or -1)
local size = first + (#ARGV - 4) / 3
if applied >= size then
  if applied == size and hash ~= ARGV[3] then return {'OTHER', {applied}} end
  return {'DONE', {applied}}
end
if applied < first then return {'BEHIND', {applied}} end
if applied > first or hash ~= ARGV[2] then return {'OTHER', {applied}} end
if ARGV[5] == 'draw' and phase == 'closed' and redis.call('ZCOUNT', line, '-inf', '(' .. int(LATE_BASE)) ~= redis.call('ZCARD', lobby) then
  return {'BEHIND', {applied}}
end

-- Takes a place whose time is over out of where it was.
local function let_go(place)
  redis.call('ZREM', admitted, place)
  redis.call('ZREM', sessions, place)
  redis.call('ZREM', slots, place)
  redis.call('HDEL', scores, place)
end

local function join(place, position)
  if redis.call('ZSCORE', line, place) or redis.call('ZSCORE', lobby, place) or redis.call('ZSCORE', deferred, place) then return end
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

-- Whose time is over has nothing to give back.
local function leave(place)
  local removed = redis.call('ZREM', line, place) + redis.call('ZREM', lobby, place) + redis.call('ZREM', deferred, place)
  local till = redis.call('ZSCORE', sessions, place) or redis.call('ZSCORE', admitted, place)
  if till and tonumber(till) > at then
    let_go(place)
    removed = 1
  end
  if removed > 0 then redis.call('ZADD', gone, int(at), place) end
end

-- Whose turn has passed, or who is inside without a slot.
local function missed(place)
  local till = tonumber(redis.call('ZSCORE', sessions, place))
  if till then return till > at and tonumber(redis.call('ZSCORE', slots, place)) <= at end
  till = tonumber(redis.call('ZSCORE', admitted, place))
  if till then return till <= at end
  return tonumber(redis.call('ZSCORE', gone, place) or 0) < 0
end

local function defer(place, position)
  if not missed(place) or redis.call('SADD', ever, place) == 0 then return end
  let_go(place)
  redis.call('ZREM', gone, place)
  redis.call('ZADD', deferred, int(DEFERRED_BASE + position), place)
end

local function claim(place, ends)
  if tonumber(redis.call('ZSCORE', admitted, place) or 0) <= at then return end
  local until_ms, slot_ms = string.match(ends, '^(%-?%d+) (%-?%d+)$')
  redis.call('ZREM', admitted, place)
  redis.call('ZADD', sessions, until_ms, place)
  redis.call('ZADD', slots, int(math.min(tonumber(until_ms), tonumber(slot_ms))), place)
  -- From now on with the time at which it came inside.
  redis.call('HSET', scores, place, redis.call('HGET', scores, place) .. ' ' .. int(at))
end

-- A slot that is over is taken again only where there was room for it.
local function renew(place, slot_ms, may_be_over)
  local till = tonumber(redis.call('ZSCORE', sessions, place) or 0)
  if till <= at then return end
  if not may_be_over and tonumber(redis.call('ZSCORE', slots, place)) <= at then return end
  redis.call('ZADD', slots, 'GT', int(math.min(till, tonumber(slot_ms))), place)
end

local function finish(place, until_ms)
  local till = tonumber(redis.call('ZSCORE', sessions, place) or 0)
  if till <= at then return end
  local slot_ms = tonumber(redis.call('ZSCORE', slots, place))
  redis.call('ZREM', sessions, place)
  redis.call('ZREM', slots, place)
  redis.call('HDEL', scores, place)
  redis.call('ZADD', gone, int(at), place)
  redis.call('ZADD', ending, 'GT', int(math.min(slot_ms, tonumber(until_ms))), place)
end

-- Of a session that began after the booking it says nothing.
local function booked(place, booked_ms)
  local since = string.match(redis.call('HGET', scores, place) or '', ' (%-?%d+)$')
  if since and tonumber(since) <= tonumber(booked_ms) then finish(place, redis.call('ZSCORE', sessions, place)) end
end

-- Up to this score all turns are over by then. Who stands before may have a longer window. What is over already is kept once.
local function end_turns(turns, over, through)
  local last = redis.call('ZREVRANGE', turns, 0, 0, 'WITHSCORES')
  if tonumber(last[1] or -1) < tonumber(through) then
    over = int(math.max(tonumber(over), tonumber(last[2] or 0)))
    redis.call('ZREMRANGEBYSCORE', turns, over, over)
    redis.call('ZADD', turns, over, through)
  end
  local passed = redis.call('ZREVRANGEBYSCORE', turns, int(at), '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if passed[2] then redis.call('ZREMRANGEBYSCORE', turns, '-inf', '(' .. passed[2]) end
end

local function admit(from, claim_by, through)
  local front = redis.call('ZRANGEBYSCORE', from, '-inf', through, 'WITHSCORES')
  for i = 1, #front, 2 do
    redis.call('ZREM', from, front[i])
    redis.call('ZADD', admitted, claim_by, front[i])
    redis.call('HSET', scores, front[i], front[i + 1])
  end
  total = total + #front / 2
end

for i = 5, #ARGV, 3 do
  local kind, place, number = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if kind == 'join' then join(place, first + (i - 5) / 3)
  elseif kind == 'leave' then leave(place)
  elseif kind == 'claim' then claim(place, number)
  elseif kind == 'renew' then renew(place, number, false)
  elseif kind == 'resume' then renew(place, number, true)
  elseif kind == 'end' then finish(place, number)
  elseif kind == 'booked' then booked(place, number)
  elseif kind == 'admit' then
    admit(line, place, number)
    frontier = math.max(frontier, tonumber(number))
    end_turns(turns, place, number)
  elseif kind == 'defer' then defer(place, first + (i - 5) / 3)
  elseif kind == 'admit_deferred' then
    admit(deferred, place, number)
    deferred_frontier = math.max(deferred_frontier, tonumber(number))
    end_turns(deferred_turns, place, number)
  elseif kind == 'close' then
    if phase == 'lobby' then phase = 'closed' end
  elseif kind == 'draw' and phase == 'closed' then
    phase = 'drawn'
    redis.call('UNLINK', lobby)
  end
end

redis.call('HSET', room, 'applied', int(size), 'hash', ARGV[3], 'at', int(at), 'phase', phase, 'frontier', int(frontier),
  'admitted', int(total), 'deferred_frontier', int(deferred_frontier))
return {'OK', {size}}
