-- Notes that requests of an account are decided.
--
-- KEYS[1]  undecided: ZSET idempotency key -> when it came (ms)
-- KEYS[2]  refusals: STRING, how many since the first of the minute
-- KEYS[3]  where there is one: copies: STRING, what copies of the one request are told, or 'sent'
-- ARGV[1]  how many of them were refused
-- ARGV[2]  the minute, ms
-- ARGV[3…] their idempotency keys
-- Returns  nothing
--
-- Invariant: a refusal counts once, for the key is noted until then; refusals past the first move the end of the minute not. Cost: one
-- command per key and three more.

local refused = tonumber(ARGV[1])
local noted = 0
for i = 3, #ARGV do
  noted = noted + redis.call('ZREM', KEYS[1], ARGV[i])
end
refused = math.min(refused, noted)
if refused > 0 and redis.call('INCRBY', KEYS[2], refused) == refused then
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
if KEYS[3] then
  redis.call('SET', KEYS[3], 'sent', 'PX', ARGV[2])
end
