-- Puts a place back that Redis has lost: its ticket was signed in an earlier epoch, and nothing here knows the place, or only
-- further back in line, where its fan joined again before they showed the ticket.
--
-- KEYS  1 room  2 line  3 lobby  4 admitted  5 sessions  6 gone  7 scores
-- ARGV  1 place id  2 the ticket's epoch  3 the ticket's score, empty while its draw is to come  4 claim window in ms
--       5 when the ticket was signed (ms)
-- Returns {status, {}}; status is COLD | OK (put back) | KNOWN (is here already, or not lost by Redis) | UNDRAWN (no score yet)
-- Invariant: a place whose turn had come (score up to the frontier) takes one of the slots that are kept for such (`ghosts`);
-- where none is left it stands in line at its old score. So nobody is inside beyond the cap, and the frontier does not move.
-- Nobody is moved back, and who left or had their turn after the ticket was signed does not come forward by it.
-- Cost: at most 6 reads and 4 writes, O(log N).
local room, line, lobby, admitted, sessions, gone, scores = unpack(KEYS)
local place, score = ARGV[1], tonumber(ARGV[3])

local state, epoch, drawing, frontier, ghosts =
  unpack(redis.call('HMGET', room, 'state', 'epoch', 'drawing', 'frontier', 'ghosts'))
if not epoch then return {'COLD', {}} end
if state == 'closed' or tonumber(ARGV[2]) >= tonumber(epoch) then return {'KNOWN', {}} end
for _, key in ipairs({lobby, admitted, sessions}) do
  if redis.call('ZSCORE', key, place) then return {'KNOWN', {}} end
end
local went = redis.call('ZSCORE', gone, place)
if went and tonumber(ARGV[5]) <= math.abs(tonumber(went)) then return {'KNOWN', {}} end
local stands = tonumber(redis.call('ZSCORE', line, place))
if stands and (state == 'lobby' or not score or stands <= score) then return {'KNOWN', {}} end

if state == 'lobby' then
  if drawing then return {'UNDRAWN', {}} end
  redis.call('ZREM', gone, place)
  redis.call('ZADD', line, 0, place)
  return {'OK', {}}
end
if not score then return {'UNDRAWN', {}} end
if score <= tonumber(frontier) and tonumber(ghosts) > 0 then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HINCRBY', room, 'ghosts', -1)
  redis.call('ZREM', line, place)
  redis.call('HSET', scores, place, ARGV[3])
  redis.call('ZADD', admitted, now + tonumber(ARGV[4]), place)
else
  redis.call('ZADD', line, ARGV[3], place)
end
return {'OK', {}}
