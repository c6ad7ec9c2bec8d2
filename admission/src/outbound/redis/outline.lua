-- The line's outline for the board: how long it is, how far turns have come, and the scores at some ranks.
--
-- KEYS  1 room  2 line  3 lobby  4 turns  5 turns of deferred places
-- ARGV  1 now (ms)  then the ranks, ascending
-- Returns {applied, waiting, frontier, the score up to which turns are over, how many stand before the first late place, its score,
--          {score, score, …}, of deferred places how far turns have come, and up to where they are over}; -1 where there is none
-- Invariant: none to keep; read in one go, so all of it follows from the same entries of the log. A closed lobby has no order yet: its
-- ranks stand for its scores.
-- Cost: 7 reads and one of O(log N) per rank in line: 610 ranks for ten million places.
local room, line, lobby, turns, deferred_turns = unpack(KEYS)
local LATE_BASE = '4503599627370496' -- 2^52
local h = redis.call('HMGET', room, 'applied', 'phase', 'frontier', 'deferred_frontier')
local drawn = redis.call('ZCOUNT', line, '-inf', '(' .. LATE_BASE)
local first_late = drawn
if h[2] ~= 'drawn' then
  -- While the lobby is drawn, its places come into line one by one.
  first_late = redis.call('ZCARD', lobby)
end
local waiting = first_late + redis.call('ZCARD', line) - drawn
local passed = redis.call('ZREVRANGEBYSCORE', turns, ARGV[1], '-inf', 'LIMIT', 0, 1)
local deferred_passed = redis.call('ZREVRANGEBYSCORE', deferred_turns, ARGV[1], '-inf', 'LIMIT', 0, 1)
local late = redis.call('ZRANGE', line, drawn, drawn, 'WITHSCORES')

local scores = {}
for i = 2, #ARGV do
  local rank = tonumber(ARGV[i])
  if rank >= waiting then break end
  if h[2] ~= 'drawn' and rank < first_late then
    scores[i - 1] = rank
  else
    local at = rank - first_late + drawn
    scores[i - 1] = tonumber(redis.call('ZRANGE', line, at, at, 'WITHSCORES')[2])
  end
end
return {
  tonumber(h[1] or 0), waiting, tonumber(h[3] or -1), tonumber(passed[1] or -1),
  late[2] and first_late or -1, tonumber(late[2] or -1), scores, tonumber(h[4] or -1), tonumber(deferred_passed[1] or -1),
}
