-- Turns an admitted place into a session. Repeating it gives the same session.
--
-- KEYS  1 room  2 admitted  3 sessions
-- ARGV  1 place id  2 session length in ms
-- Returns {status, {now_ms, until_ms}}; status is one of
--   OK | COLD | CLOSED | ELSE (neither admitted nor inside in time: ask place.lua why)
-- Invariant: a place moves from admitted to sessions at once, so the sum of both is unchanged.
-- Cost: at most 4 reads and 2 writes, O(log N).
local room, admitted, sessions = unpack(KEYS)
local place = ARGV[1]

local state = redis.call('HGET', room, 'state')
if not state then return {'COLD', {}} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local till = tonumber(redis.call('ZSCORE', sessions, place) or 0)
if till > now then return {'OK', {now, till}} end
if state == 'closed' then return {'CLOSED', {}} end
if till > 0 or tonumber(redis.call('ZSCORE', admitted, place) or 0) <= now then return {'ELSE', {}} end

till = now + tonumber(ARGV[2])
redis.call('ZREM', admitted, place)
redis.call('ZADD', sessions, till, place)
return {'OK', {now, till}}
