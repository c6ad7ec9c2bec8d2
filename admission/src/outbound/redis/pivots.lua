-- Known points of the line for the board: the scores at ranks 0, 1, …, 64, then each rank 5 % further back, and the last.
--
-- KEYS  1 line
-- ARGV  1 most pivots
-- Returns {OK, {rank, score, rank, score, …}} in ascending order
-- Invariant: none to keep; read in one go, so ranks and scores belong together.
-- Cost: about 65 + log(N / 64) / log(1.05) reads of O(log N): 310 for ten million.
local EXACT, STEP = 64, 1.05
local n, most = redis.call('ZCARD', KEYS[1]), tonumber(ARGV[1])
local out, rank = {}, 0
while rank < n and #out < 2 * most do
  local at = redis.call('ZRANGE', KEYS[1], rank, rank, 'WITHSCORES')
  out[#out + 1] = rank
  out[#out + 1] = tonumber(at[2])
  if rank == n - 1 then break end
  local next_rank = rank < EXACT and rank + 1 or math.floor(rank * STEP)
  rank = math.min(next_rank, n - 1)
end
return {'OK', out}
