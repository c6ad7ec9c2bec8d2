-- Lets a request of an account in, unless too many of its requests are undecided, or too many were refused in this minute.
--
-- KEYS[1]  undecided: ZSET idempotency key -> when it came (ms)
-- KEYS[2]  refusals: STRING, how many since the first of the minute
-- KEYS[3]  copies: STRING, what copies of this request are told, or 'sent': one was, and is undecided or was decided a moment ago
-- ARGV[1]  the idempotency key
-- ARGV[2]  most undecided requests
-- ARGV[3]  most refusals
-- ARGV[4]  life of an undecided request, ms
-- ARGV[5]  for how long copies of it are told the same, ms
-- Returns  {'told', what a copy of it was told}; {'known'}: it came before, and goes on; {'new'}: it is noted;
--          {'refused', ms until the minute is over}; {'undecided', the keys that are}
--
-- Invariant: no more than ARGV[2] keys are noted. Cost: 8 commands, and ARGV[2] keys at most.

local told = redis.call('GET', KEYS[3])
if told and told ~= 'sent' then
  return {'told', told}
end
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  redis.call('SET', KEYS[3], 'sent', 'PX', ARGV[5])
  return {'known'}
end
if told then
  return {'known'}
end
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[3]) then
  return {'refused', tostring(redis.call('PTTL', KEYS[2]))}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most = tonumber(ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= most then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[4])
end
if redis.call('ZCARD', KEYS[1]) >= most then
  return {'undecided', unpack(redis.call('ZRANGE', KEYS[1], 0, -1))}
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'new'}
