-- Puts a chunk of drawn places into the line.
--
-- KEYS  1 room  2 line  3 gone
-- ARGV  place id, score, place id, score, …
-- Returns {status, {}}; status is OK | COLD (the draw was lost: begin it again) | DONE (another attempt has finished it)
-- Invariant: a place always gets the same score, so doing it again changes nothing; who left meanwhile stays out.
-- Cost: one read and at most one write per place.
local room, line, gone = unpack(KEYS)
local epoch, drawing = unpack(redis.call('HMGET', room, 'epoch', 'drawing'))
if not epoch then return {'COLD', {}} end
if not drawing then return {'DONE', {}} end
for i = 1, #ARGV, 2 do
  if not redis.call('ZSCORE', gone, ARGV[i]) then redis.call('ZADD', line, ARGV[i + 1], ARGV[i]) end
end
return {'OK', {}}
