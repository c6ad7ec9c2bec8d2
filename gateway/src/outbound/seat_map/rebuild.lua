-- Stores a seat map that was read from the database, unless the map changed meanwhile.
--
-- KEYS[1]  the map: STRING, two bits per seat
-- KEYS[2]  its version: STRING, raised by whoever publishes the map. A change that finds no map does not raise it: the map is then
--          published as a whole
-- KEYS[3]  availability: HASH free:<category>, held:<category>
-- ARGV[1]  the version before the database was read
-- ARGV[2]  the map's bytes
-- ARGV[3…] pairs of availability field and value
-- Returns  1 if stored, 0 if the version moved or a map is there
--
-- Invariant: a stored map contains every change whose version is at most its own. Cost: 2 reads, 3 writes.

local version = redis.call('GET', KEYS[2]) or '0'
if version ~= ARGV[1] or redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('DEL', KEYS[3])
if #ARGV > 2 then
  redis.call('HSET', KEYS[3], unpack(ARGV, 3))
end
return 1
