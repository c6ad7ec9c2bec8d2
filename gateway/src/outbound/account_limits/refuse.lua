-- Refuses a request that was let in, unless copies of it went on.
--
-- KEYS[1]  undecided: ZSET idempotency key -> when it came (ms)
-- KEYS[2]  refusals: STRING, how many since the first of the minute
-- KEYS[3]  copies: STRING, what copies of this request are told, or 'sent'
-- ARGV[1]  the idempotency key
-- ARGV[2]  what copies of it are told from now on
-- ARGV[3]  for how long, ms
-- ARGV[4]  the minute, ms
-- Returns  1: it is refused; 0: copies of it went on, and so must it
--
-- Invariant: what was refused here was not sent under this key by anybody whom Redis knows. Cost: 5 commands.

if redis.call('GET', KEYS[3]) == 'sent' then
  return 0
end
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
redis.call('ZREM', KEYS[1], ARGV[1])
if redis.call('INCR', KEYS[2]) == 1 then
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
return 1
