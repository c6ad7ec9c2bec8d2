-- Publishes what one committed batch changed of one event: seat map, counters, delta, locks, replies.
--
-- KEYS     [1] seat map, [2] its version, [3] availability; then lock:<seat> of the seats the batch may have locked
-- ARGV     [1] channel of deltas, [2] '1' if the map may have missed an earlier change, [3] number of seats, [4] number of replies;
--          then per seat: number, state, category; then per reply: channel, payload; then the batch's booking ids
-- Returns  the map's version, 0 if it was not touched
--
-- Invariants: states are absolute, so that settling twice is settling once. Counters move with the map, seat by seat. The version
-- rises with every change, also while the map is missing: whoever rebuilds it from a state read before notices. A map that
-- may have missed something is deleted, and the version skips a number: whoever follows the deltas sees the gap.
-- After the loss of Redis versions go on above the old ones, because they begin at the clock.
-- Cost: one BITFIELD per 1,000 seats, one HINCRBY per category and state, one PUBLISH per reply, GET and DEL per own lock.
local map, version_key, availability = KEYS[1], KEYS[2], KEYS[3]
local deltas, doubtful, seats, replies = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3]), tonumber(ARGV[4])
local names = { [0] = 'free:', [1] = 'held:' }

local function raise(by)
  if redis.call('EXISTS', version_key) == 0 then
    local now = redis.call('TIME')
    redis.call('SET', version_key, string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000)))
  end
  return redis.call('INCRBY', version_key, by)
end

if doubtful then
  redis.call('DEL', map, availability)
end
local there = redis.call('EXISTS', map) == 1

local changes, counts = {}, {}
for first = 0, seats - 1, 1000 do
  local last = math.min(first + 999, seats - 1)
  local before = {}
  if there then
    local field = {}
    for i = first, last do
      field[#field + 1] = 'SET'
      field[#field + 1] = 'u2'
      field[#field + 1] = '#' .. ARGV[5 + 3 * i]
      field[#field + 1] = ARGV[6 + 3 * i]
    end
    before = redis.call('BITFIELD', map, unpack(field))
  end
  for i = first, last do
    local seat, state, category = ARGV[5 + 3 * i], tonumber(ARGV[6 + 3 * i]), ARGV[7 + 3 * i]
    local old = before[i - first + 1]
    if old ~= state then
      changes[#changes + 1] = '[' .. seat .. ',' .. state .. ']'
      if old and names[old] then
        counts[names[old] .. category] = (counts[names[old] .. category] or 0) - 1
      end
      if old and names[state] then
        counts[names[state] .. category] = (counts[names[state] .. category] or 0) + 1
      end
    end
  end
end
for name, by in pairs(counts) do
  if by ~= 0 then
    redis.call('HINCRBY', availability, name, by)
  end
end

local version = 0
if #changes > 0 or doubtful then
  version = raise(doubtful and 2 or 1)
  local digits = string.format('%.0f', version)
  redis.call('PUBLISH', deltas, '{"version":' .. digits .. ',"changes":[' .. table.concat(changes, ',') .. ']}')
end

local at = 5 + 3 * seats
for _ = 1, replies do
  redis.call('PUBLISH', ARGV[at], ARGV[at + 1])
  at = at + 2
end

local own = {}
for i = at, #ARGV do
  own[ARGV[i]] = true
end
for k = 4, #KEYS do
  local holder = redis.call('GET', KEYS[k])
  if holder and own[holder] then
    redis.call('DEL', KEYS[k])
  end
end
return version
