-- Where a place stands exactly. Changes nothing.
--
-- KEYS  1 room  2 line  3 lobby  4 admitted  5 sessions  6 gone
-- ARGV  1 place id
-- Returns {status, {…}}:
--   COLD | LOBBY {} | WAITING {score, rank} | ADMITTED {claim_by_ms} | INSIDE {until_ms}
--   PASSED {epoch} (did not claim in time) | OVER {epoch} (left, or the session ended) | MISSING {epoch}
-- Invariant: none to keep. Who is past their time but not swept yet is already told so.
-- Cost: at most 7 reads, O(log N).
local room, line, lobby, admitted, sessions, gone = unpack(KEYS)
local place = ARGV[1]

local state, epoch, drawing = unpack(redis.call('HMGET', room, 'state', 'epoch', 'drawing'))
if not epoch then return {'COLD', {}} end
epoch = tonumber(epoch)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local score = redis.call('ZSCORE', line, place)
if drawing and (score or redis.call('ZSCORE', lobby, place)) then return {'LOBBY', {}} end
if score then
  if state == 'lobby' then return {'LOBBY', {}} end
  return {'WAITING', {tonumber(score), redis.call('ZRANK', line, place)}}
end
local till = redis.call('ZSCORE', sessions, place)
if till then
  till = tonumber(till)
  if till > now then return {'INSIDE', {till}} end
  return {'OVER', {epoch}}
end
till = redis.call('ZSCORE', admitted, place)
if till then
  till = tonumber(till)
  if till > now then return {'ADMITTED', {till}} end
  return {'PASSED', {epoch}}
end
local went = redis.call('ZSCORE', gone, place)
if went then return {tonumber(went) < 0 and 'PASSED' or 'OVER', {epoch}} end
return {'MISSING', {epoch}}
