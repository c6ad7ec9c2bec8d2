-- Locks the seats that a batch of requests names, request by request: all of its seats or none.
--
-- KEYS     lock:<seat> of every named seat, request after request (one seat may stand there several times)
-- ARGV     [1] time to live in ms; then per request: the booking's id, how many keys are its own
-- Returns  the positions in KEYS of seats that somebody else, not of this batch, has locked
--
-- Invariant: advisory. A lock that is lost, or held too long, costs work or a "try again", never a seat.
-- Cost: MGET of all keys, one SET per seat that is not locked yet.
local ttl = ARGV[1]
local own = {}
for i = 2, #ARGV, 2 do
  own[ARGV[i]] = true
end

local holders = {}
for first = 1, #KEYS, 1000 do
  local last = math.min(first + 999, #KEYS)
  local chunk = redis.call('MGET', unpack(KEYS, first, last))
  for i = 1, last - first + 1 do
    holders[first + i - 1] = chunk[i]
  end
end

local busy = {}
local at = 1
for i = 2, #ARGV, 2 do
  local booking, count = ARGV[i], tonumber(ARGV[i + 1])
  local free = true
  for k = at, at + count - 1 do
    if holders[k] and not own[holders[k]] then
      free = false
      busy[#busy + 1] = k
    end
  end
  if free then
    for k = at, at + count - 1 do
      if not holders[k] then
        redis.call('SET', KEYS[k], booking, 'PX', ttl)
      end
    end
  end
  at = at + count
end
return busy
