-- Moves the room: takes over what operators set, lets go of who is past their time, fills the bucket, admits the front of the line.
-- Any replica may call it at any time; calling it twice at once admits nobody more.
--
-- KEYS  1 room  2 line  3 lobby  4 admitted  5 sessions  6 gone  7 scores  8 availability
-- ARGV  1 epoch  2 revision of the settings  3 state  4 rate per minute  5 burst  6 cap of fans inside  7 claim window in ms
--       8 durable count of admissions  9 durable frontier  10 most to admit now  11 most to let go now
-- Returns {status, {now_ms, waiting, admitted so far, inside, frontier, next sequence, admitted now, let go now, ghosts},
--          {availability as field, value, …}}; status is one of
--   OK | COLD (no room, another epoch, or behind what is durable) | STALE (these settings are older than the room's)
-- Invariant (leaky bucket): over every stretch of t minutes at most burst + rate · t are admitted; a clock that goes back refills
-- nothing, one that jumps ahead at most the burst. Inside (admitted, sessions, ghosts) never grows beyond the cap.
-- Cost: about 15 operations, plus O(log N) for each place that moves.
local room, line, lobby, admitted, sessions, gone, scores, availability = unpack(KEYS)
local MICRO = 1000000
local REFILL_MAX_US = 3600 * MICRO -- keeps rate · time below 2^53

local function number(text) return tonumber(text) or 0 end
local function int(value) return string.format('%.0f', value) end

local h = redis.call('HMGET', room, 'epoch', 'revision', 'tokens', 'refilled_us', 'frontier', 'admitted', 'next_sequence',
  'ghosts', 'ghosts_until', 'drawing')
local frontier, total = number(h[5]), number(h[6])
if not h[1] or h[1] ~= ARGV[1] or total < tonumber(ARGV[8]) or frontier < tonumber(ARGV[9]) then return {'COLD', {}, {}} end
if number(h[2]) > tonumber(ARGV[2]) then return {'STALE', {}, {}} end

local state, drawing = ARGV[3], h[10]
if h[2] ~= ARGV[2] then
  redis.call('HSET', room, 'revision', ARGV[2], 'state', state)
end
if drawing and state ~= 'lobby' then
  redis.call('HDEL', room, 'drawing')
  redis.call('UNLINK', lobby)
  drawing = false
end

local time = redis.call('TIME')
local now_us = time[1] * MICRO + time[2]
local now = math.floor(now_us / 1000)

-- Who is past their time goes; a no-show is marked by a negative time.
local let_go, most = 0, tonumber(ARGV[11])
local function let_go_of(key, mark)
  local late = redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, most - let_go)
  for _, place in ipairs(late) do
    redis.call('ZREM', key, place)
    redis.call('HDEL', scores, place)
    redis.call('ZADD', gone, mark, place)
  end
  let_go = let_go + #late
end
let_go_of(admitted, -now)
let_go_of(sessions, now)
local ghosts = number(h[8])
if ghosts > 0 and now > number(h[9]) then ghosts = 0 end

local passed = math.min(math.max(now_us - number(h[4]), 0), REFILL_MAX_US)
local burst = tonumber(ARGV[5]) * MICRO
local tokens = math.min(burst, number(h[3]) + math.floor(tonumber(ARGV[4]) * passed / 60))

local stock = redis.call('HGETALL', availability)
local left = #stock == 0 and math.huge or 0
for i = 1, #stock, 2 do
  if string.sub(stock[i], 1, 5) == 'free:' then left = left + number(stock[i + 1]) end
end

local inside = redis.call('ZCARD', admitted) + redis.call('ZCARD', sessions)
local n = 0
if state == 'open' or state == 'draining' then
  n = math.min(math.floor(tokens / MICRO), tonumber(ARGV[6]) - inside - ghosts, left, tonumber(ARGV[10]))
end
local admitted_now = 0
if n > 0 then
  local front = redis.call('ZPOPMIN', line, n)
  local claim_by = int(now + tonumber(ARGV[7]))
  for i = 1, #front, 2 do
    redis.call('ZADD', admitted, claim_by, front[i])
    redis.call('HSET', scores, front[i], front[i + 1])
    frontier = math.max(frontier, tonumber(front[i + 1]))
  end
  admitted_now = #front / 2
  tokens = tokens - admitted_now * MICRO
  total = total + admitted_now
  inside = inside + admitted_now
end

redis.call('HSET', room, 'tokens', int(tokens), 'refilled_us', int(now_us), 'frontier', int(frontier), 'admitted', int(total),
  'ghosts', int(ghosts))
local waiting = redis.call('ZCARD', line)
if drawing then waiting = waiting + redis.call('ZCARD', lobby) end
return {'OK',
  {now, waiting, total, inside + ghosts, frontier, number(h[7]), admitted_now, let_go, ghosts},
  stock}
