-- Publishes a room's board, unless a newer one was published before.
--
-- KEYS  1 board
-- ARGV  1 the owner's epoch  2 the board's number in it  3 the board  4 the channel  5 how long the last one is kept (s)
-- Returns {status, {}}; status is OK | OLD (a later owner has published one, or this owner a later one)
-- Invariant: what the key holds never goes back, and the channel carries nothing that the key did not hold.
-- Cost: 4 operations.
local last = redis.call('HMGET', KEYS[1], 'epoch', 'number')
local epoch, number = tonumber(last[1] or -1), tonumber(last[2] or -1)
local new_epoch, new_number = tonumber(ARGV[1]), tonumber(ARGV[2])
if epoch > new_epoch or (epoch == new_epoch and number >= new_number) then return {'OLD', {}} end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'number', ARGV[2], 'board', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('PUBLISH', ARGV[4], ARGV[3])
return {'OK', {}}
