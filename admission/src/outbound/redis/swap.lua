-- Puts a line that was filled aside from the log in the place of what is there.
--
-- KEYS  1 room  2 line  3 lobby  4 admitted  5 sessions  6 gone  7 scores  8 ending  9 turns  10 slots
--       11 deferred  12 ever deferred  13 turns of deferred places  14–26 the same, as they were filled
-- ARGV  1 entries of the log that are in it  2 their hash  3 what `applied` was when the filling began  4 phase  5 frontier
--       6 admitted so far  7 when the last entry was written (ms)  8 how far second turns have come
--       9–20 how many members were filled into each of KEYS 15–26
-- Returns {status, {applied}}; status is OK | DONE (another one has moved the line meanwhile) | LOST (Redis forgot something while it was
--   filled); but for OK the filling is thrown away
-- Invariant: readers see the old line or the new one, never a part.
-- Cost: 52 operations, whatever their size.
local SIZE = {zset = 'ZCARD', hash = 'HLEN', set = 'SCARD'}

local function size(key)
  local count = SIZE[redis.call('TYPE', key).ok]
  return count and redis.call(count, key) or 0
end

local function thrown_away(status, applied)
  redis.call('UNLINK', unpack(KEYS, 14, 26))
  return {status, {tonumber(applied)}}
end

local applied = redis.call('HGET', KEYS[1], 'applied') or '0'
if applied ~= ARGV[3] then return thrown_away('DONE', applied) end
for i = 15, 26 do
  if size(KEYS[i]) ~= tonumber(ARGV[i - 6]) then return thrown_away('LOST', applied) end
end
redis.call('UNLINK', unpack(KEYS, 1, 13))
for i = 2, 13 do
  if redis.call('EXISTS', KEYS[i + 13]) == 1 then
    redis.call('RENAME', KEYS[i + 13], KEYS[i])
    redis.call('PERSIST', KEYS[i])
  end
end
redis.call('HSET', KEYS[1], 'applied', ARGV[1], 'hash', ARGV[2], 'phase', ARGV[4], 'frontier', ARGV[5], 'admitted', ARGV[6], 'at', ARGV[7],
  'deferred_frontier', ARGV[8])
return {'OK', {tonumber(ARGV[1])}}
