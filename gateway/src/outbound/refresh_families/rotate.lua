-- Exchanges a refresh token for the next one of its family.
--
-- KEYS[1]  the family: HASH {account, current}
-- ARGV[1]  hash of the token presented
-- ARGV[2]  hash of the next token
-- ARGV[3]  life of the next token, in milliseconds
-- Returns  'done', 'unknown' (no such family), or 'reused'
--
-- Invariant: of all who present one token, at most one gets a child; whoever presents any other token than the current one ends
-- the family, children included. Cost: 1 read, 2 writes.

local current = redis.call('HGET', KEYS[1], 'current')
if not current then
  return 'unknown'
end
if current ~= ARGV[1] then
  redis.call('DEL', KEYS[1])
  return 'reused'
end
redis.call('HSET', KEYS[1], 'current', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 'done'
