-- Closes the lobby for its draw: sets aside who is in it; who joins from now on gets a sequence number.
--
-- KEYS  1 room  2 line  3 lobby
-- Returns {status, {places in the lobby}}; status is OK | COLD
-- Invariant: doing it again changes nothing, so every attempt at the draw sees the same places.
-- Cost: 5 operations, O(1) whatever the size of the lobby.
local room, line, lobby = unpack(KEYS)
if redis.call('EXISTS', room) == 0 then return {'COLD', {}} end
if redis.call('HSETNX', room, 'drawing', 1) == 1 and redis.call('EXISTS', line) == 1 then
  redis.call('RENAME', line, lobby)
end
return {'OK', {redis.call('ZCARD', lobby)}}
