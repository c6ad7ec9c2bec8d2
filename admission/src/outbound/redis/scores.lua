-- Puts a part of the drawn lobby into the line, at its scores.
--
-- KEYS  1 room  2 line  3 lobby
-- ARGV  1 entries of the log before the draw  then score and place, again and again
-- Returns {status, {}}; status is OK | BEHIND (Redis does not stand right before the draw)
-- Invariant: doing it again changes nothing; who has left since the lobby was closed is not put in line; once the draw is taken over, nothing
-- is put back that has moved on since.
-- Cost: one read of O(1) and one write of O(log N) per place.
if redis.call('HGET', KEYS[1], 'applied') ~= ARGV[1] then return {'BEHIND', {}} end
local here = {}
for i = 2, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[3], ARGV[i + 1]) then
    here[#here + 1] = ARGV[i]
    here[#here + 1] = ARGV[i + 1]
  end
end
if #here > 0 then redis.call('ZADD', KEYS[2], unpack(here)) end
return {'OK', {}}
