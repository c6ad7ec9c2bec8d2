-- Where places stand. Changes nothing.
--
-- KEYS  1 room  2 line  3 lobby  4 admitted  5 sessions  6 gone  7 scores  8 ending  9 turns  10 slots  11 deferred  12 ever deferred
-- ARGV  1 now (ms)  then places
-- Returns {applied, length of the line, then five numbers per place: what, score, until when (ms), end of its slot, since when}; what is one of
--   0 not here | 1 in the lobby (the entry by which it was taken) | 2 in line (score) | 3 admitted (score, claim by)
--   4 inside (score, end of the session, end of the slot, since when)
--   5 let its turn pass, for good | 6 left, or its session is over | 7 deferred (score) | 8 let its turn pass, which may come once more
-- Invariant: none to keep. Who is past their time but not let go yet is already told so.
-- Cost: 3 reads, and at most 8 per place, O(log N).
local room, line, lobby, admitted, sessions, gone, scores, ending, turns, slots, deferred, ever = unpack(KEYS)
local now = tonumber(ARGV[1])

local function passed(place)
  return redis.call('SISMEMBER', ever, place) == 1 and 5 or 8, 0, 0
end

local function find(place)
  -- The lobby first: while it is drawn, its places come into line one by one.
  local score = redis.call('ZSCORE', lobby, place)
  if score then return 1, tonumber(score), 0 end
  score = redis.call('ZSCORE', line, place)
  if score then return 2, tonumber(score), 0 end
  local till = tonumber(redis.call('ZSCORE', sessions, place))
  if till then
    if till <= now then return 6, 0, 0 end
    local score, since = string.match(redis.call('HGET', scores, place) or '', '^(%d+) (%-?%d+)$')
    return 4, tonumber(score or 0), till, tonumber(redis.call('ZSCORE', slots, place) or 0), tonumber(since or 0)
  end
  till = tonumber(redis.call('ZSCORE', admitted, place))
  if till then
    if till <= now then return passed(place) end
    return 3, tonumber(redis.call('HGET', scores, place) or 0), till
  end
  score = redis.call('ZSCORE', deferred, place)
  if score then return 7, tonumber(score), 0 end
  local went = tonumber(redis.call('ZSCORE', gone, place))
  if not went then return 0, 0, 0 end
  if went < 0 then return passed(place) end
  return 6, 0, 0
end

local found = {tonumber(redis.call('HGET', room, 'applied') or 0), math.max(redis.call('ZCARD', line), redis.call('ZCARD', lobby))}
for i = 2, #ARGV do
  local what, score, till, slot, since = find(ARGV[i])
  found[#found + 1] = what
  found[#found + 1] = score
  found[#found + 1] = till
  found[#found + 1] = slot or 0
  found[#found + 1] = since or 0
end
return found
