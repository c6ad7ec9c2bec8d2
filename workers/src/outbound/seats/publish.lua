-- Publishes what one committed batch changed of one event: seat map, availability, delta, replies, locks that have served.
--
-- KEYS     [1] seat map, [2] its version, [3] availability; then lock:<seat> of the seats the batch locked
-- ARGV     [1] channel of deltas, [2] the version the map must at least have, [3] the version it gets; '' for no change of the map;
--          [4] number of changed seats, [5] number of counts, [6] number of replies, [7] the whole map, or ''; then per seat: number,
--          state; then per count: field, value; then per reply: channel, payload; then per lock: the booking's id
-- Returns  1 if the map missed something and must be published as a whole, else 0
--
-- Invariants: a version is a sequence of the event's lane, so a newer one is a later state, whoever publishes it; an older one never
-- replaces it. States and counts are absolute: publishing twice is publishing once.
-- Cost: one BITFIELD per 1,000 seats, one HSET, one PUBLISH per reply and one for the delta, GET and DEL per lock.
local map, version_key, availability = KEYS[1], KEYS[2], KEYS[3]
local deltas, previous, version = ARGV[1], ARGV[2], ARGV[3]
local seats, counts, replies, whole = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local at = 8
local missed = 0

local function set_counts(from)
  local fields = {}
  for i = from, from + 2 * counts - 1 do
    fields[#fields + 1] = ARGV[i]
  end
  redis.call('DEL', availability)
  if #fields > 0 then
    redis.call('HSET', availability, unpack(fields))
  end
end

if version ~= '' then
  local stored = redis.call('EXISTS', map) == 1 and tonumber(redis.call('GET', version_key)) or nil
  if whole ~= '' then
    if not stored or stored <= tonumber(version) then
      redis.call('SET', map, whole)
      redis.call('SET', version_key, version)
      set_counts(at + 2 * seats)
      redis.call('PUBLISH', deltas, '{"version":' .. version .. '}')
    end
  elseif not stored or stored < tonumber(previous) then
    missed = 1
  elseif stored < tonumber(version) then
    local changes = {}
    for first = 0, seats - 1, 1000 do
      local field = {}
      for i = first, math.min(first + 999, seats - 1) do
        local seat, state = ARGV[at + 2 * i], ARGV[at + 2 * i + 1]
        field[#field + 1] = 'SET'
        field[#field + 1] = 'u2'
        field[#field + 1] = '#' .. seat
        field[#field + 1] = state
        changes[#changes + 1] = '[' .. seat .. ',' .. state .. ']'
      end
      redis.call('BITFIELD', map, unpack(field))
    end
    redis.call('SET', version_key, version)
    set_counts(at + 2 * seats)
    redis.call('PUBLISH', deltas,
      '{"previous":' .. previous .. ',"version":' .. version .. ',"changes":[' .. table.concat(changes, ',') .. ']}')
  end
end
at = at + 2 * seats + 2 * counts

for _ = 1, replies do
  redis.call('PUBLISH', ARGV[at], ARGV[at + 1])
  at = at + 2
end

for k = 4, #KEYS do
  if redis.call('GET', KEYS[k]) == ARGV[at + k - 4] then
    redis.call('DEL', KEYS[k])
  end
end
return missed
