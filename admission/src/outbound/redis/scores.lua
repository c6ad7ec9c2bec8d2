-- Puts a part of the drawn lobby into the line, at its scores.
--
-- KEYS  1 room  2 line
-- ARGV  1 entries of the log before the draw  then score and place, again and again: without those who left between closing and draw
-- Returns {status, {}}; status is OK | BEHIND (Redis does not stand right before the draw)
-- Invariant: doing it again changes nothing; once the draw is taken over, nothing is put back that has moved on since.
-- Cost: one write of O(log N) per place.
if redis.call('HGET', KEYS[1], 'applied') ~= ARGV[1] then return {'BEHIND', {}} end
if #ARGV > 1 then redis.call('ZADD', KEYS[2], unpack(ARGV, 2)) end
return {'OK', {}}
